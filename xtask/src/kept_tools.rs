//! What the tests of the clients in other languages need beside a shop: what their lock files name, kept below `target`
//! from run to run. It is fetched once, and again when a lock file changes; nothing is asked of a registry otherwise.

use crate::{
    parts::{Outcome, Stand},
    security::tools,
    servers,
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Set to 1, it lets tests pass over clients whose tools are not here. They say so.
pub(crate) const SKIP: &str = "SOUK_TEST_SKIP_CLIENTS";

/// Where they are kept, a folder for each client.
const FOLDER: &str = "target/clients/tools";
/// Beside them once all of them are there: the text of the lock file that they are of.
const WHOLE: &str = "whole";
/// Says by its exit code whether this is what `engines` of the client asks for.
const NODE: &str = "const [a, b] = process.versions.node.split('.').map(Number);
process.exit(a > 20 || (a === 20 && b >= 3) ? 0 : 1)";

/// What one client's tests need.
struct Tools {
    client: &'static str,
    /// Names all of it, in the client's folder.
    lock: &'static str,
    /// Debian's packages that bring what fetches and runs it.
    packages: &'static [&'static str],
    /// How to get it by hand.
    needed: &'static str,
    /// Whether what fetches it is here.
    has_base: fn() -> bool,
    /// Whether what was fetched still runs.
    runs: fn(&Path) -> bool,
    fetch: fn(client: &Path, folder: &Path) -> io::Result<bool>,
}

const TOOLS: [Tools; 2] = [
    Tools {
        client: "typescript",
        lock: "package-lock.json",
        packages: &["nodejs", "npm"],
        needed: "node 20.3 or later with npm, and what its package-lock.json names",
        has_base: || {
            quietly(Command::new("node").args(["-e", NODE]))
                && quietly(Command::new("npm").arg("--version"))
        },
        runs: |_| quietly(Command::new("node").args(["-e", NODE])),
        fetch: fetch_typescript,
    },
    Tools {
        client: "python",
        lock: "requirements.txt",
        packages: &["python3", "python3-venv"],
        needed: "python3 with venv, and what its requirements.txt names",
        has_base: || quietly(Command::new("python3").args(["-c", "import ensurepip, venv"])),
        runs: |folder| quietly(Command::new(python(folder)).args(["-c", "import httpx"])),
        fetch: fetch_python,
    },
];

/// Makes sure of all of them; true if they are there in the end. What is not is named.
pub(crate) fn provide(root: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let mut all_there = true;
    for tools in &TOOLS {
        let is_there = tools.provide(root, out)?;
        if !is_there {
            let Tools { client, needed, .. } = tools;
            writeln!(
                out,
                "ci: what tries the client in {client} is not here: {needed}"
            )?;
        }
        all_there &= is_there;
    }
    Ok(all_there)
}

/// The same as a part of `cargo xtask clients`.
pub(crate) fn part(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let folder = stand.root.join(FOLDER);
    Ok(if provide(&stand.root, out)? {
        Outcome::Passed(format!("all of it: {}", folder.display()))
    } else {
        Outcome::NotRun("what is named above".to_owned())
    })
}

impl Tools {
    fn provide(&self, root: &Path, out: &mut dyn Write) -> io::Result<bool> {
        let client = root.join("clients").join(self.client);
        let lock = fs::read_to_string(client.join(self.lock))?;
        let folder = root.join(FOLDER).join(self.client);
        let whole = folder.join(WHOLE);
        if fs::read_to_string(&whole).is_ok_and(|of| of == lock) && (self.runs)(&folder) {
            return Ok(true);
        }
        if !(self.has_base)() && servers::may_install() {
            writeln!(out, "ci: installing {}", self.packages.join(", "))?;
            servers::install(self.packages);
        }
        if !(self.has_base)() {
            return Ok(false);
        }
        writeln!(out, "ci: fetching what tries the client in {}", self.client)?;
        // Half of it would be taken for all of it.
        tools::remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let is_there = (self.fetch)(&client, &folder)?;
        if is_there {
            fs::write(whole, lock)?;
        }
        Ok(is_there)
    }
}

fn fetch_typescript(client: &Path, folder: &Path) -> io::Result<bool> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(client.join(file), folder.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--silent",
        // A registry that does not answer keeps nobody waiting for its defaults, which are minutes.
        "--fetch-timeout=30000",
        "--fetch-retries=1",
    ]);
    Ok(quietly(npm.current_dir(folder)))
}

fn fetch_python(client: &Path, folder: &Path) -> io::Result<bool> {
    let mut pip = Command::new(python(folder));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--timeout=30",
        "--retries=1",
        "-r",
    ]);
    pip.arg(client.join("requirements.txt"));
    let is_made = quietly(Command::new("python3").args(["-m", "venv"]).arg(folder));
    Ok(is_made && quietly(&mut pip))
}

fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

fn quietly(command: &mut Command) -> bool {
    let streams = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    streams.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of nothing but a client's lock file.
    fn workspace(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("souk-tools-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("clients/python")).unwrap();
        fs::write(root.join("clients/python/requirements.txt"), "one==1\n").unwrap();
        root
    }

    fn tools(fetch: fn(&Path, &Path) -> io::Result<bool>) -> Tools {
        Tools {
            client: "python",
            lock: "requirements.txt",
            packages: &[],
            needed: "nothing",
            has_base: || true,
            runs: |_| true,
            fetch,
        }
    }

    #[test]
    fn what_is_there_is_not_fetched_again_until_its_lock_file_changes() {
        let root = workspace("again");
        let (fails, works) = (tools(|_, _| Ok(false)), tools(|_, _| Ok(true)));
        let provided = |tools: &Tools| {
            let mut out = Vec::new();
            let is_there = tools.provide(&root, &mut out).unwrap();
            (is_there, !out.is_empty())
        };
        assert_eq!(provided(&fails), (false, true));
        assert_eq!(provided(&works), (true, true));
        assert_eq!(provided(&fails), (true, false), "nothing is fetched");
        fs::write(root.join("clients/python/requirements.txt"), "one==2\n").unwrap();
        assert_eq!(provided(&fails), (false, true));
        assert_eq!(provided(&fails), (false, true), "half of it is nothing");
        fs::remove_dir_all(root).unwrap();
    }
}
