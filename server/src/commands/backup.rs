//! `souk backup` and `souk restore`: a shop in a folder, as it was at one moment, beside whoever is at work in it. A
//! backup is the databases and their sums, in the form that `sha256sum -c` reads; nothing of it is there by its name
//! before all of it is on the disk and its books balance.

use super::verify::judge;
use crate::{
    audit,
    config::Config,
    console::say,
    data,
    file_args::{BackupArgs, RestoreArgs},
    shop::open_services,
};
use contracts::BoxError;
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
    time::{Duration, Instant},
};

/// The sums of a backup's files.
const SUMS: &str = "SHA256SUMS";

pub(super) async fn make(args: &BackupArgs) -> Result<(), BoxError> {
    let begun = Instant::now();
    let config = args.data.load()?;
    let folder = of_files(&config)?;
    let names = databases(&folder)?;
    if names.is_empty() {
        return Err(format!("there is no shop in {}", folder.display()).into());
    }
    let unfinished = unfinished(&args.to);
    for path in [&args.to, &unfinished] {
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
    let waited = tokio::task::spawn_blocking(move || copy_together(&copies)).await??;
    balances(&config, &unfinished).await?;
    let bytes = seal(&unfinished, &names)?;
    fs::rename(&unfinished, &args.to)?;
    sync(args.to.parent())?;
    report(&args.to, names.len(), bytes, begun.elapsed(), waited);
    Ok(())
}

pub(super) async fn restore(args: &RestoreArgs) -> Result<(), BoxError> {
    let begun = Instant::now();
    let config = args.data.load()?;
    let folder = of_files(&config)?;
    let names = sums(&args.from)?;
    if !databases(&folder)?.is_empty() {
        let folder = folder.display();
        return Err(format!("there is a shop in {folder}: move it away first").into());
    }
    data::make(&folder)?;
    // Within the folder, which may be a volume of its own. As long as it is there, no shop opens.
    let unfinished = folder.join(data::RESTORING);
    if unfinished.exists() {
        return Err(format!("{} is there already: remove it first", unfinished.display()).into());
    }
    make_folder(&unfinished)?;
    let back = bring_back(&config, &args.from, &unfinished, &names).await;
    if let Err(error) = back {
        fs::remove_dir_all(&unfinished)?;
        return Err(error);
    }
    for (name, _) in &names {
        fs::rename(unfinished.join(name), folder.join(name))?;
    }
    sync(Some(&folder))?;
    fs::remove_dir(&unfinished)?;
    sync(Some(&folder))?;
    let (folder, time) = (folder.display(), begun.elapsed());
    say(format!(
        "{} databases are back in {folder} in {time:.1?}. What was bought after the backup is not in it: the shop asks \
         its payment provider about it when it opens, gives it back, and lists it (GET /api/v1/payments/reviews)",
        names.len()
    ));
    Ok(())
}

/// Copies a backup's files, as they were when it was made, and verifies their books.
async fn bring_back(
    config: &Config,
    from: &Path,
    to: &Path,
    names: &[(String, String)],
) -> Result<(), BoxError> {
    for (name, sum) in names {
        let (from, to) = (from.join(name), to.join(name));
        fs::copy(&from, &to)
            .map_err(|error| format!("{} cannot be copied: {error}", from.display()))?;
        let file = File::open(&to)?;
        file.sync_all()?;
        if digest::hex_sha256_of(file)? != *sum {
            let from = from.display();
            return Err(format!("{from} is not what it was when the backup was made").into());
        }
    }
    balances(config, to).await?;
    let names: Vec<String> = names.iter().map(|(name, _)| name.clone()).collect();
    settle_all(to, &names)
}

/// The folder of a shop that has one.
fn of_files(config: &Config) -> Result<PathBuf, BoxError> {
    config.data_folder().ok_or_else(|| {
        "this shop is on PostgreSQL, which has ways of its own: pg_dump, pg_basebackup (docs/back-up.md)".into()
    })
}

fn databases(folder: &Path) -> Result<Vec<String>, BoxError> {
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
    name.push(".unfinished");
    path.with_file_name(name)
}

fn make_folder(path: &Path) -> Result<(), BoxError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| format!("{} cannot be made: {error}", path.display()).into())
}

/// Says whether the books of a copy balance; what was under way at its moment may still be.
async fn balances(config: &Config, folder: &Path) -> Result<(), BoxError> {
    let copy = Config {
        db: format!("sqlite:{}", folder.display()),
        ..config.clone()
    };
    let (services, work) = open_services(&copy, true).await?;
    let report = audit::check(&services.books(), true).await?;
    work.stop();
    drop(services);
    work.wait(Duration::from_secs(10)).await;
    judge(&report)
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
fn settle_all(folder: &Path, names: &[String]) -> Result<(), BoxError> {
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
fn sums(folder: &Path) -> Result<Vec<(String, String)>, BoxError> {
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
fn sync(folder: Option<&Path>) -> Result<(), BoxError> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(())
}

fn report(to: &Path, count: usize, bytes: u64, time: Duration, waited: Duration) {
    let megabytes = bytes / 1_000_000;
    say(format!(
        "{count} databases, {megabytes} MB, are in {} in {time:.1?}; who wrote had to wait for {waited:.1?} of it",
        to.display()
    ));
}
