//! PostgreSQL with a standby that has every commit before it is acknowledged, and takes over when the first one dies;
//! or a server by itself, for measuring. Whatever it acknowledged is on its disk.

use super::process::{self, Folder, Process, Recipe};
use contracts::BoxError;
use std::{
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{process::Command, time::Instant};

/// PostgreSQL refuses root.
const USER: &str = "postgres";
pub(in crate::commands) const DATABASE: &str = "souk";
/// What the standby calls itself.
const STANDBY: &str = "souk_standby";
/// How long a standby has to catch up.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The two servers.
#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) primary: Process,
    pub(super) standby: Process,
    programs: PathBuf,
    folder: PathBuf,
    ports: [u16; 2],
    /// Folders are numbered: what a dead primary left is not used again.
    made: u32,
}

impl Postgres {
    pub(super) async fn start(folder: &Folder) -> Result<Self, BoxError> {
        let programs = programs()?;
        let folder = folder.path().to_owned();
        let ports = [process::free_port()?, process::free_port()?];
        let [one, two] = ports;
        let primary = first(&programs, &folder, one, "").await?;
        let second = copy(&programs, &folder, 2, one).await?;
        let standby = Process::start(recipe("standby", &programs, &second, &folder, two)).await?;
        wait_for(&programs, two).await?;
        let postgres = Self {
            primary,
            standby,
            programs,
            folder,
            ports,
            made: 2,
        };
        postgres.wait_for_standby().await?;
        Ok(postgres)
    }

    /// The address of the database: whichever of the two takes writes.
    pub(super) fn url(&self) -> String {
        let [one, two] = self.ports;
        format!(
            "postgres://{USER}@127.0.0.1:{one},127.0.0.1:{two}/{DATABASE}?target_session_attrs=read-write"
        )
    }

    pub(super) fn primary_has_ended(&mut self) -> Result<bool, BoxError> {
        self.primary.has_ended()
    }

    /// The standby becomes the primary; answers how long that took.
    pub(super) async fn fail_over(&mut self) -> Result<Duration, BoxError> {
        let began = Instant::now();
        let port = self.standby.port();
        sql(
            &self.programs,
            port,
            "postgres",
            "SELECT pg_promote(true, 30)",
        )
        .await?;
        std::mem::swap(&mut self.primary, &mut self.standby);
        self.primary.rename("postgres");
        Ok(began.elapsed())
    }

    /// A new standby in place of a primary that died, made anew from the one that took over.
    pub(super) async fn make_standby(&mut self) -> Result<(), BoxError> {
        self.made = self.made.saturating_add(1);
        let (from, port) = (self.primary.port(), self.standby.port());
        let data = copy(&self.programs, &self.folder, self.made, from).await?;
        let recipe = recipe("standby", &self.programs, &data, &self.folder, port);
        self.standby = Process::start(recipe).await?;
        wait_for(&self.programs, port).await?;
        self.wait_for_standby().await
    }

    /// From here on no commit is acknowledged before the standby has it.
    async fn wait_for_standby(&self) -> Result<(), BoxError> {
        let port = self.primary.port();
        let demand = format!("ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'");
        sql(&self.programs, port, "postgres", &demand).await?;
        sql(&self.programs, port, "postgres", "SELECT pg_reload_conf()").await?;
        let until = Instant::now().checked_add(PATIENCE);
        let asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while until.is_some_and(|until| Instant::now() < until) {
            if sql(&self.programs, port, "postgres", asked).await? == "1" {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err("PostgreSQL's standby did not catch up in time".into())
    }
}

/// A server by itself.
#[derive(Debug)]
pub(in crate::commands) struct Alone {
    process: Process,
    programs: PathBuf,
}

impl Alone {
    /// Starts it in this folder, with these lines in its configuration.
    pub(in crate::commands) async fn start(
        folder: &Folder,
        settings: &str,
    ) -> Result<Self, BoxError> {
        let programs = programs()?;
        let port = process::free_port()?;
        let process = first(&programs, folder.path(), port, settings).await?;
        Ok(Self { process, programs })
    }

    /// The address of one of its databases.
    pub(in crate::commands) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port())
    }

    /// What a statement gives, as text.
    pub(in crate::commands) async fn sql(
        &self,
        database: &str,
        statement: &str,
    ) -> Result<String, BoxError> {
        sql(&self.programs, self.port(), database, statement).await
    }

    /// One of PostgreSQL's own programs, told where the server is.
    pub(in crate::commands) fn program(&self, name: &str) -> Command {
        let mut program = Command::new(self.programs.join(name));
        let port = self.port().to_string();
        program.args(["-h", "127.0.0.1", "-U", USER, "-p", &port]);
        program
    }

    pub(in crate::commands) async fn stop(&mut self) {
        self.process.stop().await;
    }

    fn port(&self) -> u16 {
        self.process.port()
    }
}

/// A new server with an empty database.
async fn first(
    programs: &Path,
    folder: &Path,
    port: u16,
    settings: &str,
) -> Result<Process, BoxError> {
    let data = data_folder(folder, 1).await?;
    let mut initdb = process::as_user(Some(USER), &programs.join("initdb"))?;
    initdb
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C"])
        .args(["--username", USER, "-D"])
        .arg(&data);
    process::run(initdb, "initdb").await?;
    settle(
        &data,
        &format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n\
             synchronous_commit = on\nwal_level = replica\nmax_wal_size = '2GB'\n\
             wal_retrieve_retry_interval = '200ms'\n{settings}"
        ),
    )?;
    let server = Process::start(recipe("postgres", programs, &data, folder, port)).await?;
    wait_for(programs, port).await?;
    let made = format!("CREATE DATABASE {DATABASE}");
    sql(programs, port, "postgres", &made).await?;
    Ok(server)
}

/// A server takes connections before it answers.
async fn wait_for(programs: &Path, port: u16) -> Result<(), BoxError> {
    let until = Instant::now().checked_add(PATIENCE);
    loop {
        match sql(programs, port, "postgres", "SELECT 1").await {
            Ok(_) => return Ok(()),
            Err(error) if until.is_none_or(|until| Instant::now() >= until) => return Err(error),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// A standby's folder, copied from the server on this port.
async fn copy(programs: &Path, folder: &Path, number: u32, from: u16) -> Result<PathBuf, BoxError> {
    let data = data_folder(folder, number).await?;
    let mut backup = process::as_user(Some(USER), &programs.join("pg_basebackup"))?;
    let source = format!("host=127.0.0.1 port={from} user={USER} application_name={STANDBY}");
    backup
        .args(["--write-recovery-conf", "--wal-method=stream"])
        .args(["--checkpoint=fast", "--dbname", &source, "--pgdata"])
        .arg(&data);
    process::run(backup, "pg_basebackup").await?;
    // Whoever takes over has no standby yet, and must not wait for one.
    let mut settings = std::fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.auto.conf"))?;
    writeln!(settings, "synchronous_standby_names = ''")?;
    Ok(data)
}

async fn data_folder(folder: &Path, number: u32) -> Result<PathBuf, BoxError> {
    let data = folder.join(format!("postgres-{number}"));
    std::fs::DirBuilder::new().mode(0o700).create(&data)?;
    process::give_to(USER, &data).await?;
    Ok(data)
}

fn settle(data: &Path, settings: &str) -> Result<(), BoxError> {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))?;
    Ok(file.write_all(settings.as_bytes())?)
}

fn recipe(name: &str, programs: &Path, data: &Path, folder: &Path, port: u16) -> Recipe {
    Recipe {
        name: name.to_owned(),
        program: programs.join("postgres"),
        arguments: ["-D", &data.to_string_lossy(), "-p", &port.to_string()]
            .map(str::to_owned)
            .into(),
        settings: Vec::new(),
        user: Some(USER),
        port,
        ready: None,
        log: folder.join("postgres.log"),
    }
}

async fn sql(
    programs: &Path,
    port: u16,
    database: &str,
    statement: &str,
) -> Result<String, BoxError> {
    let mut psql = Command::new(programs.join("psql"));
    psql.args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
        .args(["-U", USER, "-p", &port.to_string(), "-d", database])
        .args(["-c", statement]);
    process::run(psql, "psql").await
}

/// Where Debian keeps the programs, if they are not on the path.
fn programs() -> Result<PathBuf, BoxError> {
    let versions = ["18", "17", "16", "15", "14"];
    let debian = versions.map(|version| format!("/usr/lib/postgresql/{version}/bin/postgres"));
    let mut all: Vec<&str> = vec!["postgres"];
    all.extend(debian.iter().map(String::as_str));
    // A link on the path leads to where the other programs are.
    let found = process::find(&all, "postgresql")?.canonicalize()?;
    let folder = found.parent().ok_or("PostgreSQL is nowhere")?;
    Ok(folder.to_owned())
}
