//! Two PostgreSQL servers for tests: one takes writes, the other has every commit before it is acknowledged and takes
//! over when the first one dies. They do nothing by themselves: whoever holds them is their operator.

use crate::{
    folder::Folder,
    postgres::{USER, initialise, programs},
    servers::{self, free_port},
};
use std::{
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than a standby takes to catch up, even on a busy machine; and than others keep a port.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the standby calls itself.
const STANDBY: &str = "standby";

/// Two running servers with folders of their own, which go with them.
#[derive(Debug)]
pub struct Pair {
    folder: Folder,
    programs: PathBuf,
    /// The first takes writes.
    servers: [Server; 2],
    /// Folders are numbered: what a dead server left is not used again.
    made: u32,
    /// Somebody knows the ports: they stay what they are.
    are_told: bool,
}

#[derive(Debug)]
struct Server {
    port: u16,
    data: PathBuf,
    process: Option<Child>,
}

impl Pair {
    /// A primary with a synchronous standby; `None` only where servers may be skipped, which was said then.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = Folder::default();
        servers::remove_afterwards(folder.path());
        initialise(&programs, folder.path());
        let server = |name: &str| Server {
            port: free_port(),
            data: folder.path().join(name),
            process: None,
        };
        let mut pair = Self {
            servers: [server("data"), server("data-1")],
            folder,
            programs,
            made: 1,
            are_told: false,
        };
        pair.run(0);
        pair.follow();
        pair.are_told = true;
        Some(pair)
    }

    /// Where the two listen, in no order.
    pub fn ports(&self) -> [u16; 2] {
        let mut ports = self.servers.each_ref().map(|server| server.port);
        ports.sort_unstable();
        ports
    }

    /// The address of a database on whichever of these ports takes writes.
    pub fn url(ports: [u16; 2], database: &str) -> String {
        let [one, two] = ports;
        format!(
            "postgres://{USER}@127.0.0.1:{one},127.0.0.1:{two}/{database}?target_session_attrs=read-write"
        )
    }

    /// Runs a statement on the one that takes writes; what it printed.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let [primary, _] = &self.servers;
        self.ask(primary.port, database, statement)
            .unwrap_or_else(|said| panic!("{statement}: {said}"))
    }

    /// `kill -9` of the one that takes writes.
    pub fn kill(&mut self) {
        let [primary, _] = &mut self.servers;
        primary.kill();
    }

    /// The standby takes over.
    pub fn fail_over(&mut self) {
        self.servers.swap(0, 1);
        let promoted = self.sql("postgres", "SELECT pg_promote(true, 30)");
        assert_eq!(promoted, "t", "it takes over");
    }

    /// A new standby in place of the server that died, copied from the one that took over.
    pub fn make_standby(&mut self) {
        let [_, dead] = &mut self.servers;
        dead.kill();
        self.made = self.made.saturating_add(1);
        dead.data = self.folder.path().join(format!("data-{}", self.made));
        self.follow();
    }

    /// A restart as an operator does it: sessions are ended, everything is written, and it starts again.
    pub fn restart(&mut self) {
        let [primary, _] = &mut self.servers;
        let mut process = primary.process.take().expect("it runs");
        let id = process.id().to_string();
        let asked = Command::new("kill").args(["-INT", &id]).status();
        assert!(asked.expect("kill runs").success(), "it runs");
        process.wait().expect("it was a process");
        self.run(0);
    }

    /// Starts the second one as the first one's standby, and waits until no commit is acknowledged without it.
    fn follow(&mut self) {
        let [primary, standby] = &self.servers;
        let source = format!(
            "host=127.0.0.1 port={} user={USER} application_name={STANDBY}",
            primary.port
        );
        std::fs::create_dir(&standby.data).expect("a folder");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&standby.data, private).expect("it is ours");
        servers::give_to(USER, &standby.data);
        let output = servers::as_user(USER, &self.programs.join("pg_basebackup"))
            .args(["--write-recovery-conf", "--wal-method=stream", "--no-sync"])
            .args(["--checkpoint=fast", "--dbname", &source, "--pgdata"])
            .arg(&standby.data)
            .output()
            .expect("pg_basebackup runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pg_basebackup: {said}");
        // Whoever takes over has no standby yet, and must not wait for one.
        let mut settings = std::fs::OpenOptions::new()
            .append(true)
            .open(standby.data.join("postgresql.auto.conf"))
            .expect("its settings");
        writeln!(settings, "synchronous_standby_names = ''").expect("room for a line");
        self.run(1);
        let demand = format!("ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'");
        self.sql("postgres", &demand);
        self.sql("postgres", "SELECT pg_reload_conf()");
        let begun = Instant::now();
        let asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.sql("postgres", asked) != "1" {
            assert!(begun.elapsed() < PATIENCE, "the standby catches up in time");
            std::thread::yield_now();
        }
    }

    /// Where somebody else took the port, on another one, or on the same as soon as they are done with it.
    fn run(&mut self, which: usize) {
        let begun = Instant::now();
        while let Err(said) = self.launch(which) {
            let waits = servers::is_taken(&said) && begun.elapsed() < PATIENCE;
            assert!(waits, "PostgreSQL did not start: {said}");
            if !self.are_told {
                let server = self.servers.get_mut(which).expect("one of two");
                server.port = free_port();
            }
        }
    }

    fn launch(&mut self, which: usize) -> Result<(), String> {
        let ready = "database system is ready to accept";
        let server = self.servers.get_mut(which).expect("one of two");
        let mut command = servers::as_user(USER, &self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(&server.data)
            .args(["-p", &server.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "max_connections=300",
            "unix_socket_directories=",
            "shared_buffers=64MB",
            "max_wal_size=1GB",
            servers::MEMORY_IN_THE_FOLDER,
            // A standby that lost its primary for a moment comes back at once: until then no commit is acknowledged.
            "wal_retrieve_retry_interval=200ms",
        ] {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let (child, log) = servers::start(command, ready);
        server.process = Some(child);
        log
    }

    fn ask(&self, port: u16, database: &str, statement: &str) -> Result<String, String> {
        let output = Command::new(self.programs.join("psql"))
            .args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-U", USER, "-p", &port.to_string(), "-d", database])
            .args(["-c", statement])
            .output()
            .expect("psql runs");
        if output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            return Ok(said.trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Server {
    fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().expect("it dies");
            child.wait().expect("it was a process");
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(Server::kill);
    }
}
