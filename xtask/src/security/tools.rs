//! Other people's tools: programs of Debian's packages, programs of Python's and Node's. What is missing is installed
//! where that may be done; the latter go into folders of their own and touch nothing else.

use super::Stand;
use crate::{ci, servers};
use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program of a Debian package; an error says how to get it.
pub(crate) fn debian(program: &str, package: &str) -> Result<PathBuf, String> {
    let find = || {
        let folders = servers::folders();
        let mut places = folders.iter().map(|folder| folder.join(program));
        places.find(|place| place.is_file())
    };
    if find().is_none() && servers::may_install() {
        servers::install(&[package]);
    }
    find().ok_or_else(|| format!("{program} is not here: `apt-get install {package}`"))
}

/// A program of a Python package in this very version; an error says how to get it.
pub(crate) fn python(
    stand: &Stand,
    program: &str,
    package: &str,
    version: &str,
) -> io::Result<Result<PathBuf, String>> {
    python_with(stand, program, (package, version), &[])
}

/// The same, installed with more words.
pub(crate) fn python_with(
    stand: &Stand,
    program: &str,
    (package, version): (&str, &str),
    words: &[&str],
) -> io::Result<Result<PathBuf, String>> {
    let folder = stand.folder.join(format!("{package}-{version}"));
    let found = folder.join("bin").join(program);
    let wanted = format!("{package}=={version}");
    if !found.is_file() {
        let made = quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let pip = folder.join("bin/pip");
        let mut install = Command::new(pip);
        install
            .args(["install", "--quiet"])
            .args(words)
            .arg(&wanted);
        if !made || !quietly(&mut install) {
            // Half an installation would be taken for a whole one next time.
            remove(&folder)?;
            return Ok(Err(format!(
                "{program} is not here: python3 with venv, and `pip install {wanted}` into {}",
                folder.display()
            )));
        }
    }
    Ok(Ok(found))
}

/// A program of a crate in this very version, built into a folder of its own; an error says how to get it.
pub(crate) fn rust(
    stand: &Stand,
    package: &str,
    version: &str,
) -> io::Result<Result<PathBuf, String>> {
    let folder = stand.folder.join(format!("{package}-{version}"));
    let program = folder.join("bin").join(package);
    let wanted = format!("{package}@{version}");
    if !program.is_file() {
        let words = ["install", "--locked", "--quiet", &wanted, "--root"];
        if !quietly(ci::cargo(&stand.root, &words).arg(&folder)) {
            remove(&folder)?;
            return Ok(Err(format!(
                "{package} is not here: `cargo install {wanted}`"
            )));
        }
    }
    Ok(Ok(program))
}

/// Packages of npm in these very versions (`NAME@VERSION`), in a folder of their own, without their scripts; an error
/// says how to get them.
pub(crate) fn npm(
    stand: &Stand,
    name: &str,
    packages: &[&str],
) -> io::Result<Result<PathBuf, String>> {
    let folder = stand.folder.join(name);
    // It is there once everything is.
    let whole = folder.join(packages.join(" ").replace('/', "-"));
    if !whole.is_file() {
        remove(&folder)?;
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new("npm");
        command.args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
        ]);
        if !quietly(command.arg(&folder).args(packages)) {
            remove(&folder)?;
            return Ok(Err(format!(
                "not here: node with npm, and `npm install {}` into {}",
                packages.join(" "),
                folder.display()
            )));
        }
        std::fs::write(whole, "")?;
    }
    Ok(Ok(folder))
}

/// The search path with the folder of this program before all others.
pub(crate) fn path_with(program: &Path) -> io::Result<OsString> {
    let own = program.parent().map(Path::to_owned);
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(own.into_iter().chain(env::split_paths(&rest))).map_err(io::Error::other)
}

fn quietly(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Removes a folder that may not be there.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
