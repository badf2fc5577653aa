//! Orders in PostgreSQL, shared by several nodes. Every batch is a handful of statements over lists, never one an
//! order. Locks are taken in one order everywhere: the right to place or to give up ids, then orders by number. Twins
//! meet at the unique constraint of the order's id.

mod addresses;
mod audit;
mod book;
mod carts;
mod change;
mod claim;
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
mod uses;

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
        Abort, StoreError,
        migrate::Migration,
        postgres::{BASE, Bytes, Database, Place, keys},
        sqlite::Rows,
    },
    digest, fault,
};
use std::{convert::Infallible, sync::Arc};

pub(crate) const MIGRATIONS: [Migration; 23] = [
    BASE,
    Migration {
        number: 1,
        name: "orders",
        sql: include_str!("../../../migrations/postgres/0001_orders.sql"),
    },
    Migration {
        number: 2,
        name: "place",
        sql: include_str!("../../../migrations/postgres/0002_place.sql"),
    },
    Migration {
        number: 3,
        name: "shipments",
        sql: include_str!("../../../migrations/postgres/0003_shipments.sql"),
    },
    Migration {
        number: 4,
        name: "notes",
        sql: include_str!("../../../migrations/postgres/0004_notes.sql"),
    },
    Migration {
        number: 5,
        name: "carts",
        sql: include_str!("../../../migrations/postgres/0005_carts.sql"),
    },
    Migration {
        number: 6,
        name: "withheld",
        sql: include_str!("../../../migrations/postgres/0006_withheld.sql"),
    },
    Migration {
        number: 7,
        name: "discounts",
        sql: include_str!("../../../migrations/postgres/0007_discounts.sql"),
    },
    Migration {
        number: 8,
        name: "guests",
        sql: include_str!("../../../migrations/postgres/0008_guests.sql"),
    },
    Migration {
        number: 9,
        name: "shipping",
        sql: include_str!("../../../migrations/postgres/0009_shipping.sql"),
    },
    Migration {
        number: 10,
        name: "addresses",
        sql: include_str!("../../../migrations/postgres/0010_addresses.sql"),
    },
    Migration {
        number: 11,
        name: "automatic_discounts",
        sql: include_str!("../../../migrations/postgres/0011_automatic_discounts.sql"),
    },
    Migration {
        number: 12,
        name: "zones",
        sql: include_str!("../../../migrations/postgres/0012_zones.sql"),
    },
    Migration {
        number: 13,
        name: "taxes",
        sql: include_str!("../../../migrations/postgres/0013_taxes.sql"),
    },
    Migration {
        number: 14,
        name: "earlier",
        sql: include_str!("../../../migrations/postgres/0014_earlier.sql"),
    },
    Migration {
        number: 15,
        name: "mails",
        sql: include_str!("../../../migrations/postgres/0015_mails.sql"),
    },
    Migration {
        number: 16,
        name: "returns",
        sql: include_str!("../../../migrations/postgres/0016_returns.sql"),
    },
    Migration {
        number: 17,
        name: "currencies",
        sql: include_str!("../../../migrations/postgres/0017_currencies.sql"),
    },
    Migration {
        number: 18,
        name: "address_book",
        sql: include_str!("../../../migrations/postgres/0018_address_book.sql"),
    },
    Migration {
        number: 19,
        name: "erased_customers",
        sql: include_str!("../../../migrations/postgres/0019_erased_customers.sql"),
    },
    Migration {
        number: 20,
        name: "request_ids",
        sql: include_str!("../../../migrations/postgres/0020_request_ids.sql"),
    },
    Migration {
        number: 21,
        name: "returns_list",
        sql: include_str!("../../../migrations/postgres/0021_returns_list.sql"),
    },
    Migration {
        number: 22,
        name: "sold",
        sql: include_str!("../../../migrations/postgres/0022_sold.sql"),
    },
];

/// Orders in one schema of a PostgreSQL server.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    pub(crate) async fn open(place: Place, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(place, &MIGRATIONS, now.as_ms()).await?,
        })
    }

    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }
}

impl PostgresStore {
    /// One statement for all of them.
    async fn place_plain(
        &self,
        batch: Vec<NewOrder>,
    ) -> Result<Vec<Result<Placed, PlaceRefusal>>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let batch = Arc::new(batch);
        let fresh = place::Fresh::of(Arc::clone(&batch))?;
        fault::point("place.order_written");
        let write = self
            .database
            .write_once(fresh, |c, fresh| Box::pin(place::write(c, fresh)));
        let numbers = write.await?;
        place::answers(&self.database, &batch, &numbers).await
    }

    /// A transaction for all of them.
    async fn place_claiming(
        &self,
        batch: Vec<NewOrder>,
    ) -> Result<Vec<Result<Placed, PlaceRefusal>>, StoreError> {
        let batch = Arc::new(batch);
        fault::point("place.order_written");
        let write = self.database.write(Arc::clone(&batch), |c, batch| {
            Box::pin(claim::place(c, batch))
        });
        let claimed = write.await.map_err(storage)?;
        let refused = |order: &NewOrder| claimed.refused.get(&order.id).copied();
        let as_written = |order: &NewOrder| {
            let mut order = order.clone();
            if let Some((parts, total)) = claimed.turned.get(&order.id) {
                order.parts.clone_from(parts);
                order.total = *total;
            }
            order
        };
        let kept = batch.iter().filter(|one| refused(one).is_none());
        let kept: Vec<NewOrder> = kept.map(as_written).collect();
        let answers = place::answers(&self.database, &kept, &claimed.numbers).await?;
        let mut answers = answers.into_iter();
        let lost = || StoreError::Lost("an order has no answer".to_owned());
        let answer = |order: &NewOrder| match refused(order) {
            Some(refusal) => Ok(Err(refusal)),
            None => answers.next().ok_or_else(lost),
        };
        batch.iter().map(answer).collect()
    }
}

/// For writes that nothing but storage can refuse.
fn storage(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

/// A value that no longer reads as its type.
fn storage_of(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

fn bytes(ids: &[OrderId]) -> Vec<Bytes<16>> {
    ids.iter().map(|id| Bytes(*id.as_bytes())).collect()
}

#[async_trait]
impl Store for PostgresStore {
    async fn place_all(
        &self,
        batch: Vec<NewOrder>,
    ) -> Result<Vec<Result<Placed, PlaceRefusal>>, StoreError> {
        let claims = |order: &NewOrder| !order.is_plain();
        if !batch.iter().any(claims) {
            return self.place_plain(batch).await;
        }
        let kinds: Vec<bool> = batch.iter().map(claims).collect();
        let (claiming, plain): (Vec<_>, Vec<_>) = batch.into_iter().partition(claims);
        let mut claiming = self.place_claiming(claiming).await?.into_iter();
        let mut plain = self.place_plain(plain).await?.into_iter();
        let lost = || StoreError::Lost("an order has no answer".to_owned());
        kinds
            .into_iter()
            .map(|claims| {
                if claims {
                    claiming.next()
                } else {
                    plain.next()
                }
                .ok_or_else(lost)
            })
            .collect()
    }

    async fn placed(
        &self,
        id: OrderId,
        fingerprint: [u8; 32],
    ) -> Result<Result<Placed, PlaceRefusal>, StoreError> {
        let connection = self.database.read().await?;
        place::known(&connection, id, fingerprint).await
    }

    /// Other nodes change orders, too.
    fn rows(&self) -> Option<Rows> {
        None
    }

    async fn find(&self, id: OrderId) -> Result<Option<Found>, StoreError> {
        read::find(&self.database.read().await?, id).await
    }

    async fn view(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        read::view(&self.database.read().await?, id).await
    }

    async fn paid_at(&self, id: OrderId) -> Result<Option<Timestamp>, StoreError> {
        read::paid_at(&self.database.read().await?, id).await
    }

    async fn list(
        &self,
        customer: Option<UserId>,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, Abort<OrderError>> {
        let before = view::position(query.cursor.as_ref()).map_err(Abort::Refused)?;
        let connection = self.database.read().await?;
        Ok(read::list(&connection, customer, &query, before).await?)
    }

    async fn count_by_status(&self, most: i64) -> Result<Vec<(OrderStatus, i64)>, StoreError> {
        figures::counts(&self.database.read().await?, most).await
    }

    async fn sold_since(&self, since: Timestamp, most: u32) -> Result<Vec<Sale>, StoreError> {
        figures::sold(&self.database.read().await?, since, most).await
    }

    async fn carts_since(
        &self,
        since: Timestamp,
        kept_until: Timestamp,
        most: i64,
    ) -> Result<CartsCounted, StoreError> {
        figures::carts(&self.database.read().await?, since, kept_until, most).await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<OrderEventView>, StoreError> {
        read::timeline(&self.database.read().await?, id).await
    }

    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>> {
        let batch = vec![(id, happening, by)];
        let happened = self.happen_all(batch, now).await?.pop();
        let fell_over = || StoreError::Other("nothing happened".into());
        happened.ok_or_else(fell_over)?.map_err(Abort::Refused)
    }

    async fn happen_all(
        &self,
        batch: Vec<(OrderId, Happening, Acting)>,
        now: Timestamp,
    ) -> Result<Vec<Happened>, StoreError> {
        self.database
            .write(batch, move |c, batch| {
                Box::pin(change::happen_all(c, batch, now))
            })
            .await
            .map_err(storage)
    }

    async fn send(&self, sending: Sending) -> Result<Sent, Abort<ShipError>> {
        let write = self
            .database
            .write(sending, |c, sending| Box::pin(shipments::send(c, sending)));
        write.await
    }

    async fn shipments(&self, id: OrderId) -> Result<Vec<ShipmentView>, StoreError> {
        shipments::all(&self.database.read().await?, id).await
    }

    async fn call_off(
        &self,
        id: OrderId,
        by: Acting,
        now: Timestamp,
    ) -> Result<(Order, Order), Abort<OrderError>> {
        let write = self.database.write(by, move |c, by| {
            Box::pin(shipments::call_off(c, id, by, now))
        });
        write.await
    }

    async fn add_note(&self, note: Note) -> Result<Answered<Noted>, Abort<NoteError>> {
        let write = self.database.write(note, |c, note| {
            let once = (note.request.as_ref(), note.at);
            let added = notes::add(c, note);
            Box::pin(keys::once(c, once, || NoteError::KeyReused, added))
        });
        write.await
    }

    async fn notes(&self, id: OrderId) -> Result<Vec<NoteView>, StoreError> {
        notes::all(&self.database.read().await?, id).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        read::due(&self.database.read().await?, now, limit).await
    }

    async fn give_up(&self, ids: Vec<OrderId>, now: Timestamp) -> Result<Vec<OrderId>, StoreError> {
        self.database
            .write(ids, move |c, ids| Box::pin(change::give_up(c, ids, now)))
            .await
            .map_err(storage)
    }

    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, StoreError> {
        read::has_bought(&self.database.read().await?, user, product).await
    }

    async fn claim_orders(
        &self,
        user: UserId,
        email: Email,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.database
            .write((user, email), move |c, (user, email)| {
                Box::pin(change::claim(c, (*user, email), limit))
            })
            .await
            .map_err(storage)
    }

    async fn forget_customer(
        &self,
        id: UserId,
        again_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.database
            .write((id, again_at), |c, (id, again_at)| {
                Box::pin(change::forget_customer(c, *id, *again_at))
            })
            .await
            .map_err(storage)
    }

    async fn half_erased(&self, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError> {
        book::half_erased(&self.database.read().await?, now, limit).await
    }

    async fn audit(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<OrderAudit>, StoreError> {
        audit::orders(&*self.database.snapshot().await?, after, limit).await
    }

    async fn audit_events(&self) -> Result<EventsAudit, StoreError> {
        audit::events(&*self.database.snapshot().await?).await
    }

    async fn token_secret(&self) -> Result<[u8; 32], StoreError> {
        let fresh = digest::random::<32>().map_err(StoreError::Other)?;
        self.database
            .write(fresh, |c, fresh| {
                Box::pin(change::secret(c, "order_token", *fresh))
            })
            .await
            .map_err(storage)
    }
}
