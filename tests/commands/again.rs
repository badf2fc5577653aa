//! SIGHUP: what a process that is open takes of its settings when they are read again, and what it does not.

use std::time::Duration;
use testkit::{Answer, Client, Folder, Redis, Running, binary};

/// Longer than anything takes that is waited for, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const TAKEN: &str = "the settings were read again";
const REFUSED: &str = "the settings could not be read again";

/// A process with its settings in a file, its log in another, and callers of many addresses before it.
struct Stand {
    files: Folder,
    process: Running,
    door: Client,
    ops: Client,
}

impl Stand {
    async fn open(text: &str, environment: &[(&str, &str)]) -> Self {
        let files = Folder::default();
        let file = files.write("souk.toml", text);
        let arguments = [
            "serve",
            "--ephemeral",
            "--listen",
            "127.0.0.1:0",
            "--config",
            &file,
        ];
        let own = [
            ("SOUK_SHOP__DEMO", "false"),
            ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
            ("SOUK_GATEWAY__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]"),
        ];
        let environment = [environment, &own].concat();
        let log = files.at("log");
        let mut process = Running::start_logged(binary(), &arguments, &environment, log.as_ref());
        let ops = process.after("Metrics ").await.replace("/metrics", "");
        let url = process.after("listening on ").await;
        let (door, ops) = (Client::new(&url), Client::new(&ops));
        Self {
            files,
            process,
            door,
            ops,
        }
    }

    /// The lines of the log that say this.
    fn said(&self, words: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.files.at("log")).unwrap_or_default();
        let lines = log.lines().filter(|line| line.contains(words));
        lines.map(str::to_owned).collect()
    }

    /// Puts this into the file and has it read; gives the line that tells of it.
    async fn read(&self, text: &str, words: &str) -> String {
        let before = self.said(words).len();
        self.files.write("souk.toml", text);
        self.process.signal("HUP").await;
        let telling = async {
            while self.said(words).len() == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, telling).await;
        assert!(told.is_ok(), "{words}: {text}");
        let lines = self.said(words);
        assert_eq!(lines.len(), before + 1, "one line: {lines:?}");
        lines.last().cloned().unwrap_or_default()
    }

    /// Somebody at this address looks at products.
    async fn look(&self, from: &str) -> Answer {
        let request = self.door.request(reqwest::Method::GET, "/api/v1/products");
        self.door
            .send(request.header("x-forwarded-for", from))
            .await
    }

    /// Somebody at this address tries a password.
    async fn try_password(&self, from: &str) -> u16 {
        let path = "/api/v1/auth/login";
        let request = self.door.request(reqwest::Method::POST, path);
        let body = serde_json::json!({"email": "nobody@souk.example", "password": "not this one"});
        let request = request.header("x-forwarded-for", from).json(&body);
        self.door.send(request).await.status
    }

    async fn looks(&self, from: &str, times: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.look(from).await.status);
        }
        statuses
    }

    async fn passwords(&self, from: &str, times: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.try_password(from).await);
        }
        statuses
    }

    async fn settings(&self) -> String {
        self.ops.get("/debug/config").await.text
    }
}

fn limits(default: u32, login: u32) -> String {
    format!(
        "[limits.default]\nunits = {default}\nwindow_seconds = 3600\n[limits.login]\nunits = {login}\n\
         window_seconds = 3600\n"
    )
}

#[tokio::test]
async fn after_sighup_callers_are_limited_as_the_settings_say_then() {
    let stand = Stand::open(&limits(3, 2), &[]).await;
    are_limited_as_they_say(stand).await;
}

#[tokio::test]
async fn after_sighup_limits_that_nodes_share_are_others_too() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let stand = Stand::open(&limits(3, 2), &[("SOUK_CACHE", &redis.url())]).await;
    let up = |answer: &Answer| answer.text.contains("souk_redis_up 1");
    stand.ops.get_until("/metrics", up).await;
    are_limited_as_they_say(stand).await;
}

async fn are_limited_as_they_say(mut stand: Stand) {
    assert_eq!(stand.looks("203.0.113.1", 4).await, [200, 200, 200, 429]);
    assert_eq!(stand.passwords("203.0.113.1", 3).await, [401, 401, 429]);

    let line = stand.read(&limits(5, 2), TAKEN).await;
    assert!(!line.contains("limits."), "nothing waits: {line}");
    let looks = stand.looks("203.0.113.2", 6).await;
    assert_eq!(looks, [200, 200, 200, 200, 200, 429]);
    let policy = stand.look("203.0.113.2").await;
    assert_eq!(policy.header("ratelimit-policy"), "\"default\";q=5;w=3600");
    assert_eq!(
        stand.try_password("203.0.113.1").await,
        429,
        "what is limited as before is counted on"
    );

    stand.read(&limits(5, 3), TAKEN).await;
    let tries = stand.passwords("203.0.113.3", 4).await;
    assert_eq!(tries, [401, 401, 401, 429]);

    let off = "[limits]\nenabled = false\n[http]\ntimeout_ms = 9000\n";
    let line = stand.read(off, TAKEN).await;
    assert!(line.contains("http.timeout_ms"), "it waits: {line}");
    assert_eq!(stand.looks("203.0.113.2", 9).await, [200; 9]);
    assert_eq!(stand.passwords("203.0.113.1", 2).await, [401; 2]);
    let shown = stand.settings().await;
    assert!(shown.contains("enabled = false"), "{shown}");
    assert!(shown.contains("timeout_ms = 10000"), "{shown}");
    assert!(stand.process.stop().await);
}

#[tokio::test]
async fn settings_with_a_mistake_change_nothing_and_one_line_says_so() {
    let mut stand = Stand::open(&limits(3, 2), &[]).await;
    let level = stand.ops.get("/loglevel").await.text;
    let before = stand.settings().await;
    let right = format!("log_level = \"debug\"\n{}", limits(50, 50));
    for (number, (mistake, named)) in [
        ("[limits.defualt]\nunits = 7\n", "limits.defualt"),
        ("[limits.login_all]\nunits = 0\n", "limits.login_all"),
        ("[http]\ntimeout_ms = \"soon\"\n", "http.timeout_ms"),
        ("[http]\npublic_url = \"shop.example\"\n", "http.public_url"),
        ("[internal]\nsecret = \"hidden\n", "line 9"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = stand.read(&format!("{right}{mistake}"), REFUSED).await;
        assert!(line.contains(named), "{named}: {line}");
        assert!(!line.contains("hidden"), "{line}");
        let looked = stand.look(&format!("203.0.113.{number}")).await;
        assert_eq!(
            looked.header("ratelimit-policy"),
            "\"default\";q=3;w=3600",
            "{named}"
        );
        assert_eq!(stand.settings().await, before, "{named}");
        assert_eq!(stand.ops.get("/loglevel").await.text, level, "{named}");
    }
    assert_eq!(stand.said(TAKEN).len(), 0);
    stand.read(&right, TAKEN).await;
    let looked = stand.look("203.0.113.1").await;
    assert_eq!(looked.header("ratelimit-policy"), "\"default\";q=50;w=3600");
    assert_eq!(stand.ops.get("/loglevel").await.text, "debug");
    assert!(stand.process.stop().await);
}

#[tokio::test]
async fn a_door_in_front_of_nodes_reads_its_settings_again_as_well() {
    let nodes = [("SOUK_GATEWAY__UPSTREAM__NODES", "[\"127.0.0.1:1\"]")];
    let mut stand = Stand::open("", &nodes).await;
    let info = stand.ops.get("/info").await;
    assert!(
        info.str("/what").starts_with("a door in front"),
        "{}",
        info.text
    );
    assert_eq!(info.json["ready"], false, "no node answers");
    assert_eq!(info.str("/parts/orders"), "elsewhere");
    stand.read("log_level = \"debug\"\n", TAKEN).await;
    let shown = stand.settings().await;
    assert!(shown.contains("log_level = \"debug\""), "{shown}");
    stand.read("[shop]\nnaem = \"x\"\n", REFUSED).await;
    assert_eq!(stand.settings().await, shown);
    assert!(stand.process.stop().await);
}
