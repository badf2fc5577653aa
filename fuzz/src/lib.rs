//! What is fuzzed, a function a target: it takes bytes, and panics where a promise does not hold. The targets of
//! `cargo fuzz` only call them; `corpus` keeps few inputs that reach far, and `tests/corpora.rs` runs those each time.
//! Nothing here reads what a shop answers to people: only whether it stands.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fuzzed promise that does not hold stops the fuzzer"
)]

mod doors;
mod shop;
mod texts;

pub use doors::{bodies, callbacks, heads, queries};
pub use texts::{money, read_and_write, values};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("values", values),
    ("money", money),
    ("bodies", bodies),
    ("callbacks", callbacks),
    ("queries", queries),
    ("heads", heads),
];
