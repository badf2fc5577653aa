//! The crash matrix: the real binary is ended at every named point of every operation, started again, asked again
//! with the client's key, and its books are checked. Slow on purpose: every row is a shop that dies. On Linux only:
//! `cargo xtask ci` says so where it is not run.
#![cfg(target_os = "linux")]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests: what cannot be should stop them, and the matrix is printed"
)]

mod books;
mod clock;
mod frozen;
#[path = "../kill/load.rs"]
mod load;
mod matrix;
mod operation;
mod power;
mod storage;
mod table;
mod world;
