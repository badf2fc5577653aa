//! Real shops for tests: the real binary on a free port with a folder of its own, and clients who talk to it.
//! No mocks, and nothing that a user could not do. Only tests may depend on this.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod client;
mod process;

pub use client::{Answer, Client};
pub use process::{Shop, binary, run};
