//! `cargo xtask security`: what takes longer than tests may, mostly other people's tools against a shop of our own on
//! loopback. Each tool's own closing lines are printed; what could not be had is said, and is no success.

mod contract;
mod fuzz;
pub(crate) mod http;
mod injections;
mod login;
mod openid;
mod pages;
mod rounds;
mod secrets;
pub(crate) mod shop;
mod slow;
pub(crate) mod storm;
pub(crate) mod tools;

use crate::ci;
use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// How a part ended, and its last words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed(String),
    Failed(String),
    NotRun(String),
}

/// What every part works with.
pub(crate) struct Stand {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// The shop's binary.
    pub(crate) binary: PathBuf,
    /// Where parts keep what they need: tools, shops, reports.
    pub(crate) folder: PathBuf,
}

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Stand, &mut dyn Write) -> io::Result<Outcome>,
}

const PARTS: &[Part] = &[
    Part {
        name: "contract",
        what: "schemathesis asks everything that the document says, and what it does not say",
        run: contract::run,
    },
    Part {
        name: "secrets",
        what: "no secret of that run is in its logs, its database or its answers",
        run: secrets::run,
    },
    Part {
        name: "login",
        what: "an unknown user takes as long as a wrong password",
        run: login::run,
    },
    Part {
        name: "openid",
        what: "a certified provider of identities signs people in",
        run: openid::run,
    },
    Part {
        name: "slow-head",
        what: "a thousand connections whose heads do not come, by slowhttptest, and what others notice of them",
        run: slow::head,
    },
    Part {
        name: "slow-body",
        what: "the same with bodies that do not come",
        run: slow::body,
    },
    Part {
        name: "slow-read",
        what: "the same with answers that are not read",
        run: slow::read,
    },
    Part {
        name: "storm",
        what: "a storm of sign-ins, and what somebody notices of it who buys",
        run: storm::run,
    },
    Part {
        name: "injections",
        what: "sqlmap at level 2 against every parameter and field of the document",
        run: injections::run,
    },
    Part {
        name: "pages",
        what: "axe on every page in a real browser, light and dark, wide and narrow",
        run: pages::run,
    },
    Part {
        name: "fuzz",
        what: "libFuzzer at every parser of ours, ten minutes each (SOUK_FUZZ_SECONDS)",
        run: fuzz::run,
    },
];

/// Names another binary than the one that is built here, for tests and for this.
const BINARY: &str = "SOUK_TEST_BINARY";

/// Whether a wish means this part: by its name, or by the first word of it.
fn means(wish: &str, name: &str) -> bool {
    name == wish || name.split_once('-').is_some_and(|(first, _)| first == wish)
}

/// Runs the parts that are wished for, or all; answers whether all passed.
pub(crate) fn run(root: &Path, wish: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    carry_out(root, "security", PARTS, wish, out)
}

/// Runs those of these parts that are wished for, or all, in a folder of this name; answers whether all passed.
pub(crate) fn carry_out(
    root: &Path,
    word: &str,
    parts: &[Part],
    wish: &[&str],
    out: &mut dyn Write,
) -> io::Result<bool> {
    if let Some(unknown) = wish
        .iter()
        .find(|name| parts.iter().all(|part| !means(name, part.name)))
    {
        for part in parts {
            writeln!(out, "{:<10} {}", part.name, part.what)?;
        }
        return Err(io::Error::other(format!("there is no part {unknown}")));
    }
    let stand = Stand {
        root: root.to_owned(),
        binary: binary(root)?,
        folder: root.join("target").join(word),
    };
    std::fs::create_dir_all(&stand.folder)?;
    let mut passed = true;
    let wished = |part: &&Part| wish.is_empty() || wish.iter().any(|wish| means(wish, part.name));
    for part in parts.iter().filter(wished) {
        writeln!(out, "{word}: {}: {}", part.name, part.what)?;
        let outcome = (part.run)(&stand, out)?;
        passed &= matches!(outcome, Outcome::Passed(_));
        let (ended, said) = match outcome {
            Outcome::Passed(said) => ("passed", said),
            Outcome::Failed(said) => ("FAILED", said),
            Outcome::NotRun(said) => ("NOT RUN", said),
        };
        writeln!(out, "{word}: {}: {ended}: {said}", part.name)?;
    }
    Ok(passed)
}

fn binary(root: &Path) -> io::Result<PathBuf> {
    if let Some(named) = env::var_os(BINARY) {
        return std::path::absolute(named);
    }
    let built = ci::cargo(root, &["build", "--release", "--bin", "souk"]).status()?;
    if !built.success() {
        return Err(io::Error::other("the shop could not be built"));
    }
    Ok(root.join("target/release/souk"))
}
