//! Real PostgreSQL servers for tests, on free ports, in temporary folders. They end with the process that started
//! them, however that ends. One server serves all suites of a process, with a database for each test; a test that
//! breaks its server starts one of its own.

use crate::{folder::Folder, servers};
use platform::{
    db::postgres::{Options, Place},
    tasks::Tasks,
};
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Where Debian keeps the programs, newest first, if they are not on the path.
const FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

/// Longer than killed servers take to go, even on a busy machine; and than others keep a port.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who runs it when we are root, whom PostgreSQL refuses.
pub(crate) const USER: &str = "postgres";

const OPTIONS: Options = Options {
    connections_max: 8,
    connection_wait_ms: 5_000,
    connect_timeout_ms: 2_000,
    statement_timeout_ms: 10_000,
    lock_timeout_ms: 5_000,
    idle_in_transaction_timeout_ms: 20_000,
    write_timeout_ms: 20_000,
    outcome_wait_ms: 10_000,
    start_wait_ms: 20_000,
    migrate: true,
    migrate_wait_ms: 20_000,
};

/// A running server with a folder of its own, which goes with it.
#[derive(Debug)]
pub struct Postgres {
    folder: Folder,
    programs: PathBuf,
    port: u16,
    settings: Vec<(&'static str, &'static str)>,
    process: Mutex<Option<Child>>,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Postgres {
    /// The server that all suites of this process share. It promises nothing after a crash: it is fast.
    /// `None` only where servers may be skipped; that was said then.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        let settings = vec![
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
        ];
        SHARED.get_or_init(|| Self::start_with(settings)).as_ref()
    }

    /// A server of its own that keeps what it acknowledged.
    pub fn start() -> Option<Self> {
        Self::start_with(Vec::new())
    }

    /// A server of its own with these settings.
    pub fn start_with(settings: Vec<(&'static str, &'static str)>) -> Option<Self> {
        Self::start_on(settings, servers::free_ports())
    }

    /// The same on the first of these ports that nobody else has.
    fn start_on(
        settings: Vec<(&'static str, &'static str)>,
        ports: impl IntoIterator<Item = u16>,
    ) -> Option<Self> {
        let programs = programs()?;
        let folder = Folder::default();
        servers::remove_afterwards(folder.path());
        initialise(&programs, folder.path());
        let mut server = Self {
            folder,
            programs,
            port: 0,
            settings,
            process: Mutex::new(None),
        };
        for port in ports {
            server.port = port;
            match server.run() {
                Ok(()) => return Some(server),
                Err(said) => assert!(servers::is_taken(&said), "PostgreSQL did not start: {said}"),
            }
        }
        panic!("PostgreSQL did not start: others had all ports before it")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new, empty database on it: its address.
    pub fn database(&self) -> String {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The address of a database on it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The place of a service in a new database, with bounds that suit tests.
    pub fn place(&self, service: &'static str) -> Place {
        self.place_at(self.database(), service)
    }

    /// The place of a service in the database at this address.
    pub fn place_at(&self, url: String, service: &'static str) -> Place {
        Place {
            url: url.into(),
            schema: service,
            options: OPTIONS,
            tasks: Tasks::default(),
            node: String::new(),
        }
    }

    /// Runs a statement with `psql`; what it printed.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args([
                "-XAtqw",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-U",
                USER,
            ])
            .args([
                "-p",
                &self.port.to_string(),
                "-d",
                database,
                "-c",
                statement,
            ])
            .output()
            .expect("psql runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statement}: {said}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// `kill -9` of the whole server.
    pub fn kill(&self) {
        let mut process = self.process.lock().expect("nobody fell over");
        if let Some(mut child) = process.take() {
            child.kill().expect("it dies");
            child.wait().expect("it was a process");
        }
    }

    /// Starts it again on the same folder and port, and waits until it answers.
    pub fn restart(&self) {
        self.kill();
        let begun = Instant::now();
        // Others may have the port for a moment, for a connection of theirs.
        while let Err(said) = self.run() {
            let waits = servers::is_taken(&said) && begun.elapsed() < PATIENCE;
            assert!(waits, "PostgreSQL did not start: {said}");
        }
    }

    /// Freezes (`STOP`) or wakes (`CONT`) the server's first process and all of its children.
    pub fn signal(&self, name: &str) {
        let first = self.process_id().to_string();
        let children = Command::new("pgrep").args(["-P", &first]).output();
        let children = children.expect("pgrep runs").stdout;
        let children = String::from_utf8_lossy(&children).into_owned();
        let all = children.split_whitespace().chain([first.as_str()]);
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .args(all)
            .status();
        assert!(sent.expect("kill runs").success(), "the server has gone");
    }

    fn process_id(&self) -> u32 {
        let process = self.process.lock().expect("nobody fell over");
        process.as_ref().expect("it runs").id()
    }

    /// Starts it, or tells what it said instead. After `kill -9` the server's children need a moment to notice; until
    /// then it does not start again.
    fn run(&self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let (child, log) = servers::start(
                self.command(),
                "database system is ready to accept connections",
            );
            *self.process.lock().expect("nobody fell over") = Some(child);
            match log {
                Err(said) if said.contains("is still in use") && begun.elapsed() < PATIENCE => {}
                ended => return ended,
            }
        }
    }

    fn command(&self) -> Command {
        let data = self.folder.at("data");
        let mut command = servers::as_user(USER, &self.programs.join("postgres"));
        command
            .args(["-D", &data, "-p", &self.port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "shared_buffers=32MB",
            ])
            .args(["-c", servers::MEMORY_IN_THE_FOLDER]);
        for (name, value) in &self.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn programs() -> Option<PathBuf> {
    let found = FOLDERS
        .iter()
        .map(Path::new)
        .find(|folder| folder.join("postgres").is_file());
    servers::found("PostgreSQL", "postgresql", found.map(Path::to_owned))
}

/// A new cluster in `FOLDER/data`: a copy of one that was made before, because making one takes a second.
pub(crate) fn initialise(programs: &Path, folder: &Path) {
    let template = template(programs);
    let data = folder.join("data");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&template)
        .arg(&data)
        .status();
    assert!(
        copied.expect("cp runs").success(),
        "{} cannot be copied",
        template.display()
    );
    servers::give_to(USER, folder);
    let owner = std::fs::metadata(data).expect("a folder").uid();
    servers::take_back_memory(owner);
}

fn template(programs: &Path) -> PathBuf {
    let version = programs.to_string_lossy().replace('/', "-");
    let name = format!("souk-test-template{version}-{}", servers::user_id());
    let template = std::env::temp_dir().join(name);
    let lock = std::fs::File::create(template.with_extension("lock")).expect("a file");
    lock.lock().expect("a lock");
    if !template.is_dir() {
        let making = template.with_extension("new");
        drop(std::fs::remove_dir_all(&making));
        std::fs::create_dir(&making).expect("a folder");
        servers::give_to(USER, &making);
        let data = making.join("data");
        let output = servers::as_user(USER, &programs.join("initdb"))
            .args([
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--wal-segsize=4",
            ])
            .args(["--username", USER, "-D"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb: {said}");
        std::fs::rename(&data, &template).expect("it can be moved");
        drop(std::fs::remove_dir_all(&making));
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_server_whose_port_somebody_else_took_starts_on_the_next() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let ports = std::iter::once(port).chain(servers::free_ports());
        let Some(server) = Postgres::start_on(Vec::new(), ports) else {
            return;
        };
        assert_ne!(server.port(), port);
        assert_eq!(server.sql("postgres", "SELECT 1"), "1");
    }

    #[test]
    fn the_memory_of_a_server_that_was_killed_is_taken_back_by_the_next() {
        let Some(killed) = Postgres::start() else {
            return;
        };
        let notes = std::fs::read_to_string(killed.folder.path().join("data/postmaster.pid"));
        let notes = notes.expect("the server's own notes");
        let memory = notes.lines().nth(6).expect("key and number of its memory");
        let number = memory.split_whitespace().nth(1).expect("a number");
        let is_there = || {
            let list = std::fs::read_to_string("/proc/sysvipc/shm").expect("this is Linux");
            list.lines()
                .any(|line| line.split_whitespace().nth(1) == Some(number))
        };

        drop(Postgres::start());
        assert!(is_there(), "whoever lives keeps it");

        killed.kill();
        let begun = Instant::now();
        while is_there() && begun.elapsed() < PATIENCE {
            drop(Postgres::start());
        }
        assert!(!is_there(), "it outlived its server");
    }
}
