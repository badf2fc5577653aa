//! The rules of webhooks: who is told what, what is signed how, when is tried again. No store, no clock, no network.

pub(crate) mod endpoint;
mod goods;
pub(crate) mod public;
pub(crate) mod schedule;
pub(crate) mod signature;
