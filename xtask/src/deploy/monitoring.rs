//! Metrics, alerts and dashboards, by Prometheus' own programs, against a shop that is at work.

use super::{judge, judge_all, reference};
use crate::{
    parts::{Outcome, Stand},
    security::{http, shop::Shop, tools},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
};

const PROMETHEUS: &str = "prometheus";
const ALERTMANAGER: &str = "prometheus-alertmanager";

/// A shop at work for a few seconds; its metrics by promtool, and beside the reference.
pub(super) fn metrics(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let promtool = match tools::debian("promtool", PROMETHEUS) {
        Ok(promtool) => promtool,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let (shop, ops) = open(stand, "metrics")?;
    work(stand, &shop, 3)?;
    let text = http::ask(&ops, "GET", "/metrics", &[], "")?.body;
    drop(shop);
    let file = stand.folder.join("metrics.txt");
    fs::write(&file, &text)?;
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(File::open(&file)?);
    let output = check.output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if !output.status.success() || !said.trim().is_empty() {
        return Ok(Outcome::Failed(format!("promtool says: {said}")));
    }
    let strangers = reference::strangers(&stand.root, &text)?;
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    writeln!(out, "  {series} series")?;
    Ok(match strangers.as_slice() {
        [] => Outcome::Passed(format!(
            "promtool finds nothing in {series} series; all are in the reference"
        )),
        _ => Outcome::Failed(format!("not in docs/metrics.md: {}", strangers.join(", "))),
    })
}

/// Rules, their tests, the example of Alertmanager.
pub(super) fn alerts(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let (promtool, amtool) = match (
        tools::debian("promtool", PROMETHEUS),
        tools::debian("amtool", ALERTMANAGER),
    ) {
        (Ok(promtool), Ok(amtool)) => (promtool, amtool),
        (Err(why), _) | (_, Err(why)) => return Ok(Outcome::NotRun(why)),
    };
    let folder = stand.root.join("deploy/monitoring");
    let prometheus = folder.join("prometheus");
    let promtool = |words: &[&str]| {
        let mut command = Command::new(&promtool);
        command.current_dir(&prometheus).args(words);
        command
    };
    let mut route = Command::new(&amtool);
    route
        .current_dir(&folder)
        .args(["config", "routes", "test", "--verify.receivers=on-call"])
        .args([
            "--config.file=alertmanager/alertmanager.yaml",
            "severity=page",
        ]);
    let mut read = Command::new(&amtool);
    read.current_dir(&folder)
        .args(["check-config", "alertmanager/alertmanager.yaml"]);
    let mut commands = [
        promtool(&["check", "config", "prometheus.yaml"]),
        promtool(&[
            "check",
            "rules",
            "rules/invariants.yaml",
            "rules/objectives.yaml",
        ]),
        promtool(&[
            "test",
            "rules",
            "tests/invariants.yaml",
            "tests/objectives.yaml",
        ]),
        read,
        route,
    ];
    judge_all(&mut commands, "rules, their tests, routes", out)
}

/// A Prometheus that scrapes a shop at work each second; every query of every panel.
pub(super) fn dashboards(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let prometheus = match tools::debian("prometheus", PROMETHEUS) {
        Ok(prometheus) => prometheus,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let folder = stand.root.join("deploy/monitoring");
    let mut made = Command::new("python3");
    made.arg(folder.join("grafana/make.py")).arg("--check");
    if let Err(why) = judge(&mut made, out)? {
        return Ok(Outcome::Failed(why));
    }
    let (shop, ops) = open(stand, "dashboards")?;
    let own = stand.folder.join("prometheus");
    tools::remove(&own)?;
    fs::create_dir_all(&own)?;
    let rules = folder.join("prometheus/rules/*.yaml");
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}\"]\nscrape_configs:\n  \
         - {{job_name: souk, static_configs: [{{targets: [\"{ops}\"]}}]}}\n",
        rules.display()
    );
    let file = own.join("prometheus.yaml");
    fs::write(&file, configuration)?;
    let address = free_address()?;
    let server = Command::new(prometheus)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            own.join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(own.join("log"))?)
        .spawn()?;
    let _server = Killed(server);
    work(stand, &shop, 40)?;
    let mut panels = Command::new("python3");
    panels
        .arg(stand.root.join("tests/deploy/panels.py"))
        .arg(format!("http://{address}"))
        .arg(folder.join("grafana/dashboards"));
    judge_all(&mut [panels], "every query is answered", out)
}

/// Somebody's process, which ends with its handle.
pub(super) struct Killed(pub(super) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A shop with the demo catalog, and where it tells its metrics.
pub(super) fn open(stand: &Stand, name: &str) -> io::Result<(Shop, String)> {
    let ops = free_address()?;
    // Everything is looked at while the check still runs.
    let settings = [
        ("SOUK_HTTP__OPS_LISTEN", ops.as_str()),
        ("SOUK_WATCH__EVERY_MS", "1000"),
        ("SOUK_WATCH__AUDIT_EVERY_SECONDS", "5"),
    ];
    let shop = Shop::open(stand, name, &settings)?;
    Ok((shop, ops))
}

/// People look about, buy, pay, want more than there is, and ask for what is not there.
fn work(stand: &Stand, shop: &Shop, seconds: u32) -> io::Result<()> {
    let status = Command::new("python3")
        .arg(stand.root.join("tests/deploy/people.py"))
        .arg(format!("http://{}", shop.address))
        .arg(seconds.to_string())
        .stdin(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other("the people of the check could not buy")),
    }
}

/// An address that nobody listens at just now.
pub(super) fn free_address() -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.to_string())
}
