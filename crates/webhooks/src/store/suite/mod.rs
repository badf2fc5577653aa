//! What every store of webhooks promises, whatever it is built on: the same tests run for each form, through the trait.

mod feed;
mod turns;
mod webhooks;

use super::{
    Gathered, NewEndpoint, Store, Turn, Work, postgres::PostgresStore, sqlite::SqliteStore,
};
use crate::domain::{
    endpoint::{Endpoint, Outcome},
    public::Told,
};
use contracts::{
    values::{EventId, Timestamp, Version, WebhookId},
    webhooks::{EventType, WebhookStatus},
};
use platform::db::sqlite::Options;
use serde_json::json;
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
    feed::{
        events_get_their_numbers_once_and_in_order,
        what_is_old_goes_and_its_numbers_never_come_again,
    },
    webhooks::{
        a_request_with_a_key_makes_one_webhook,
        there_are_no_more_than_there_may_be,
        a_change_names_the_version_that_it_changes,
        a_rotated_secret_leaves_the_one_of_before_for_a_while,
        what_is_removed_has_no_deliveries_any_more,
    },
    turns::{
        a_webhook_is_told_what_it_wants_from_its_beginning_on,
        one_of_two_nodes_has_a_webhook_until_its_time_is_over,
        what_was_not_taken_comes_again_later_and_at_once_when_somebody_answers,
        no_more_waits_than_may_and_the_rest_stays_in_the_feed,
        whoever_fails_for_too_long_is_disabled_and_hears_later_what_they_missed,
        a_webhook_is_told_again_from_a_moment_on,
    },
}

/// A store to try, and the folder that goes with it.
struct Bench {
    store: Arc<dyn Store>,
    folder: Option<PathBuf>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

async fn sqlite() -> Option<Bench> {
    let name = format!("souk-webhooks-store-{}", WebhookId::generate());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let options = Options {
        readers: 2,
        write_queue_max: 1_024,
        group_max: 64,
        wal_checkpoint_pages: 1_000,
        cache_kilobytes: 1_000,
        mapped_megabytes: 0,
    };
    let store = SqliteStore::open(&folder.join("webhooks.sqlite"), options, at(0)).await;
    Some(Bench {
        store: Arc::new(store.unwrap()),
        folder: Some(folder),
    })
}

async fn postgres() -> Option<Bench> {
    let place = Postgres::shared()?.place("webhooks");
    let store = PostgresStore::open(place, at(0)).await.unwrap();
    Some(Bench {
        store: Arc::new(store),
        folder: None,
    })
}

/// So many seconds after the start.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_766_000_000_000).plus_seconds(seconds)
}

fn told(kind: EventType, second: i64) -> Told {
    let id = EventId::generate();
    Told {
        id,
        kind,
        at: at(second),
        data: json!({ "id": id }),
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            .parse()
            .ok(),
    }
}

/// A webhook that wants these; all, if none.
fn endpoint(types: &[EventType]) -> Endpoint {
    Endpoint {
        id: WebhookId::generate(),
        url: "https://receiver.example/".to_owned(),
        types: types.to_vec(),
        description: "for tests".to_owned(),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        secret: [7; 32],
        former: None,
        told: 0,
        failing_since: None,
        version: Version::FIRST,
        created_at: at(0),
        updated_at: at(0),
    }
}

impl Bench {
    async fn make(&self, types: &[EventType]) -> Endpoint {
        let new = NewEndpoint {
            endpoint: endpoint(types),
            most: 100,
            request: None,
        };
        self.store.make(new).await.unwrap().value
    }

    /// Takes these events in, as from the orders' outbox.
    async fn gather(&self, events: Vec<Told>) {
        let places = self.store.places().await.unwrap();
        let from = places.get("orders").copied().unwrap_or(0);
        let page = Gathered {
            source: "orders",
            from,
            to: from.saturating_add(1),
            events,
        };
        assert!(self.store.gather(page).await.unwrap());
    }

    /// Placed at these seconds.
    async fn placed(&self, seconds: std::ops::Range<i64>) {
        let events = seconds.map(|second| told(EventType::OrderPlaced, second));
        self.gather(events.collect()).await;
    }

    async fn turn(&self, turn: Turn) -> Option<Work> {
        self.store.turn(turn).await.unwrap()
    }

    async fn is_busy(&self, second: i64) -> bool {
        !self.store.busy(at(second), 1_000).await.unwrap().is_empty()
    }
}

/// The first node's turn at a second, with nothing that ended.
fn turn(id: WebhookId, second: i64) -> Turn {
    Turn {
        id,
        owner: [1; 16],
        owned_until: at(second.saturating_add(30)),
        ended: Vec::new(),
        now: at(second),
        at_once: 8,
        waiting_max: 1_000,
        give_up_after_ms: 72 * 3_600_000,
    }
}

/// All of it ended like this.
fn ended(work: Work, outcome: &Outcome) -> Vec<(super::Delivery, Outcome)> {
    let due = work.due.into_iter();
    due.map(|delivery| (delivery, outcome.clone())).collect()
}

fn refused() -> Outcome {
    Outcome::Refused(Some(500), "it answered 500".to_owned())
}
