//! A broker that is away, dies, or forgets everything costs time, and nothing else.

use super::{
    Ear, Notes, event, give,
    nats::{node, quick},
    until,
};
use crate::{Place, outbox::Happened};
use contracts::values::Timestamp;
use platform::{bus::nats::Config, clock::Clock, db::Abort, outbox};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use testkit::Nats;

#[tokio::test]
async fn a_node_starts_without_a_broker_and_goes_on_when_it_comes() {
    let Some(mut nats) = Nats::later().await else {
        return;
    };
    let patient = Config {
        request_timeout_ms: 10_000,
        ack_wait_ms: 30_000,
        ..quick()
    };
    let (bus, _tasks) = node(&nats, patient).await;
    let (notes, ear) = (Notes::of("one"), Arc::new(Ear::default()));
    bus.subscribe(notes.clone());
    bus.listen(ear.clone());
    assert!(bus.is_away());
    let start = Instant::now();
    assert!(bus.publish(&event("a", 1)).await.is_err());
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "it fails at once, and waits for no answer"
    );
    nats.restart().await;
    until("the bus is open", || !bus.is_away()).await;
    until("listeners know that they missed something", || {
        ear.missed.load(Ordering::SeqCst) > 0
    })
    .await;
    give(&*bus, vec![event("a", 2)]).await;
    until("it came", || notes.of_subject("a") == [2]).await;
}

#[tokio::test]
async fn a_broker_that_is_killed_has_its_events_afterwards() {
    let Some(mut nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(&nats, quick()).await;
    let (early, late) = (Notes::of("early"), Notes::of("late"));
    early.fail("s1", 1);
    bus.subscribe(early.clone());
    until("the bus is open", || !bus.is_away()).await;
    give(
        &*bus,
        (0..50)
            .map(|number| event(&format!("s{number}"), number))
            .collect(),
    )
    .await;
    until("one of them was tried again", || early.seen().len() == 50).await;
    let losses = *bus.losses().borrow();
    nats.restart().await;
    bus.subscribe(late.clone());
    until("all came", || late.seen().len() == 50).await;
    give(&*bus, vec![event("s1", 99)]).await;
    until("the next one came", || late.seen().len() == 51).await;
    assert_eq!(*bus.losses().borrow(), losses, "nothing was lost");
}

#[tokio::test]
async fn a_broker_that_stands_still_holds_nobody_up_and_goes_on() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(
        &nats,
        Config {
            request_timeout_ms: 300,
            ..quick()
        },
    )
    .await;
    let notes = Notes::of("one");
    bus.subscribe(notes.clone());
    until("the bus is open", || !bus.is_away()).await;
    give(&*bus, vec![event("a", 1)]).await;
    until("it came", || notes.seen().len() == 1).await;
    nats.signal("STOP");
    let start = Instant::now();
    let two = [event("a", 2), event("a", 3)];
    assert!(bus.publish_all(&two).await.iter().all(Result::is_err));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(bus.why_away().is_some());
    nats.signal("CONT");
    until("the bus is open", || !bus.is_away()).await;
    // The first may have been on its way: it is recognised.
    give(&*bus, two.to_vec()).await;
    until("all came", || notes.seen().len() == 3).await;
    assert_eq!(notes.of_subject("a"), [1, 2, 3]);
}

#[tokio::test]
async fn a_broker_that_is_stopped_in_order_has_its_events_afterwards() {
    let Some(mut nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(&nats, quick()).await;
    until("the bus is open", || !bus.is_away()).await;
    give(&*bus, vec![event("a", 1)]).await;
    nats.stop().await;
    until("it is away", || bus.is_away()).await;
    nats.restart().await;
    let notes = Notes::of("one");
    bus.subscribe(notes.clone());
    until("it came", || notes.seen().len() == 1).await;
}

#[tokio::test]
async fn a_broker_that_forgot_everything_is_noticed_and_gets_its_streams_back() {
    let Some(mut nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(&nats, quick()).await;
    let notes = Notes::of("one");
    bus.subscribe(notes.clone());
    until("the bus is open", || !bus.is_away()).await;
    give(&*bus, vec![event("a", 1)]).await;
    until("it came", || notes.seen().len() == 1).await;
    let losses = *bus.losses().borrow();
    nats.kill();
    nats.wipe();
    nats.restart().await;
    until("the loss is noticed", || *bus.losses().borrow() > losses).await;
    give(&*bus, vec![event("a", 2)]).await;
    until("the next one came", || notes.of_subject("a") == [1, 2]).await;
}

#[tokio::test]
async fn events_wait_in_the_outbox_while_the_broker_is_away() {
    let Some(mut nats) = Nats::later().await else {
        return;
    };
    let (bus, tasks) = node(&nats, quick()).await;
    let (place, notes) = (Place::new(), Notes::of("one"));
    bus.subscribe(notes.clone());
    outbox::start_relay(
        &tasks,
        "relay",
        place.database.clone(),
        bus.clone(),
        Clock::System,
    );
    append(
        &place,
        Clock::System.now(),
        vec![("a", 1), ("b", 1), ("a", 2)],
    )
    .await;
    nats.restart().await;
    until("all came", || notes.seen().len() == 3).await;
    assert_eq!(notes.of_subject("a"), [1, 2]);
    assert_eq!(parked(&place).await, 0, "an outage parks nothing");
}

#[tokio::test]
async fn what_the_broker_lost_comes_again_from_the_outbox() {
    let Some(mut nats) = Nats::start().await else {
        return;
    };
    let (bus, tasks) = node(&nats, quick()).await;
    let place = Place::new();
    outbox::start_relay(
        &tasks,
        "relay",
        place.database.clone(),
        bus.clone(),
        Clock::System,
    );
    until("the bus is open", || !bus.is_away()).await;
    append(&place, Timestamp::from_ms(0), vec![("old", 1)]).await;
    let late = (1..=20).map(|number| ("a", number)).collect();
    append(&place, Clock::System.now(), late).await;
    until_published(&place, 21).await;
    let losses = *bus.losses().borrow();
    nats.kill();
    nats.wipe();
    nats.restart().await;
    until("the loss is noticed", || *bus.losses().borrow() > losses).await;
    // Only now does somebody want them: whatever comes was published after the loss.
    let notes = Notes::of("one");
    bus.subscribe(notes.clone());
    until("all of the last days came", || notes.seen().len() >= 20).await;
    assert_eq!(notes.of_subject("a"), (1..=20).collect::<Vec<_>>());
    assert!(
        notes.of_subject("old").is_empty(),
        "what is older than a week does not"
    );
}

async fn append(place: &Place, at: Timestamp, events: Vec<(&'static str, u32)>) {
    let write = place.database.write(move |c| {
        for (subject, number) in events {
            let happened = Happened {
                subject: subject.to_owned(),
                number,
            };
            outbox::append(c, &happened, at)?;
        }
        Ok::<_, Abort<()>>(())
    });
    write.await.unwrap();
}

async fn parked(place: &Place) -> i64 {
    let sql = "SELECT count(*) FROM outbox_parked";
    place
        .database
        .read(move |c| Ok(c.query_row(sql, [], |row| row.get(0))?))
        .await
        .unwrap()
}

async fn until_published(place: &Place, number: i64) {
    let sql = "SELECT coalesce(max(delivered_number), 0) FROM outbox_cursor";
    let waiting = async {
        loop {
            let read = place
                .database
                .read(move |c| Ok(c.query_row(sql, [], |row| row.get::<_, i64>(0))?));
            if read.await.unwrap() >= number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, waiting)
        .await
        .unwrap();
}
