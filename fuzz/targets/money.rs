//! `fuzz::money` as a target of `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::money(bytes));
