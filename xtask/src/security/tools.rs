//! Other people's tools: programs of Debian's packages, programs of Python's and Node's. What is missing is installed
//! where that may be done; the latter go into folders of their own and touch nothing else.

use super::Stand;
use crate::servers;
use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program of a Debian package; an error says how to get it.
pub(super) fn debian(program: &str, package: &str) -> Result<PathBuf, String> {
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
pub(super) fn python(
    stand: &Stand,
    program: &str,
    package: &str,
    version: &str,
) -> io::Result<Result<PathBuf, String>> {
    let folder = stand.folder.join(format!("{package}-{version}"));
    let found = folder.join("bin").join(program);
    let wanted = format!("{package}=={version}");
    if !found.is_file() {
        let made = quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let pip = folder.join("bin/pip");
        if !made || !quietly(Command::new(pip).args(["install", "--quiet", &wanted])) {
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

/// The folder of a package of Node's in this very version; an error says how to get it. Nothing that it brings is run
/// while it is installed.
pub(super) fn node(
    stand: &Stand,
    package: &str,
    version: &str,
) -> io::Result<Result<PathBuf, String>> {
    let folder = stand.folder.join(format!("{package}-{version}"));
    let wanted = format!("{package}@{version}");
    if !folder.join("node_modules").join(package).is_dir() {
        std::fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ])
        .args(["--prefix".as_ref(), folder.as_os_str(), wanted.as_ref()]);
        if !quietly(&mut npm) {
            // Half an installation would be taken for a whole one next time.
            remove(&folder)?;
            return Ok(Err(format!(
                "{package} is not here: node with npm, and `npm install {wanted}` into {}",
                folder.display()
            )));
        }
    }
    Ok(Ok(folder))
}

fn quietly(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Removes a folder that may not be there.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
