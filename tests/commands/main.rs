//! The commands of the real binary, as somebody at a terminal sees them: what they say, where, and how they
//! end. Never reads the shop's files behind its back, except to damage them.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests: what cannot be should stop them"
)]

mod admin;
mod again;
mod backup;
mod bench;
mod bring;
mod config;
mod daily;
mod demo;
mod doctor;
mod elsewhere;
mod events;
mod files;
mod import;
mod keys;
mod migrate;
mod price_lists;
mod refusals;
mod replay;
mod round;
mod serve;
mod signing;
mod slugs;
mod verify;

use std::io::Write;
use testkit::Said;

/// Checks that a command refused with one plain line, and gives that line.
fn refusal(said: &Said) -> &str {
    assert_eq!(said.code, 1, "{said:?}");
    let mut lines = said.err.lines().filter(|line| line.starts_with("souk: "));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no plain line: {said:?}"));
    assert_eq!(lines.next(), None, "{said:?}");
    assert!(!said.err.contains("panicked"), "{said:?}");
    line
}

/// A line about this run for whoever reads the log.
fn note(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
