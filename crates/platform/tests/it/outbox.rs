//! Events arrive at least once, in order for each subject, and a consumer that fails holds up nobody else.

use crate::Place;
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    values::Timestamp,
};
use platform::{
    bus::{Bus, Consumer, MemoryBus},
    clock::Clock,
    db::{Abort, Database},
    outbox::{self, Desk, NearDesk},
    tasks::Tasks,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Happened {
    pub(crate) subject: String,
    pub(crate) number: u32,
}

impl Event for Happened {
    const NAME: &'static str = "test.happened.v1";
    fn subject(&self) -> String {
        self.subject.clone()
    }
}

/// Notes what comes; fails the first times it meets subject "b".
pub(crate) struct Notes {
    pub(crate) seen: Mutex<Vec<(String, u32)>>,
    pub(crate) failures_left: Mutex<u32>,
    pub(crate) changed: Notify,
}

#[async_trait]
impl Consumer for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[Happened::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let event = Happened::open(envelope).ok_or("another event")??;
        if event.subject == "b" {
            let mut left = self.failures_left.lock().map_err(|_| "poisoned")?;
            if *left > 0 {
                *left = left.saturating_sub(1);
                return Err("not now".into());
            }
        }
        self.seen
            .lock()
            .map_err(|_| "poisoned")?
            .push((event.subject, event.number));
        self.changed.notify_one();
        Ok(())
    }
}

async fn publish(place: &Place, events: Vec<(&'static str, u32)>) {
    let write = place.database.write(move |c| {
        for (subject, number) in events {
            outbox::append(
                c,
                &Happened {
                    subject: subject.to_owned(),
                    number,
                },
                Timestamp::from_ms(0),
            )?;
        }
        Ok::<_, Abort<()>>(())
    });
    write.await.unwrap();
}

pub(crate) async fn wait_for(notes: &Notes, count: usize) -> Vec<(String, u32)> {
    let waiting = async {
        loop {
            let seen = notes.seen.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            notes.changed.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap()
}

fn start(place: &Place, failures: u32) -> (Tasks, Arc<Notes>) {
    let notes = Arc::new(Notes {
        seen: Mutex::default(),
        failures_left: Mutex::new(failures),
        changed: Notify::new(),
    });
    let bus = Arc::new(MemoryBus::default());
    bus.subscribe(notes.clone());
    let tasks = Tasks::default();
    outbox::start_relay(&tasks, "relay", place.database.clone(), bus, Clock::System);
    (tasks, notes)
}

#[tokio::test]
async fn events_arrive_in_order_and_only_once_when_nothing_fails() {
    let place = Place::new();
    let (tasks, notes) = start(&place, 0);
    for number in 0..20 {
        publish(&place, vec![("a", number)]).await;
    }
    let seen = wait_for(&notes, 20).await;
    assert_eq!(
        seen.iter().map(|(_, number)| *number).collect::<Vec<_>>(),
        (0..20).collect::<Vec<_>>()
    );
    tasks.stop();
    assert!(tasks.wait(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_failing_event_waits_with_its_followers_and_lets_the_others_pass() {
    let place = Place::new();
    let (_tasks, notes) = start(&place, 1);
    publish(&place, vec![("b", 1), ("b", 2), ("a", 1), ("a", 2)]).await;
    let others = wait_for(&notes, 2).await;
    assert_eq!(others, [("a".to_owned(), 1), ("a".to_owned(), 2)]);
    let all = wait_for(&notes, 4).await;
    assert_eq!(all[2..], [("b".to_owned(), 1), ("b".to_owned(), 2)]);
}

#[tokio::test]
async fn an_event_that_failed_often_is_still_delivered_and_keeps_nobody_waiting() {
    let place = Place::new();
    let notes = |failures| {
        Arc::new(Notes {
            seen: Mutex::default(),
            failures_left: Mutex::new(failures),
            changed: Notify::new(),
        })
    };
    let (failing, steady) = (notes(1), notes(0));
    let bus = Arc::new(MemoryBus::default());
    bus.subscribe(failing.clone());
    bus.subscribe(steady.clone());
    publish(&place, vec![("b", 1)]).await;
    // As it stands after ten tries, its next one being an hour off because the clock was put back since.
    let parked = place.database.write(|c| {
        c.execute("UPDATE outbox_cursor SET delivered_number = 1", [])?;
        c.execute(
            "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
             VALUES (1, 'b', 10, 9999999999999, 'down')",
            [],
        )?;
        Ok::<_, Abort<()>>(())
    });
    parked.await.unwrap();
    let tasks = Tasks::default();
    outbox::start_relay(&tasks, "relay", place.database.clone(), bus, Clock::System);
    wait_for(&steady, 1).await;
    assert!(
        failing.seen.lock().unwrap().is_empty(),
        "its neighbour heard of it all the same"
    );
}

/// Events 1 and 2, of one subject, were not taken, and their next try is a minute off.
pub(crate) async fn are_shown_and_sent_on(desk: &NearDesk) {
    let numbers = async |after, limit| -> Vec<u64> {
        let parked = desk.parked(after, limit).await.unwrap();
        parked.iter().map(|event| event.number).collect()
    };
    assert_eq!(numbers(0, 10).await, [1, 2]);
    assert_eq!(numbers(0, 1).await, [1]);
    assert_eq!(numbers(1, 10).await, [2]);
    let parked = desk.parked(0, 1).await.unwrap().remove(0);
    assert_eq!(
        (parked.name, parked.subject),
        (Happened::NAME.to_owned(), "b".to_owned())
    );
    assert_eq!((parked.tries, parked.reason), (3, "down".to_owned()));
    assert!(!desk.redrive(9).await.unwrap());
    assert!(
        desk.redrive(2).await.unwrap(),
        "and the one before it, which it waits for"
    );
    let due = desk.parked(0, 10).await.unwrap();
    let now = Clock::System.now();
    assert!(due.iter().all(|event| event.next_try_at <= now), "{due:?}");
}

#[tokio::test]
async fn a_parked_event_that_somebody_sends_on_is_tried_at_once_after_those_before_it() {
    let place = Place::new();
    publish(&place, vec![("b", 1), ("b", 2), ("c", 1)]).await;
    let soon = Clock::System.now().as_ms() + 60_000;
    let parked = place.database.write(move |c| {
        c.execute("UPDATE outbox_cursor SET delivered_number = 3", [])?;
        c.execute(
            "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
             VALUES (1, 'b', 3, ?1, 'down'), (2, 'b', 1, ?1, 'behind')",
            [soon],
        )?;
        Ok::<_, Abort<()>>(())
    });
    parked.await.unwrap();
    are_shown_and_sent_on(&NearDesk::new(place.database.clone().into(), Clock::System)).await;
    let (_tasks, notes) = start(&place, 0);
    let seen = wait_for(&notes, 2).await;
    assert_eq!(seen, [("b".to_owned(), 1), ("b".to_owned(), 2)]);
}

#[tokio::test]
async fn what_was_not_delivered_before_a_restart_is_delivered_after_it() {
    let place = Place::new();
    publish(&place, vec![("a", 1)]).await;
    let (_tasks, notes) = start(&place, 0);
    assert_eq!(wait_for(&notes, 1).await, [("a".to_owned(), 1)]);
}

#[tokio::test]
async fn an_event_of_a_write_that_was_refused_never_happened() {
    let place = Place::new();
    let refused = place.database.write(|c| {
        outbox::append(
            c,
            &Happened {
                subject: "a".to_owned(),
                number: 1,
            },
            Timestamp::from_ms(0),
        )?;
        Err::<(), _>(Abort::Refused("no"))
    });
    assert!(refused.await.is_err());
    let (_tasks, notes) = start(&place, 0);
    publish(&place, vec![("a", 2)]).await;
    assert_eq!(wait_for(&notes, 1).await, [("a".to_owned(), 2)]);
}

/// Two events of the beginning of time go after a week, and not before.
pub(crate) async fn old_rows_go(database: Database) {
    let week = 7 * 24 * 60 * 60;
    for (seconds, gone) in [(week, 0), (week + 1, 2), (week + 2, 0)] {
        let now = Timestamp::from_ms(0).plus_seconds(seconds);
        assert_eq!(outbox::let_go(&database, now).await.unwrap(), gone);
    }
}

#[tokio::test]
async fn an_outbox_that_nobody_hears_lets_old_rows_go() {
    let place = Place::new();
    publish(&place, vec![("a", 1), ("a", 2)]).await;
    old_rows_go(place.database.clone().into()).await;
}
