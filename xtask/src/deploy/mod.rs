//! `cargo xtask deploy`: whether what we ship for running the shop is what it says: read and run by the tools of those
//! whose formats they are. What could not be had is said, and is no success. Parts that need neither a download nor a
//! server are tests as well.

mod aws;
mod backup;
mod containers;
mod cost;
mod drill;
mod image;
mod moment;
mod monitoring;
mod names;
pub(crate) mod postgres;
mod reference;
mod upgrade;

pub(crate) use image::BINARY as STATIC_BINARY;

use crate::{
    parts::{self, Outcome, Part, Stand},
    security::tools,
};
use std::{
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

const PARTS: &[Part] = &[
    Part {
        name: "metrics",
        what: "promtool reads the metrics of a real shop, and the reference names all of them",
        asks_a_shop: true,
        run: monitoring::metrics,
    },
    Part {
        name: "alerts",
        what: "promtool and amtool read rules, tests and routes; the tests of the rules pass",
        asks_a_shop: false,
        run: monitoring::alerts,
    },
    Part {
        name: "dashboards",
        what: "every query of every panel is answered by a Prometheus that scrapes a shop at work",
        asks_a_shop: true,
        run: monitoring::dashboards,
    },
    Part {
        name: "dockerfile",
        what: "hadolint reads the Dockerfile",
        asks_a_shop: false,
        run: containers::dockerfile,
    },
    Part {
        name: "compose",
        what: "Docker's own programs read both compositions and the stack",
        asks_a_shop: false,
        run: containers::compose,
    },
    Part {
        name: "kubernetes",
        what: "every field of the manifests is one of Kubernetes, and checkov finds nothing that is not meant so",
        asks_a_shop: false,
        run: containers::kubernetes,
    },
    Part {
        name: "helm",
        what: "Helm's own library reads and renders the chart",
        asks_a_shop: false,
        run: containers::helm,
    },
    Part {
        name: "proxies",
        what: "HAProxy reads the configuration of the composition",
        asks_a_shop: false,
        run: containers::proxies,
    },
    Part {
        name: "terraform",
        what: "Terraform validates the module, checkov reads it, and moto takes it",
        asks_a_shop: false,
        run: aws::run,
    },
    Part {
        name: "image",
        what: "a root file system with nothing but the static binary and certificates runs, as nobody, read-only",
        asks_a_shop: false,
        run: image::run,
    },
    Part {
        name: "drill",
        what: "the database is killed under load: the alert fires, pages, and resolves by what its runbook says",
        asks_a_shop: true,
        run: drill::run,
    },
    Part {
        name: "backup",
        what: "how long a shop of 100,000 orders takes to be copied, brought back and verified",
        asks_a_shop: true,
        run: backup::run,
    },
    Part {
        name: "moment",
        what: "a shop on PostgreSQL comes back to a moment, from a base backup and archived logs",
        asks_a_shop: true,
        run: moment::run,
    },
    Part {
        name: "upgrade",
        what: "data and nodes of the release before go on by this binary, on files and on PostgreSQL",
        asks_a_shop: true,
        run: upgrade::run,
    },
    Part {
        name: "cost",
        what: "reads are answered as fast by a shop that is watched: logs, metrics, spans",
        asks_a_shop: true,
        run: cost::run,
    },
];

/// Runs the parts that are wished for, or all; answers whether all passed.
pub(crate) fn run(root: &Path, wish: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    parts::run("deploy", PARTS, root, wish, out)
}

/// A tool that says what it finds: it passes when it ends well. Its own words are printed.
fn judge(command: &mut Command, out: &mut dyn Write) -> io::Result<Result<(), String>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let output = command.stdin(Stdio::null()).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        writeln!(out, "  {line}")?;
    }
    Ok(match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program} ended with {}", output.status)),
    })
}

/// All of these, in order, until one fails.
fn judge_all(commands: &mut [Command], passed: &str, out: &mut dyn Write) -> io::Result<Outcome> {
    for command in commands {
        if let Err(why) = judge(command, out)? {
            return Ok(Outcome::Failed(why));
        }
    }
    Ok(Outcome::Passed(passed.to_owned()))
}

/// checkov over a folder, with what is skipped on purpose in `.checkov.yaml` of deploy.
fn checkov(stand: &Stand, folder: &str, framework: &str) -> io::Result<Result<Command, String>> {
    let found = tools::python(stand, "checkov", "checkov", CHECKOV)?;
    Ok(found.map(|program| {
        let mut command = Command::new(program);
        command
            .current_dir(&stand.root)
            .args([
                "--skip-download",
                "--quiet",
                "--compact",
                "--framework",
                framework,
            ])
            .args([
                "--config-file",
                "deploy/.checkov.yaml",
                "--directory",
                folder,
            ]);
        command
    }))
}

const CHECKOV: &str = "3.3.30";
