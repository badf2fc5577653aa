//! What a look at the books found, and how it is told.

use checker::{Violation, books::Owed};
use contracts::{
    audit::{AuditCounts, AuditReport},
    values::{ReturnId, Timestamp},
};
use std::collections::HashSet;

/// Violations that are kept in words; all are counted.
const KEPT_MAX: usize = 10_000;
/// Violations that are told in words.
const TOLD_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) counts: AuditCounts,
    pub(super) total: u64,
    /// Units that were promised or sold beyond what there was.
    pub(super) oversold_units: i64,
    pub(super) notes: Vec<String>,
    violations: Vec<String>,
    /// Wrong, unless their events wait to be delivered; as many as are kept in words.
    owed: Vec<Owed>,
    /// Returns whose events do.
    untold: Vec<ReturnId>,
}

impl Findings {
    pub(super) fn wrong(&mut self, violations: impl IntoIterator<Item = Violation>) {
        for violation in violations {
            self.total = self.total.saturating_add(1);
            if self.violations.len() < KEPT_MAX {
                self.violations.push(violation.to_string());
            }
        }
    }

    /// Returns that nobody pays back, as far as is known.
    pub(super) fn owes(&mut self, owed: impl IntoIterator<Item = Owed>) {
        let room = KEPT_MAX.saturating_sub(self.owed.len());
        self.owed.extend(owed.into_iter().take(room));
    }

    /// Returns whose receipt waits to be told.
    pub(super) fn waits(&mut self, untold: Vec<ReturnId>) {
        self.untold = untold;
    }

    /// What is owed is wrong, but for what waits to be told. A list of those that is full may not name them all.
    pub(super) fn settle(&mut self) {
        let untold: HashSet<ReturnId> = self.untold.drain(..).collect();
        let owed = std::mem::take(&mut self.owed).into_iter();
        let wrong = owed.filter(|one| untold.len() < KEPT_MAX && !untold.contains(&one.return_id));
        self.wrong(wrong.map(|one| one.wrong));
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes in what another part found.
    pub(super) fn add(&mut self, part: Self) {
        let (mine, its) = (&mut self.counts, part.counts);
        mine.variants = mine.variants.saturating_add(its.variants);
        mine.reservations = mine.reservations.saturating_add(its.reservations);
        mine.orders = mine.orders.saturating_add(its.orders);
        mine.lines = mine.lines.saturating_add(its.lines);
        mine.units = mine.units.saturating_add(its.units);
        mine.payments = mine.payments.saturating_add(its.payments);
        mine.refunds = mine.refunds.saturating_add(its.refunds);
        mine.charges = mine.charges.saturating_add(its.charges);
        mine.ledger_entries = mine.ledger_entries.saturating_add(its.ledger_entries);
        mine.events = mine.events.saturating_add(its.events);
        self.notes.extend(part.notes);
        self.owes(part.owed);
        self.untold.extend(part.untold);
        self.total = self.total.saturating_add(part.total);
        self.oversold_units = self.oversold_units.saturating_add(part.oversold_units);
        self.violations.extend(part.violations);
        self.violations.truncate(KEPT_MAX);
    }

    /// Of what was found now, what was found the first time too. Where there was too much to keep in words, all of it
    /// stays.
    pub(super) fn confirmed_by(mut self, first: &Self) -> Self {
        let seen: HashSet<&str> = first.violations.iter().map(String::as_str).collect();
        if self.violations.len() < KEPT_MAX {
            self.violations
                .retain(|violation| seen.contains(violation.as_str()));
            self.total = u64::try_from(self.violations.len()).unwrap_or(u64::MAX);
        }
        self
    }

    pub(super) fn into_report(mut self, at: Timestamp, took_ms: u64) -> AuditReport {
        self.violations.truncate(TOLD_MAX);
        AuditReport {
            at,
            took_ms,
            balanced: self.total == 0,
            counts: self.counts,
            violations_total: self.total,
            violations: self.violations,
            notes: self.notes,
        }
    }
}

/// One line that says what was checked.
pub(crate) fn summary(report: &AuditReport) -> String {
    let AuditCounts {
        variants,
        reservations,
        orders,
        lines,
        units,
        payments,
        refunds,
        charges,
        ledger_entries,
        events,
    } = report.counts;
    format!(
        "verified {variants} variants, {reservations} reservations, {orders} orders ({lines} lines, {units} units), \
         {payments} payments, {refunds} refunds, {charges} charges, {ledger_entries} ledger entries, {events} events \
         in {}.{:02} s: {} violations",
        report.took_ms / 1_000,
        report.took_ms % 1_000 / 10,
        report.violations_total
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use checker::Invariant;

    fn found(violations: &[&str]) -> Findings {
        let mut found = Findings::default();
        found.wrong(
            violations
                .iter()
                .map(|&what| Violation::new(Invariant::Stock, what)),
        );
        found
    }

    #[test]
    fn only_what_is_seen_twice_counts() {
        let twice = found(&["gone", "stays"]);
        let report = found(&["stays", "new"])
            .confirmed_by(&twice)
            .into_report(Timestamp::from_ms(0), 1_234);
        assert_eq!((report.violations_total, report.balanced), (1, false));
        assert_eq!(report.violations, ["stays (I-1 stock)"]);
        assert!(
            summary(&report).ends_with("in 1.23 s: 1 violations"),
            "{}",
            summary(&report)
        );
    }

    #[test]
    fn what_is_owed_is_wrong_unless_its_event_waits() {
        let of = |byte| ReturnId::from_bytes([byte; 16]);
        let owed = |byte| Owed {
            return_id: of(byte),
            wrong: Violation::new(Invariant::Liveness, format!("{byte}")),
        };
        let (mut all, mut orders, mut events) = (
            Findings::default(),
            Findings::default(),
            Findings::default(),
        );
        orders.owes([owed(1), owed(2)]);
        events.waits(vec![of(1)]);
        for part in [orders, events] {
            all.add(part);
        }
        all.settle();
        let report = all.into_report(Timestamp::from_ms(0), 0);
        assert_eq!(report.violations, ["2 (I-20 liveness)"]);
    }

    #[test]
    fn everything_is_counted_however_little_is_told() {
        let many =
            || (0..KEPT_MAX + 5).map(|number| Violation::new(Invariant::Stock, number.to_string()));
        let mut all = Findings::default();
        let mut part = Findings::default();
        part.wrong(many());
        all.add(part);
        let mut first = Findings::default();
        first.wrong(many());
        let report = all
            .confirmed_by(&first)
            .into_report(Timestamp::from_ms(0), 0);
        assert_eq!(report.violations_total, 10_005);
        assert_eq!(report.violations.len(), TOLD_MAX);
    }
}
