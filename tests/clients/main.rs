//! The clients in other languages: made of the API's document as it is now, and led the whole way through a shop by
//! their own tests, on both stores. What they need is kept by `cargo xtask ci` below `target`; nothing is fetched here.
//! How they are installed, and what `mypy` and npm say of them, is `cargo xtask clients`' to try.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};
use testkit::{Folder, Shop, postgres::Postgres};
use tokio::{process::Command, time::timeout};

/// Set to 1, it lets tests pass over clients whose tools are not here.
const SKIP: &str = "SOUK_TEST_SKIP_CLIENTS";
/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// What others make in the clients' folders.
const MADE: [&str; 4] = ["node_modules", "build", "rest", "__pycache__"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A copy of a client, with the document where it looks for it.
struct Bench {
    folder: Folder,
    client: &'static str,
}

impl Bench {
    /// With what its tests need; nothing where that may be passed over and is not here.
    fn open(client: &'static str) -> Option<(Self, PathBuf)> {
        let tools = root().join("target/clients/tools").join(client);
        if !tools.join("whole").is_file() {
            let plainly = format!(
                "the tools of the client in {client} are not here: `cargo xtask clients tools`"
            );
            let skip = std::env::var(SKIP).is_ok_and(|value| value == "1");
            assert!(skip, "{plainly} (or set {SKIP}=1)");
            #[expect(clippy::print_stderr, reason = "a test that did nothing must say so")]
            {
                eprintln!("SKIPPED, because {plainly}");
            }
            return None;
        }
        let folder = Folder::default();
        let bench = Self { folder, client };
        let document = bench.folder.path().join("docs");
        fs::create_dir_all(&document).expect("a folder");
        let kept = root().join("docs/openapi.json");
        fs::copy(kept, document.join("openapi.json")).expect("the document");
        copy(&root().join("clients").join(client), &bench.path());
        let tools = fs::canonicalize(tools).expect("it is there");
        Some((bench, tools))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("clients").join(self.client)
    }

    /// What a program said that must succeed.
    async fn run(&self, program: &Path, words: &[&str], shop: Option<&Shop>) -> String {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.path())
            .env("PYTHONPATH", "src")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(shop) = shop {
            command.env("SOUK_URL", shop.url());
        }
        let ended = timeout(PATIENCE, command.output()).await;
        let Output {
            status,
            stdout,
            stderr,
        } = ended.expect("it ends").expect("it starts");
        let said = [stdout, stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(status.success(), "{} {words:?}: {said}", program.display());
        said
    }
}

/// Copies what is written by people.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of ours") {
        let entry = entry.expect("an entry");
        let (name, path) = (entry.file_name(), entry.path());
        if MADE.iter().any(|made| name == *made) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

/// A shop on its own files, and one on PostgreSQL where there is one, with something to sell.
async fn shops() -> Vec<Shop> {
    let demo = ("SOUK_SHOP__DEMO", "true");
    let mut shops = vec![Shop::start_with(&[demo]).await];
    if let Some(server) = Postgres::shared() {
        let database = server.database();
        let own = [
            ("SOUK_DB", database.as_str()),
            ("SOUK_POSTGRES__MIGRATE", "true"),
            demo,
        ];
        shops.push(Shop::start_with(&own).await);
    }
    shops
}

/// The number behind a word on a line of its own; no test is no success.
fn tests_run(said: &str, mark: &str) -> u32 {
    let rest = said.lines().rev().find_map(|line| line.strip_prefix(mark));
    let count = rest.and_then(|rest| rest.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn the_client_in_typescript_goes_the_whole_way_on_both_stores() {
    let Some((bench, tools)) = Bench::open("typescript") else {
        return;
    };
    let modules = tools.join("node_modules");
    symlink(&modules, bench.path().join("node_modules")).expect("a link");
    let node = Path::new("node");
    bench.run(node, &["generate.mjs"], None).await;
    bench.run(node, &["generate.mjs", "--check"], None).await;
    // As strict as its own configuration: a change of the API that its tests do not fit is seen here.
    let compiler = "node_modules/typescript/bin/tsc";
    bench.run(node, &[compiler], None).await;
    let built = fs::read_dir(bench.path().join("build/test")).expect("it was built");
    let built = built.map(|entry| entry.expect("an entry").path().display().to_string());
    let files: Vec<String> = built.filter(|path| path.ends_with(".test.js")).collect();
    let mut words = vec!["--test", "--test-reporter=tap"];
    words.extend(files.iter().map(String::as_str));
    for shop in shops().await {
        let said = bench.run(node, &words, Some(&shop)).await;
        assert!(tests_run(&said, "# pass ") > 0, "{said}");
        shop.verify().await;
    }
}

#[tokio::test]
async fn the_client_in_python_goes_the_whole_way_on_both_stores() {
    let Some((bench, tools)) = Bench::open("python") else {
        return;
    };
    let python = tools.join("bin/python");
    bench.run(&python, &["generate.py"], None).await;
    bench.run(&python, &["generate.py", "--check"], None).await;
    let words = ["-W", "error", "-m", "unittest", "discover", "-s", "tests"];
    for shop in shops().await {
        let said = bench.run(&python, &words, Some(&shop)).await;
        assert!(tests_run(&said, "Ran ") > 0, "{said}");
        shop.verify().await;
    }
}
