//! `souk doctor`: what somebody would look at who was called at night, before the shop is opened or beside it: each
//! finding a line, with what to do about it. It changes nothing but a file of its own for a moment, and waits for
//! nobody longer than some seconds.

mod machine;
mod stores;

use super::in_one_line;
use crate::{args::DataArgs, config::Config, console::say, shop};
use contracts::BoxError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long anybody is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Fine,
    /// The shop works, and somebody should know.
    Doubtful,
    /// The shop does not work, or does not keep what it promises.
    Wrong,
}

/// What was found.
#[derive(Debug)]
struct Finding {
    grade: Grade,
    what: &'static str,
    line: String,
}

impl Finding {
    fn fine(what: &'static str, line: impl Into<String>) -> Self {
        Self::of(Grade::Fine, what, line)
    }

    fn doubtful(what: &'static str, line: impl Into<String>) -> Self {
        Self::of(Grade::Doubtful, what, line)
    }

    fn wrong(what: &'static str, line: impl Into<String>) -> Self {
        Self::of(Grade::Wrong, what, line)
    }

    fn of(grade: Grade, what: &'static str, line: impl Into<String>) -> Self {
        let line = line.into();
        Self { grade, what, line }
    }

    fn tell(&self) {
        let grade = match self.grade {
            Grade::Fine => "ok",
            Grade::Doubtful => "look",
            Grade::Wrong => "WRONG",
        };
        say(format!("{grade:<6} {:<10} {}", self.what, self.line));
    }
}

pub(super) async fn run(data: &DataArgs) -> Result<(), BoxError> {
    let config = match data.load() {
        Ok(config) => config,
        Err(error) => {
            Finding::wrong("settings", in_one_line(&error)).tell();
            return Err("the settings cannot be read: nothing else was looked at".into());
        }
    };
    let mut findings = vec![settings(&config)];
    findings.extend(machine::look(&config).await);
    findings.extend(stores::look(&config).await);
    findings.iter().for_each(Finding::tell);
    sum_up(&findings)
}

/// Whether a start takes them.
fn settings(config: &Config) -> Finding {
    match super::config::check(config) {
        Ok(()) => Finding::fine("settings", "can be read, and can work"),
        Err(error) => Finding::wrong(
            "settings",
            format!("no shop opens with them: {}", in_one_line(&*error)),
        ),
    }
}

fn sum_up(findings: &[Finding]) -> Result<(), BoxError> {
    let count = |grade| findings.iter().filter(|one| one.grade == grade).count();
    match (count(Grade::Wrong), count(Grade::Doubtful)) {
        (0, 0) => say("all is well"),
        (0, doubtful) => say(format!("it works; {doubtful} to look at")),
        (wrong, _) => return Err(format!("{wrong} of {} are wrong", findings.len()).into()),
    }
    Ok(())
}

/// The time, as files tell theirs.
fn now() -> SystemTime {
    let since = Duration::from_millis(u64::try_from(shop::now().as_ms()).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// Whether a shop is open with these settings on this machine, as far as its folder tells.
fn is_open(config: &Config) -> bool {
    config
        .data_folder()
        .is_some_and(|folder| crate::data::is_served(&folder))
}
