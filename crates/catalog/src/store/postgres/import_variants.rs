//! Lines of an import that name variants, or prices in further currencies: which product they are, and its next
//! versions. One product at a time, under its lock.

use super::{
    import::{self, Outcome},
    rows::{self, Found},
    variants::{self, Product},
};
use crate::{
    domain::{
        document::{self, Draft},
        lineup::Lineup,
    },
    store::Import,
};
use contracts::{catalog::ImportOutcome, values::fold};
use platform::db::{StoreError, postgres::Connection};
use std::collections::HashMap;

/// The product that a line is known by; it is one.
pub(super) async fn known(
    connection: &Connection,
    draft: &Draft,
    found: &HashMap<String, Found>,
) -> Result<Result<Option<Found>, String>, StoreError> {
    let mut numbers: Vec<i64> = draft
        .sku_keys()
        .iter()
        .filter_map(|key| found.get(key))
        .map(|found| found.number)
        .collect();
    numbers.dedup();
    match numbers.as_slice() {
        [] => Ok(Ok(None)),
        // A line before this one may have changed it.
        [number] => Ok(Ok(rows::by_number(connection, *number).await?)),
        [..] => Ok(Err(document::two_products())),
    }
}

/// Writes what a line says of a known product and its variants, or of the prices of its only one.
pub(super) async fn update(
    connection: &Connection,
    import: &Import,
    found: Found,
    draft: Draft,
    category: Option<(i64, String)>,
) -> Result<Outcome, StoreError> {
    let (number, version) = (found.number, found.version.get());
    let before = Lineup {
        options: found.options.clone(),
        variants: variants::members(connection, number).await?,
    };
    let next = if draft.lineup.variants.is_empty() {
        Ok(before.with_listed(&draft).unwrap_or_else(|| before.clone()))
    } else {
        before.clone().with_imported(&draft.lineup)
    };
    let next = match next {
        Ok(next) => next,
        Err(refusal) => return Ok(Err(refusal.to_string())),
    };
    let fresh: Vec<String> = next.without(&before).map(|one| fold(&one.sku)).collect();
    if let Some((_, gone)) = rows::lock_by_sku(connection, &fresh)
        .await?
        .into_iter()
        .next()
    {
        return Ok(Err(document::withdrawn(&gone.document.sku)));
    }
    let mut reached = version;
    if let Some(next) = import::next_of(found, draft, category, import.at) {
        rows::update(connection, &[next], import.at).await?;
        reached = reached.saturating_add(1);
    }
    if before != next {
        reached = reached.saturating_add(1);
        let product = Product {
            number,
            version: reached,
            owner_id: import.owner_id,
            at: import.at,
        };
        product.change(connection, &before, &next).await?;
    }
    Ok(Ok(if reached == version {
        ImportOutcome::Unchanged
    } else {
        ImportOutcome::Updated
    }))
}
