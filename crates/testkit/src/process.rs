//! The binary as a process: started, killed, started again, and asked to verify its books.

use crate::{
    binary::Build,
    client::Client,
    command::{command, said, signal, terminate},
};
use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};

/// Longer than any start takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a shop that starts says nothing before it is looked at.
const STILL: Duration = Duration::from_millis(250);

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

/// A running shop with a folder of its own, which goes with it.
pub struct Shop {
    build: Build,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    process: Child,
    // Read no further, but kept open: a shop that says something must not die of it.
    _stdout: Lines<BufReader<ChildStdout>>,
    // Empty when it ended before it listened.
    url: String,
    // Empty when it has no door for other nodes.
    internal_url: String,
    // Empty when it serves no metrics.
    ops_url: String,
    setup_token: Option<String>,
    thawed_at_start: bool,
}

impl Shop {
    /// A shop without limits and without the demo catalog.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A shop with these settings on top, as `SOUK_*` variables.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(&own_folder(), Build::Plain, settings).await
    }

    /// A shop of this build that keeps everything in this folder, which goes with it.
    pub async fn start_in(folder: &Path, build: Build, settings: &[(&str, &str)]) -> Self {
        let mut environment: Vec<(String, String)> = [
            ("SOUK_LIMITS__ENABLED", "false"),
            // What is built for tests is not optimised, and late where people's shops are not.
            ("SOUK_HTTP__LATE_MS_MAX", "0"),
            ("SOUK_SHOP__DEMO", "false"),
            // Cheap on purpose: tests sign many people in. The defaults have a test of their own.
            ("SOUK_IDENTITY__ARGON2_MEMORY_KIB", "64"),
            ("SOUK_IDENTITY__ARGON2_PASSES", "1"),
        ]
        .into_iter()
        .chain(settings.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        environment.reverse();
        environment.sort_by(|one, other| one.0.cmp(&other.0));
        environment.dedup_by(|later, earlier| later.0 == earlier.0);
        let shop = Self::launch(folder.to_owned(), build, environment, &[]).await;
        shop.must_be_open()
    }

    /// A shop with fail points, and with a clock that can be put wrong.
    pub async fn breakable(settings: &[(&str, &str)]) -> Self {
        Self::start_in(&own_folder(), Build::FailPoints, settings).await
    }

    /// Another shop on a copy of the folder, as it is now, started with these settings on top. It may have
    /// ended before it listened, if these make it.
    pub async fn copy(&self, settings: &[(&str, &str)]) -> Self {
        let folder = own_folder();
        drop(self.copy_files(&folder));
        Self::launch(folder, self.build, self.environment.clone(), settings).await
    }

    /// The same on a copy in this folder, which goes with it; the copy is synced.
    pub async fn copy_to(&self, folder: &Path, settings: &[(&str, &str)]) -> Self {
        for path in self.copy_files(folder) {
            let copied = std::fs::File::open(path).expect("a copy");
            copied.sync_all().expect("a disk that works");
        }
        Self::launch(
            folder.to_owned(),
            self.build,
            self.environment.clone(),
            settings,
        )
        .await
    }

    /// Copies what is in the folder; gives all that has to be synced, names included.
    fn copy_files(&self, folder: &Path) -> Vec<PathBuf> {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut copies = vec![
            folder.parent().expect("a folder in another").to_owned(),
            folder.to_owned(),
        ];
        for entry in std::fs::read_dir(&self.folder).expect("the shop's folder") {
            let entry = entry.expect("an entry");
            let copy = folder.join(entry.file_name());
            std::fs::copy(entry.path(), &copy).expect("a copy");
            copies.push(copy);
        }
        copies
    }

    fn must_be_open(self) -> Self {
        assert!(
            self.is_open(),
            "the shop ended before it listened; see its log above"
        );
        self
    }

    /// Whether it came so far as to listen.
    pub fn is_open(&self) -> bool {
        !self.url.is_empty()
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the other nodes of a shop ask it.
    pub fn internal_url(&self) -> &str {
        &self.internal_url
    }

    /// Where it answers those who look after it.
    pub fn ops_url(&self) -> &str {
        &self.ops_url
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process's id.
    pub fn process_id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Somebody without an account.
    pub fn visitor(&self) -> Client {
        Client::new(&self.url)
    }

    /// The admin, made with the setup token of the first start.
    pub async fn admin(&mut self) -> Client {
        let door = self.visitor();
        self.admin_at(&door).await
    }

    /// The same through the door of another node.
    pub async fn admin_at(&mut self, door: &Client) -> Client {
        let token = self
            .setup_token
            .take()
            .expect("the admin is made once, after the first start");
        let body = serde_json::json!({"setup_token": token, "email": "admin@souk.example", "password": PASSWORD});
        let answer = door.post("/api/v1/auth/setup", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        door.signed_in(&answer)
    }

    /// A new customer with this name.
    pub async fn customer(&self, name: &str) -> Client {
        let body = serde_json::json!({"email": format!("{name}@souk.example"), "password": PASSWORD, "name": name});
        let answer = self.visitor().post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.visitor().signed_in(&answer)
    }

    /// A new merchant with this name, raised by the admin.
    pub async fn merchant(&self, admin: &Client, name: &str) -> Client {
        let customer = self.customer(name).await;
        let path = format!("/api/v1/users/{}", customer.user_id());
        let body = serde_json::json!({"roles": ["customer", "merchant"], "version": 1});
        let answer = admin.patch(&path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.sign_in(name).await
    }

    /// Somebody who has an account.
    pub async fn sign_in(&self, name: &str) -> Client {
        let body =
            serde_json::json!({"email": format!("{name}@souk.example"), "password": PASSWORD});
        let answer = self.visitor().post("/api/v1/auth/login", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.visitor().signed_in(&answer)
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("it dies");
    }

    /// Sends it a signal, such as `STOP`.
    pub async fn signal(&self, name: &str) {
        signal(&self.process, name).await;
    }

    /// Asks it to stop, and waits; whether it ended well.
    pub async fn stop(&mut self) -> bool {
        terminate(&mut self.process).await.success()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.process.wait())
            .await
            .expect("it ends")
            .expect("it was a process")
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("a process").is_some()
    }

    /// Waits until it stands still, as after `STOP`.
    pub async fn frozen(&self) {
        let frozen = async {
            while !is_frozen(&self.process) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, frozen).await.expect("it freezes");
    }

    /// Whether it stood still before it listened, and went on.
    #[must_use]
    pub const fn thawed_at_start(&self) -> bool {
        self.thawed_at_start
    }

    /// Starts it again on the same folder, on another port.
    pub async fn restart(&mut self) {
        self.restart_with(&[]).await;
        assert!(
            self.is_open(),
            "the shop ended before it listened; see its log above"
        );
    }

    /// Starts it again with these settings on top, for this time only. It may end before it listens.
    pub async fn restart_with(&mut self, settings: &[(&str, &str)]) {
        let launched = launch(self.build, &self.folder, &self.environment, settings).await;
        self.process = launched.process;
        self._stdout = launched.stdout;
        self.url = launched.url;
        self.internal_url = launched.internal_url;
        self.ops_url = launched.ops_url;
        self.thawed_at_start = launched.thawed;
    }

    /// Puts its clock wrong by so much, or right again; only if it is breakable.
    pub fn set_clock_offset_seconds(&self, seconds: i64) {
        let text = seconds.saturating_mul(1_000).to_string();
        // A shop that keeps nothing in files has no folder so far.
        std::fs::create_dir_all(&self.folder).expect("a folder");
        std::fs::write(clock_file(&self.folder), text).expect("a file");
    }

    async fn launch(
        folder: PathBuf,
        build: Build,
        environment: Vec<(String, String)>,
        once: &[(&str, &str)],
    ) -> Self {
        let launched = launch(build, &folder, &environment, once).await;
        Self {
            build,
            folder,
            environment,
            process: launched.process,
            _stdout: launched.stdout,
            url: launched.url,
            internal_url: launched.internal_url,
            ops_url: launched.ops_url,
            setup_token: launched.setup_token,
            thawed_at_start: launched.thawed,
        }
    }

    /// Runs `souk verify` on its books; fails with what it found.
    pub async fn verify(&self) -> String {
        let mut verify = command(self.build);
        verify.arg("verify");
        keep_in(&mut verify, &self.folder, &self.environment);
        if self.build == Build::FailPoints {
            verify.env(CLOCK_VARIABLE, clock_file(&self.folder));
        }
        let said = said(verify, "").await;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said.out
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.process.start_kill());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn own_folder() -> PathBuf {
    let name = format!("souk-test-{}", contracts::values::EventId::generate());
    std::env::temp_dir().join(name)
}

const CLOCK_VARIABLE: &str = "SOUK_CLOCK_OFFSET_FILE";

fn clock_file(folder: &Path) -> PathBuf {
    folder.join("clock-offset")
}

/// Tells a command where everything is kept (in the folder, unless the settings name a database) and whose money it is.
fn keep_in(command: &mut tokio::process::Command, folder: &Path, environment: &[(String, String)]) {
    match environment.iter().find(|(name, _)| name == "SOUK_DB") {
        Some((name, database)) => command.env(name, database),
        None => command.arg("--data").arg(folder),
    };
    // Books are held against the provider's, wherever those are.
    let of_money = |name: &str| {
        ["SOUK_PAYMENTS__", "SOUK_OUTWARD__"]
            .iter()
            .any(|of| name.starts_with(of))
    };
    command.envs(
        environment
            .iter()
            .filter(|(name, _)| of_money(name))
            .cloned(),
    );
}

fn is_frozen(process: &Child) -> bool {
    let status = |id| std::fs::read_to_string(format!("/proc/{id}/status"));
    let status = process.id().map(status).and_then(Result::ok);
    status.is_some_and(|text| text.contains("State:\tT"))
}

/// A process that listens, or has ended.
struct Launched {
    process: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    url: String,
    internal_url: String,
    ops_url: String,
    setup_token: Option<String>,
    /// Whether it stood still before it listened.
    thawed: bool,
}

/// Starts a shop and waits until it listens, or ends: then its address is empty. One that freezes before it listens,
/// over what was left to do, is let go on after a moment: nobody else could.
async fn launch(
    build: Build,
    folder: &Path,
    environment: &[(String, String)],
    once: &[(&str, &str)],
) -> Launched {
    let mut command = command(build);
    command.arg("serve").arg("--listen").arg("127.0.0.1:0");
    keep_in(&mut command, folder, environment);
    command
        .envs(environment.iter().cloned())
        .envs(once.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if build == Build::FailPoints {
        command.env(CLOCK_VARIABLE, clock_file(folder));
    }
    let mut process = command.spawn().expect("the binary starts");
    let stdout = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let mut launched = Launched {
        process,
        stdout,
        url: String::new(),
        internal_url: String::new(),
        ops_url: String::new(),
        setup_token: None,
        thawed: false,
    };
    let begun = Instant::now();
    loop {
        let Ok(line) = timeout(STILL, launched.stdout.next_line()).await else {
            assert!(begun.elapsed() < PATIENCE, "it starts in time");
            if is_frozen(&launched.process) {
                signal(&launched.process, "CONT").await;
                launched.thawed = true;
            }
            continue;
        };
        let Some(line) = line.expect("text") else {
            return launched;
        };
        if let Some((_, rest)) = line.split_once("\"setup_token\":\"") {
            launched.setup_token = rest.split('"').next().map(str::to_owned);
        }
        if let Some(url) = line.strip_prefix("  Nodes ") {
            launched.internal_url = url.trim().to_owned();
        }
        if let Some(url) = line.strip_prefix("  Metrics ") {
            launched.ops_url = url.trim().trim_end_matches("/metrics").to_owned();
        }
        if let Some(url) = line.strip_prefix("listening on ") {
            launched.url = url.to_owned();
            return launched;
        }
    }
}
