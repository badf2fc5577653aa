//! `cargo xtask simulate`: builds the simulation in the release profile, where thousands of seeds take minutes, and
//! passes on what was asked. It says nothing of its own.

use crate::ci::cargo;
use std::{io, path::Path};

const RUN: &[&str] = &["run", "--quiet", "--release", "--package", "souk-sim", "--"];

/// Runs what was asked; answers whether every seed kept its promises.
pub(crate) fn run(root: &Path, wish: &[&str]) -> io::Result<bool> {
    let words: Vec<&str> = RUN.iter().chain(wish).copied().collect();
    Ok(cargo(root, &words).status()?.success())
}
