//! How any service of the shop runs: configuration, telemetry, tasks, HTTP, calls, limits, storage, batches, events.
//! It knows no service: whatever only one service needs lives there.

pub mod balance;
pub mod batch;
pub mod bus;
pub mod cache;
pub mod call;
pub mod clock;
pub mod config;
pub mod db;
pub mod deadline;
pub mod digest;
pub mod exposition;
pub mod fault;
pub mod http;
pub mod lane;
pub mod limit;
pub mod mail;
pub mod metrics;
pub mod outbox;
pub mod outward;
pub mod process;
pub mod redis;
pub mod tasks;
pub mod telemetry;
pub mod trace;
pub mod trail;
