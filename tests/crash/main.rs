//! The crash matrix: the real binary is ended at every named point of every operation, started again, asked again
//! with the client's key, and its books are checked. Slow on purpose: every row is a shop that dies.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests: what cannot be should stop them, and the matrix is printed"
)]

mod books;
mod clock;
#[cfg(target_os = "linux")]
mod frozen;
#[cfg(target_os = "linux")]
#[path = "../kill/load.rs"]
mod load;
mod matrix;
mod operation;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod storage;
mod table;
mod world;
