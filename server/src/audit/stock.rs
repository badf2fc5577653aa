//! Variants: their stock beside its ledgers, their products' versions.

use super::findings::Findings;
use checker::books;
use contracts::{BoxError, catalog::Catalog};

/// Variants of a page. Stock is added up from all reservations anew for each page, so pages are large.
const VARIANTS: u32 = 50_000;

pub(super) async fn check(catalog: &dyn Catalog) -> Result<Findings, BoxError> {
    let mut found = Findings::default();
    let mut after = None;
    loop {
        let page = catalog.audit_stock(after, VARIANTS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.variant_id);
        let count = u64::try_from(page.len())?;
        found.counts.variants = found.counts.variants.saturating_add(count);
        found.wrong(page.iter().filter_map(books::stock));
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
