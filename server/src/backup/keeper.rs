//! Copies that are made at the push of a button, by the process that serves from the folder: one at a time however many
//! ask, the newest few kept. Nothing is taken away but copies that were made here, and of those only what is too many.

use super::{SUMS, UNFINISHED, databases, make, make_folder};
use crate::config::Config;
use async_trait::async_trait;
use contracts::{
    BoxError,
    audit::AuditReport,
    house::{Backup, Backups, BackupsView},
    values::Timestamp,
};
use platform::{config::ConfigError, deadline, tasks::Tasks};
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::spawn_blocking};

/// How long somebody waits for a copy; it must be less than the time a request may take.
const WAIT: Duration = Duration::from_secs(3);
/// The most that may be kept: all of them are listed.
const KEPT_MAX: u32 = 50;
/// Where they are within the data folder, unless the settings say otherwise.
const FOLDER: &str = "backups";

/// The section `[backups]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where they go; empty: `backups` within the data folder.
    pub folder: String,
    /// How many are kept.
    pub kept_max: u32,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if (1..=KEPT_MAX).contains(&self.kept_max) {
            return Ok(());
        }
        let line = format!("backups.kept_max: must be 1 to {KEPT_MAX}");
        Err(ConfigError::Invalid(line))
    }
}

/// Where the copies of a shop go that is in this folder.
pub(crate) fn folder_of(config: &Config, data: &Path) -> PathBuf {
    match config.backups.folder.as_str() {
        "" => data.join(FOLDER),
        other => PathBuf::from(other),
    }
}

/// When the newest whole copy in a folder was finished, whoever made it, in seconds since 1970; 0 where there is none.
pub(crate) fn newest(folder: &Path) -> i64 {
    let there = fs::read_dir(folder).into_iter().flatten().flatten();
    let whole = there.filter(|entry| {
        let name = entry.file_name();
        name.to_str()
            .is_some_and(|name| !name.ends_with(UNFINISHED))
    });
    // The sums are written when everything else is there.
    let finished = whole.filter_map(|entry| fs::metadata(entry.path().join(SUMS)).ok());
    finished.map(|known| known.mtime()).max().unwrap_or(0)
}

/// What is known of the copy that is being made, and of the one before.
#[derive(Default)]
struct Known {
    /// Since when, and who hears of its end.
    running: Option<(Timestamp, watch::Receiver<()>)>,
    key: String,
    failed: Option<String>,
}

/// Makes copies, and knows those that are there.
#[derive(Clone)]
pub(crate) struct Keeper {
    /// That of the shop, which names the folder it really is in.
    config: Arc<Config>,
    folder: PathBuf,
    tasks: Tasks,
    known: Arc<Mutex<Known>>,
}

impl Keeper {
    /// For the shop in this folder, where this process has all of it.
    pub(crate) fn of(
        config: &Config,
        folder: Option<&Path>,
        tasks: &Tasks,
    ) -> Option<Arc<dyn Backups>> {
        let is_here = config.target.is_whole() && !config.database_is_shared();
        let folder = folder.filter(|_| is_here)?;
        Some(Arc::new(Self::new(config, folder, tasks)))
    }

    fn new(config: &Config, data: &Path, tasks: &Tasks) -> Self {
        let folder = folder_of(config, data);
        let config = Config {
            db: format!("sqlite:{}", data.display()),
            ..config.clone()
        };
        Self {
            config: Arc::new(config),
            folder,
            tasks: tasks.clone(),
            known: Arc::default(),
        }
    }

    /// Who hears of the end of the copy that is being made; it is begun now, unless this key had its copy.
    fn run_or_none(&self, key: &str) -> Option<watch::Receiver<()>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, end)) = &known.running {
            // A run that fell over has let go of its end.
            if end.has_changed().is_ok() {
                return Some(end.clone());
            }
        }
        if !key.is_empty() && known.key == key {
            return None;
        }
        let (end, heard) = watch::channel(());
        key.clone_into(&mut known.key);
        known.failed = None;
        known.running = Some((crate::shop::now(), heard.clone()));
        let this = self.clone();
        // It goes on when whoever asked has gone, and has nobody's deadline.
        let run = deadline::within(None, async move { this.run(end).await });
        drop(self.tasks.finish(run));
        Some(heard)
    }

    /// A shop that closes does not wait for it: what is there of it is no backup, and goes before the next one.
    async fn run(self, end: watch::Sender<()>) {
        let stop = self.tasks.stopping();
        let outcome = tokio::select! {
            outcome = self.make() => outcome,
            () = stop.cancelled() => Err("the shop closes".into()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.running = None;
        match outcome {
            Ok(bytes) => tracing::info!(backup.bytes = bytes, "a backup is made"),
            Err(error) => {
                tracing::error!(error = %error, "no backup could be made");
                known.failed = Some(error.to_string());
            }
        }
        drop(end);
    }

    async fn make(&self) -> Result<u64, BoxError> {
        let this = self.clone();
        spawn_blocking(move || this.make_room()).await??;
        let to = self.folder.join(name_of(crate::shop::now()));
        let made = make(&self.config, &to, judge).await?;
        let this = self.clone();
        spawn_blocking(move || this.thin_out()).await??;
        Ok(made.bytes)
    }

    /// Takes away what a crash left, and refuses to fill the disk that the shop may be on.
    fn make_room(&self) -> Result<(), BoxError> {
        make_folder(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let left = name
                .to_str()
                .and_then(|name| name.strip_suffix(UNFINISHED))
                .and_then(moment_of);
            if left.is_some() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let data = super::of_files(&self.config)?;
        let mut needed = 0_u64;
        for name in databases(&data)? {
            for file in [name.clone(), format!("{name}-wal")] {
                let bytes = fs::metadata(data.join(file)).map_or(0, |known| known.len());
                needed = needed.saturating_add(bytes);
            }
        }
        let there = statvfs(&self.folder)?;
        let free = there.f_bavail.saturating_mul(there.f_frsize);
        if free > needed {
            return Ok(());
        }
        let (free, needed) = (free / 1_000_000, needed / 1_000_000);
        let folder = self.folder.display();
        Err(format!("{free} MB are free in {folder}, and a copy may need {needed} MB").into())
    }

    /// Takes away the oldest of what is too many.
    fn thin_out(&self) -> Result<(), BoxError> {
        let kept = usize::try_from(self.config.backups.kept_max)?;
        for (_, folder) in self.there()?.into_iter().skip(kept) {
            fs::remove_dir_all(folder)?;
        }
        super::sync(Some(&self.folder))
    }

    /// Copies that were made here, newest first: whole ones, by their names.
    fn there(&self) -> Result<Vec<(Timestamp, PathBuf)>, BoxError> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Ok(Vec::new());
        };
        let mut there = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(at) = name.and_then(moment_of)
                && path.join(SUMS).is_file()
            {
                there.push((at, path));
            }
        }
        there.sort_unstable_by(|one, other| other.cmp(one));
        Ok(there)
    }

    fn listed(&self) -> Result<Vec<Backup>, BoxError> {
        let most = usize::try_from(KEPT_MAX)?;
        let there = self.there()?.into_iter().take(most);
        let backup = |(at, path): (Timestamp, PathBuf)| -> Result<Backup, BoxError> {
            let mut bytes = 0_u64;
            for file in fs::read_dir(&path)? {
                bytes = bytes.saturating_add(file?.metadata()?.len());
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.into_owned();
            Ok(Backup { name, at, bytes })
        };
        there.map(backup).collect()
    }
}

#[async_trait]
impl Backups for Keeper {
    async fn view(&self) -> Result<BackupsView, BoxError> {
        let this = self.clone();
        let there = spawn_blocking(move || this.listed()).await??;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let running = known.running.as_ref();
        let running = running.filter(|(_, end)| end.has_changed().is_ok());
        Ok(BackupsView {
            folder: self.folder.display().to_string(),
            kept_max: self.config.backups.kept_max,
            there,
            running_since: running.map(|(since, _)| *since),
            failed: known.failed.clone(),
        })
    }

    async fn begin(&self, key: &str) -> Result<BackupsView, BoxError> {
        if let Some(mut end) = self.run_or_none(key) {
            // It ends by letting go of its end. Whoever waited for long enough is told that it goes on.
            drop(tokio::time::timeout(WAIT, end.changed()).await);
        }
        self.view().await
    }
}

/// What verification found in a copy: nothing, or it is none.
fn judge(report: &AuditReport) -> Result<(), BoxError> {
    if report.balanced {
        return Ok(());
    }
    let first = report.violations.first();
    let first = first.map_or_else(String::new, |first| format!(": {first}"));
    let wrong = report.violations_total;
    Err(format!("the books of the copy do not balance, {wrong} things are wrong{first}").into())
}

/// What a copy of this moment is called. It stands in names of files: there is no colon in it.
fn name_of(at: Timestamp) -> String {
    let part = at.as_ms().rem_euclid(1_000);
    let second = Timestamp::from_ms(at.as_ms().saturating_sub(part)).to_string();
    let second = second.trim_end_matches('Z').replace(':', "-");
    format!("{second}.{part:03}Z")
}

/// The moment in a name, if it is one of ours.
fn moment_of(name: &str) -> Option<Timestamp> {
    let (day, time) = name.split_once('T')?;
    let text = format!("{day}T{}", time.replace('-', ":"));
    let at = Timestamp::try_from(Cow::from(text)).ok()?;
    (name_of(at) == name).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_moment_and_no_other_name_is_one_of_ours() {
        for ms in [1_766_330_096_007, 1_766_330_096_000, 0] {
            let at = Timestamp::from_ms(ms);
            assert_eq!(moment_of(&name_of(at)), Some(at), "{}", name_of(at));
            assert!(!name_of(at).contains(':'));
        }
        let name = "2025-12-21T15-14-56.007Z";
        assert_eq!(name_of(Timestamp::from_ms(1_766_330_096_007)), name);
        for other in [
            "monday",
            "2025-12-21",
            "2025-12-21T15:14:56.007Z",
            "2025-12-21T15-14-56Z",
            "2025-12-21T15-14-56.007Z.unfinished",
        ] {
            assert_eq!(moment_of(other), None, "{other}");
        }
    }
}
