//! A copy of a shop in a folder, as it was at one moment, beside whoever is at work in it. It is the databases and
//! their sums, in the form that `sha256sum -c` reads; nothing of it is there by its name before all of it is on the
//! disk and its books balance (ADR 72).

mod keeper;

pub use keeper::Options;
pub(crate) use keeper::{Keeper, folder_of, newest};

use crate::{audit, config::Config, shop::open_services};
use contracts::{BoxError, audit::AuditReport};
use platform::{
    db::sqlite::backup::{Copy, copy_together, settle},
    digest,
};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::task::spawn_blocking;

/// The sums of a backup's files.
const SUMS: &str = "SHA256SUMS";
/// How the name of a folder ends that is no backup yet.
const UNFINISHED: &str = ".unfinished";

/// What a backup came to.
pub(crate) struct Made {
    /// How many databases.
    pub(crate) count: usize,
    /// How much they weigh.
    pub(crate) bytes: u64,
    /// How long whoever wrote had to wait.
    pub(crate) waited: Duration,
}

/// Copies the shop into a folder that is not there yet, if whoever judges its books says that they balance.
pub(crate) async fn make(
    config: &Config,
    to: &Path,
    judge: impl FnOnce(&AuditReport) -> Result<(), BoxError>,
) -> Result<Made, BoxError> {
    let folder = of_files(config)?;
    let names = databases(&folder)?;
    if names.is_empty() {
        return Err(format!("there is no shop in {}", folder.display()).into());
    }
    let unfinished = unfinished(to);
    for path in [to, &unfinished] {
        if path.exists() {
            return Err(format!("{} is there already", path.display()).into());
        }
    }
    make_folder(&unfinished)?;
    let copies = names.iter().map(|name| Copy {
        from: folder.join(name),
        to: unfinished.join(name),
    });
    let copies: Vec<Copy> = copies.collect();
    let waited = spawn_blocking(move || copy_together(&copies)).await??;
    balances(config, &unfinished, judge).await?;
    let (to, count) = (to.to_owned(), names.len());
    let bytes = spawn_blocking(move || {
        let bytes = seal(&unfinished, &names)?;
        fs::rename(&unfinished, &to)?;
        sync(to.parent())?;
        Ok::<u64, BoxError>(bytes)
    });
    Ok(Made {
        count,
        bytes: bytes.await??,
        waited,
    })
}

/// The folder of a shop that has one.
pub(crate) fn of_files(config: &Config) -> Result<PathBuf, BoxError> {
    config.data_folder().ok_or_else(|| {
        "this shop is on PostgreSQL, which has ways of its own: pg_dump, pg_basebackup (docs/back-up.md)".into()
    })
}

/// The databases in a folder, by their names.
pub(crate) fn databases(folder: &Path) -> Result<Vec<String>, BoxError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("sqlite")) {
            let name = path.file_name().and_then(OsStr::to_str);
            names.push(name.ok_or("a file has no plain name")?.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// `copy.unfinished` beside `copy`.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path
        .file_name()
        .unwrap_or_else(|| OsStr::new("souk"))
        .to_owned();
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// Makes a folder for its owner only.
pub(crate) fn make_folder(path: &Path) -> Result<(), BoxError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| format!("{} cannot be made: {error}", path.display()).into())
}

/// Holds the books of a copy against each other; what was under way at its moment may still be.
pub(crate) async fn balances(
    config: &Config,
    folder: &Path,
    judge: impl FnOnce(&AuditReport) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let copy = Config {
        db: format!("sqlite:{}", folder.display()),
        ..config.clone()
    };
    let (services, work) = open_services(&copy, true).await?;
    let report = audit::check(&services.books(), true).await;
    work.stop();
    drop(services);
    work.wait(Duration::from_secs(10)).await;
    judge(&report?)
}

/// Writes the sums down once nothing lies beside the files any more; gives their bytes.
fn seal(folder: &Path, names: &[String]) -> Result<u64, BoxError> {
    settle_all(folder, names)?;
    let (mut lines, mut bytes) = (String::new(), 0_u64);
    for name in names {
        let file = File::open(folder.join(name))?;
        bytes = bytes.saturating_add(file.metadata()?.len());
        let sum = digest::hex_sha256_of(file)?;
        lines = format!("{lines}{sum}  {name}\n");
    }
    let mut file = File::create_new(folder.join(SUMS))?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    sync(Some(folder))?;
    Ok(bytes)
}

/// Brings everything into the databases themselves, and takes away what lay beside them.
pub(crate) fn settle_all(folder: &Path, names: &[String]) -> Result<(), BoxError> {
    for name in names {
        settle(&folder.join(name))?;
        for beside in ["-wal", "-shm"] {
            let path = folder.join(format!("{name}{beside}"));
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
    }
    sync(Some(folder))
}

/// A backup's files, with their sums.
pub(crate) fn sums(folder: &Path) -> Result<Vec<(String, String)>, BoxError> {
    let path = folder.join(SUMS);
    let text = fs::read_to_string(&path);
    let text = text.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let strange = || format!("{} is not what a backup holds", path.display());
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ").ok_or_else(strange)?;
        let is_plain =
            name.ends_with(".sqlite") && Path::new(name).file_name() == Some(OsStr::new(name));
        if is_plain {
            Ok((name.to_owned(), sum.to_owned()))
        } else {
            Err(BoxError::from(strange()))
        }
    };
    text.lines().map(line).collect()
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync(folder: Option<&Path>) -> Result<(), BoxError> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(())
}
