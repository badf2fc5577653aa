//! Where orders are kept. One method, one transaction, one invariant: state, timeline and event go together.

pub(crate) mod book;
mod carts;
pub(crate) mod discounts;
pub(crate) mod earlier;
pub(crate) mod mails;
pub(crate) mod notes;
mod places;
pub(crate) mod postgres;
pub(crate) mod returns;
pub(crate) mod shipments;
pub(crate) mod shipping;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;
pub(crate) mod taxes;
mod verify;
mod view;

pub(crate) use carts::CartStore;
pub(crate) use discounts::DiscountStore;

use crate::domain::order::{Happening, NewOrder, Order};
use async_trait::async_trait;
use contracts::{
    orders::{
        EventsAudit, NoteError, NoteView, OrderAudit, OrderError, OrderEventView, OrderQuery,
        OrderStatus, OrderView, ShipError, ShipmentView,
    },
    request::Answered,
    values::{Email, Money, OrderId, Page, ProductId, Timestamp, UserId},
};
use notes::{Note, Noted};
use platform::{
    db::{Abort, Schema, StoreError, sqlite::Rows},
    trail,
};
use shipments::{Sending, Sent};

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: &sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// An order that stands written: now, or by an earlier request with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The order as its first answer showed it.
    pub(crate) view: OrderView,
    /// Whether it was there before.
    pub(crate) replayed: bool,
}

/// Why an order was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceRefusal {
    /// The id was given up.
    GivenUp,
    /// The cart that it was to come of had changed. Its id is given up.
    CartChanged,
    /// Its discount has no room for one use more. Its id is given up.
    DiscountSpent,
    /// The id came before with another request.
    FingerprintDiffers,
}

/// An order and what decides who may see and move it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) order: Order,
    /// The one who sells all of its lines, if there is just one.
    pub(crate) sole_seller: Option<UserId>,
}

/// When something was bought, and for how much.
pub(crate) type Sale = (Timestamp, Money);

/// What became of carts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CartsCounted {
    /// Rows of orders or of carts that were read, whichever are more.
    pub(crate) looked_at: i64,
    /// Orders that came of a cart.
    pub(crate) ordered: i64,
    /// Open carts with something in them.
    pub(crate) open: i64,
}

/// Who acts, as a timeline names them, and at which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acting {
    /// A user's id, `guest` or `system`.
    pub(crate) actor: String,
    /// The request's id; none where the shop acts by itself.
    pub(crate) request: Option<String>,
}

impl Acting {
    /// In the request that is being answered here, if one is.
    pub(crate) fn here(actor: String) -> Self {
        Self {
            actor,
            request: trail::request_id(),
        }
    }
}

/// An order before and after, or why nothing happened.
pub(crate) type Happened = Result<(Order, Order), OrderError>;

#[async_trait]
pub(crate) trait Store:
    CartStore
    + DiscountStore
    + book::BookStore
    + earlier::EarlierStore
    + shipping::ShippingStore
    + mails::MailStore
    + returns::ReturnStore
    + taxes::TaxStore
    + Send
    + Sync
{
    /// Writes all orders that can be written, in one commit; a result each, in order.
    async fn place_all(
        &self,
        batch: Vec<NewOrder>,
    ) -> Result<Vec<Result<Placed, PlaceRefusal>>, StoreError>;
    /// The order with this id as its first answer showed it, if it was written by this request.
    async fn placed(
        &self,
        id: OrderId,
        fingerprint: [u8; 32],
    ) -> Result<Result<Placed, PlaceRefusal>, StoreError>;
    /// Which orders this process changed since when, by their numbers; nothing where other nodes change them, too.
    fn rows(&self) -> Option<Rows>;
    /// One order, for deciding.
    async fn find(&self, id: OrderId) -> Result<Option<Found>, StoreError>;
    /// One order, for showing.
    async fn view(&self, id: OrderId) -> Result<Option<OrderView>, StoreError>;
    /// When an order was paid, if it was.
    async fn paid_at(&self, id: OrderId) -> Result<Option<Timestamp>, StoreError>;
    /// A page, newest first; only of this customer if one is named.
    async fn list(
        &self,
        customer: Option<UserId>,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, Abort<OrderError>>;
    /// How many orders stand where: of each status so many at most.
    async fn count_by_status(&self, most: i64) -> Result<Vec<(OrderStatus, i64)>, StoreError>;
    /// When orders that were paid were placed since then and what each cost: the newest, so many at most.
    async fn sold_since(&self, since: Timestamp, most: u32) -> Result<Vec<Sale>, StoreError>;
    /// What became of carts since then, of so many orders and so many carts at most, the newest. A cart that was
    /// changed since then is kept until `kept_until` or longer, which is how it is found.
    async fn carts_since(
        &self,
        since: Timestamp,
        kept_until: Timestamp,
        most: i64,
    ) -> Result<CartsCounted, StoreError>;
    /// The timeline, oldest first.
    async fn timeline(&self, id: OrderId) -> Result<Vec<OrderEventView>, StoreError>;
    /// Makes happen what may: the order before and after. Nothing is written when it had happened before.
    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>>;
    /// Makes happen what may, each for itself, in one commit: an order before and after, or why not.
    async fn happen_all(
        &self,
        batch: Vec<(OrderId, Happening, Acting)>,
        now: Timestamp,
    ) -> Result<Vec<Happened>, StoreError>;
    /// Sends a parcel; the order is shipped with the last one.
    async fn send(&self, sending: Sending) -> Result<Sent, Abort<ShipError>>;
    /// What was sent of an order, in order.
    async fn shipments(&self, id: OrderId) -> Result<Vec<ShipmentView>, StoreError>;
    /// Calls an order off of which nothing was sent: the order before and after.
    async fn call_off(
        &self,
        id: OrderId,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>>;
    /// Keeps a note about an order.
    async fn add_note(&self, note: Note) -> Result<Answered<Noted>, Abort<NoteError>>;
    /// The notes about an order, oldest first.
    async fn notes(&self, id: OrderId) -> Result<Vec<NoteView>, StoreError>;
    /// Pending orders, without a payment under way, whose time is over.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError>;
    /// Of these ids, those whose stock may be given back: never written (and from now on never will be), or
    /// cancelled.
    async fn give_up(&self, ids: Vec<OrderId>, now: Timestamp) -> Result<Vec<OrderId>, StoreError>;
    /// Whether a user has an order of this product that was paid and not given back whole.
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, StoreError>;
    /// Gives so many at most of the orders that guests placed with this address to its user; how many.
    async fn claim_orders(&self, user: UserId, email: Email, limit: u32)
    -> Result<u64, StoreError>;
    /// Erases who bought, and leaves a mark, so that nobody keeps an address for them any more. What else a token
    /// leaves that outlives the account is to be erased `again_at` this time; never again, if there is none.
    async fn forget_customer(
        &self,
        id: UserId,
        again_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;
    /// So many at most of those whose time has come to be erased once more.
    async fn half_erased(&self, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError>;
    /// Orders after this id, in id order, for verification.
    async fn audit(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<OrderAudit>, StoreError>;
    /// Events beside timelines, in one snapshot.
    async fn audit_events(&self) -> Result<EventsAudit, StoreError>;
    /// The secret that guests' order tokens are made with.
    async fn token_secret(&self) -> Result<[u8; 32], StoreError>;
}
