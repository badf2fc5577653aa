//! What every store of orders promises, whatever it is built on: the same tests run for each form, through
//! the trait. Looks behind a store's back only to count its events and to spoil rows by hand.

mod addresses;
mod automatic;
mod book;
mod carts;
mod change;
mod discounts;
mod earlier;
mod figures;
mod mails;
mod nodes;
mod notes;
mod place;
mod read;
mod returns;
mod shipments;
mod shipping;
mod taxes;

use super::{Acting, Store, postgres::PostgresStore, sqlite::SqliteStore};
use crate::domain::order::{Happening, NewOrder, Order};
use async_trait::async_trait;
use contracts::{
    catalog::PricedLine,
    orders::{OrderError, OrderEventView, OrderView, PaymentEnd},
    values::{Email, Money, OrderId, PaymentId, ProductId, Quantity, Timestamp, UserId, VariantId},
};
use platform::db::{
    self, Abort,
    sqlite::{Database, Options},
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use testkit::postgres::Postgres;

macro_rules! store_suite {
    (@$form:ident $($part:ident::{$($promise:ident),* $(,)?}),* $(,)?) => {
        mod $form {$($(
            #[tokio::test]
            async fn $promise() {
                // A form whose server may be passed over has said so.
                if let Some(bench) = super::$form().await {
                    super::$part::$promise(bench).await;
                }
            }
        )*)*}
    };
    ($($promises:tt)*) => {
        store_suite! { @sqlite $($promises)* }
        store_suite! { @postgres $($promises)* }
    };
}

store_suite! {
    place::{
        numbers_begin_at_10001_and_follow_each_other,
        lines_keep_their_order_and_repeated_skus_stay_apart,
        an_order_comes_with_its_entry_and_its_event,
        twins_find_the_first_in_one_batch_and_across_batches,
        another_request_under_the_same_id_is_refused_and_its_neighbours_are_not,
        a_given_up_id_is_refused_for_good,
        orders_and_the_token_secret_outlive_the_process,
    },
    carts::{
        a_cart_is_kept_with_its_lines,
        a_user_has_one_open_cart_and_a_guest_as_many_as_may_be,
        a_refused_change_leaves_a_cart_as_it_was,
        a_guest_s_cart_goes_into_its_user_s_once,
        a_cart_becomes_one_order_in_the_order_s_commit,
        an_order_of_a_cart_that_changed_is_given_up_and_its_neighbours_are_not,
        a_touched_cart_is_another_version,
        carts_end_with_their_time_and_their_user,
    },
    discounts::{
        discounts_are_kept_changed_and_listed_by_code,
        parts_are_shown_wherever_the_order_is,
        a_limit_is_reached_and_never_passed,
        a_customer_s_limit_is_their_own,
        a_spent_discount_leaves_the_cart_open,
    },
    automatic::{
        automatic_discounts_are_kept_whole_and_few,
        an_order_without_room_is_written_as_it_costs_otherwise,
        an_order_touches_no_row_of_a_discount_without_limits,
    },
    shipping::{
        ways_of_shipping_are_kept_changed_and_few,
        a_cart_keeps_how_it_is_shipped,
    },
    taxes::{
        rates_are_kept_changed_and_taken_away,
        an_order_keeps_its_taxes_by_line_and_an_audit_holds_them,
    },
    addresses::{
        an_order_says_where_it_goes_wherever_it_is_shown,
        a_cart_says_where_it_goes_until_it_is_bought,
        addresses_go_with_their_customer,
    },
    change::{
        a_guest_s_orders_are_claimed_once_and_nobody_else_s,
        every_move_is_written_with_its_entry_and_its_event,
        a_failed_payment_moves_nothing_and_leaves_room_for_another,
        calling_off_says_which_money_goes_back,
        what_had_happened_is_not_written_again,
        a_refused_happening_leaves_all_as_it_was,
        what_was_never_written_is_not_found,
        a_refund_is_noted_once_and_leaves_a_cancelled_order_cancelled,
        an_order_without_money_left_is_refunded,
        of_many_happenings_each_has_its_own_end,
        due_are_the_pending_without_a_payment_whose_time_is_over,
        stock_is_given_up_for_what_never_came_or_was_cancelled,
        a_forgotten_customer_is_nowhere,
    },
    earlier::{
        records_are_kept_once_listed_claimed_and_forgotten,
    },
    book::{
        an_address_is_kept_once_and_is_its_customer_s_own,
        no_more_addresses_are_kept_than_may_be_whoever_comes_at_once,
        for_whoever_is_erased_no_address_is_kept_any_more,
        an_address_that_is_kept_at_an_erasure_does_not_outlive_it,
        whoever_is_erased_is_due_once_more_and_then_never,
    },
    notes::{
        notes_stand_in_order_and_are_no_more_than_may_be,
        notes_go_with_the_customer_and_their_author_with_theirs,
    },
    mails::{
        a_page_of_events_is_told_once_and_to_whom_it_concerns,
        a_mail_to_a_buyer_is_taken_by_one_until_its_time_is_over,
        parcels_and_refunds_are_told_of_in_their_own_commits,
        who_has_gone_is_written_to_no_more,
    },
    returns::{
        of_many_who_ask_at_once_no_more_comes_back_than_was_sent,
        a_return_goes_its_way_once_and_payments_are_told_once,
        an_audit_tells_of_returns_and_notices_more_than_was_sent,
        what_came_back_without_a_return_does_not_come_back_once_more,
        a_return_with_a_key_is_asked_for_once_and_forgotten_with_its_buyer,
        returns_of_all_orders_are_one_list_by_status_and_are_counted,
    },
    shipments::{
        parcels_add_up_and_the_last_one_ships_the_order,
        what_a_refund_puts_back_on_sale_goes_into_no_parcel,
        a_refund_of_all_that_was_not_sent_ships_the_order,
        of_parcels_and_refunds_at_once_no_unit_goes_both_ways,
        of_many_who_send_at_once_no_line_goes_more_often_than_it_was_sold,
        what_was_sent_in_part_is_not_called_off,
        a_request_with_a_key_sends_once,
    },
    figures::{
        a_cart_that_was_touched_is_counted_as_ordered_or_as_left,
        orders_are_counted_by_where_they_stand_and_only_what_was_paid_is_sold,
        an_order_is_found_by_its_number_and_a_guest_s_by_the_address,
    },
    read::{
        pages_hold_every_order_once_newest_first,
        filters_narrow_the_list,
        a_foreign_cursor_is_refused,
        the_one_who_sells_all_lines_is_told,
        the_moment_of_payment_is_kept,
        an_audit_adds_up_and_goes_by_id,
        an_audit_notices_a_total_that_is_not_the_lines_sum,
        an_audit_notices_a_timeline_that_no_order_can_have,
    },
}

/// A way behind a store's back.
#[async_trait]
trait Behind: Send + Sync {
    /// The outbox, oldest first: names and payloads.
    async fn events(&self) -> Vec<(String, Value)>;
    /// Runs statements that no service would.
    async fn spoil(&self, sql: &'static str);
    /// The same store, opened once more.
    async fn reopened(&self) -> Arc<dyn Store>;
}

/// A store to try.
struct Bench {
    store: Arc<dyn Store>,
    behind: Box<dyn Behind>,
}

struct BehindSqlite {
    folder: PathBuf,
    database: Database,
}

async fn sqlite() -> Option<Bench> {
    let folder = std::env::temp_dir().join(format!("souk-orders-store-{}", OrderId::generate()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = open_sqlite(&folder);
    let database = store.database();
    Some(Bench {
        store: Arc::new(store),
        behind: Box::new(BehindSqlite { folder, database }),
    })
}

fn open_sqlite(folder: &std::path::Path) -> SqliteStore {
    let options = Options {
        readers: 2,
        write_queue_max: 1_024,
        group_max: 64,
        wal_checkpoint_pages: 1_000,
        cache_kilobytes: 1_000,
        mapped_megabytes: 0,
    };
    SqliteStore::open(&folder.join("orders.sqlite"), options, at(0)).unwrap()
}

#[async_trait]
impl Behind for BehindSqlite {
    async fn events(&self) -> Vec<(String, Value)> {
        let rows: Vec<(String, String)> = self
            .database
            .read(|c| {
                let mut statement =
                    c.prepare("SELECT name, payload FROM outbox ORDER BY event_number")?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap();
        rows.into_iter()
            .map(|(name, payload)| (name, serde_json::from_str(&payload).unwrap()))
            .collect()
    }

    async fn spoil(&self, sql: &'static str) {
        let spoilt: Result<(), Abort<()>> = self
            .database
            .write(move |c| Ok(c.execute_batch(sql)?))
            .await;
        spoilt.unwrap();
    }

    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(open_sqlite(&self.folder))
    }
}

impl Drop for BehindSqlite {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

struct BehindPostgres {
    place: db::postgres::Place,
    database: db::postgres::Database,
}

async fn postgres() -> Option<Bench> {
    let place = Postgres::shared()?.place("orders");
    let store = open_postgres(&place).await;
    let database = store.database();
    Some(Bench {
        store: Arc::new(store),
        behind: Box::new(BehindPostgres { place, database }),
    })
}

/// So many nodes on one database.
async fn postgres_nodes(count: usize) -> Option<Vec<Arc<dyn Store>>> {
    let place = Postgres::shared()?.place("orders");
    let mut nodes: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(open_postgres(&place).await));
    }
    Some(nodes)
}

async fn open_postgres(place: &db::postgres::Place) -> PostgresStore {
    PostgresStore::open(place.clone(), at(0)).await.unwrap()
}

#[async_trait]
impl Behind for BehindPostgres {
    async fn events(&self) -> Vec<(String, Value)> {
        let sql = "SELECT name, payload FROM outbox ORDER BY event_number";
        let connection = self.database.read().await.unwrap();
        let rows = connection.query(sql, &[]).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap()))
            .collect()
    }

    async fn spoil(&self, sql: &'static str) {
        let connection = self.database.read().await.unwrap();
        connection.execute_batch(sql).await.unwrap();
    }

    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(open_postgres(&self.place).await)
    }
}

/// Somebody who acts at no request.
fn by(actor: &str) -> Acting {
    Acting {
        actor: actor.to_owned(),
        request: None,
    }
}

/// All that can be seen of one order, and of the outbox.
#[derive(Debug, PartialEq)]
struct Seen {
    view: Option<OrderView>,
    timeline: Vec<OrderEventView>,
    events: Vec<(String, Value)>,
}

impl Bench {
    async fn place(&self, order: &NewOrder) -> OrderView {
        let placed = self.store.place_all(vec![order.clone()]).await.unwrap();
        let [Ok(placed)] = placed.as_slice() else {
            panic!("not placed: {placed:?}")
        };
        assert!(!placed.replayed, "a fresh order");
        placed.view.clone()
    }

    /// Happens at a second after the start, by the system.
    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        second: i64,
    ) -> Result<(Order, Order), OrderError> {
        let happened = self
            .store
            .happen(id, happening, by("system"), at(second))
            .await;
        happened.map_err(|abort| match abort {
            Abort::Refused(refusal) => refusal,
            Abort::Failed(error) => panic!("{error}"),
        })
    }

    /// A pending order becomes a paid one at this second.
    async fn pay(&self, id: OrderId, second: i64) -> PaymentId {
        let payment = PaymentId::generate();
        self.happen(id, Happening::PaymentBegan(payment), second)
            .await
            .unwrap();
        let paid = Happening::PaymentEnded(payment, PaymentEnd::Paid);
        self.happen(id, paid, second).await.unwrap();
        payment
    }

    async fn seen(&self, id: OrderId) -> Seen {
        Seen {
            view: self.store.view(id).await.unwrap(),
            timeline: self.store.timeline(id).await.unwrap(),
            events: self.behind.events().await,
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_766_000_000_000).plus_seconds(seconds)
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

const SELLER: UserId = UserId::from_bytes([7; 16]);

fn line(sku: &str, quantity: u32, price: i64) -> PricedLine {
    PricedLine {
        product_id: ProductId::generate(),
        variant_id: VariantId::generate(),
        seller_id: SELLER,
        sku: sku.to_owned(),
        name: format!("The {sku}"),
        quantity: Quantity::try_from(quantity).unwrap(),
        unit_price: usd(price),
    }
}

/// A guest's order of these lines, placed at the start and due 900 seconds later.
fn order_of(lines: Vec<PricedLine>) -> NewOrder {
    let total = lines.iter().fold(usd(0), |sum, line| {
        sum.plus(line.unit_price.times(line.quantity).unwrap())
            .unwrap()
    });
    NewOrder {
        id: OrderId::generate(),
        customer_id: None,
        guest_email: Email::parse("ann@example.com").ok(),
        address: None,
        fingerprint: [1; 32],
        lines,
        total,
        payment_due_at: at(900),
        created_at: at(0),
        cart: None,
        parts: Vec::new(),
        uses: Vec::new(),
        otherwise: Vec::new(),
        trace: None,
        request: None,
    }
}

pub(super) fn order() -> NewOrder {
    order_of(vec![line("TEA-1", 2, 1_999)])
}

fn order_by(customer: UserId, second: i64) -> NewOrder {
    NewOrder {
        customer_id: Some(customer),
        guest_email: None,
        created_at: at(second),
        ..order()
    }
}
