//! A process of the demonstration: started so that it never outlives this one, with its output in a file.

use contracts::BoxError;
use std::{
    fs::File,
    net::TcpListener,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

/// Longer than any part needs to start, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether a part is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a part has to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// A folder that goes with this.
#[derive(Debug)]
pub(in crate::commands) struct Folder(PathBuf);

impl Folder {
    /// A new folder; others may go through it, as PostgreSQL's user has to.
    pub(in crate::commands) fn temporary() -> Result<Self, BoxError> {
        let name = format!("souk-cluster-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o711).create(&path)?;
        Ok(Self(path))
    }

    pub(in crate::commands) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(error = %error, "{} could not be removed", self.0.display());
        }
    }
}

/// How a process is started, now and again.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Recipe {
    pub(in crate::commands) name: String,
    pub(in crate::commands) program: PathBuf,
    pub(in crate::commands) arguments: Vec<String>,
    pub(in crate::commands) settings: Vec<(&'static str, String)>,
    /// Who runs it, if this is root.
    pub(in crate::commands) user: Option<&'static str>,
    /// Where it answers.
    pub(in crate::commands) port: u16,
    /// What it answers with 200 once it is ready; without, it is enough that it takes a connection.
    pub(in crate::commands) ready: Option<&'static str>,
    pub(in crate::commands) log: PathBuf,
}

/// A process that runs.
#[derive(Debug)]
pub(in crate::commands) struct Process {
    recipe: Recipe,
    child: Child,
}

impl Process {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started, or ends at once, or is not ready in time.
    pub(in crate::commands) async fn start(recipe: Recipe) -> Result<Self, BoxError> {
        let child = spawn(&recipe)?;
        let mut process = Self { recipe, child };
        process.wait().await?;
        Ok(process)
    }

    /// Starts it as before.
    pub(in crate::commands) async fn start_again(&mut self) -> Result<(), BoxError> {
        self.child = spawn(&self.recipe)?;
        self.wait().await
    }

    pub(in crate::commands) fn name(&self) -> &str {
        &self.recipe.name
    }

    pub(in crate::commands) fn port(&self) -> u16 {
        self.recipe.port
    }

    /// What it is called from now on.
    pub(in crate::commands) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.recipe.name);
    }

    pub(in crate::commands) fn address(&self) -> String {
        let scheme = if self.recipe.ready.is_some() {
            "http://"
        } else {
            ""
        };
        format!("{scheme}127.0.0.1:{}", self.recipe.port)
    }

    /// Its number; none any more once it has ended.
    pub(in crate::commands) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    pub(in crate::commands) fn has_ended(&mut self) -> Result<bool, BoxError> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Asks it to end, and makes it if it does not.
    pub(in crate::commands) async fn stop(&mut self) {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        let ended = async {
            drop(asked.await);
            self.child.wait().await
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            drop(self.child.kill().await);
        }
    }

    async fn wait(&mut self) -> Result<(), BoxError> {
        let until = Instant::now().checked_add(PATIENCE);
        while until.is_some_and(|until| Instant::now() < until) {
            if self.has_ended()? {
                return Err(self.trouble("ended at once"));
            }
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(self.trouble("was not ready in time"))
    }

    async fn is_ready(&self) -> bool {
        match self.recipe.ready {
            Some(path) => {
                let url = format!("http://127.0.0.1:{}{path}", self.recipe.port);
                let answer = reqwest::get(url).await;
                answer.is_ok_and(|answer| answer.status().is_success())
            }
            None => tokio::net::TcpStream::connect(("127.0.0.1", self.recipe.port))
                .await
                .is_ok(),
        }
    }

    fn trouble(&self, what: &str) -> BoxError {
        let said = std::fs::read_to_string(&self.recipe.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        format!("{} {what}: {}", self.recipe.name, last.join("\n")).into()
    }
}

/// The thread that starts it is the one of the whole command: when that ends, however it does, so does the process.
fn spawn(recipe: &Recipe) -> Result<Child, BoxError> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(&recipe.log)?;
    let mut command = as_user(recipe.user, &recipe.program)?;
    command
        .args(&recipe.arguments)
        .envs(recipe.settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    let started = command.spawn();
    started.map_err(|error| format!("{} cannot be started: {error}", recipe.name).into())
}

/// A program, run as this user if we are root.
pub(in crate::commands) fn as_user(
    user: Option<&str>,
    program: &Path,
) -> Result<Command, BoxError> {
    let mut command = Command::new("setpriv");
    if let Some(user) = user
        && is_root()?
    {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    Ok(command)
}

/// Gives a folder to this user if we are root.
pub(in crate::commands) async fn give_to(user: &str, folder: &Path) -> Result<(), BoxError> {
    if is_root()? {
        let mut command = Command::new("chown");
        command.arg(user).arg(folder);
        run(command, "chown").await?;
    }
    Ok(())
}

/// Runs a command to its end; what it said if it went wrong.
pub(in crate::commands) async fn run(mut command: Command, name: &str) -> Result<String, BoxError> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .map_err(|_| format!("{name} did not end"))?
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}", said.trim()).into())
}

/// A port that nobody has.
pub(in crate::commands) fn free_port() -> Result<u16, BoxError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The first of these programs that is on the path or at its full name.
pub(in crate::commands) fn find(programs: &[&str], package: &str) -> Result<PathBuf, BoxError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = programs.iter().find_map(|program| {
        let candidates = folders.iter().map(|folder| folder.join(program));
        candidates.into_iter().find(|candidate| candidate.is_file())
    });
    found.ok_or_else(|| {
        let names = programs.join(" or ");
        format!("{names} is not installed here: apt-get install {package}").into()
    })
}

fn is_root() -> Result<bool, BoxError> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}
