//! Orders and catalog as far as payments use them, with calls that can be made to fail before or after
//! their effect. Whatever payments must not call answers with an error.

use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::*,
    orders::*,
    request::{Answered, IdempotencyKey, Precondition},
    values::*,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

/// A call of ours to a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Begin,
    End,
    Note,
    Sell,
    Restock,
}

/// Whether a failing call had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// The calls that fail.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Call, Moment)>>);

impl Faults {
    pub(crate) fn add(&self, call: Call, moment: Moment) {
        self.0.lock().unwrap().push((call, moment));
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn at(&self, call: Call, moment: Moment) -> Result<(), BoxError> {
        let fails = self.0.lock().unwrap().contains(&(call, moment));
        if fails { Err("crashed".into()) } else { Ok(()) }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FakeOrder {
    pub(crate) status: OrderStatus,
    pub(crate) total: Money,
    pub(crate) owner: Option<UserId>,
    pub(crate) token: Option<String>,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) lines: Vec<OrderLineView>,
    pub(crate) parts: Vec<OrderPartView>,
    pub(crate) refunds: Vec<RefundNote>,
    pub(crate) returns: Vec<ReturnView>,
}

#[derive(Debug, Default)]
pub(crate) struct FakeOrders {
    pub(crate) orders: Mutex<HashMap<OrderId, FakeOrder>>,
    pub(crate) ends: Mutex<Vec<(PaymentId, PaymentEnd)>>,
    pub(crate) faults: Faults,
}

impl FakeOrders {
    pub(crate) fn get(&self, id: OrderId) -> FakeOrder {
        self.orders.lock().unwrap()[&id].clone()
    }

    pub(crate) fn set(&self, id: OrderId, change: impl FnOnce(&mut FakeOrder)) {
        change(self.orders.lock().unwrap().get_mut(&id).unwrap());
    }

    pub(crate) fn ends_of(&self, payment: PaymentId) -> Vec<PaymentEnd> {
        let ends = self.ends.lock().unwrap();
        let of_it = ends.iter().filter(|(id, _)| *id == payment);
        of_it.map(|(_, end)| *end).collect()
    }

    fn fault(&self, call: Call, moment: Moment) -> Result<(), OrderError> {
        self.faults.at(call, moment).map_err(OrderError::Internal)
    }
}

impl FakeOrders {
    fn begin(&self, wish: &BeginPayment) -> Result<Payable, OrderError> {
        self.fault(Call::Begin, Moment::Before)?;
        let view = found(&mut self.orders.lock().unwrap(), wish.order_id, |order| {
            if order.status != OrderStatus::Pending {
                return Err(no_move(order.status));
            }
            if order.payment.is_some_and(|tied| tied != wish.payment_id) {
                return Err(OrderError::PaymentInProgress);
            }
            order.payment = Some(wish.payment_id);
            Ok(())
        })?;
        self.fault(Call::Begin, Moment::After)?;
        Ok(Payable {
            total: view.total,
            customer_id: view.customer_id,
        })
    }

    fn settle(&self, wish: &Settlement) -> Result<(), OrderError> {
        self.fault(Call::End, Moment::Before)?;
        found(&mut self.orders.lock().unwrap(), wish.order_id, |order| {
            let tied = order.payment == Some(wish.payment_id);
            match (wish.end, tied) {
                (PaymentEnd::Paid, true) if order.status == OrderStatus::Pending => {
                    order.status = OrderStatus::Paid;
                }
                (PaymentEnd::Failed, true) if order.status == OrderStatus::Pending => {
                    order.payment = None;
                }
                (PaymentEnd::Paid, true) | (PaymentEnd::Failed, false) => {}
                (PaymentEnd::Paid, false) | (PaymentEnd::Failed, true) => {
                    return Err(no_move(order.status));
                }
            }
            Ok(())
        })?;
        self.ends.lock().unwrap().push((wish.payment_id, wish.end));
        self.fault(Call::End, Moment::After)
    }
}

fn unused<T>() -> Result<T, OrderError> {
    Err(OrderError::Internal("payments must not call this".into()))
}

fn found(
    orders: &mut MutexGuard<'_, HashMap<OrderId, FakeOrder>>,
    id: OrderId,
    change: impl FnOnce(&mut FakeOrder) -> Result<(), OrderError>,
) -> Result<OrderView, OrderError> {
    let order = orders.get_mut(&id).ok_or(OrderError::NotFound)?;
    change(order)?;
    Ok(OrderView {
        id,
        number: 10_001,
        version: Version::FIRST,
        status: order.status,
        customer_id: order.owner,
        items: order.lines.clone(),
        parts: order.parts.clone(),
        shipping_address: None,
        total: order.total,
        payment_due_at: Timestamp::from_ms(0),
        tracking: None,
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
        order_token: None,
    })
}

fn no_move(from: OrderStatus) -> OrderError {
    OrderError::IllegalTransition {
        from,
        to: OrderStatus::Paid,
        allowed: Vec::new(),
    }
}

#[async_trait]
impl Orders for FakeOrders {
    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        found(&mut self.orders.lock().unwrap(), id, |order| {
            let owns = who.principal.as_ref().is_some_and(|principal| {
                principal.is_admin() || order.owner == Some(principal.user_id)
            });
            let holds = who.order_token.is_some() && who.order_token == order.token;
            if owns || holds {
                Ok(())
            } else {
                Err(OrderError::NotFound)
            }
        })
    }

    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>> {
        batch.iter().map(|wish| self.begin(wish)).collect()
    }

    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>> {
        batch.iter().map(|wish| self.settle(wish)).collect()
    }

    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        self.fault(Call::Note, Moment::Before)?;
        self.set(note.order_id, |order| {
            if !order.refunds.contains(&note) {
                order.refunds.push(note.clone());
            }
        });
        self.fault(Call::Note, Moment::After)
    }

    async fn place(
        &self,
        _: Buyer,
        _: IdempotencyKey,
        _: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        Err(PlaceOrderError::Internal(
            "payments must not call this".into(),
        ))
    }

    async fn orders(&self, _: &Principal, _: OrderQuery) -> Result<Page<OrderView>, OrderError> {
        unused()
    }

    async fn order_when_paid(&self, _: &Reader, _: OrderId) -> Result<OrderView, OrderError> {
        unused()
    }

    async fn timeline(&self, _: &Reader, _: OrderId) -> Result<Vec<OrderEventView>, OrderError> {
        unused()
    }

    async fn earlier_orders(
        &self,
        _: &Principal,
        _: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError> {
        unused()
    }

    async fn kept_addresses(&self, _: UserId) -> Result<Vec<KeptAddress>, OrderError> {
        unused()
    }

    async fn own_cart(&self, _: UserId) -> Result<Option<CartView>, CartError> {
        Err(CartError::Internal("payments must not call this".into()))
    }

    async fn cart_figures(&self) -> Result<CartFigures, OrderError> {
        Err(OrderError::Internal("payments must not call this".into()))
    }

    async fn beside(&self, _: &Reader, id: OrderId) -> Result<Beside, OrderError> {
        let returns = self.get(id).returns;
        Ok(Beside {
            returns,
            ..Beside::default()
        })
    }

    async fn advance(&self, _: &Reader, _: OrderId, _: OrderMove) -> Result<OrderView, OrderError> {
        unused()
    }

    async fn audit(&self, _: Option<OrderId>, _: u32) -> Result<Vec<OrderAudit>, BoxError> {
        Ok(unused()?)
    }

    async fn audit_events(&self) -> Result<EventsAudit, BoxError> {
        Ok(unused()?)
    }
}

/// Reservations by order.
#[derive(Debug, Default)]
pub(crate) struct FakeCatalog {
    pub(crate) reservations: Mutex<HashMap<OrderId, ReservationState>>,
    pub(crate) given_back: Mutex<HashMap<RefundId, Vec<ReturnedItem>>>,
    pub(crate) faults: Faults,
}

impl FakeCatalog {
    pub(crate) fn set(&self, id: OrderId, state: ReservationState) {
        self.reservations.lock().unwrap().insert(id, state);
    }

    fn resolve(&self, wish: &Resolve) -> Result<(), ResolveError> {
        let fault = |moment| {
            self.faults
                .at(Call::Sell, moment)
                .map_err(ResolveError::Internal)
        };
        fault(Moment::Before)?;
        let mut reservations = self.reservations.lock().unwrap();
        let state = reservations
            .get_mut(&wish.order_id)
            .ok_or(ResolveError::Unknown)?;
        if *state == ReservationState::Open {
            *state = wish.to;
        }
        if *state != wish.to {
            return Err(ResolveError::Resolved(*state));
        }
        fault(Moment::After)
    }
}

fn edit<T>() -> Result<T, EditError> {
    Err(EditError::Internal("payments must not call this".into()))
}

fn list<T>() -> Result<T, ListError> {
    Err(ListError::Internal("payments must not call this".into()))
}

fn adjust<T>() -> Result<T, AdjustError> {
    Err(AdjustError::Internal("payments must not call this".into()))
}

#[async_trait]
impl Catalog for FakeCatalog {
    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        batch.iter().map(|wish| self.resolve(wish)).collect()
    }

    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        let give = |wish: GiveBack| {
            let fault = |moment| {
                let at = self.faults.at(Call::Restock, moment);
                at.map_err(GiveBackError::Internal)
            };
            fault(Moment::Before)?;
            let mut given = self.given_back.lock().unwrap();
            given.insert(wish.refund_id, wish.items);
            fault(Moment::After)
        };
        batch.into_iter().map(give).collect()
    }

    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        Err("payments must not call this".into())
    }

    async fn offers(
        &self,
        _: Vec<ItemRef>,
        _: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        Err("payments must not call this".into())
    }

    async fn create_product(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        edit()
    }
    async fn replace_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
        _: NewProduct,
    ) -> Result<ProductView, EditError> {
        edit()
    }
    async fn patch_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
        _: PatchProduct,
    ) -> Result<ProductView, EditError> {
        edit()
    }
    async fn delete_product(
        &self,
        _: &Principal,
        _: ProductId,
        _: Precondition,
    ) -> Result<(), EditError> {
        edit()
    }
    async fn product(
        &self,
        _: Option<&Principal>,
        _: ProductRef,
    ) -> Result<ProductView, EditError> {
        edit()
    }
    async fn products(
        &self,
        _: Option<&Principal>,
        _: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        list()
    }
    async fn page_starts(&self, _: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        list()
    }
    async fn facets(&self, _: FacetsQuery) -> Result<Facets, ListError> {
        list()
    }

    async fn suggestions(&self, _: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        list()
    }

    async fn import_products(
        &self,
        _: UserId,
        _: Vec<ImportProduct>,
        _: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        Ok(edit()?)
    }
    async fn reviews_by(
        &self,
        _: contracts::values::UserId,
        _: PageSize,
        _: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        list()
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        list()
    }
    async fn create_category(&self, _: NewCategory) -> Result<CategoryView, EditError> {
        edit()
    }
    async fn adjust_stock(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        adjust()
    }
    async fn inventory(
        &self,
        _: &Principal,
        _: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        list()
    }
    async fn inventory_of(
        &self,
        _: &Principal,
        _: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        adjust()
    }
    async fn movements(
        &self,
        _: &Principal,
        _: VariantId,
        _: PageSize,
        _: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        adjust()
    }
    async fn reserve_all(&self, _: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        Vec::new()
    }
    async fn overdue(
        &self,
        _: Timestamp,
        _: Option<Overdue>,
        _: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        Ok(edit()?)
    }
    async fn audit_stock(&self, _: Option<VariantId>, _: u32) -> Result<Vec<StockAudit>, BoxError> {
        Ok(edit()?)
    }
    async fn audit_products(
        &self,
        _: Option<VariantId>,
        _: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        Ok(edit()?)
    }
    async fn audit_reservations(
        &self,
        _: Option<OrderId>,
        _: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        Ok(edit()?)
    }
}
