//! `souk cluster demo`: a whole cluster on this machine, for a look and for tests: PostgreSQL with a synchronous
//! standby, NATS, Redis, some nodes that are alike, and a door in front of them. All is in a temporary folder and goes
//! when this ends. What dies is started again, as a cluster's supervisor would; it is no way to run a real shop.

mod parts;
pub(super) mod postgres;
pub(super) mod process;

use crate::{args::DemoArgs, console::say};
use contracts::BoxError;
use parts::Parts;
use process::{Folder, Process};
use serde_json::json;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often everybody is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a dead part stays dead, so that somebody can see the others go on without it.
const DEAD_FOR: Duration = Duration::from_secs(2);

pub(super) async fn demo(args: &DemoArgs) -> Result<(), BoxError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let folder = Folder::temporary()?;
    let mut parts = tokio::select! {
        parts = Parts::start(args, &folder) => parts?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    welcome(args, &folder, &parts);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        result = look_after(args, &mut parts) => result?,
    }
    parts.stop().await;
    Ok(())
}

/// Starts again what died; the standby takes over when the database did.
async fn look_after(args: &DemoArgs, parts: &mut Parts) -> Result<(), BoxError> {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if parts.database.primary_has_ended()? {
            let took = parts.database.fail_over().await?;
            tell(args, "database", "failed-over", &parts.database.primary);
            if !args.json {
                say(format!("PostgreSQL: the standby took over, {took:.1?}"));
            }
            parts.database.make_standby().await?;
            tell(args, "standby", "started", &parts.database.standby);
        }
        if parts.database.standby.has_ended()? {
            parts.database.standby.start_again().await?;
            tell(args, "standby", "started", &parts.database.standby);
        }
        for process in &mut parts.others {
            if process.has_ended()? {
                say_died(args, process);
                tokio::time::sleep(DEAD_FOR).await;
                process.start_again().await?;
                tell(args, process.name(), "started", process);
            }
        }
    }
}

fn say_died(args: &DemoArgs, process: &Process) {
    if !args.json {
        let seconds = DEAD_FOR.as_secs();
        say(format!(
            "{} died; it is started again in {seconds} seconds",
            process.name()
        ));
    }
}

/// A line for programs, or for people.
fn tell(args: &DemoArgs, part: &str, event: &str, process: &Process) {
    if args.json {
        say(json!({
            "event": event, "part": part, "pid": process.id(), "address": process.address(),
        }));
    } else {
        let id = process.id();
        say(format!("{part} runs again, process {id}"));
    }
}

fn welcome(args: &DemoArgs, folder: &Folder, parts: &Parts) {
    let all = || parts.all();
    if args.json {
        let list: Vec<_> = all()
            .map(|process| {
                json!({"part": process.name(), "pid": process.id(), "address": process.address()})
            })
            .collect();
        say(json!({
            "event": "ready", "url": parts.url, "database": parts.database.url(),
            "folder": folder.path(), "parts": list,
        }));
        return;
    }
    say(format!(
        "A cluster for a look, in {}. Ctrl-C ends and removes it.\n\n  Shop        {}/",
        folder.path().display(),
        parts.url
    ));
    for process in all() {
        let (name, address, id) = (process.name(), process.address(), process.id());
        say(format!("  {name:<11} {address:<32} process {id}"));
    }
    let souk = std::env::args().next().unwrap_or_else(|| "souk".to_owned());
    say(format!(
        "\nBecome admin:\n  SOUK_DB='{}' {souk} admin create --email you@example.com\n\n\
         Kill a node, or the database, while you order (`kill -9 PROCESS`): the others go on,\n\
         and what died comes back.\n\
         What each of them says is in {}/*.log",
        parts.database.url(),
        folder.path().display(),
    ));
}
