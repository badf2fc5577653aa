//! Watches, beside the shop, what must never be: money that is under way for too long, books that do not balance, units
//! sold twice. It only reads and counts; whoever scrapes raises the alarm.

use crate::{backup, config::Config, target::Target, wiring::Services};
use contracts::{
    BoxError,
    audit::AuditReport,
    payments::{Payments, SagaQuery},
    values::{PageSize, Timestamp},
};
use platform::{
    clock::Clock,
    metrics::{Gauge, Registry},
    tasks::Tasks,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, LazyLock, atomic::AtomicU64},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::Instant};

/// The section `[watch]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// From one look at unfinished payments to the next.
    pub every_ms: u64,
    /// From one verification of all books to the next; 0: never.
    pub audit_every_seconds: u64,
}

/// Unfinished payments and refunds that are looked at, at most; those that have waited longest come first.
const SAGAS: u32 = 100;
/// How long after the start the books are verified for the first time.
const FIRST_AUDIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Watched {
    unreconciled: Gauge,
    oldest_seconds: Gauge,
    violations: Gauge,
    oversold: Gauge,
    audited_at: Gauge,
    backed_up_at: Gauge,
    audit_seconds: Gauge<f64, AtomicU64>,
}

static WATCHED: LazyLock<Watched> = LazyLock::new(Watched::default);

/// Adds what is watched to a registry.
pub(crate) fn register(registry: &mut Registry) {
    let watched = &*WATCHED;
    for (name, help, gauge) in [
        (
            "souk_payments_unreconciled",
            "Payments and refunds whose end is not known yet, counted up to 100; 0 where payments are not kept",
            &watched.unreconciled,
        ),
        (
            "souk_payments_unreconciled_oldest_seconds",
            "How long the oldest of them has waited; 0 if there is none",
            &watched.oldest_seconds,
        ),
        (
            "souk_audit_violations",
            "What the last verification of all books found wrong",
            &watched.violations,
        ),
        (
            "souk_oversold_units",
            "Units that were promised or sold beyond what there was, by the ledgers at the last verification",
            &watched.oversold,
        ),
        (
            "souk_audit_finished_timestamp_seconds",
            "When the last verification ended, in seconds since 1970; 0 where there was none",
            &watched.audited_at,
        ),
        (
            "souk_backup_finished_timestamp_seconds",
            "When the newest backup in backups.folder was finished, in seconds since 1970; 0 where there is none",
            &watched.backed_up_at,
        ),
    ] {
        registry.register(name, help, gauge.clone());
    }
    registry.register(
        "souk_audit_seconds",
        "How long the last verification took",
        watched.audit_seconds.clone(),
    );
}

/// A verification has ended.
pub(crate) fn audited(report: &AuditReport, oversold_units: i64) {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    WATCHED.violations.set(count(report.violations_total));
    WATCHED.oversold.set(oversold_units);
    let took = Duration::from_millis(report.took_ms);
    WATCHED.audit_seconds.set(took.as_secs_f64());
    let ended = report.at.as_ms().saturating_add(count(report.took_ms));
    WATCHED.audited_at.set(ended.div_euclid(1_000));
}

/// Watches until the tasks stop: payments where they are kept, the books where the door is, backups where one process
/// has the whole shop in a folder.
pub(crate) fn start(services: &Services, config: &Config, tasks: &Tasks) {
    let options = config.watch;
    let data = config.data_folder().filter(|_| config.target.is_whole());
    let backups = data.map(|data| backup::folder_of(config, &data));
    let (auditor, clock) = (services.auditor.clone(), services.clock.clone());
    let payments = services.near.payments.clone();
    let payments = payments.map(|near| -> Arc<dyn Payments> { near });
    let audits = services.runs(Target::Gateway) && options.audit_every_seconds > 0;
    if payments.is_none() && !audits {
        return;
    }
    let every = Duration::from_millis(options.every_ms.max(1_000));
    let audit_every = Duration::from_secs(options.audit_every_seconds);
    tasks.start("watch", move |stop| async move {
        let begun = Instant::now();
        let mut next_audit = begun.checked_add(FIRST_AUDIT.min(audit_every));
        loop {
            if let Some(payments) = &payments {
                warn(look(&**payments, &clock).await, "unfinished payments");
            }
            if audits && next_audit.is_some_and(|due| due <= Instant::now()) {
                next_audit = Instant::now().checked_add(audit_every);
                // It tells of itself when it ends.
                auditor.audit_by_the_clock();
            }
            if let Some(folder) = backups.clone() {
                let newest = spawn_blocking(move || backup::newest(&folder)).await?;
                WATCHED.backed_up_at.set(newest);
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(every) => {}
            }
        }
    });
}

async fn look(payments: &dyn Payments, clock: &Clock) -> Result<(), BoxError> {
    let query = SagaQuery {
        limit: PageSize::try_from(SAGAS)?,
        ..SagaQuery::default()
    };
    let open = payments.sagas(query).await?.data;
    let begun = open.iter().map(|saga| saga.created_at).min();
    let age = |begun: Timestamp| clock.now().as_ms().saturating_sub(begun.as_ms()).max(0);
    let oldest_ms = begun.map_or(0, age);
    WATCHED.unreconciled.set(i64::try_from(open.len())?);
    WATCHED.oldest_seconds.set(oldest_ms.div_euclid(1_000));
    Ok(())
}

fn warn(looked: Result<(), BoxError>, what: &str) {
    if let Err(error) = looked {
        tracing::warn!(error = %error, "{what} will be looked at later");
    }
}
