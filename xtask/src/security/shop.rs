//! A shop of our own on loopback, in an empty folder; it ends with its handle.

use super::{
    Stand,
    http::{Answer, ask},
    tools,
};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

/// Whose password every account here has. It is looked for afterwards where no password may be.
pub(crate) const PASSWORD: &str = "canary-password-8Zq4vW";
/// The admin's address.
pub(crate) const ADMIN: &str = "admin@souk.example";

/// A clock tick of Linux as its programs see it: `getconf CLK_TCK` says 100 of them are a second.
const TICK_MILLISECONDS: u64 = 10;

pub(crate) struct Shop {
    process: Child,
    /// Where it keeps everything.
    pub(super) folder: PathBuf,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// What makes the first admin.
    pub(crate) setup_token: String,
}

impl Shop {
    /// Opens one without limits, on a folder that is emptied first. Its logs go into a file of that folder.
    pub(crate) fn open(stand: &Stand, name: &str, settings: &[(&str, &str)]) -> io::Result<Self> {
        let folder = folder(stand, name);
        tools::remove(&folder)?;
        std::fs::create_dir_all(&folder)?;
        let mut process = stand
            .souk()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "json",
                "--data",
            ])
            .arg(data(&folder))
            .env("SOUK_LIMITS__ENABLED", "false")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log(&folder))?)
            .spawn()?;
        let said = process.stdout.take();
        let (mut address, mut setup_token) = (String::new(), String::new());
        for line in said
            .into_iter()
            .flat_map(|said| BufReader::new(said).lines())
        {
            let line = line?;
            if let Some((_, rest)) = line.split_once("\"setup_token\":\"") {
                setup_token = rest.split('"').next().unwrap_or_default().to_owned();
            }
            if let Some(url) = line.strip_prefix("listening on http://") {
                url.clone_into(&mut address);
                break;
            }
        }
        let shop = Self {
            process,
            folder,
            address,
            setup_token,
        };
        if shop.address.is_empty() {
            return Err(io::Error::other("the shop did not open"));
        }
        Ok(shop)
    }

    /// Makes an admin and signs them in.
    pub(crate) fn admin(&self, stand: &Stand, name: &str) -> io::Result<Answer> {
        let mut command = stand
            .souk()
            .args(["admin", "create", "--email", ADMIN, "--data"])
            .arg(data(&folder(stand, name)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = command.stdin.take() {
            writeln!(stdin, "{PASSWORD}")?;
        }
        if !command.wait()?.success() {
            return Err(io::Error::other("no admin could be made"));
        }
        self.post("/api/v1/auth/login", &credentials(ADMIN))
    }

    /// What its process has spent of all processors so far, the system's part included (`proc_pid_stat(5)`).
    pub(super) fn processor_time(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = |place: usize| {
            let field = fields.split_whitespace().nth(place);
            field.and_then(|field| field.parse::<u64>().ok())
        };
        // The 14th and 15th of all; the first two are gone.
        let (Some(own), Some(system)) = (ticks(11), ticks(12)) else {
            return Err(io::Error::other("what the shop spent cannot be read"));
        };
        Ok(Duration::from_millis(
            own.saturating_add(system).saturating_mul(TICK_MILLISECONDS),
        ))
    }

    /// Opens an account.
    pub(crate) fn register(&self, email: &str) -> io::Result<Answer> {
        self.post("/api/v1/auth/register", &credentials(email))
    }

    /// Sends JSON, as nobody.
    pub(crate) fn post(&self, path: &str, body: &str) -> io::Result<Answer> {
        ask(&self.address, "POST", path, &[], body)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where a shop of this name keeps everything.
pub(crate) fn folder(stand: &Stand, name: &str) -> PathBuf {
    stand.folder.join(format!("shop-{name}"))
}

/// Where it keeps its databases.
pub(crate) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Where it writes its logs.
pub(crate) fn log(folder: &Path) -> PathBuf {
    folder.join("log.json")
}

/// The body of a registration or a sign-in.
pub(crate) fn credentials(email: &str) -> String {
    format!("{{\"email\":\"{email}\",\"password\":\"{PASSWORD}\"}}")
}
