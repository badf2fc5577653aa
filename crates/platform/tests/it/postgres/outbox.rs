//! The outbox that several nodes share: each event by one node, in order for each subject, none passed over because
//! its number was committed late.

use super::open;
use crate::outbox::{Happened, Notes, are_shown_and_sent_on, old_rows_go, wait_for};
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    values::Timestamp,
};
use platform::{
    bus::{Bus, Consumer, MemoryBus},
    clock::Clock,
    db::{Abort, postgres::Database},
    outbox::{self, NearDesk, postgres::append},
    tasks::Tasks,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::postgres::Postgres;
use tokio::sync::{Notify, Semaphore};

fn event(subject: &str, number: u32) -> Happened {
    Happened {
        subject: subject.to_owned(),
        number,
    }
}

async fn publish(database: &Database, events: Vec<(&'static str, u32)>) {
    publish_at(database, Timestamp::from_ms(0), events).await;
}

async fn publish_at(database: &Database, at: Timestamp, events: Vec<(&'static str, u32)>) {
    let written = database.write((at, events), |c, (at, events)| {
        Box::pin(async move {
            for (subject, number) in events {
                append(c, &event(subject, *number), *at).await?;
            }
            Ok::<_, Abort<()>>(())
        })
    });
    written.await.unwrap();
}

fn notes(failures: u32) -> Arc<Notes> {
    Arc::new(Notes {
        seen: Mutex::default(),
        failures_left: Mutex::new(failures),
        changed: Notify::new(),
    })
}

fn start(database: &Database, consumer: Arc<dyn Consumer>) -> Tasks {
    let bus = Arc::new(MemoryBus::default());
    bus.subscribe(consumer);
    let tasks = Tasks::default();
    outbox::start_relay(&tasks, "relay", database.clone(), bus, Clock::System);
    tasks
}

fn numbers(seen: &[(String, u32)]) -> Vec<u32> {
    seen.iter().map(|(_, number)| *number).collect()
}

#[tokio::test]
async fn events_of_two_nodes_arrive_once_and_in_order() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let one = open(server.place_at(url.clone(), "things")).await;
    let other = open(server.place_at(url, "things")).await;
    let notes = notes(0);
    let _relays = [start(&one, notes.clone()), start(&other, notes.clone())];
    for number in 0..20 {
        let node = if number % 2 == 0 { &one } else { &other };
        publish(node, vec![("a", number)]).await;
    }
    let seen = wait_for(&notes, 20).await;
    assert_eq!(numbers(&seen), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failing_event_waits_with_its_followers_and_lets_the_others_pass() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let notes = notes(1);
    let _relay = start(&database, notes.clone());
    publish(&database, vec![("b", 1), ("b", 2), ("a", 1), ("a", 2)]).await;
    let all = wait_for(&notes, 4).await;
    let expected = [("a", 1), ("a", 2), ("b", 1), ("b", 2)];
    assert_eq!(
        all,
        expected.map(|(subject, number)| (subject.to_owned(), number))
    );
}

#[tokio::test]
async fn a_parked_event_that_somebody_sends_on_is_tried_at_once_after_those_before_it() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    publish(&database, vec![("b", 1), ("b", 2), ("c", 1)]).await;
    let connection = database.read().await.unwrap();
    let soon = Clock::System.now().as_ms() + 60_000;
    let parked = format!(
        "UPDATE outbox_cursor SET delivered_number = 3;
         INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
         VALUES (1, 'b', 3, {soon}, 'down'), (2, 'b', 1, {soon}, 'behind')"
    );
    connection.execute_batch(&parked).await.unwrap();
    are_shown_and_sent_on(&NearDesk::new(database.clone().into(), Clock::System)).await;
    let notes = notes(0);
    let _relay = start(&database, notes.clone());
    assert_eq!(numbers(&wait_for(&notes, 2).await), [1, 2]);
}

#[tokio::test]
async fn an_event_that_is_committed_late_is_not_passed_over() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let notes = notes(0);
    let _relay = start(&database, notes.clone());
    let (drawn, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let late = database.write((Arc::clone(&drawn), Arc::clone(&go)), |c, (drawn, go)| {
        Box::pin(async move {
            append(c, &event("late", 1), Timestamp::from_ms(0)).await?;
            drawn.notify_one();
            go.notified().await;
            Ok::<_, Abort<()>>(())
        })
    });
    let early = async {
        drawn.notified().await;
        publish(&database, vec![("early", 2)]).await;
        publish(&database, vec![("early", 3)]).await;
        // Longer than the relay takes to see them.
        let passed_over =
            tokio::time::timeout(Duration::from_millis(600), notes.changed.notified());
        assert!(passed_over.await.is_err());
        go.notify_one();
    };
    let (written, ()) = tokio::join!(late, early);
    written.unwrap();
    assert_eq!(numbers(&wait_for(&notes, 3).await), [1, 2, 3]);
}

#[tokio::test]
async fn a_number_of_a_write_that_was_undone_holds_up_nobody() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let notes = notes(0);
    let _relay = start(&database, notes.clone());
    publish(&database, vec![("a", 1)]).await;
    let undone = database.write((), |c, ()| {
        Box::pin(async move {
            append(c, &event("a", 2), Timestamp::from_ms(0)).await?;
            Err::<(), _>(Abort::Refused("no"))
        })
    });
    assert!(undone.await.is_err());
    publish(&database, vec![("a", 3)]).await;
    assert_eq!(numbers(&wait_for(&notes, 2).await), [1, 3]);
}

/// Stands still in the middle of an event, as a frozen node does.
struct Frozen {
    entered: Semaphore,
    thawed: Semaphore,
    seen: Mutex<Vec<u32>>,
}

#[async_trait]
impl Consumer for Frozen {
    fn name(&self) -> &'static str {
        "frozen"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[Happened::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let event = Happened::open(envelope).ok_or("another event")??;
        self.seen.lock().unwrap().push(event.number);
        self.entered.add_permits(1);
        self.thawed.acquire().await?.forget();
        Ok(())
    }
}

#[tokio::test]
async fn a_node_that_freezes_is_replaced_and_changes_nothing_afterwards() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let one = open(server.place_at(url.clone(), "things")).await;
    let other = open(server.place_at(url, "things")).await;
    let frozen = Arc::new(Frozen {
        entered: Semaphore::new(0),
        thawed: Semaphore::new(0),
        seen: Mutex::default(),
    });
    let stale = start(&one, frozen.clone());
    publish(&one, vec![("a", 1), ("a", 2), ("a", 3)]).await;
    frozen.entered.acquire().await.unwrap().forget();
    let notes = notes(0);
    let _relay = start(&other, notes.clone());
    assert_eq!(numbers(&wait_for(&notes, 3).await), [1, 2, 3]);
    frozen.thawed.add_permits(9);
    publish(&one, vec![("a", 4)]).await;
    assert_eq!(numbers(&wait_for(&notes, 4).await), [1, 2, 3, 4]);
    stale.stop();
    assert!(stale.wait(Duration::from_secs(10)).await);
    assert_eq!(
        *frozen.seen.lock().unwrap(),
        [1],
        "it noticed before its next event"
    );
    let sql = "SELECT fence, delivered_number FROM outbox_lease, outbox_cursor";
    let row = other
        .read()
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);
}

#[tokio::test]
async fn what_a_broker_lost_is_published_again_in_order_but_for_what_waits() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let (early, late) = (notes(u32::MAX), notes(0));
    let _relay = start(&database, early.clone());
    let now = Clock::System.now();
    publish_at(&database, now, vec![("a", 1), ("b", 1), ("a", 2), ("b", 2)]).await;
    wait_for(&early, 2).await;
    let parked = async {
        let count = "SELECT count(*) FROM outbox_parked";
        loop {
            let connection = database.read().await.unwrap();
            let parked: i64 = connection.query_one(count, &[]).await.unwrap().get(0);
            if parked == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), parked)
        .await
        .unwrap();
    let bus = MemoryBus::default();
    bus.subscribe(late.clone());
    let since = now.plus_seconds(-60);
    let published = outbox::republish(database.clone(), &bus, since).await;
    assert_eq!(published.unwrap(), 2);
    let seen = wait_for(&late, 2).await;
    assert_eq!(seen, [("a".to_owned(), 1), ("a".to_owned(), 2)]);
    let none = outbox::republish(database, &bus, now.plus_seconds(60)).await;
    assert_eq!(none.unwrap(), 0, "what is older stays");
}

#[tokio::test]
async fn an_outbox_that_nobody_hears_lets_old_rows_go() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    publish(&database, vec![("a", 1), ("a", 2)]).await;
    old_rows_go(database.into()).await;
}
