//! I-9: versions of a product: acknowledged ones are distinct, rise in the order of time, and none is missing.

use crate::{
    history::{Action, History, Operation, Told},
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::values::{ProductId, Version};
use std::collections::{BTreeMap, HashSet};

pub(crate) fn gapless(history: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let mut edits: BTreeMap<ProductId, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        if let Action::Reprice { product, .. } = operation.action {
            edits.entry(product).or_default().push(operation);
        }
    }
    for (product, last) in &state.products {
        let operations = edits.remove(product).unwrap_or_default();
        of_a_product(*product, *last, &operations, &mut found);
    }
    found.all()
}

fn of_a_product(product: ProductId, last: Version, edits: &[&Operation], found: &mut Found) {
    let acknowledged: Vec<(&Operation, i64)> = edits
        .iter()
        .filter_map(|one| match &one.answer()?.told {
            Told::Product(view) => Some((*one, view.version.get())),
            Told::Order(_)
            | Told::Payment(_)
            | Told::Refund(_)
            | Told::Cart(_)
            | Told::Return(_)
            | Told::Stock(_)
            | Told::Other => None,
        })
        .collect();
    let mut seen = HashSet::new();
    for (one, version) in &acknowledged {
        let next = one
            .based_on
            .is_none_or(|based_on| based_on.checked_add(1) == Some(*version));
        found.unless(next, Invariant::Versions, || {
            format!(
                "product {product}: an edit of {:?} was acknowledged as version {version}",
                one.based_on
            )
        });
        found.unless(seen.insert(*version), Invariant::Versions, || {
            format!("product {product}: version {version} was acknowledged twice")
        });
        for (other, later) in &acknowledged {
            let in_order = one.end_ms() >= other.start.as_ms() || version < later;
            found.unless(in_order, Invariant::Versions, || {
                format!("product {product}: version {later} began after {version} had ended")
            });
        }
    }
    let steps = last.get().saturating_sub(Version::FIRST.get());
    let least = i64::try_from(acknowledged.len()).unwrap_or(i64::MAX);
    let unknown = edits.iter().filter(|one| one.is_unknown()).count();
    let most = least.saturating_add(i64::try_from(unknown).unwrap_or(i64::MAX));
    found.unless((least..=most).contains(&steps), Invariant::Versions, || {
        format!("product {product} made {steps} steps; {least} were acknowledged, {unknown} are not known")
    });
}
