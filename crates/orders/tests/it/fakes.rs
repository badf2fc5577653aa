//! Stands in for the catalog: a shelf in memory. It keeps the contract's promises about reservations
//! (idempotent, all lines or none) and nothing else.

use super::thing::Thing;
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::*,
    request::{Answered, IdempotencyKey, Precondition},
    values::{
        CategoryId, Currency, Cursor, Money, OrderId, Page, PageSize, ProductId, Timestamp, UserId,
        VariantId,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::sync::{Semaphore, SemaphorePermit};

#[derive(Debug, Clone)]
struct Held {
    fingerprint: [u8; 32],
    state: ReservationState,
    reserved: Reserved,
}

#[derive(Default)]
struct Shelf {
    things: BTreeMap<[u8; 16], Thing>,
    held: HashMap<OrderId, Held>,
}

/// The category of tea; nothing else has one.
pub(crate) const TEAS: CategoryId = CategoryId::from_bytes([50; 16]);

/// How many may be at work while nobody holds the gate.
const GATE: u32 = 1_000;

/// A catalog that has stock and nothing else.
pub(crate) struct FakeCatalog {
    shelf: Mutex<Shelf>,
    gate: Semaphore,
    rounds: AtomicUsize,
    looks: AtomicUsize,
    knows_one_currency: AtomicBool,
}

impl FakeCatalog {
    pub(crate) fn new() -> Self {
        Self {
            shelf: Mutex::default(),
            gate: Semaphore::new(usize::try_from(GATE).unwrap()),
            rounds: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            knows_one_currency: AtomicBool::new(false),
        }
    }

    /// How often it was asked what things are and cost.
    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// From now on it prices as the release before did.
    pub(crate) fn know_one_currency(&self) {
        self.knows_one_currency.store(true, Ordering::SeqCst);
    }

    pub(crate) fn put(&self, thing: Thing) {
        let mut shelf = self.shelf();
        shelf.things.insert(*thing.product_id.as_bytes(), thing);
    }

    pub(crate) fn restock(&self, id: ProductId, on_hand: i64) {
        self.shelf().things.get_mut(id.as_bytes()).unwrap().on_hand = on_hand;
    }

    pub(crate) fn reprice(&self, id: ProductId, minor: i64) {
        let mut shelf = self.shelf();
        shelf.things.get_mut(id.as_bytes()).unwrap().price.minor = minor;
    }

    /// On hand and reserved.
    pub(crate) fn stock(&self, id: ProductId) -> (i64, i64) {
        let shelf = self.shelf();
        let thing = &shelf.things[id.as_bytes()];
        (thing.on_hand, thing.reserved)
    }

    pub(crate) fn reservations(&self) -> usize {
        self.shelf().held.len()
    }

    pub(crate) fn reservation(&self, id: OrderId) -> Option<ReservationState> {
        self.shelf().held.get(&id).map(|held| held.state)
    }

    /// The orders that hold or held something.
    pub(crate) fn reserved_for(&self) -> Vec<OrderId> {
        self.shelf().held.keys().copied().collect()
    }

    /// From now on stock is reserved, but nobody is told before the permit is dropped.
    pub(crate) async fn close_gate(&self) -> SemaphorePermit<'_> {
        self.gate.acquire_many(GATE).await.unwrap()
    }

    /// How often the sweeper has come by.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.load(Ordering::SeqCst)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }
}

impl Shelf {
    fn thing(&self, item: &ItemRef) -> Option<&Thing> {
        let bytes = match item {
            ItemRef::Product(id) => id.as_bytes(),
            ItemRef::Variant(id) => id.as_bytes(),
        };
        self.things.get(bytes)
    }

    fn offer(&self, item: &ItemRef, currency: Option<Currency>) -> Option<OfferView> {
        let thing = self.thing(item)?;
        let price = thing.price_in(currency);
        Some(OfferView {
            unpriced: price.is_none(),
            choices: Vec::new(),
            product_id: thing.product_id,
            variant_id: thing.variant_id(),
            slug: thing.sku.to_lowercase(),
            sku: thing.sku.to_owned(),
            name: format!("The {}", thing.sku),
            unit_price: price.unwrap_or(thing.price),
            on_sale: price.is_some(),
            available: thing.on_hand - thing.reserved,
            weight_grams: 250,
            tax_class: if thing.sku == "CUP-1" {
                TaxClass::Reduced
            } else {
                TaxClass::Standard
            },
            categories: thing
                .sku
                .starts_with("TEA")
                .then_some(TEAS)
                .into_iter()
                .collect(),
        })
    }

    fn reserve(&mut self, wish: Reserve) -> Result<Reserved, ReserveError> {
        if let Some(held) = self.held.get(&wish.order_id) {
            if held.fingerprint != wish.fingerprint {
                return Err(ReserveError::FingerprintDiffers);
            }
            if held.state != ReservationState::Open {
                return Err(ReserveError::Resolved(held.state));
            }
            return Ok(held.reserved.clone());
        }
        let lines = self.priced(&wish)?;
        self.check_total(&wish, &lines)?;
        self.check_stock(&lines)?;
        for line in &lines {
            let thing = self.things.get_mut(line.product_id.as_bytes()).unwrap();
            thing.reserved += i64::from(line.quantity.get());
        }
        let reserved = Reserved {
            lines,
            hold_until: wish.hold_until,
        };
        let held = Held {
            fingerprint: wish.fingerprint,
            state: ReservationState::Open,
            reserved: reserved.clone(),
        };
        self.held.insert(wish.order_id, held);
        Ok(reserved)
    }

    fn priced(&self, wish: &Reserve) -> Result<Vec<PricedLine>, ReserveError> {
        let unknown = |(_, line): &(usize, &ReserveLine)| self.thing(&line.item).is_none();
        let lines = wish.lines.iter().enumerate().filter(unknown);
        let lines: Vec<usize> = lines.map(|(index, _)| index).collect();
        if !lines.is_empty() {
            return Err(ReserveError::Unavailable { lines });
        }
        let unpriced = |(_, line): &(usize, &ReserveLine)| {
            let thing = self.thing(&line.item);
            thing.is_some_and(|thing| thing.price_in(wish.currency).is_none())
        };
        let lines = wish.lines.iter().enumerate().filter(unpriced);
        let lines: Vec<usize> = lines.map(|(index, _)| index).collect();
        if let (Some(currency), false) = (wish.currency, lines.is_empty()) {
            return Err(ReserveError::NotPriced { currency, lines });
        }
        let price = |line: &ReserveLine| {
            let thing = self.thing(&line.item)?;
            Some(PricedLine {
                product_id: thing.product_id,
                variant_id: thing.variant_id(),
                seller_id: thing.seller_id,
                sku: thing.sku.to_owned(),
                name: format!("The {}", thing.sku),
                quantity: line.quantity,
                unit_price: thing.price_in(wish.currency)?,
            })
        };
        Ok(wish.lines.iter().filter_map(price).collect())
    }

    fn check_total(&self, wish: &Reserve, lines: &[PricedLine]) -> Result<(), ReserveError> {
        let currency = lines[0].unit_price.currency;
        let total = lines.iter().try_fold(Money::zero(currency), |sum, line| {
            sum.plus(line.unit_price.times(line.quantity)?)
        });
        let total = total.map_err(|_| ReserveError::TotalOutOfRange)?;
        match &wish.expected_total {
            Some(expected) if expected.resolve(currency) != Ok(total) => {
                Err(ReserveError::PriceChanged { total })
            }
            _ => Ok(()),
        }
    }

    fn check_stock(&self, lines: &[PricedLine]) -> Result<(), ReserveError> {
        let mut wanted: BTreeMap<[u8; 16], i64> = BTreeMap::new();
        for line in lines {
            *wanted.entry(*line.product_id.as_bytes()).or_default() +=
                i64::from(line.quantity.get());
        }
        let short = |(id, requested): (&[u8; 16], &i64)| {
            let thing = &self.things[id];
            let available = thing.on_hand - thing.reserved;
            (*requested > available).then(|| Shortage {
                product_id: thing.product_id,
                variant_id: thing.variant_id(),
                sku: thing.sku.to_owned(),
                requested: *requested,
                available,
            })
        };
        let items: Vec<Shortage> = wanted.iter().filter_map(short).collect();
        if items.is_empty() {
            Ok(())
        } else {
            Err(ReserveError::InsufficientStock { items })
        }
    }

    fn resolve(&mut self, wish: &Resolve) -> Result<(), ResolveError> {
        use ReservationState::{Committed, Expired, Open, Released, Returned};
        let held = self.held.get_mut(&wish.order_id);
        let held = held.ok_or(ResolveError::Unknown)?;
        // On hand and reserved, for each unit.
        let (on_hand, reserved) = match (held.state, wish.to) {
            (from, to) if from == to => return Ok(()),
            (Open, Committed) => (-1, -1),
            (Open, Released | Expired) => (0, -1),
            (Committed, Returned) => (1, 0),
            (from, _) => return Err(ResolveError::Resolved(from)),
        };
        held.state = wish.to;
        for line in &held.reserved.lines {
            let thing = self.things.get_mut(line.product_id.as_bytes()).unwrap();
            thing.on_hand += on_hand * i64::from(line.quantity.get());
            thing.reserved += reserved * i64::from(line.quantity.get());
        }
        Ok(())
    }
}

fn edit() -> EditError {
    EditError::Internal("not on this shelf".into())
}

fn adjust() -> AdjustError {
    AdjustError::Internal("not on this shelf".into())
}

fn listing() -> ListError {
    ListError::Internal("not on this shelf".into())
}

#[async_trait]
impl Catalog for FakeCatalog {
    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        let answers = {
            let mut shelf = self.shelf();
            let old = self.knows_one_currency.load(Ordering::SeqCst);
            let heard = |wish: Reserve| Reserve {
                currency: wish.currency.filter(|_| !old),
                ..wish
            };
            let batch = batch.into_iter().map(heard);
            batch.map(|wish| shelf.reserve(wish)).collect()
        };
        let _open = self.gate.acquire().await.unwrap();
        answers
    }

    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        let mut shelf = self.shelf();
        batch.iter().map(|wish| shelf.resolve(wish)).collect()
    }

    async fn give_back_all(&self, _: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        Vec::new()
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        self.rounds.fetch_add(1, Ordering::SeqCst);
        let shelf = self.shelf();
        let late = |(_, held): &(&OrderId, &Held)| {
            held.state == ReservationState::Open && held.reserved.hold_until < before
        };
        let late = shelf.held.iter().filter(late).map(|(id, held)| Overdue {
            order_id: *id,
            hold_until: held.reserved.hold_until,
        });
        let place = |one: &Overdue| (one.hold_until, one.order_id);
        let mut late: Vec<_> = late
            .filter(|one| after.as_ref().is_none_or(|seen| place(one) > place(seen)))
            .collect();
        late.sort_by_key(place);
        late.truncate(usize::try_from(limit)?);
        Ok(late)
    }

    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        Ok(vec!["USD".parse()?, "EUR".parse()?])
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let shelf = self.shelf();
        let offers = items.iter().map(|item| shelf.offer(item, currency));
        Ok(offers.collect())
    }

    async fn create_product(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        Err(edit())
    }
    async fn replace_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
        _: NewProduct,
    ) -> Result<ProductView, EditError> {
        Err(edit())
    }
    async fn patch_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
        _: PatchProduct,
    ) -> Result<ProductView, EditError> {
        Err(edit())
    }
    async fn delete_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
    ) -> Result<(), EditError> {
        Err(edit())
    }
    async fn product(
        &self,
        _: Option<&Principal>,
        _: ProductRef,
    ) -> Result<ProductView, EditError> {
        Err(edit())
    }
    async fn products(
        &self,
        _: Option<&Principal>,
        _: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        Err(listing())
    }
    async fn page_starts(&self, _: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        Err(listing())
    }
    async fn facets(&self, _: FacetsQuery) -> Result<Facets, ListError> {
        Err(listing())
    }

    async fn suggestions(&self, _: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        Err(listing())
    }

    async fn import_products(
        &self,
        _: UserId,
        _: Vec<ImportProduct>,
        _: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        Err("not on this shelf".into())
    }
    async fn reviews_by(
        &self,
        _: contracts::values::UserId,
        _: PageSize,
        _: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        Err(listing())
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        Err(listing())
    }
    async fn create_category(&self, _: NewCategory) -> Result<CategoryView, EditError> {
        Err(edit())
    }
    async fn adjust_stock(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        Err(adjust())
    }
    async fn inventory(
        &self,
        _: &Principal,
        _: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        Err(listing())
    }
    async fn inventory_of(
        &self,
        _: &Principal,
        _: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        Err(adjust())
    }
    async fn movements(
        &self,
        _: &Principal,
        _: VariantId,
        _: PageSize,
        _: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        Err(adjust())
    }
    async fn audit_stock(&self, _: Option<VariantId>, _: u32) -> Result<Vec<StockAudit>, BoxError> {
        Err("not on this shelf".into())
    }
    async fn audit_products(
        &self,
        _: Option<VariantId>,
        _: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        Err("not on this shelf".into())
    }
    async fn audit_reservations(
        &self,
        _: Option<OrderId>,
        _: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        Err("not on this shelf".into())
    }
}
