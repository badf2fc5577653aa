//! An incident, for practice: the database is killed under load. The alert fires in a real Prometheus and a real
//! Alertmanager, which pages somebody; what the runbook says to look at says what is wrong; what it says to do helps;
//! the alert resolves, and the books balance. Waits and windows of the rules are a sixtieth of what is shipped, here
//! only.

use super::{
    monitoring::{Killed, free_address},
    postgres::Database,
};
use crate::{
    parts::{Outcome, Stand},
    security::{http, tools},
};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

const ALERT: &str = "SoukNotReady";
/// Longer than anything takes here.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let found = [
        ("prometheus", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
        ("initdb", "postgresql"),
        ("setpriv", "util-linux"),
    ]
    .map(|(program, package)| tools::debian(program, package));
    let [Ok(prometheus), Ok(alertmanager), Ok(initdb), Ok(_)] = &found else {
        let missing = found.into_iter().find_map(Result::err);
        return Ok(Outcome::NotRun(missing.unwrap_or_default()));
    };
    let folder = stand.folder.join("drill");
    tools::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let mut database = Database::make(&folder, initdb, &[])?;
    let shop = Shop::open(stand, &folder, &database)?;
    let pager = Pager::listen()?;
    let watch = Watch::open(stand, &folder, (prometheus, alertmanager), (&shop, &pager))?;
    let _people = people(stand, &shop.address)?;
    until("orders are placed", || {
        shop.placed().map(|placed| placed > 20)
    })?;

    writeln!(out, "  the database is killed")?;
    let begun = Instant::now();
    database.kill()?;
    let mut tell = |what: &str| writeln!(out, "  {:5.1} s: {what}", begun.elapsed().as_secs_f32());
    until("Prometheus fires", || watch.fires())?;
    tell("the alert fires in Prometheus")?;
    until("Alertmanager has it", || watch.is_active())?;
    tell("it is active in Alertmanager")?;
    until("somebody is paged", || Ok(pager.has("firing")))?;
    tell("whoever is on call is paged")?;
    // The runbook's first line: what does the shop itself say?
    let said = http::ask(&shop.ops, "GET", "/readyz?verbose", &[], "")?;
    if said.status != 503 || !said.body.contains("orders-store") {
        return Ok(Outcome::Failed(format!(
            "/readyz?verbose says nothing of it: {}",
            said.body
        )));
    }
    tell("/readyz?verbose names the stores, as docs/runbooks/not-ready.md says")?;
    database.start()?;
    tell("PostgreSQL is started again, as it says to do")?;
    until("the shop is ready", || shop.is_ready())?;
    tell("the shop is ready, by itself")?;
    until("the alert is over", || watch.fires().map(|fires| !fires))?;
    until("it is over in Alertmanager", || {
        watch.is_active().map(|active| !active)
    })?;
    until("whoever was paged hears so", || Ok(pager.has("resolved")))?;
    tell("the alert is resolved, and whoever was paged hears so")?;
    let (before, took) = (shop.placed()?, begun.elapsed());
    until("orders are placed again", || {
        shop.placed().map(|placed| placed > before)
    })?;
    shop.verify(stand, &database)?;
    Ok(Outcome::Passed(format!(
        "{ALERT} fired, paged and resolved within {} s; orders go on and the books balance. Waits and windows of rules \
         and of Alertmanager were a sixtieth of what is shipped",
        took.as_secs()
    )))
}

/// Looks ten times a second.
pub(super) fn until(what: &str, mut holds: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        // Whoever was killed answers nobody.
        if holds().unwrap_or(false) {
            return Ok(());
        }
        thread::park_timeout(Duration::from_millis(100));
    }
    Err(io::Error::other(format!(
        "it took longer than {} s until {what}",
        PATIENCE.as_secs()
    )))
}

pub(super) struct Shop {
    pub(super) address: String,
    ops: String,
    _process: Killed,
}

impl Shop {
    pub(super) fn open(stand: &Stand, folder: &Path, database: &Database) -> io::Result<Self> {
        let (address, ops) = (free_address()?, free_address()?);
        let mut process = stand
            .souk()
            .args(["serve", "--listen", &address, "--log", "json"])
            .env("SOUK_DB", database.url())
            .env("SOUK_POSTGRES__MIGRATE", "true")
            .env("SOUK_LIMITS__ENABLED", "false")
            .env("SOUK_HTTP__OPS_LISTEN", &ops)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("shop.json"))?)
            .spawn()?;
        let said = process.stdout.take();
        let lines = said
            .into_iter()
            .flat_map(|said| BufReader::new(said).lines());
        let opened = lines
            .map_while(Result::ok)
            .any(|line| line.starts_with("listening on "));
        let shop = Self {
            address,
            ops,
            _process: Killed(process),
        };
        match opened {
            true => Ok(shop),
            false => Err(io::Error::other("the shop did not open")),
        }
    }

    fn is_ready(&self) -> io::Result<bool> {
        Ok(http::ask(&self.ops, "GET", "/readyz", &[], "")?.status == 200)
    }

    pub(super) fn placed(&self) -> io::Result<u64> {
        placed(&self.ops)
    }

    pub(super) fn verify(&self, stand: &Stand, database: &Database) -> io::Result<()> {
        let mut verify = stand.souk();
        verify.arg("verify").env("SOUK_DB", database.url());
        let verified = verify.output()?;
        match verified.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&verified.stdout).into_owned(),
            )),
        }
    }
}

/// The orders that a shop has taken since it opened.
pub(super) fn placed(ops: &str) -> io::Result<u64> {
    let metrics = http::ask(ops, "GET", "/metrics", &[], "")?.body;
    let name = "souk_orders_placed_total{result=\"placed\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(name));
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// Who is paged: keeps what comes.
struct Pager {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Pager {
    fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&heard);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut bytes = vec![0; 65_536];
                let mut text = String::new();
                drop(stream.set_read_timeout(Some(Duration::from_millis(300))));
                // What comes comes at once; then it waits for the answer.
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    text.push_str(&String::from_utf8_lossy(
                        bytes.get(..read).unwrap_or_default(),
                    ));
                }
                if let Ok(mut notes) = notes.lock() {
                    notes.push(text);
                }
                drop(stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                ));
            }
        });
        Ok(Self { address, heard })
    }

    /// Whether it heard of the alert in this state.
    fn has(&self, state: &str) -> bool {
        let heard = self.heard.lock();
        let state = format!("\"status\":\"{state}\"");
        // Of a page that is about another alert nothing follows.
        let says = |page: &String| page.contains(ALERT) && page.contains(&state);
        heard.is_ok_and(|heard| heard.iter().any(says))
    }
}

/// A Prometheus that scrapes the shop each second, and its Alertmanager.
struct Watch {
    prometheus: String,
    alertmanager: String,
    _servers: [Killed; 2],
}

impl Watch {
    fn open(
        stand: &Stand,
        folder: &Path,
        (prometheus, alertmanager): (&Path, &Path),
        (shop, pager): (&Shop, &Pager),
    ) -> io::Result<Self> {
        let shipped = stand.root.join("deploy/monitoring");
        let rules = folder.join("rules");
        fs::create_dir_all(&rules)?;
        for name in ["invariants.yaml", "objectives.yaml"] {
            let text = fs::read_to_string(shipped.join("prometheus/rules").join(name))?;
            fs::write(rules.join(name), scaled(&text))?;
        }
        let routes = fs::read_to_string(shipped.join("alertmanager/alertmanager.yaml"))?;
        let routes = scaled(&routes).replace(
            "http://pager.example:8080/souk",
            &format!("http://{}/", pager.address),
        );
        fs::write(folder.join("alertmanager.yaml"), routes)?;
        let (own, other) = (free_address()?, free_address()?);
        let configuration = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}/*.yaml\"]\nalerting: \
             {{alertmanagers: [{{static_configs: [{{targets: [\"{other}\"]}}]}}]}}\nscrape_configs:\n  - {{job_name: \
             souk, static_configs: [{{targets: [\"{}\"]}}]}}\n",
            rules.display(),
            shop.ops
        );
        fs::write(folder.join("prometheus.yaml"), configuration)?;
        let start = |program: &Path, words: &[String], log: &str| -> io::Result<Killed> {
            let mut command = Command::new(program);
            command
                .args(words)
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            Ok(Killed(
                command.stderr(File::create(folder.join(log))?).spawn()?,
            ))
        };
        let at = |name: &str| folder.join(name).display().to_string();
        let manager = [
            format!("--config.file={}", at("alertmanager.yaml")),
            format!("--storage.path={}", at("alertmanager")),
            format!("--web.listen-address={other}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let server = [
            format!("--config.file={}", at("prometheus.yaml")),
            format!("--storage.tsdb.path={}", at("prometheus")),
            format!("--web.listen-address={own}"),
        ];
        let servers = [
            start(alertmanager, &manager, "alertmanager.log")?,
            start(prometheus, &server, "prometheus.log")?,
        ];
        let watch = Self {
            prometheus: own,
            alertmanager: other,
            _servers: servers,
        };
        until("Prometheus answers", || watch.fires().map(|_| true))?;
        until("Alertmanager answers", || watch.is_active().map(|_| true))?;
        Ok(watch)
    }

    fn fires(&self) -> io::Result<bool> {
        let query = format!(
            "/api/v1/query?query=ALERTS%7Balertname%3D%22{ALERT}%22%2Calertstate%3D%22firing%22%7D"
        );
        let answer = http::ask(&self.prometheus, "GET", &query, &[], "")?;
        match answer.status {
            200 => Ok(answer.body.contains(ALERT)),
            status => Err(io::Error::other(format!("Prometheus answers {status}"))),
        }
    }

    fn is_active(&self) -> io::Result<bool> {
        let answer = http::ask(
            &self.alertmanager,
            "GET",
            "/api/v2/alerts?active=true",
            &[],
            "",
        )?;
        match answer.status {
            200 => Ok(answer.body.contains(ALERT)),
            status => Err(io::Error::other(format!("Alertmanager answers {status}"))),
        }
    }
}

/// Load for as long as the drill takes; it ends with its handle.
pub(super) fn people(stand: &Stand, address: &str) -> io::Result<Killed> {
    let mut people = Command::new("python3");
    people
        .arg(stand.root.join("tests/deploy/people.py"))
        .args([&format!("http://{address}"), "600"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(Killed(people.spawn()?))
}

/// Rules and routes with every wait and window a sixtieth of what it is: seconds for minutes, minutes for hours, and
/// for a day 24 minutes. What is in seconds is left.
fn scaled(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let waits = [
            "for: ",
            "group_wait: ",
            "group_interval: ",
            "repeat_interval: ",
        ];
        let whole = waits
            .iter()
            .find_map(|wait| line.trim_start().strip_prefix(wait));
        match whole.and_then(sixtieth) {
            Some(short) => {
                let kept = line.split(": ").next().unwrap_or_default();
                out.push_str(&format!("{kept}: {short}\n"));
            }
            None => out.push_str(&(windows(line) + "\n")),
        }
    }
    out.replace("group_wait: 30s", "group_wait: 1s")
}

/// The same of the windows in a line: `[5m]`.
fn windows(line: &str) -> String {
    let mut parts = line.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let short = part
            .split_once(']')
            .and_then(|(window, rest)| Some((sixtieth(window)?, rest)));
        match short {
            Some((window, rest)) => out.push_str(&format!("[{window}]{rest}")),
            None => out.push_str(&format!("[{part}")),
        }
    }
    out
}

fn sixtieth(duration: &str) -> Option<String> {
    let unit = duration.chars().last()?;
    let number: u32 = duration.trim_end_matches(unit).parse().ok()?;
    match unit {
        'm' => Some(format!("{number}s")),
        'h' => Some(format!("{number}m")),
        'd' => Some(format!("{}m", number.checked_mul(24)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_and_windows_are_a_sixtieth_and_nothing_else_changes() {
        for (shipped, expected) in [
            ("        for: 2m", "        for: 2s\n"),
            ("  repeat_interval: 12h", "  repeat_interval: 12m\n"),
            ("  group_wait: 30s", "  group_wait: 1s\n"),
            (
                "expr: rate(a[5m]) > 3 * rate(b[3d])",
                "expr: rate(a[5s]) > 3 * rate(b[72m])\n",
            ),
            ("by: [alertname, objective]", "by: [alertname, objective]\n"),
            ("record: job:errors:5m", "record: job:errors:5m\n"),
        ] {
            assert_eq!(scaled(shipped), expected);
        }
    }
}
