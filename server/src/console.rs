//! What commands say on standard output and standard error. Logs do not go this way.

use std::{fmt::Display, io::Write};

/// A line on standard output. A closed pipe is nobody's fault.
pub(crate) fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// A line on standard error.
pub(crate) fn complain(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
