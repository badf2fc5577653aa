//! `souk verify`: says whether the books of a folder balance, beside a running shop or without one.

use crate::{args::VerifyArgs, audit, console::say, data, shop::open_services};
use contracts::{BoxError, audit::AuditReport};

pub(super) async fn run(args: &VerifyArgs) -> Result<(), BoxError> {
    let mut config = args.data.load()?;
    // Rows are read by their orders' ids, which are hashes: hardly two of them lie beside each other.
    config.sqlite.mapped_megabytes = u32::MAX;
    let (services, _work) = open_services(&config, true).await?;
    let is_served = |folder: std::path::PathBuf| data::is_served(&folder);
    // Of a shared database nobody knows who else is at work on it; and what other nodes keep is open, for they would
    // not answer otherwise.
    let is_open = config.data_folder().is_none_or(is_served) || !config.target.is_whole();
    judge(&audit::check(&services.books(), is_open).await?)?;
    match &args.history {
        Some(file) => told(&audit::check_history(&services.books(), file).await?),
        None => Ok(()),
    }
}

/// Says what clients were told that is not so.
fn told(verdict: &audit::Verdict) -> Result<(), BoxError> {
    verdict.violations.iter().for_each(say);
    say(format!(
        "{} requests held against the books: {} promises broken",
        verdict.operations,
        verdict.violations.len()
    ));
    if verdict.violations.is_empty() {
        return Ok(());
    }
    Err("the books are not what clients were told".into())
}

/// Says what was found; an error if anything is wrong.
pub(super) fn judge(report: &AuditReport) -> Result<(), BoxError> {
    report.violations.iter().for_each(say);
    let told = u64::try_from(report.violations.len())?;
    if report.violations_total > told {
        let untold = report.violations_total.saturating_sub(told);
        say(format!("and {untold} more"));
    }
    for note in &report.notes {
        say(format!("note: {note}"));
    }
    say(audit::summary(report));
    if report.balanced {
        Ok(())
    } else {
        Err("the books do not balance".into())
    }
}
