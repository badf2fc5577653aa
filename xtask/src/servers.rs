//! Other people's servers that tests talk to: what is missing is installed from Debian's packages where that may be
//! done, and named where it may not. It starts none of them: tests do that, on free ports, in temporary folders.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Set to 1, it lets tests pass over servers that are not installed. They say so.
pub(crate) const SKIP: &str = "SOUK_TEST_SKIP_SERVERS";

/// A server, by any of its programs, and the package that brings it.
struct Server {
    name: &'static str,
    programs: &'static [&'static str],
    package: &'static str,
}

const SERVERS: &[Server] = &[
    Server {
        name: "PostgreSQL",
        programs: &["postgres"],
        package: "postgresql",
    },
    Server {
        name: "NATS",
        programs: &["nats-server"],
        package: "nats-server",
    },
    Server {
        name: "Redis",
        programs: &["redis-server", "valkey-server"],
        package: "redis-server",
    },
    Server {
        name: "HAProxy",
        programs: &["haproxy"],
        package: "haproxy",
    },
    Server {
        name: "nginx",
        programs: &["nginx"],
        package: "nginx",
    },
];

/// Where servers are that are not on everybody's path.
const FOLDERS: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"];
/// Debian keeps PostgreSQL's programs in a folder a version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Makes sure of the servers; true if all are there in the end.
pub(crate) fn provide(out: &mut dyn Write) -> io::Result<bool> {
    let packages: Vec<&str> = missing().map(|server| server.package).collect();
    if !packages.is_empty() && may_install() {
        writeln!(out, "ci: installing {}", packages.join(", "))?;
        install(&packages);
    }
    for server in missing() {
        let Server { name, package, .. } = server;
        writeln!(out, "ci: {name} is not here: `apt-get install {package}`")?;
    }
    Ok(missing().next().is_none())
}

fn missing() -> impl Iterator<Item = &'static Server> {
    let folders = folders();
    SERVERS.iter().filter(move |server| {
        let mut programs = server.programs.iter();
        !programs.any(|program| folders.iter().any(|folder| folder.join(program).is_file()))
    })
}

pub(crate) fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(FOLDERS.iter().map(PathBuf::from));
    if let Ok(versions) = fs::read_dir(POSTGRESQL) {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders
}

pub(crate) fn may_install() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    is_root && Path::new("/usr/bin/apt-get").exists()
}

/// What cannot be installed stays missing, and is said afterwards.
pub(crate) fn install(packages: &[&str]) {
    for words in [
        &["update", "-qq"] as &[&str],
        &["install", "-y", "-qq", "--no-install-recommends"],
    ] {
        let mut command = Command::new("apt-get");
        command
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // Nothing is started: tests start what they need.
            .env("RUNLEVEL", "1");
        if words.first() == Some(&"install") {
            command.args(packages);
        }
        drop(command.status());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_program_and_a_package_of_its_own() {
        let packages: std::collections::BTreeSet<_> =
            SERVERS.iter().map(|server| server.package).collect();
        assert_eq!(packages.len(), SERVERS.len());
        assert!(SERVERS.iter().all(|server| !server.programs.is_empty()));
    }
}
