//! pgbench beside the shop: on the same server, in a database that began as a copy of the shop's, a function of ours
//! writes the rows of an order in one call.

use super::{
    What,
    figure::{Figure, Taker},
    stand::busy,
};
use crate::{
    args::PostgresArgs,
    commands::{
        bench::report::each,
        cluster::{
            postgres::{Alone, DATABASE},
            process,
        },
    },
    console::say,
};
use contracts::BoxError;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The copy.
const TWIN: &str = "twin";
const FUNCTION: &str = include_str!("place.sql");
const SCRIPT: &str = "\\set variant random(:first, :last)\nSELECT bench.place(:variant);\n";
/// As the shop's own sessions: plans made while a table was empty must not read all of it later.
const PLANNING: &str = "-c enable_seqscan=off -c jit=off";
/// Of every table that an order has a row in, how many there are; and how many units are held.
const ROWS: &str = "SELECT (SELECT COUNT(*) FROM orders.orders), (SELECT COUNT(*) FROM orders.order_lines), \
                    (SELECT COUNT(*) FROM orders.order_events), (SELECT COUNT(*) FROM orders.outbox), \
                    (SELECT COUNT(*) FROM catalog.reservations), (SELECT COUNT(*) FROM catalog.reservation_lines), \
                    (SELECT SUM(reserved) FROM catalog.stock)";

pub(super) struct Pgbench {
    script: PathBuf,
    seconds: u32,
    /// Numbers of the variants.
    first: i64,
    last: i64,
    /// Orders that it says it has written.
    written: AtomicU64,
}

impl Pgbench {
    /// Copies the shop's database, which nobody may be connected to.
    pub(super) async fn copy(server: &Alone) -> Result<(), BoxError> {
        let copy = format!("CREATE DATABASE {TWIN} TEMPLATE {DATABASE}");
        server.sql("postgres", &copy).await?;
        server.sql(TWIN, FUNCTION).await.map(drop)
    }

    pub(super) async fn prepare(
        server: &Alone,
        folder: &Path,
        plan: &PostgresArgs,
    ) -> Result<Self, BoxError> {
        let script = folder.join("place.pgbench");
        std::fs::write(&script, SCRIPT)?;
        let number = |which: &str| format!("SELECT {which}(variant_number) FROM catalog.variants");
        Ok(Self {
            script,
            seconds: plan.seconds,
            first: server.sql(TWIN, &number("MIN")).await?.parse()?,
            last: server.sql(TWIN, &number("MAX")).await?.parse()?,
            written: AtomicU64::new(0),
        })
    }

    pub(super) async fn run(
        &self,
        server: &Alone,
        what: What,
        clients: u32,
    ) -> Result<Figure, BoxError> {
        let last = if what == What::Uniform {
            self.last
        } else {
            self.first
        };
        let mut pgbench = server.program("pgbench");
        pgbench
            .args(["-n", "-M", "prepared", "-f"])
            .arg(&self.script)
            .args([
                "-c",
                &clients.to_string(),
                "-j",
                &clients.min(2).to_string(),
            ])
            .args(["-T", &self.seconds.to_string()])
            .args([
                "-D",
                &format!("first={}", self.first),
                "-D",
                &format!("last={last}"),
            ])
            .arg(TWIN)
            .env("PGOPTIONS", PLANNING);
        let before = busy();
        let said = process::run(pgbench, "pgbench").await?;
        let processor = busy().saturating_sub(before);
        let done: u64 = after(&said, "number of transactions actually processed: ")
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| format!("pgbench said nothing of its transactions: {said}"))?;
        self.written.fetch_add(done, Ordering::Relaxed);
        let tps = after(&said, "tps = ").and_then(|tps| tps.split('.').next()?.parse().ok());
        let average = after(&said, "latency average = ").unwrap_or("unknown");
        let processor = each(processor, done);
        Ok(Figure {
            taker: Taker::Pgbench,
            what,
            clients,
            per_second: tps.ok_or("pgbench said nothing of its speed")?,
            told: format!("on average {average}; {processor:.1?} of all processors an order"),
        })
    }

    /// What it wrote are whole orders, at least as many as it says: a run may end in the middle of a call.
    pub(super) async fn check(&self, server: &Alone) -> Result<(), BoxError> {
        let counts = server.sql(TWIN, ROWS).await?;
        let written = self.written.load(Ordering::Relaxed);
        say(format!(
            "pgbench: {written} orders counted, rows of {counts} there"
        ));
        let counts = counts.split('|').map(str::parse::<u64>);
        let counts = counts.collect::<Result<Vec<_>, _>>()?;
        let there = counts.first().copied().unwrap_or_default();
        if there >= written && counts.iter().all(|count| *count == there) {
            Ok(())
        } else {
            Err("pgbench's orders are not whole".into())
        }
    }
}

/// The rest of the line that begins with this.
fn after<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(start))
}
