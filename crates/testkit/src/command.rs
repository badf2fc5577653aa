//! The binary's commands: run to their end, or started and stopped. They see none of the `SOUK_*` variables
//! that the tests themselves were started with.

use crate::{binary::Build, process::PATIENCE};
use std::{
    fs::File,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Longer than any command takes, even on a busy machine.
const LONG_PATIENCE: Duration = Duration::from_secs(300);

/// What a command said, and how it ended.
#[derive(Debug, Clone)]
pub struct Said {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The binary, to be told what to do.
pub(crate) fn command(build: Build) -> Command {
    let mut command = Command::new(build.path());
    forget_settings(&mut command);
    command.kill_on_drop(true);
    command
}

fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SOUK_") {
            command.env_remove(name);
        }
    }
}

/// Runs a command of the binary to its end, with this on standard input.
pub async fn run(arguments: &[&str], input: &str) -> Said {
    run_with(arguments, &[], input).await
}

/// Runs a command with these `SOUK_*` variables.
pub async fn run_with(arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Said {
    let mut command = command(Build::Plain);
    command.args(arguments).envs(environment.iter().copied());
    said(command, input).await
}

/// Runs it to its end, with this on standard input.
pub(crate) async fn said(mut command: Command, input: &str) -> Said {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that does not read its input may have ended already.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = timeout(LONG_PATIENCE, child.wait_with_output())
        .await
        .expect("it ends")
        .expect("it ran");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A command that runs on by itself.
pub struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts a command with these `SOUK_*` variables.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(Build::Plain);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        Self::of(command)
    }

    /// The same with this binary, with its log in a file; it ends with the thread that starts it, however that ends.
    pub fn start_logged(
        binary: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let mut command = Command::new("setpriv");
        forget_settings(&mut command);
        let log = File::options().create(true).append(true).open(log);
        command
            .args(["--pdeathsig", "KILL"])
            .arg(binary)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(log.expect("a file"))
            .kill_on_drop(true);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// What follows this on the next line that begins with it; lines before are dropped.
    pub async fn after(&mut self, start: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line())
                .await
                .expect("it says so in time")
                .expect("text")
                .unwrap_or_else(|| panic!("it ended without a line that begins with {start:?}"));
            if let Some(rest) = line.trim_start().strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("a process").is_some()
    }

    /// The process's id.
    pub fn process_id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends it a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        signal(&self.process, name).await;
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.process.wait()).await;
        ended.expect("it ends").expect("it was a process")
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("it dies");
    }

    /// Asks it to stop, and waits; whether it ended well.
    pub async fn stop(&mut self) -> bool {
        terminate(&mut self.process).await.success()
    }
}

/// Asks a process to stop (SIGTERM) and waits for its end.
pub(crate) async fn terminate(process: &mut Child) -> ExitStatus {
    signal(process, "TERM").await;
    timeout(PATIENCE, process.wait())
        .await
        .expect("it stops")
        .expect("it was a process")
}

/// Sends a signal, such as `TERM`, to a process that runs.
pub(crate) async fn signal(process: &Child, name: &str) {
    let id = process.id().expect("it runs").to_string();
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &id])
        .status()
        .await
        .expect("kill runs");
    assert!(sent.success());
}
