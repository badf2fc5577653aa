//! The binaries under test, built from this workspace once a run: the shop as everybody gets it, and the same
//! shop with fail points. Never a binary that somebody else built, unless `SOUK_TEST_BINARY` names it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Which build of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As everybody gets it.
    Plain,
    /// With fail points and a clock that can be put wrong.
    FailPoints,
}

impl Build {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "souk",
            Self::FailPoints => "souk-failpoints",
        }
    }

    /// What Cargo calls it, and the folder that it puts it in.
    const fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("--bin", ""),
            Self::FailPoints => ("--example", "examples"),
        }
    }

    /// Where the binary is.
    pub(crate) fn path(self) -> &'static Path {
        static PLAIN: OnceLock<PathBuf> = OnceLock::new();
        static FAIL_POINTS: OnceLock<PathBuf> = OnceLock::new();
        match self {
            Self::Plain => PLAIN.get_or_init(|| {
                std::env::var_os("SOUK_TEST_BINARY").map_or_else(|| built(self), PathBuf::from)
            }),
            Self::FailPoints => FAIL_POINTS.get_or_init(|| built(self)),
        }
    }
}

/// The binary `souk`, built from this workspace, or the one that `SOUK_TEST_BINARY` names.
pub fn binary() -> &'static Path {
    Build::Plain.path()
}

fn built(which: Build) -> PathBuf {
    let folder = std::env::current_exe().expect("the test's own path");
    let profile_folder = folder
        .ancestors()
        .nth(2)
        .expect("target/PROFILE/deps/test")
        .to_owned();
    // nextest runs each test in a process of its own: the first of a run builds, the others see that it did.
    let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_default();
    let mark = profile_folder.join(format!(".{}-test-run", which.name()));
    let lock =
        File::create(mark.with_extension("lock")).expect("the target folder can be written to");
    lock.lock().expect("a lock");
    if run.is_empty() || std::fs::read_to_string(&mark).unwrap_or_default() != run {
        build(which, &profile_folder);
        std::fs::write(&mark, &run).expect("the target folder can be written to");
    }
    profile_folder.join(which.kind().1).join(which.name())
}

fn build(which: Build, profile_folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = std::process::Command::new(cargo);
    build.args(["build", "--quiet", "--workspace"]);
    build.args([which.kind().0, which.name()]);
    if profile_folder.ends_with("release") {
        build.arg("--release");
    }
    if which == Build::FailPoints {
        // As the other profile has them anyway: there are no fail points without.
        build.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the workspace");
    let status = build.current_dir(workspace).status().expect("cargo runs");
    assert!(status.success(), "the binary does not build");
}
