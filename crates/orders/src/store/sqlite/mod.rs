//! Orders in SQLite. The one writer thread decides the order of things; no row is locked, and nothing is
//! read in one transaction to be written in another.

mod addresses;
mod audit;
mod book;
mod carts;
mod change;
mod discounts;
mod earlier;
mod figures;
mod mails;
mod more;
mod notes;
mod place;
mod read;
mod returns;
mod shipments;
mod shipping;
mod taxes;
#[cfg(test)]
mod tests;

use super::{
    Acting, CartsCounted, Found, Happened, PlaceRefusal, Placed, Sale, Store,
    notes::{Note, Noted},
    shipments::{Sending, Sent},
    view,
};
use crate::domain::order::{Happening, NewOrder, Order};
use async_trait::async_trait;
use contracts::{
    orders::{
        EventsAudit, NoteError, NoteView, OrderAudit, OrderError, OrderEventView, OrderQuery,
        OrderStatus, OrderView, ShipError, ShipmentView,
    },
    request::Answered,
    values::{Email, OrderId, Page, ProductId, Timestamp, UserId},
};
use platform::{
    db::{
        Abort, StoreError, keys,
        migrate::{BASE, Migration},
        sqlite::{Database, Options, Recent, Rows},
    },
    digest, fault,
};
use std::{convert::Infallible, path::Path};

pub(crate) const MIGRATIONS: [Migration; 24] = [
    BASE,
    Migration {
        number: 1,
        name: "orders",
        sql: include_str!("../../../migrations/sqlite/0001_orders.sql"),
    },
    Migration {
        number: 2,
        name: "by_order",
        sql: include_str!("../../../migrations/sqlite/0002_by_order.sql"),
    },
    Migration {
        number: 3,
        name: "checks",
        sql: include_str!("../../../migrations/sqlite/0003_checks.sql"),
    },
    Migration {
        number: 4,
        name: "shipments",
        sql: include_str!("../../../migrations/sqlite/0004_shipments.sql"),
    },
    Migration {
        number: 5,
        name: "notes",
        sql: include_str!("../../../migrations/sqlite/0005_notes.sql"),
    },
    Migration {
        number: 6,
        name: "carts",
        sql: include_str!("../../../migrations/sqlite/0006_carts.sql"),
    },
    Migration {
        number: 7,
        name: "withheld",
        sql: include_str!("../../../migrations/sqlite/0007_withheld.sql"),
    },
    Migration {
        number: 8,
        name: "discounts",
        sql: include_str!("../../../migrations/sqlite/0008_discounts.sql"),
    },
    Migration {
        number: 9,
        name: "guests",
        sql: include_str!("../../../migrations/sqlite/0009_guests.sql"),
    },
    Migration {
        number: 10,
        name: "shipping",
        sql: include_str!("../../../migrations/sqlite/0010_shipping.sql"),
    },
    Migration {
        number: 11,
        name: "addresses",
        sql: include_str!("../../../migrations/sqlite/0011_addresses.sql"),
    },
    Migration {
        number: 12,
        name: "automatic_discounts",
        sql: include_str!("../../../migrations/sqlite/0012_automatic_discounts.sql"),
    },
    Migration {
        number: 13,
        name: "zones",
        sql: include_str!("../../../migrations/sqlite/0013_zones.sql"),
    },
    Migration {
        number: 14,
        name: "taxes",
        sql: include_str!("../../../migrations/sqlite/0014_taxes.sql"),
    },
    Migration {
        number: 15,
        name: "earlier",
        sql: include_str!("../../../migrations/sqlite/0015_earlier.sql"),
    },
    Migration {
        number: 16,
        name: "mails",
        sql: include_str!("../../../migrations/sqlite/0016_mails.sql"),
    },
    Migration {
        number: 17,
        name: "returns",
        sql: include_str!("../../../migrations/sqlite/0017_returns.sql"),
    },
    Migration {
        number: 18,
        name: "currencies",
        sql: include_str!("../../../migrations/sqlite/0018_currencies.sql"),
    },
    Migration {
        number: 19,
        name: "address_book",
        sql: include_str!("../../../migrations/sqlite/0019_address_book.sql"),
    },
    Migration {
        number: 20,
        name: "erased_customers",
        sql: include_str!("../../../migrations/sqlite/0020_erased_customers.sql"),
    },
    Migration {
        number: 21,
        name: "request_ids",
        sql: include_str!("../../../migrations/sqlite/0021_request_ids.sql"),
    },
    Migration {
        number: 22,
        name: "returns_list",
        sql: include_str!("../../../migrations/sqlite/0022_returns_list.sql"),
    },
    Migration {
        number: 23,
        name: "sold",
        sql: include_str!("../../../migrations/sqlite/0023_sold.sql"),
    },
];

/// Orders in one SQLite file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
    rows: Option<Rows>,
    /// Tabs and figures of staff: up to a hundred thousand rows are counted for each status.
    counts: Recent<i64, Vec<(OrderStatus, i64)>>,
    sales: Recent<(Timestamp, u32), Vec<Sale>>,
}

/// What a view is made of that may change; lines and parts never do.
const CHANGING: &[&str] = &["orders", "order_addresses"];

impl SqliteStore {
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS, now.as_ms())?;
        Ok(Self {
            rows: database.watch(CHANGING)?,
            counts: Recent::default(),
            sales: Recent::default(),
            database,
        })
    }

    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }
}

/// For writes that nothing but storage can refuse.
fn storage(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn place_all(
        &self,
        batch: Vec<NewOrder>,
    ) -> Result<Vec<Result<Placed, PlaceRefusal>>, StoreError> {
        self.database
            .write(move |c| {
                let placed = place::place_all(c, batch)?;
                fault::point("place.order_written");
                Ok(placed)
            })
            .await
            .map_err(storage)
    }

    async fn placed(
        &self,
        id: OrderId,
        fingerprint: [u8; 32],
    ) -> Result<Result<Placed, PlaceRefusal>, StoreError> {
        let known = self
            .database
            .read(move |c| place::known(c, id, fingerprint))
            .await?;
        Ok(known.unwrap_or(Err(PlaceRefusal::GivenUp)))
    }

    fn rows(&self) -> Option<Rows> {
        self.rows.clone()
    }

    async fn find(&self, id: OrderId) -> Result<Option<Found>, StoreError> {
        self.database.read(move |c| read::find(c, id)).await
    }

    async fn view(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        self.database.read(move |c| read::view(c, id)).await
    }

    async fn paid_at(&self, id: OrderId) -> Result<Option<Timestamp>, StoreError> {
        self.database.read(move |c| read::paid_at(c, id)).await
    }

    async fn list(
        &self,
        customer: Option<UserId>,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, Abort<OrderError>> {
        let before = view::position(query.cursor.as_ref()).map_err(Abort::Refused)?;
        Ok(self
            .database
            .read(move |c| read::list(c, customer, &query, before))
            .await?)
    }

    async fn count_by_status(&self, most: i64) -> Result<Vec<(OrderStatus, i64)>, StoreError> {
        self.counts
            .read(&self.database, most, move |c| figures::counts(c, most))
            .await
    }

    async fn sold_since(&self, since: Timestamp, most: u32) -> Result<Vec<Sale>, StoreError> {
        self.sales
            .read(&self.database, (since, most), move |c| {
                figures::sold(c, since, most)
            })
            .await
    }

    async fn carts_since(
        &self,
        since: Timestamp,
        kept_until: Timestamp,
        most: i64,
    ) -> Result<CartsCounted, StoreError> {
        self.database
            .read(move |c| figures::carts(c, since, kept_until, most))
            .await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<OrderEventView>, StoreError> {
        self.database.read(move |c| read::timeline(c, id)).await
    }

    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>> {
        self.database
            .write(move |c| change::happen(c, id, &happening, &by, now))
            .await
    }

    async fn happen_all(
        &self,
        batch: Vec<(OrderId, Happening, Acting)>,
        now: Timestamp,
    ) -> Result<Vec<Happened>, StoreError> {
        self.database
            .write(move |c| change::happen_all(c, &batch, now))
            .await
            .map_err(storage)
    }

    async fn send(&self, sending: Sending) -> Result<Sent, Abort<ShipError>> {
        let write = self.database.write(move |c| shipments::send(c, &sending));
        write.await
    }

    async fn shipments(&self, id: OrderId) -> Result<Vec<ShipmentView>, StoreError> {
        self.database.read(move |c| shipments::all(c, id)).await
    }

    async fn call_off(
        &self,
        id: OrderId,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>> {
        let write = self
            .database
            .write(move |c| shipments::call_off(c, id, &by, now));
        write.await
    }

    async fn add_note(&self, note: Note) -> Result<Answered<Noted>, Abort<NoteError>> {
        let write = self.database.write(move |c| {
            let once = (note.request.as_ref(), note.at);
            keys::once(c, once, || NoteError::KeyReused, || notes::add(c, &note))
        });
        write.await
    }

    async fn notes(&self, id: OrderId) -> Result<Vec<NoteView>, StoreError> {
        self.database.read(move |c| notes::all(c, id)).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.database.read(move |c| read::due(c, now, limit)).await
    }

    async fn give_up(&self, ids: Vec<OrderId>, now: Timestamp) -> Result<Vec<OrderId>, StoreError> {
        self.database
            .write(move |c| change::give_up(c, &ids, now))
            .await
            .map_err(storage)
    }

    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, StoreError> {
        self.database
            .read(move |c| read::has_bought(c, user, product))
            .await
    }

    async fn claim_orders(
        &self,
        user: UserId,
        email: Email,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.database
            .write(move |c| change::claim(c, (user, &email), limit))
            .await
            .map_err(storage)
    }

    async fn forget_customer(
        &self,
        id: UserId,
        again_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.database
            .write(move |c| change::forget_customer(c, id, again_at))
            .await
            .map_err(storage)
    }

    async fn half_erased(&self, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError> {
        self.database
            .read(move |c| book::half_erased(c, now, limit))
            .await
    }

    async fn audit(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<OrderAudit>, StoreError> {
        self.database
            .read(move |c| audit::orders(c, after, limit))
            .await
    }

    async fn audit_events(&self) -> Result<EventsAudit, StoreError> {
        self.database.read(audit::events).await
    }

    async fn token_secret(&self) -> Result<[u8; 32], StoreError> {
        let fresh = digest::random::<32>().map_err(StoreError::Other)?;
        self.database
            .write(move |c| change::secret(c, "order_token", fresh))
            .await
            .map_err(storage)
    }
}
