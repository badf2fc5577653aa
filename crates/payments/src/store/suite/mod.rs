//! What every store of payments promises, whatever it is built on: the same tests run for each form, through the
//! trait. Looks behind a store's back only to spoil rows by hand.

mod list;
mod money;
mod moves;
mod nodes;

use super::{Bounds, Change, Delay, Lease, PostgresStore, SqliteStore, Store, Taken};
use crate::domain::{Intent, Payment, State};
use contracts::values::{Money, OrderId, PaymentId, Timestamp};
use platform::db::{self, Abort, sqlite::Options};
use rusqlite::Connection;
use std::{path::PathBuf, sync::Arc};
use testkit::postgres::Postgres;

macro_rules! store_suite {
    (@$form:ident $($part:ident::{$($promise:ident),* $(,)?}),* $(,)?) => {
        mod $form {$($(
            #[tokio::test]
            async fn $promise() {
                // A form whose server may be passed over has said so.
                if let Some(fixture) = super::$form().await {
                    super::$part::$promise(fixture).await;
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
    moves::{
        every_state_is_kept_as_it_was_written,
        an_order_has_one_payment_under_way_or_captured,
        no_payment_begins_on_a_charge_that_was_disowned,
        of_a_payment_and_a_disowning_at_once_one_comes_to_be,
        who_reads_an_old_version_moves_nothing,
        what_is_unfinished_comes_due_until_its_order_knows,
        the_longest_due_come_first_and_a_page_is_bounded,
        a_payment_that_has_not_ended_cannot_be_told,
        pages_go_through_all_payments_by_order_and_id,
        the_due_are_taken_over_but_for_those_that_are_left_out,
    },
    list::{
        payments_are_listed_newest_first_and_from_both_sides,
        of_a_status_are_those_that_stand_so_now_and_as_many_are_counted,
        who_took_the_money_is_what_the_ledger_says,
        what_was_told_of_a_payment_is_found_by_it_newest_first,
    },
    money::{
        nobody_gives_back_what_the_order_has_not_heard_of,
        whoever_takes_a_payment_over_shuts_the_former_owner_out,
        a_clock_that_was_put_back_delays_nothing,
        the_leases_of_a_process_that_ended_are_let_go,
        what_is_parked_waits_for_a_person,
        refunds_together_never_exceed_what_was_captured,
        the_same_refund_is_decided_once,
        no_more_units_come_back_than_were_bought,
        the_ledger_sums_to_zero_and_its_accounts_are_their_entries,
        nothing_is_booked_twice_nor_from_an_empty_account,
        due_refunds_are_taken_over_but_for_those_that_are_left_out,
        no_entry_of_the_ledger_is_changed_or_removed,
        a_store_that_was_spoiled_is_told_by_its_audit,
    },
}

const OPTIONS: Options = Options {
    readers: 1,
    write_queue_max: 64,
    group_max: 16,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

const BOUNDS: Bounds = Bounds {
    queue_max: 256,
    batch_max: 64,
};

/// A store to try.
struct Fixture {
    store: Arc<dyn Store>,
    behind: Behind,
}

/// A way behind a store's back.
enum Behind {
    File(PathBuf),
    Server(db::postgres::Database),
}

async fn sqlite() -> Option<Fixture> {
    let folder = std::env::temp_dir().join(format!("souk-payments-{}", PaymentId::generate()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = SqliteStore::open(&folder.join("payments.sqlite"), OPTIONS, at(0)).unwrap();
    Some(Fixture {
        store: Arc::new(store),
        behind: Behind::File(folder),
    })
}

async fn postgres() -> Option<Fixture> {
    postgres_nodes(1).await?.pop()
}

/// So many nodes on one database.
async fn postgres_nodes(count: usize) -> Option<Vec<Fixture>> {
    let place = Postgres::shared()?.place("payments");
    let mut nodes = Vec::new();
    for _ in 0..count {
        let store = PostgresStore::open(place.clone(), BOUNDS, at(0)).await;
        let behind = db::postgres::Database::new(place.clone()).unwrap();
        nodes.push(Fixture {
            store: Arc::new(store.unwrap()),
            behind: Behind::Server(behind),
        });
    }
    Some(nodes)
}

impl Behind {
    /// Runs statements that no service would; whether they were let through.
    async fn spoil(&self, sql: &str) -> bool {
        match self {
            Self::File(folder) => {
                let connection = Connection::open(folder.join("payments.sqlite")).unwrap();
                connection.execute_batch(sql).is_ok()
            }
            Self::Server(database) => {
                let connection = database.read().await.unwrap();
                connection.execute_batch(sql).await.is_ok()
            }
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Self::File(folder) = self {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(0).plus_seconds(seconds)
}

fn reference() -> String {
    "ch_1".to_owned()
}

fn change(to: State) -> Change {
    Change {
        to,
        told: false,
        late: false,
        booked: None,
        at: at(5),
        lease_until: at(13),
    }
}

fn lease(owner: &str, until: i64) -> Lease {
    Lease {
        owner: owner.to_owned(),
        until: at(until),
    }
}

fn failed(until: i64) -> Delay {
    Delay {
        until: at(until),
        failed: true,
        parked: false,
        reason: "no answer".to_owned(),
    }
}

fn intent(order_id: OrderId) -> Intent {
    Intent {
        id: PaymentId::generate(),
        order_id,
        fingerprint: [7; 32],
        amount: Money::new(1_999, "USD".parse().unwrap()),
        method: "tok_ok".to_owned(),
    }
}

impl Fixture {
    async fn begin(&self, order_id: OrderId) -> Result<Payment, Abort<Taken>> {
        let lease = lease("a", 8);
        self.store.begin(intent(order_id), at(0), lease).await
    }

    async fn moved(&self, payment: &Payment, to: State) -> Payment {
        self.store
            .advance(payment, change(to))
            .await
            .unwrap()
            .unwrap()
    }

    async fn kept(&self, payment: &Payment) -> Payment {
        self.store.payment(payment.id).await.unwrap().unwrap()
    }

    async fn due(&self, seconds: i64) -> Vec<PaymentId> {
        self.store.due(at(seconds), 10).await.unwrap()
    }
}
