//! I-21: a refusal is a problem with a code that we know and its status; a 5xx comes under faults only.

use crate::{
    history::History,
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};

pub(crate) fn problems(history: &History, _: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for operation in &history.operations {
        let Some(refusal) = operation.refusal() else {
            continue;
        };
        let status = refusal.status;
        let fits = refusal.is_problem && refusal.code.is_some_and(|code| code.status() == status);
        found.unless(fits, Invariant::ErrorShape, || {
            format!(
                "{:?} was refused with {status} and {:?}, which is no problem of ours",
                operation.action, refusal.code
            )
        });
        let quiet = operation.start.as_ms() >= history.quiet_from_ms;
        found.unless(!quiet || status < 500, Invariant::ErrorShape, || {
            format!(
                "{:?} was answered with {status} although there were no faults",
                operation.action
            )
        });
    }
    found.all()
}
