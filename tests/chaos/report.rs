//! What a run came to, in figures: how long nobody's order was taken around each fault, and what became of what people
//! wanted. Judges nothing.

use crate::nemesis::Struck;
use checker::{Action, Operation, Outcome};
use contracts::values::UserId;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What became of what people wanted.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Done, or refused for a good reason, when first asked.
    pub(crate) at_once: usize,
    /// The same, after the client had asked again with its key.
    pub(crate) after_retries: usize,
    /// Of those that may be asked again: never answered to, for nobody did.
    pub(crate) given_up: usize,
    /// Of those that may not: nobody knows, until somebody looks.
    pub(crate) in_doubt: usize,
}

impl Wishes {
    pub(crate) fn of(operations: &[Operation]) -> Self {
        let mut wishes = Self::default();
        let mut keyed: HashMap<(UserId, &str, std::mem::Discriminant<Action>), (usize, bool)> =
            HashMap::new();
        for one in operations {
            let known = !matches!(one.outcome, Outcome::Unknown(_));
            let Some(key) = one.key.as_deref() else {
                match (known, is_read(&one.action)) {
                    (true, _) => wishes.at_once += 1,
                    (false, true) => wishes.given_up += 1,
                    (false, false) => wishes.in_doubt += 1,
                }
                continue;
            };
            let kind = std::mem::discriminant(&one.action);
            let (unknown, is_known) = keyed.entry((one.user, key, kind)).or_default();
            *unknown += usize::from(!known);
            *is_known |= known;
        }
        for (unknown, known) in keyed.into_values() {
            match (known, unknown) {
                (true, 0) => wishes.at_once += 1,
                (true, _) => wishes.after_retries += 1,
                (false, _) => wishes.given_up += 1,
            }
        }
        wishes
    }
}

const fn is_read(action: &Action) -> bool {
    matches!(
        action,
        Action::ReadStock(_) | Action::ReadOrder(_) | Action::ReadProduct(_)
    )
}

/// When orders were acknowledged, and when those had been asked for.
fn taken(operations: &[Operation]) -> Vec<(i64, i64)> {
    let mut taken: Vec<(i64, i64)> = operations
        .iter()
        .filter(|one| matches!(one.action, Action::Place { .. }) && one.order().is_some())
        .filter_map(|one| Some((one.end?.as_ms(), one.start.as_ms())))
        .collect();
    taken.sort_unstable();
    taken
}

/// The longest time without an acknowledged order that began between a fault and the next one.
pub(crate) fn gap(operations: &[Operation], fault: &Struck) -> Duration {
    let (from, until) = (fault.from.as_ms(), fault.until.as_ms());
    let (mut last, mut longest) = (from, 0);
    for (at, _) in taken(operations) {
        if at < from {
            continue;
        }
        longest = longest.max(at - last);
        last = at;
        if at >= until {
            break;
        }
    }
    Duration::from_millis(longest as u64)
}

/// From the moment that all was whole until the first order that was asked for since was acknowledged.
fn recovery(operations: &[Operation], fault: &Struck) -> Option<Duration> {
    let healed = fault.healed.as_ms();
    let first = taken(operations)
        .into_iter()
        .find(|(_, asked)| *asked >= healed)?;
    Some(Duration::from_millis((first.0 - healed) as u64))
}

/// Prints all of it.
pub(crate) fn print(operations: &[Operation], struck: &[Struck], settled: Duration) {
    println!(
        "{:<44} {:>7} {:>8} {:>9}",
        "what went wrong", "lasted", "no order", "recovered"
    );
    for fault in struck {
        let lasted = fault.healed.as_ms() - fault.from.as_ms();
        let lasted = Duration::from_millis(lasted as u64);
        let recovered = recovery(operations, fault).unwrap_or(Duration::MAX);
        println!(
            "{:<44} {:>5.1} s {:>6.2} s {:>7.2} s",
            fault.name,
            lasted.as_secs_f64(),
            gap(operations, fault).as_secs_f64(),
            recovered.as_secs_f64(),
        );
    }
    let wishes = Wishes::of(operations);
    println!("requests: {}", outcomes(operations));
    println!(
        "wishes: {} answered at once, {} after retries with the same key, {} never, for nobody asked again (reads, the \
         impatient); {} without a key in doubt",
        wishes.at_once, wishes.after_retries, wishes.given_up, wishes.in_doubt
    );
    println!("nothing was under way any more {settled:.1?} after all was whole");
}

/// How often each kind of answer came.
pub(crate) fn outcomes(operations: &[Operation]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for one in operations {
        let what = match &one.outcome {
            Outcome::Ok(_) => "done".to_owned(),
            Outcome::Refused(_) => "refused (4xx)".to_owned(),
            Outcome::Unknown(None) => "no answer".to_owned(),
            Outcome::Unknown(Some(refusal)) => {
                let code = refusal.code.map_or("?", contracts::problem::Code::slug);
                format!("{} {code}", refusal.status)
            }
        };
        *counts.entry(what).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    format!("{} sent, {}", operations.len(), counts.join(", "))
}
