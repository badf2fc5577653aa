//! The demo catalog, for a shop that has nothing on its shelves yet.

use contracts::{BoxError, access::SHOP, catalog::Catalog, catalog::ProductQuery};

/// Fills an empty shop; says how many products came.
pub(crate) async fn fill(catalog: &dyn Catalog) -> Result<usize, BoxError> {
    let shelves = catalog.products(None, ProductQuery::default()).await?;
    if !shelves.data.is_empty() {
        return Ok(0);
    }
    let products = storefront::demo::products();
    let outcomes = catalog.import_products(SHOP, products, true).await?;
    for problem in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        tracing::warn!(error = problem, "a product of the demo catalog was refused");
    }
    Ok(outcomes.iter().filter(|outcome| outcome.is_ok()).count())
}
