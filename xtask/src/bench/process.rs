//! Servers of a run: started on free ports of loopback, waited for until they answer, looked at while they run, and
//! ended as their makers wish it (SIGTERM), with their workers.

use super::client::{Client, micros};
use std::{
    fs::{self, File},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a start may take, and an end; under valgrind either is fifty times as long.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is asked whether it answers: half a millisecond is small beside any start.
const TICK: Duration = Duration::from_micros(500);

pub(super) struct Server {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
    /// From its start to its first answer, in microseconds.
    pub(super) started: u64,
}

impl Server {
    /// Starts it; it is there once it answers 200 at that path. Its words go into a file.
    pub(super) fn start(
        command: &mut Command,
        address: String,
        path: &str,
        log: &Path,
    ) -> io::Result<Self> {
        let log = File::create(log)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let begun = Instant::now();
        let process = command.spawn()?;
        let mut server = Self {
            process,
            address,
            started: 0,
        };
        let request = get(path, &server.address, "");
        while !server.answers(&request) {
            if begun.elapsed() > PATIENCE || server.process.try_wait()?.is_some() {
                let program = command.get_program().to_string_lossy();
                return Err(io::Error::other(format!("{program} does not answer")));
            }
            thread::park_timeout(TICK);
        }
        server.started = micros(begun.elapsed());
        Ok(server)
    }

    fn answers(&self, request: &str) -> bool {
        let Ok(mut client) = Client::open(&self.address) else {
            return false;
        };
        let heard = client.ask(request.as_bytes()).map(|heard| heard.status);
        heard.is_ok_and(|status| status == 200)
    }

    /// What it has in memory, its workers included, in KiB. Pages that they share count for each.
    pub(super) fn memory_kib(&self) -> u64 {
        let all = family(self.process.id());
        all.into_iter().map(memory_of).sum()
    }

    /// Files, sockets and the like that it holds open.
    pub(super) fn handles(&self) -> u64 {
        let held = fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        held.map_or(0, |held| u64::try_from(held.count()).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        // Killed, some would leave their workers behind.
        drop(Command::new("kill").args(["-TERM", &id]).status());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The process and those that it started, and those that they did.
fn family(id: u32) -> Vec<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    let mut all = vec![id];
    for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
        all.extend(family(child));
    }
    all
}

fn memory_of(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

/// A port of loopback that nobody has.
pub(super) fn free_address() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

/// A request without a body; each of the further lines ends with CRLF.
pub(super) fn get(path: &str, address: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{lines}\r\n")
}

/// A folder that is empty.
pub(super) fn emptied(folder: PathBuf) -> io::Result<PathBuf> {
    crate::security::tools::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
