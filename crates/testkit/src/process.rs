//! The binary as a process: started, killed, started again, and asked to verify its books.

use crate::{
    client::Client,
    command::{command, run, terminate},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};

/// Longer than any start takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

/// The binary `souk`, built from this workspace, or the one that `SOUK_TEST_BINARY` names.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("SOUK_TEST_BINARY").map_or_else(built, PathBuf::from))
}

fn built() -> PathBuf {
    let folder = std::env::current_exe().expect("the test's own path");
    let profile_folder = folder
        .ancestors()
        .nth(2)
        .expect("target/PROFILE/deps/test")
        .to_owned();
    // nextest runs each test in a process of its own: the first of a run builds, the others see that it did.
    let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_default();
    let mark = profile_folder.join(".souk-test-run");
    if run.is_empty() || std::fs::read_to_string(&mark).unwrap_or_default() != run {
        build(&profile_folder);
        std::fs::write(&mark, &run).expect("the target folder can be written to");
    }
    profile_folder.join("souk")
}

fn build(profile_folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = std::process::Command::new(cargo);
    build.args(["build", "--quiet", "--package", "souk", "--bin", "souk"]);
    if profile_folder.ends_with("release") {
        build.arg("--release");
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the workspace");
    let status = build.current_dir(workspace).status().expect("cargo runs");
    assert!(status.success(), "the binary does not build");
}

/// A running shop with a folder of its own, which goes with it.
pub struct Shop {
    folder: PathBuf,
    environment: Vec<(String, String)>,
    process: Child,
    // Read no further, but kept open: a shop that says something must not die of it.
    _stdout: Lines<BufReader<ChildStdout>>,
    url: String,
    setup_token: Option<String>,
}

impl Shop {
    /// A shop without limits and without the demo catalog.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A shop with these settings on top, as `SOUK_*` variables.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut environment: Vec<(String, String)> = [
            ("SOUK_LIMITS__ENABLED", "false"),
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
        let folder = std::env::temp_dir().join(format!(
            "souk-test-{}",
            contracts::values::EventId::generate()
        ));
        let (process, stdout, url, setup_token) = launch(&folder, &environment).await;
        Self {
            folder,
            environment,
            process,
            _stdout: stdout,
            url,
            setup_token,
        }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
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
        let token = self
            .setup_token
            .take()
            .expect("the admin is made once, after the first start");
        let body = serde_json::json!({"setup_token": token, "email": "admin@souk.example", "password": PASSWORD});
        let answer = self.visitor().post("/api/v1/auth/setup", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.visitor().signed_in(&answer)
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

    /// Asks it to stop, and waits; whether it ended well.
    pub async fn stop(&mut self) -> bool {
        terminate(&mut self.process).await.success()
    }

    /// Starts it again on the same folder, on another port.
    pub async fn restart(&mut self) {
        let (process, stdout, url, _) = launch(&self.folder, &self.environment).await;
        (self.process, self._stdout, self.url) = (process, stdout, url);
    }

    /// Runs `souk verify` on its folder; fails with what it found.
    pub async fn verify(&self) -> String {
        let folder = self.folder.to_str().expect("a plain path");
        let said = run(&["verify", "--data", folder], "").await;
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

type Launched = (Child, Lines<BufReader<ChildStdout>>, String, Option<String>);

async fn launch(folder: &Path, environment: &[(String, String)]) -> Launched {
    let mut command = command();
    command
        .arg("serve")
        .arg("--listen")
        .arg("127.0.0.1:0")
        .arg("--data")
        .arg(folder);
    command
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = command.spawn().expect("the binary starts");
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let mut setup_token = None;
    loop {
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .expect("it starts in time")
            .expect("text");
        let line =
            line.unwrap_or_else(|| panic!("the shop ended before it listened; see its log above"));
        if let Some((_, rest)) = line.split_once("\"setup_token\":\"") {
            setup_token = rest.split('"').next().map(str::to_owned);
        }
        if let Some(url) = line.strip_prefix("listening on ") {
            return (process, lines, url.to_owned(), setup_token);
        }
    }
}
