//! Finds products: one, or a page of them. What is not on sale is seen only by those who may change it.

use super::Service;
use crate::domain::scope::Scope;
use contracts::{
    access::Principal,
    catalog::{
        EditError, ListError, PriceSince, ProductEdit, ProductQuery, ProductRef, ProductView,
    },
    values::{Currency, Page, ProductId},
};

/// Prices that are told, the newest.
const PRICES_MAX: u32 = 100;

/// Saves that are told, the newest.
const EDITS_MAX: u32 = 50;

/// What a product has cost.
#[derive(Debug)]
pub(crate) struct PricesTold {
    pub(crate) prices: Vec<PriceSince>,
    /// Whether it says who changed them, which is not for everybody.
    pub(crate) names_people: bool,
}

impl Service {
    pub(super) async fn find(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        let read = || async {
            let found = self
                .store
                .product(which.clone(), Scope::All, self.clock.now())
                .await;
            found.map_err(|error| EditError::Internal(Box::new(error)))
        };
        let shown = self.window.product(&which, read).await;
        let hidden = matches!(shown, Err(EditError::NotFound | EditError::Archived { .. }));
        if !hidden || viewer.is_none() {
            return shown;
        }
        // It may be the viewer's own.
        let product = read().await?.ok_or(EditError::NotFound)?;
        if Scope::of(viewer).sees(product.owner_id, product.status) {
            return Ok(product);
        }
        shown
    }

    /// What a product that the viewer sees has cost; and who changed it, for those who may change it themselves.
    pub(crate) async fn prices(
        &self,
        viewer: Option<&Principal>,
        product: &ProductView,
        currency: Option<Currency>,
    ) -> Result<PricesTold, EditError> {
        let prices = self.store.prices(product.id, currency, PRICES_MAX).await;
        let mut prices = prices.map_err(|error| EditError::Internal(Box::new(error)))?;
        let names_people = Scope::of(viewer).holds(product.owner_id);
        if !names_people {
            for price in &mut prices {
                price.actor = None;
            }
        }
        Ok(PricesTold {
            prices,
            names_people,
        })
    }

    /// What was changed of a product that somebody may change; of others it is not told whether they exist.
    pub(super) async fn edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        let product = self.find(Some(who), ProductRef::Id(id)).await?;
        if !Scope::of(Some(who)).holds(product.owner_id) {
            return Err(EditError::NotFound);
        }
        let edits = self.store.edits(id, EDITS_MAX).await;
        edits.map_err(|error| EditError::Internal(Box::new(error)))
    }

    pub(super) async fn list(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        let read = || async {
            let now = self.clock.now();
            let page = self.store.products(query.clone(), Scope::of(viewer), now);
            let page = page.await?;
            Ok::<_, ListError>(match query.currency {
                Some(currency) => page.map(|product| product.in_currency(currency)),
                None => page,
            })
        };
        self.window.list(&query, read).await
    }
}
