//! A catalog with one bug in front of the real one.

use async_trait::async_trait;
use contracts::{
    BoxError,
    access::{Principal, Role},
    catalog::{
        AdjustError, AdjustStock, Catalog, CatalogDesk, CategoryView, EditError, Facets,
        FacetsQuery, GiveBack, GiveBackError, ImportOutcome, ImportProduct, InventoryCounts,
        InventoryQuery, InventoryView, ItemRef, ListError, MovementView, NewCategory, NewProduct,
        OfferView, Overdue, PatchProduct, PricedLine, ProductAudit, ProductCounts, ProductEdit,
        ProductQuery, ProductRef, ProductReview, ProductView, ReservationAudit, ReservationState,
        Reserve, ReserveError, Reserved, Resolve, ResolveError, StockAudit, StockChange,
        Suggestion, SuggestionsQuery,
    },
    event::{Envelope, Event},
    orders::OrderCancelled,
    request::{Answered, IdempotencyKey, Precondition},
    values::{
        Currency, Cursor, OrderId, Page, PageSize, ProductId, RefundId, SessionId, Timestamp,
        UserId, VariantId,
    },
};
use platform::bus::Consumer;
use std::{sync::Arc, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogBug {
    /// What is not there is sold all the same.
    SellsWhatIsNotThere,
    /// Stock is read, thought about, and then set to what was thought.
    ReadsThenWrites,
    /// A retry is new work.
    DropsKeys,
    /// Holds end by the clock alone, whoever is paying; and what was let go is sold.
    ReleasesBeforeTheFence,
    /// Lines are priced by nobody's list.
    InventsPrices,
    /// An edit counts twice.
    SkipsVersions,
    /// An edit does not look at its version.
    LastWriterWins,
    /// A sale is confirmed and not made.
    ForgetsToSell,
    /// What comes back with a refund comes back twice.
    PutsBackTwice,
}

pub(crate) struct BrokenCatalog {
    pub(crate) inner: Arc<dyn Catalog>,
    pub(crate) bug: CatalogBug,
}

pub(crate) fn admin() -> Principal {
    Principal {
        user_id: UserId::from_bytes([250; 16]),
        session_id: SessionId::from_bytes([250; 16]),
        roles: vec![Role::Admin],
        key: None,
    }
}

impl BrokenCatalog {
    async fn made_up(&self, wish: &Reserve) -> Result<Reserved, ReserveError> {
        let mut lines = Vec::new();
        for line in &wish.lines {
            let ItemRef::Variant(variant) = line.item else {
                return Err(ReserveError::Unavailable { lines: Vec::new() });
            };
            let stock = self.inner.inventory_of(&admin(), variant).await.unwrap();
            let which = ProductRef::Id(stock.product_id);
            let product = self.inner.product(None, which).await.unwrap();
            lines.push(PricedLine {
                product_id: product.id,
                variant_id: variant,
                seller_id: product.owner_id,
                sku: stock.sku,
                name: product.name,
                quantity: line.quantity,
                unit_price: product.price,
            });
        }
        Ok(Reserved {
            lines,
            hold_until: wish.hold_until,
        })
    }

    async fn read_then_write(&self, who: &Principal, wish: &AdjustStock) -> AdjustStock {
        let mut changes = Vec::new();
        for change in &wish.changes {
            let variant = change.variant_id.unwrap();
            let before = self.inner.inventory_of(who, variant).await.unwrap();
            tokio::time::sleep(Duration::from_millis(400)).await;
            let now = self.inner.inventory_of(who, variant).await.unwrap();
            let thought = before.on_hand + change.delta.unwrap();
            let delta = Some(thought - now.on_hand);
            changes.push(StockChange {
                delta,
                ..change.clone()
            });
        }
        AdjustStock { changes }
    }
}

#[async_trait]
impl Catalog for BrokenCatalog {
    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        self.inner.currencies().await
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        self.inner.offers(items, currency).await
    }

    async fn create_product(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        self.inner.create_product(who, key, wish).await
    }

    async fn replace_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError> {
        self.inner.replace_product(who, id, sent, wish).await
    }

    async fn patch_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError> {
        let sent = if self.bug == CatalogBug::LastWriterWins {
            Precondition::LastWriterWins
        } else {
            sent
        };
        let first = self
            .inner
            .patch_product(who, id, sent, wish.clone())
            .await?;
        match self.bug {
            CatalogBug::SkipsVersions => {
                let again = Precondition::Header(first.version);
                let wish = PatchProduct {
                    description: Some("again".to_owned()),
                    ..wish
                };
                self.inner.patch_product(who, id, again, wish).await
            }
            _ => Ok(first),
        }
    }

    async fn delete_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        self.inner.delete_product(who, id, sent).await
    }

    async fn product(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        self.inner.product(viewer, which).await
    }

    async fn products(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        self.inner.products(viewer, query).await
    }

    async fn page_starts(&self, query: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        self.inner.page_starts(query).await
    }

    async fn facets(&self, query: FacetsQuery) -> Result<Facets, ListError> {
        self.inner.facets(query).await
    }

    async fn suggestions(&self, query: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        self.inner.suggestions(query).await
    }

    async fn import_products(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        self.inner.import_products(owner, batch, commit).await
    }

    async fn reviews_by(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        self.inner.reviews_by(user, limit, cursor).await
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        self.inner.categories().await
    }

    async fn create_category(&self, wish: NewCategory) -> Result<CategoryView, EditError> {
        self.inner.create_category(wish).await
    }

    async fn adjust_stock(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        match self.bug {
            CatalogBug::DropsKeys => self.inner.adjust_stock(who, None, wish).await,
            CatalogBug::ReadsThenWrites => {
                let wish = self.read_then_write(who, &wish).await;
                self.inner.adjust_stock(who, None, wish).await
            }
            _ => self.inner.adjust_stock(who, key, wish).await,
        }
    }

    async fn inventory(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        self.inner.inventory(who, query).await
    }

    async fn inventory_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        self.inner.inventory_of(who, id).await
    }

    async fn movements(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        self.inner.movements(who, id, limit, cursor).await
    }

    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        let mut answers = self.inner.reserve_all(batch.clone()).await;
        for (wish, answer) in batch.iter().zip(&mut answers) {
            match (self.bug, &mut *answer) {
                (CatalogBug::SellsWhatIsNotThere, Err(ReserveError::InsufficientStock { .. })) => {
                    *answer = self.made_up(wish).await;
                }
                (CatalogBug::InventsPrices, Ok(reserved)) => {
                    for line in &mut reserved.lines {
                        line.unit_price.minor += 1;
                    }
                }
                _ => {}
            }
        }
        answers
    }

    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        let sells = batch
            .iter()
            .any(|wish| wish.to == ReservationState::Committed);
        match self.bug {
            CatalogBug::ForgetsToSell if sells => batch.iter().map(|_| Ok(())).collect(),
            CatalogBug::ReleasesBeforeTheFence if sells => {
                let answers = self.inner.resolve_all(batch).await;
                answers.into_iter().map(|_| Ok(())).collect()
            }
            _ => self.inner.resolve_all(batch).await,
        }
    }

    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        if self.bug == CatalogBug::PutsBackTwice {
            let again = batch.iter().map(|wish| GiveBack {
                refund_id: RefundId::generate(),
                ..wish.clone()
            });
            drop(self.inner.give_back_all(again.collect()).await);
        }
        self.inner.give_back_all(batch).await
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        if self.bug == CatalogBug::ReleasesBeforeTheFence {
            // Two seconds after it was held, and before anybody was asked.
            let early = before.plus_seconds(18);
            let due = self.inner.overdue(early, None, limit).await?;
            let wishes = due.iter().map(|one| Resolve {
                order_id: one.order_id,
                to: ReservationState::Expired,
                actor: "system".to_owned(),
            });
            drop(self.inner.resolve_all(wishes.collect()).await);
        }
        self.inner.overdue(before, after, limit).await
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError> {
        self.inner.audit_stock(after, limit).await
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        self.inner.audit_products(after, limit).await
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        self.inner.audit_reservations(after, limit).await
    }
}

/// Puts a unit of something back for each cancelled order, without noting which it has seen.
pub(crate) struct ReturnsByHand(pub(crate) Arc<dyn Catalog>);

#[async_trait]
impl Consumer for ReturnsByHand {
    fn name(&self) -> &'static str {
        "returns by hand"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[OrderCancelled::NAME]
    }

    async fn consume(&self, _: &Envelope) -> Result<(), BoxError> {
        let stock = self.0.audit_stock(None, 1).await?;
        let change = StockChange {
            sku: None,
            variant_id: stock.first().map(|row| row.variant_id),
            delta: Some(1),
            set: None,
            expected: None,
            reason: "returned".to_owned(),
        };
        let wish = AdjustStock {
            changes: vec![change],
        };
        self.0.adjust_stock(&admin(), None, wish).await?;
        Ok(())
    }
}

#[async_trait]
impl CatalogDesk for BrokenCatalog {
    async fn product_counts(
        &self,
        who: &Principal,
        q: Option<String>,
    ) -> Result<ProductCounts, ListError> {
        self.inner.product_counts(who, q).await
    }

    async fn inventory_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        self.inner.inventory_counts(who).await
    }

    async fn product_edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        self.inner.product_edits(who, id).await
    }
}
