//! The binary's inside: configuration, wiring of all services, and the commands. The only crate that knows
//! every service. No rule of the shop lives here.

mod alike;
pub mod args;
mod audit;
pub mod backup;
mod balancer;
pub mod commands;
pub mod config;
mod console;
pub mod daily_args;
mod data;
mod demo;
pub mod demo_args;
mod doors;
mod entrance;
mod events;
mod export;
pub mod file_args;
mod follow;
mod inside;
pub mod key_args;
mod life;
mod openapi;
mod ops;
mod peers;
mod people;
mod places;
pub mod shop;
pub mod target;
mod told;
pub mod watch;
mod wiring;
