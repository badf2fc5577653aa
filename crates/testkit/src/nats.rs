//! A real NATS server with JetStream for tests, on a free port with a folder of its own: stopped, killed, robbed of
//! all it stored, and started again on the same port. It goes with its handle, and with the test's process.
#![expect(clippy::print_stdout, reason = "a test says what it does without")]

use crate::{
    folder::Folder,
    servers::{found, free_ports, remove_afterwards},
};
use std::{
    io::Read,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than any start takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where Debian puts servers, which is not in everybody's path.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A running NATS server.
#[derive(Debug)]
pub struct Nats {
    folder: Folder,
    port: u16,
    server: PathBuf,
    process: Option<Child>,
}

impl Nats {
    /// A server, or nothing if there is none on this machine and the tests may do without.
    ///
    /// # Panics
    /// When there is none and nobody said `SOUK_TEST_SKIP_SERVERS=1`.
    pub async fn start() -> Option<Self> {
        let server = found("NATS", "nats-server", newest_server())?;
        let mut nats = Self {
            folder: Folder::default(),
            port: 0,
            server,
            process: None,
        };
        remove_afterwards(nats.folder.path());
        for port in free_ports() {
            nats.port = port;
            if nats.runs().await {
                return Some(nats);
            }
        }
        panic!("the NATS server ended on each port: are all of them taken?")
    }

    /// A port with no server behind it yet: `restart` starts it.
    ///
    /// # Panics
    /// As `start` does.
    pub async fn later() -> Option<Self> {
        let mut nats = Self::start().await?;
        nats.kill();
        nats.wipe();
        Some(nats)
    }

    /// Where it answers, as the setting `bus`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Sends it a signal, such as `STOP` or `CONT`.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("it runs").id().to_string();
        let told = Command::new("kill").args(["-s", name, &process]).status();
        assert!(told.expect("kill runs").success(), "it runs");
    }

    /// Asks it to stop, and waits.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn stop(&mut self) {
        self.signal("TERM");
        let mut process = self.process.take().expect("it runs");
        until("it stops", || {
            process.try_wait().expect("a process").is_some()
        })
        .await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Forgets all that was stored. It must not run.
    pub fn wipe(&self) {
        assert!(self.process.is_none(), "a running server is not wiped");
        drop(std::fs::remove_dir_all(self.folder.at("store")));
    }

    /// Starts it again, on the same port and store.
    ///
    /// # Panics
    /// When it ends at once, again and again.
    pub async fn restart(&mut self) {
        self.kill();
        let begun = Instant::now();
        // Others may have the port for a moment, for a connection of theirs.
        while !self.runs().await {
            let port = self.port;
            assert!(
                begun.elapsed() < PATIENCE,
                "the NATS server ended: port {port} is taken?"
            );
        }
    }

    /// Starts it; whether it greets, or has ended.
    async fn runs(&mut self) -> bool {
        let config = self.config();
        // A server dies with the thread that started it, so also when the test is killed.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(&self.server)
            .args(["-c", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv of util-linux");
        let (port, mut has_ended) = (self.port, false);
        until("the NATS server greets", || {
            has_ended = process.try_wait().expect("a process").is_some();
            has_ended || greets(port)
        })
        .await;
        self.process = Some(process);
        !has_ended
    }

    /// Every message on the disk before it is acknowledged, where the server knows how (since 2.10).
    fn config(&self) -> String {
        let text = |sync: &str| {
            let store = self.folder.at("store");
            format!(
                "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: \"{store}\"{sync} }}\n",
                self.port
            )
        };
        let careful = self
            .folder
            .write("careful.conf", text(", sync_interval: always"));
        if accepts(&self.server, &careful) {
            return careful;
        }
        println!("this nats-server knows no sync_interval: it runs without");
        self.folder.write("plain.conf", text(""))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The one that `SOUK_NATS_SERVER` names, or else the newest of those in the path.
fn newest_server() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SOUK_NATS_SERVER") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SERVER_FOLDERS.map(PathBuf::from));
    folders
        .map(|folder| folder.join("nats-server"))
        .filter_map(|server| Some((version(&server)?, server)))
        .max_by(|one, other| one.0.cmp(&other.0))
        .map(|(_, server)| server)
}

fn version(server: &Path) -> Option<Vec<u32>> {
    let said = Command::new(server).arg("--version").output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let numbers = text.trim().rsplit('v').next()?;
    numbers
        .split('.')
        .map(|number| number.parse().ok())
        .collect()
}

fn accepts(server: &Path, config: &str) -> bool {
    let checked = Command::new(server).args(["-t", "-c", config]).output();
    checked.expect("the server runs").status.success()
}

/// A server says who it is as soon as somebody connects.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut greeting = [0; 4];
    let soon = Some(Duration::from_secs(1));
    stream.set_read_timeout(soon).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && greeting == *b"INFO"
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
