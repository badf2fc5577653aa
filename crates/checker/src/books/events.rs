//! What orders told the others, and what they count of discounts.

use crate::violation::{Invariant, Violation};
use contracts::orders::EventsAudit;

/// Each order's events are its timeline's moves, in order: what is wrong, in words. What differs beyond the examples is
/// only counted.
#[must_use]
pub fn events(row: &EventsAudit) -> Vec<Violation> {
    let wrong = |what: String| Violation::new(Invariant::Events, what);
    let named = row
        .examples
        .iter()
        .map(|what| wrong(format!("events: {what}")));
    let mut all: Vec<Violation> = named.collect();
    let named = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let more = row.differing.saturating_sub(named);
    if more > 0 {
        all.push(wrong(format!(
            "events: {more} more orders have events that are not what happened"
        )));
    }
    all
}

/// Discounts whose uses are not what the orders say: what is wrong, in words.
#[must_use]
pub fn discounts(codes: &[String]) -> Vec<Violation> {
    let wrong = |code: &String| {
        let what = format!("discount {code} is counted otherwise than its orders have it");
        Violation::new(Invariant::Price, what)
    };
    codes.iter().map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_are_what_happened_are_fine_and_others_are_counted_to_the_last() {
        assert!(events(&EventsAudit::default()).is_empty());
        let row = EventsAudit {
            differing: 3,
            examples: vec!["one".to_owned()],
            ..EventsAudit::default()
        };
        let wrong = events(&row);
        assert_eq!(wrong.len(), 2);
        assert!(
            wrong.iter().any(|what| what.what.contains("2 more orders")),
            "{wrong:?}"
        );
    }
}
