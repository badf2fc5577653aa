//! `souk backup` and `souk restore`: a shop in a folder, as it was at one moment, and back again.

use super::verify::judge;
use crate::{
    backup::{self, balances, databases, make_folder, of_files, settle_all, sums, sync},
    config::Config,
    console::say,
    data,
    file_args::{BackupArgs, RestoreArgs},
};
use contracts::BoxError;
use platform::digest;
use std::{
    fs::{self, File},
    path::Path,
    time::Instant,
};

pub(super) async fn make(args: &BackupArgs) -> Result<(), BoxError> {
    let begun = Instant::now();
    let config = args.data.load()?;
    let made = backup::make(&config, &args.to, judge).await?;
    let (megabytes, time) = (made.bytes / 1_000_000, begun.elapsed());
    say(format!(
        "{} databases, {megabytes} MB, are in {} in {time:.1?}; who wrote had to wait for {:.1?} of it",
        made.count,
        args.to.display(),
        made.waited
    ));
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
    balances(config, to, judge).await?;
    let names: Vec<String> = names.iter().map(|(name, _)| name.clone()).collect();
    settle_all(to, &names)
}
