//! An upgrade as docs/upgrade.md says it, from the binary of a release before and the data that it made: one node on
//! files, which is stopped, copied and started anew; and two nodes on PostgreSQL behind a door, one after the other,
//! while people buy. Nobody may notice the latter, and the books balance after both.

use super::{
    drill::until,
    monitoring::{Killed, free_address},
    postgres::Database,
};
use crate::{
    parts::{self, Outcome, Stand},
    security::{http, tools},
};
use std::{
    env, fs,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Names the binary of the release before.
const BEFORE: &str = "SOUK_BINARY_BEFORE";
/// How long people buy while nodes are exchanged, in seconds: longer than that takes.
const WHILE_EXCHANGED: &str = "40";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let Some(before) = env::var_os(BEFORE) else {
        return Ok(Outcome::NotRun(format!(
            "name the binary of the release before in {BEFORE}"
        )));
    };
    let found = [("initdb", "postgresql"), ("setpriv", "util-linux")]
        .map(|(program, package)| tools::debian(program, package));
    let [Ok(initdb), Ok(_)] = &found else {
        let missing = found.into_iter().find_map(Result::err);
        return Ok(Outcome::NotRun(missing.unwrap_or_default()));
    };
    let folder = stand.folder.join("upgrade");
    tools::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let upgrade = Upgrade {
        stand,
        before: std::path::absolute(before)?,
        folder,
    };
    let on_files = upgrade.on_files()?;
    writeln!(out, "  on files: {on_files}")?;
    let database = Database::make(&upgrade.folder, initdb, &[])?;
    let (on_postgres, failed) = upgrade.on_postgres(&database)?;
    writeln!(out, "  on PostgreSQL: {on_postgres}")?;
    let said = format!("on files {on_files}; on PostgreSQL {on_postgres}");
    Ok(match failed {
        0 => Outcome::Passed(said),
        _ => Outcome::Failed(said),
    })
}

struct Upgrade<'s> {
    stand: &'s Stand,
    before: PathBuf,
    folder: PathBuf,
}

impl Upgrade<'_> {
    /// Stopped, backed up, and opened by this release.
    fn on_files(&self) -> io::Result<String> {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let database = format!("sqlite:{}", at("data"));
        let settings = [("SOUK_DB", database.as_str())];
        let node = self.open(&self.before, &free_address()?, &settings)?;
        let first = self.people(&node.address, "5")?.wait()?;
        node.end()?;
        let copy = at("copy");
        said(&mut command(&self.before, &["backup", &copy], &settings))?;
        let new = &self.stand.binary;
        let lacks = said(&mut command(new, &["migrate", "status"], &settings)).is_err();
        let node = self.open(new, &free_address()?, &settings)?;
        let then = self.people(&node.address, "3")?.wait()?;
        node.end()?;
        said(&mut command(new, &["verify"], &settings))?;
        let schema = match lacks {
            true => "the start made what the schema lacked",
            false => "the schema was the same",
        };
        Ok(format!(
            "{} orders of the release before, {} more by this one, {schema}, the books balance",
            first.placed, then.placed
        ))
    }

    /// Migrated beside the nodes of before, which then go one after the other; answers with how many requests failed
    /// as well.
    fn on_postgres(&self, database: &Database) -> io::Result<(String, u64)> {
        let url = database.url();
        let settings = [
            ("SOUK_DB", url.as_str()),
            // As where others than this machine can ask.
            ("SOUK_HTTP__SHUTDOWN_DELAY_MS", "2000"),
        ];
        said(&mut command(&self.before, &["migrate", "up"], &settings))?;
        let addresses = [free_address()?, free_address()?];
        let mut nodes = Vec::new();
        for address in &addresses {
            nodes.push(self.open(&self.before, address, &settings)?);
        }
        let [one, other] = &addresses;
        let behind = format!("[\"{one}\", \"{other}\"]");
        let upstream = [("SOUK_GATEWAY__UPSTREAM__NODES", behind.as_str())];
        let door = self.open(&self.before, &free_address()?, &upstream)?;
        let people = self.people(&door.address, WHILE_EXCHANGED)?;
        let orders = || -> io::Result<u64> {
            let count = database.say("SELECT count(*) FROM orders.orders")?;
            count.parse().map_err(io::Error::other)
        };
        let more = |than: u64| until("orders are placed", || Ok(orders()? > than));
        more(20)?;
        let new = &self.stand.binary;
        said(&mut command(new, &["migrate", "up"], &settings))?;
        let mut exchanged = Vec::new();
        for (node, address) in nodes.into_iter().zip(&addresses) {
            more(orders()?.saturating_add(20))?;
            node.end()?;
            exchanged.push(self.open(new, address, &settings)?);
        }
        more(orders()?.saturating_add(20))?;
        let bought = people.wait()?;
        said(&mut command(new, &["verify"], &settings))?;
        let back = self.open(&self.before, &free_address()?, &settings)?;
        back.end()?;
        let kept = orders()?;
        if kept < bought.placed {
            return Err(io::Error::other(format!(
                "{} orders were acknowledged, {kept} are there",
                bought.placed
            )));
        }
        Ok((
            format!(
                "{} of {} requests failed while both nodes were exchanged, {} orders, the books balance, and the \
                 release before still opens on that schema",
                bought.failed, bought.asked, bought.placed
            ),
            bought.failed,
        ))
    }
}

impl Upgrade<'_> {
    /// A shop by this binary, which takes work when it is answered with.
    fn open(&self, binary: &Path, address: &str, settings: &[(&str, &str)]) -> io::Result<Node> {
        let port = address.rsplit(':').next().unwrap_or_default();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(format!("node-{port}.json")))?;
        let words = ["serve", "--listen", address, "--log", "json"];
        let process = command(binary, &words, settings)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let node = Node {
            process: Killed(process),
            address: address.to_owned(),
        };
        until("a node is ready", || {
            Ok(http::ask(address, "GET", "/readyz", &[], "")?.status == 200)
        })?;
        Ok(node)
    }

    /// People who buy there for so many seconds.
    fn people(&self, address: &str, seconds: &str) -> io::Result<People> {
        let mut people = Command::new("python3");
        people
            .arg(self.stand.root.join("tests/deploy/people.py"))
            .args([&format!("http://{address}"), seconds])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        Ok(People(people.spawn()?))
    }
}

/// A node of the shop.
struct Node {
    process: Killed,
    address: String,
}

impl Node {
    /// Stopped in order, as whoever operates it does it.
    fn end(mut self) -> io::Result<()> {
        let id = self.process.0.id().to_string();
        said(Command::new("kill").args(["-TERM", &id]))?;
        let ended = self.process.0.wait()?;
        match ended.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("a node ended with {ended}"))),
        }
    }
}

/// What people did.
struct Bought {
    asked: u64,
    failed: u64,
    placed: u64,
}

struct People(Child);

impl People {
    /// Until they have had enough.
    fn wait(self) -> io::Result<Bought> {
        let ran = self.0.wait_with_output()?;
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let count = |word: &str| {
            let mut words = text.split_whitespace().skip_while(|said| *said != word);
            words.nth(1).and_then(|count| count.parse().ok())
        };
        match (count("asked"), count("failed"), count("placed")) {
            (Some(asked), Some(failed), Some(placed)) if ran.status.success() => Ok(Bought {
                asked,
                failed,
                placed,
            }),
            _ => Err(io::Error::other(format!(
                "the people of the check could not buy: {text}"
            ))),
        }
    }
}

/// A shop's binary with these settings.
fn command(binary: &Path, words: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = parts::bare(binary);
    command
        .args(words)
        .env("SOUK_LIMITS__ENABLED", "false")
        .envs(settings.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Ends well, or fails with what it says.
fn said(command: &mut Command) -> io::Result<()> {
    let ran = command.output()?;
    match ran.status.success() {
        true => Ok(()),
        false => {
            let words = [ran.stdout, ran.stderr].concat();
            let words = String::from_utf8_lossy(&words).into_owned();
            Err(io::Error::other(format!("{command:?}: {words}")))
        }
    }
}
