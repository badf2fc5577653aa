//! A PostgreSQL of a drill's own, run as its own user on a free port, killed as a machine would be, and brought back to
//! a moment.

use super::{
    drill::PATIENCE,
    monitoring::{Killed, free_address},
};
use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A PostgreSQL of its own, as its own user.
pub(crate) struct Database {
    programs: PathBuf,
    data: PathBuf,
    port: String,
    settings: Vec<String>,
    server: Killed,
}

impl Database {
    /// With these settings, each as `name=value`.
    pub(crate) fn make(folder: &Path, initdb: &Path, settings: &[String]) -> io::Result<Self> {
        // All of its programs are where this one really is.
        let programs = initdb
            .canonicalize()?
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default();
        let data = folder.join("postgres");
        own(&data)?;
        let mut make = as_postgres(initdb);
        make.args([
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ])
        .arg(&data);
        let made = make.current_dir(&data).output()?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(io::Error::other(format!("initdb: {why}")));
        }
        Self::open(programs, data, settings)
    }

    /// On a folder that it was made in.
    fn open(programs: PathBuf, data: PathBuf, settings: &[String]) -> io::Result<Self> {
        let settings = settings.to_vec();
        let address = free_address()?;
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        let server = Killed(serve(&programs, &data, &port, &settings)?);
        let mut database = Self {
            programs,
            data,
            port,
            settings,
            server,
        };
        database.wait()?;
        Ok(database)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// As by the machine: nothing is said, nothing is written.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.server.0.kill()?;
        self.server.0.wait().map(drop)
    }

    /// What it left in memory is still held until its last child has noticed.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let server = serve(&self.programs, &self.data, &self.port, &self.settings)?;
            self.server = Killed(server);
            if self.wait().is_ok() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("PostgreSQL does not start again"));
            }
        }
    }

    /// What a statement says.
    pub(super) fn say(&self, sql: &str) -> io::Result<String> {
        let mut ask = Command::new(self.programs.join("psql"));
        ask.args(["--no-psqlrc", "-At", "-c", sql, &self.url()]);
        said(&mut ask)
    }

    /// A base backup, made beside whoever is at work.
    pub(super) fn copy(&self, to: &Path) -> io::Result<()> {
        own(to)?;
        let mut copy = as_postgres(&self.programs.join("pg_basebackup"));
        copy.current_dir(to).arg("-D").arg(to).args([
            "--host=127.0.0.1",
            "--username=postgres",
            "--checkpoint=fast",
            "--wal-method=none",
            "--no-manifest",
            "--port",
            &self.port,
        ]);
        said(&mut copy).map(drop)
    }

    /// Another one, on such a copy, as everything was at a moment, with these settings besides.
    pub(super) fn come_back(&self, copy: &Path, settings: &[String]) -> io::Result<Self> {
        fs::write(copy.join("recovery.signal"), "")?;
        let (user, group) = postgres()?;
        chown(copy.join("recovery.signal"), Some(user), Some(group))?;
        Self::open(self.programs.clone(), copy.to_owned(), settings)
    }

    /// Until it answers, or has ended.
    fn wait(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) && self.server.0.try_wait()?.is_none() {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            ask.args(["--host", "127.0.0.1", "--port", &self.port])
                .stdout(Stdio::null());
            if ask.status()?.success() {
                return Ok(());
            }
            thread::park_timeout(Duration::from_millis(100));
        }
        Err(io::Error::other("PostgreSQL does not answer"))
    }
}

fn serve(programs: &Path, data: &Path, port: &str, settings: &[String]) -> io::Result<Child> {
    as_postgres(&programs.join("postgres"))
        .arg("-D")
        .arg(data)
        .args(["-p", port, "-k"])
        .arg(data)
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// A folder that is its own.
pub(super) fn own(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let (user, group) = postgres()?;
    chown(folder, Some(user), Some(group))
}

/// What a program says, if it ends well.
fn said(command: &mut Command) -> io::Result<String> {
    let ran = command.stdin(Stdio::null()).output()?;
    match ran.status.success() {
        true => Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )),
    }
}

/// It serves nobody who is root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

/// The numbers of its user and group.
fn postgres() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.into_iter().flat_map(|line| line.split(':')).skip(2);
    let mut number = || fields.next()?.parse().ok();
    match (number(), number()) {
        (Some(user), Some(group)) => Ok((user, group)),
        _ => Err(io::Error::other("there is no user postgres")),
    }
}
