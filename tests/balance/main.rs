//! The door in front of several nodes, and other people's balancers in front of shops: who gets what, what is
//! sent twice and what never, and that nobody is turned away while nodes come and go.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: what cannot be should stop them"
)]

mod again;
mod discovery;
mod door;
mod hops;
mod life;
mod manifests;
mod node;
mod proxies;
mod rolling;
mod shipped;
mod smuggled;
mod spread;
mod yaml;

use std::io::Write;

/// A line about this run for whoever reads the log.
fn note(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
