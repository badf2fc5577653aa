//! The demonstration cluster as a process that says in JSON what happens in it.

use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio, time::Duration};
use testkit::Client;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const START: Duration = Duration::from_secs(120);
const PASSWORD: &str = "a long passw0rd";

/// A cluster that goes with this.
pub(crate) struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    processes: BTreeMap<String, u64>,
    database: String,
    url: String,
}

impl Demo {
    /// Starts it; `None` only where servers may be missing.
    pub(crate) async fn start() -> Option<Self> {
        // As in all tests: what is missing is said, or fails.
        testkit::postgres::Postgres::shared()?;
        drop((testkit::Redis::start()?, testkit::Nats::start().await?));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let mut child = Command::new(testkit::binary())
            .args(["cluster", "demo", "--json", "--listen", &address])
            .env("SOUK_LIMITS__ENABLED", "false")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut demo = Self {
            child,
            lines,
            processes: BTreeMap::new(),
            database: String::new(),
            url: String::new(),
        };
        let ready = timeout(START, demo.line()).await.unwrap();
        assert_eq!(ready["event"], "ready", "{ready}");
        demo.url = ready["url"].as_str().unwrap().to_owned();
        demo.database = ready["database"].as_str().unwrap().to_owned();
        for part in ready["parts"].as_array().unwrap() {
            demo.note(part);
        }
        Some(demo)
    }

    /// Somebody new.
    pub(crate) async fn customer(&self, name: &str) -> Client {
        let visitor = Client::new(&self.url);
        let body =
            json!({"email": format!("{name}@example.com"), "password": PASSWORD, "name": name});
        let answer = visitor.post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        visitor.signed_in(&answer)
    }

    /// So many products on sale, more than anybody buys; their ids.
    pub(crate) async fn products(&self, count: usize) -> Vec<String> {
        let mut admin = self.souk(&["admin", "create", "--email", "boss@example.com"]);
        let mut admin = admin.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = admin.stdin.take().unwrap();
        input
            .write_all(format!("{PASSWORD}\n").as_bytes())
            .await
            .unwrap();
        drop(input);
        assert!(admin.wait().await.unwrap().success());
        let visitor = Client::new(&self.url);
        let body = json!({"email": "boss@example.com", "password": PASSWORD});
        let boss = visitor.signed_in(&visitor.post("/api/v1/auth/login", &body).await);
        let mut products = Vec::new();
        for number in 0..count {
            products.push(boss.sell(&format!("thing-{number}"), 100, 100_000).await);
        }
        products
    }

    /// `kill -9` of a part.
    pub(crate) fn kill(&self, part: &str) {
        let process = self.processes[part].to_string();
        let killed = std::process::Command::new("kill")
            .args(["-9", &process])
            .status();
        assert!(killed.unwrap().success(), "{part} had gone");
    }

    /// Waits until this happened to a part.
    pub(crate) async fn hear(&mut self, part: &str, event: &str, patience: Duration) {
        let heard = async {
            loop {
                let line = self.line().await;
                self.note(&line);
                let name = if part == "postgres" { "database" } else { part };
                if line["part"] == name && line["event"] == event {
                    return;
                }
            }
        };
        timeout(patience, heard).await.unwrap();
    }

    /// Recomputes all books from outside.
    pub(crate) async fn verify(&self) {
        let output = self.souk(&["verify"]).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }

    /// Asks it to end; nothing of it is left.
    pub(crate) async fn stop(mut self) {
        let process = self.child.id().unwrap().to_string();
        let asked = std::process::Command::new("kill")
            .args(["-TERM", &process])
            .status();
        assert!(asked.unwrap().success());
        let ended = timeout(START, self.child.wait()).await.unwrap();
        assert!(ended.unwrap().success());
    }

    fn souk(&self, words: &[&str]) -> Command {
        let mut command = Command::new(testkit::binary());
        command.args(words).env("SOUK_DB", &self.database);
        command
    }

    fn note(&mut self, part: &Value) {
        let (name, process) = (part["part"].as_str(), part["pid"].as_u64());
        if let (Some(name), Some(process)) = (name, process) {
            let name = if name == "database" { "postgres" } else { name };
            self.processes.insert(name.to_owned(), process);
        }
    }

    async fn line(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap();
        serde_json::from_str(&line.unwrap()).unwrap()
    }
}
