//! The module for ECS: Terraform reads and validates it with the real provider, checkov looks for what is careless, and
//! moto, on this machine, takes what it would make. No cloud is asked.

use super::{checkov, judge};
use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Where providers lie that Terraform shall take instead of asking its registry: a folder as `terraform providers
/// mirror` makes it.
const PLUGINS: &str = "SOUK_TERRAFORM_PLUGINS";
/// Where moto listens, as tests/deploy/moto.tf says.
const MOTO: &str = "127.0.0.1:5555";
/// moto does not know all that these ask for: they are validated only.
const NOT_APPLIED: [&str; 2] = ["availability.tf", "scaling.tf"];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let module = stand.root.join("deploy/ecs");
    match checkov(stand, "deploy/ecs", "terraform")? {
        Ok(mut command) => {
            if let Err(why) = judge(&mut command, out)? {
                return Ok(Outcome::Failed(why));
            }
        }
        Err(why) => return Ok(Outcome::NotRun(why)),
    }
    if Command::new("terraform").arg("version").output().is_err() {
        return Ok(Outcome::NotRun(
            "checkov found nothing; terraform is not here".to_owned(),
        ));
    }
    let folder = stand.folder.join("terraform");
    tools::remove(&folder)?;
    copy(&module, &folder.join("souk"))?;
    fs::copy(
        stand.root.join("tests/deploy/moto.tf"),
        folder.join("main.tf"),
    )?;
    let mut format = terraform(&module, &["fmt", "-check", "-diff"]);
    if let Err(why) = judge(&mut format, out)? {
        return Ok(Outcome::Failed(why));
    }
    let mut begin = terraform(&folder, &["init", "-no-color"]);
    if let Some(plugins) = env::var_os(PLUGINS) {
        let mut word = std::ffi::OsString::from("-plugin-dir=");
        word.push(plugins);
        begin.arg(word);
    }
    if !begin.output()?.status.success() {
        return Ok(Outcome::NotRun(format!(
            "checkov and the format are well; the provider for AWS cannot be had: name a mirror in {PLUGINS}"
        )));
    }
    if let Err(why) = judge(&mut terraform(&folder, &["validate", "-no-color"]), out)? {
        return Ok(Outcome::Failed(why));
    }
    apply(stand, &folder, out)
}

fn apply(stand: &Stand, folder: &Path, out: &mut dyn Write) -> io::Result<Outcome> {
    let server = match tools::python(stand, "moto_server", "moto[server]", "5.2.5")? {
        Ok(server) => server,
        Err(why) => return Ok(Outcome::NotRun(format!("valid; not applied: {why}"))),
    };
    for file in NOT_APPLIED {
        fs::remove_file(folder.join("souk").join(file))?;
    }
    let mut server = Command::new(server)
        .args(["-H", "127.0.0.1", "-p", "5555"])
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let listens = wait_for(MOTO);
    let words = ["apply", "-auto-approve", "-no-color", "-input=false"];
    let applied = match listens {
        true => Some(terraform(folder, &words).stdin(Stdio::null()).output()),
        false => None,
    };
    // It may have ended by itself.
    drop(server.kill());
    drop(server.wait());
    let Some(applied) = applied.transpose()? else {
        return Ok(Outcome::NotRun("valid; moto did not listen".to_owned()));
    };
    let said = String::from_utf8_lossy(&applied.stdout).into_owned();
    let end = said.lines().find(|line| line.starts_with("Apply complete"));
    Ok(match end {
        Some(end) => Outcome::Passed(format!(
            "valid; {end} NOT RUN: {} (moto has no composite alarms and no tags of scaling)",
            NOT_APPLIED.join(", ")
        )),
        None => {
            for line in String::from_utf8_lossy(&applied.stderr).lines() {
                writeln!(out, "  {line}")?;
            }
            Outcome::Failed("moto did not take it".to_owned())
        }
    })
}

fn terraform(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    // Only what is said here counts, whatever somebody's own configuration says.
    command
        .current_dir(folder)
        .args(words)
        .env_remove("TF_CLI_CONFIG_FILE");
    command
}

/// Whether somebody listens there within a quarter of a minute.
fn wait_for(address: &str) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        if std::net::TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// The files of a folder that has no folders.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let files: io::Result<Vec<PathBuf>> = fs::read_dir(from)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    for file in files?.into_iter().filter(|path| path.is_file()) {
        if let Some(name) = file.file_name() {
            fs::copy(&file, to.join(name))?;
        }
    }
    Ok(())
}
