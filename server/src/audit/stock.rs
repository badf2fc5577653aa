//! Variants: their stock beside its ledgers, their products' versions.

use super::findings::Findings;
use checker::books;
use contracts::{
    BoxError,
    catalog::{Catalog, StockAudit},
};

/// Variants of a page.
const VARIANTS: u32 = 50_000;
/// Those of a page of stock: it is added up from all reservations anew for each page.
const SHELVES: u32 = 250_000;

pub(super) async fn check(catalog: &dyn Catalog) -> Result<Findings, BoxError> {
    let mut found = Findings::default();
    let mut after = None;
    loop {
        let page = catalog.audit_stock(after, SHELVES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.variant_id);
        let count = u64::try_from(page.len())?;
        found.counts.variants = found.counts.variants.saturating_add(count);
        found.wrong(page.iter().filter_map(books::stock));
        let over: i64 = page.iter().map(oversold).fold(0, i64::saturating_add);
        found.oversold_units = found.oversold_units.saturating_add(over);
    }
    let mut after = None;
    loop {
        let page = catalog.audit_products(after, VARIANTS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.variant_id);
        found.wrong(page.iter().filter_map(books::product));
    }
    Ok(found)
}

/// Units of a variant that are promised or gone beyond what there was, by its ledgers.
fn oversold(row: &StockAudit) -> i64 {
    let promised = row.ledger_reserved.max(0);
    promised.saturating_sub(row.ledger_on_hand).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::VariantId;

    #[test]
    fn what_is_promised_beyond_the_shelf_is_oversold_and_so_is_a_shelf_below_nothing() {
        let units = |ledger_on_hand, ledger_reserved| {
            oversold(&StockAudit {
                variant_id: VariantId::generate(),
                sku: "A".to_owned(),
                on_hand: 0,
                reserved: 0,
                ledger_on_hand,
                ledger_reserved,
                sold: 0,
            })
        };
        let counted = [(5, 5), (5, 0), (5, 7), (-3, 0), (-3, 1), (2, -1)].map(|(a, b)| units(a, b));
        assert_eq!(counted, [0, 0, 2, 3, 4, 0]);
    }
}
