//! The binary's inside: configuration, wiring of all services, and the commands. The only crate that knows
//! every service. No rule of the shop lives here.

pub mod args;
mod audit;
pub mod commands;
pub mod config;
mod console;
mod data;
mod demo;
mod openapi;
mod ops;
mod places;
pub mod shop;
mod wiring;
