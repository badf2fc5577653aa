//! The suite on a real NATS server, and what two nodes make of it.

use super::{
    Notes, event, give,
    suite::{self, Nodes, open},
    until,
};
use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use platform::{
    bus::{
        Bus, Consumer, NatsBus,
        nats::{Config, addresses},
    },
    tasks::Tasks,
};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::Nats;

/// Settings that wait less, so that a test does not take minutes.
pub(super) fn quick() -> Config {
    Config {
        retry_wait_ms: vec![50, 100, 150, 200],
        behind_wait_ms: 20,
        check_every_ms: 300,
        ..Config::defaults().unwrap()
    }
}

pub(super) async fn node(nats: &Nats, config: Config) -> (Arc<dyn Bus>, Tasks) {
    let tasks = Tasks::default();
    let bus = NatsBus::open(&nats.url(), config, &tasks).await.unwrap();
    (Arc::new(bus), tasks)
}

async fn nodes(nats: &Nats) -> Nodes {
    [node(nats, quick()).await.0, node(nats, quick()).await.0]
}

fn done(hands: &[Arc<Notes>]) -> usize {
    hands.iter().map(|hand| hand.seen().len()).sum()
}

#[tokio::test]
async fn each_consumer_takes_every_event_it_wants() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    suite::each_consumer_takes_every_event_it_wants(nodes(&nats).await).await;
}

#[tokio::test]
async fn what_failed_comes_again_and_keeps_its_place() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    suite::what_failed_comes_again_and_keeps_its_place(nodes(&nats).await).await;
}

#[tokio::test]
async fn events_of_a_subject_keep_their_order() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    suite::events_of_a_subject_keep_their_order(nodes(&nats).await).await;
}

#[tokio::test]
async fn poison_keeps_no_other_subject_waiting() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    // Whoever stood behind it would wait for ten minutes.
    let patient = || Config {
        retry_wait_ms: vec![600_000],
        ..quick()
    };
    let nodes = [
        node(&nats, patient()).await.0,
        node(&nats, patient()).await.0,
    ];
    suite::poison_keeps_no_other_subject_waiting(nodes).await;
}

#[tokio::test]
async fn every_listener_hears_every_event_on_every_node() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    suite::every_listener_hears_every_event_on_every_node(nodes(&nats).await).await;
}

#[tokio::test]
async fn two_nodes_share_the_work_and_none_is_done_twice() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let nodes = nodes(&nats).await;
    let hands = [0, 1].map(|_| Notes::slow("one", Duration::from_millis(5)));
    nodes[0].subscribe(hands[0].clone());
    nodes[1].subscribe(hands[1].clone());
    open(&nodes).await;
    give(
        &*nodes[0],
        (0..200)
            .map(|number| event(&format!("s{number}"), number))
            .collect(),
    )
    .await;
    until("all came", || done(&hands) == 200).await;
    let all: HashSet<_> = hands.iter().flat_map(|hand| hand.seen()).collect();
    assert_eq!(all.len(), 200);
    assert!(hands.iter().all(|hand| hand.seen().len() > 20), "both work");
}

#[tokio::test]
async fn an_event_that_is_published_twice_is_taken_once() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let nodes = nodes(&nats).await;
    let notes = Notes::of("one");
    nodes[0].subscribe(notes.clone());
    open(&nodes).await;
    let twice = event("a", 1);
    give(&*nodes[0], vec![twice.clone()]).await;
    give(&*nodes[1], vec![twice.clone(), twice, event("a", 2)]).await;
    until("all came", || notes.seen().len() == 2).await;
    assert_eq!(notes.of_subject("a"), [1, 2]);
}

#[tokio::test]
async fn poison_that_hangs_keeps_no_other_subject_waiting() {
    struct Hangs(Arc<Notes>);
    #[async_trait]
    impl Consumer for Hangs {
        fn name(&self) -> &'static str {
            "hangs"
        }
        fn wants(&self) -> &'static [&'static str] {
            self.0.wants()
        }
        async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
            if envelope.subject == "poison" {
                std::future::pending::<()>().await;
            }
            self.0.consume(envelope).await
        }
    }
    let Some(nats) = Nats::start().await else {
        return;
    };
    // Only the first try stands before the others: of half a second, where all else takes a minute and more.
    let patient = || Config {
        ack_wait_ms: 60_000,
        later_try_ms: 600_000,
        ..quick()
    };
    let nodes = [
        node(&nats, patient()).await.0,
        node(&nats, patient()).await.0,
    ];
    let notes = Notes::of("one");
    nodes[0].subscribe(Arc::new(Hangs(notes.clone())));
    open(&nodes).await;
    let start = Instant::now();
    let mut events = vec![event("poison", 0)];
    events.extend((0..50).map(|number| event(&format!("s{number}"), number)));
    give(&*nodes[0], events).await;
    until("the others came", || notes.seen().len() == 50).await;
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn after_its_tries_an_event_is_a_dead_letter_and_can_be_sent_on() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(&nats, quick()).await;
    let notes = Notes::of("one");
    notes.fail("b", 5);
    bus.subscribe(notes.clone());
    until("the bus is open", || !bus.is_away()).await;
    let (dead, behind) = (event("b", 1), event("b", 2));
    give(&*bus, vec![dead.clone(), behind]).await;
    until("the next one goes on", || notes.of_subject("b") == [2]).await;
    let letters = bus.dead_letters(0, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = letters.first().unwrap();
    assert_eq!(
        (letter.consumer.as_str(), letter.reason.as_str()),
        ("one", "not now")
    );
    assert_eq!(letter.event.as_ref(), Some(&dead));
    assert!(letter.at.as_ms() > 0);
    assert!(bus.redrive(letter.number).await.unwrap());
    until("it was sent on", || notes.of_subject("b") == [2, 1]).await;
    assert!(bus.dead_letters(0, 10).await.unwrap().is_empty());
    assert!(!bus.redrive(letter.number).await.unwrap(), "only once");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_at_once() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let (bus, _tasks) = node(&nats, quick()).await;
    let notes = Notes::of("one");
    bus.subscribe(notes.clone());
    until("the bus is open", || !bus.is_away()).await;
    let stranger = async_nats::connect(addresses(&nats.url()).unwrap())
        .await
        .unwrap();
    stranger
        .publish("souk.event.0.test.happened.v1.x", "no event".into())
        .await
        .unwrap();
    stranger.flush().await.unwrap();
    give(&*bus, vec![event("a", 1)]).await;
    until("the others came", || notes.seen().len() == 1).await;
    let buried = async {
        while bus.dead_letters(0, 10).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, buried).await.unwrap();
    let letters = bus.dead_letters(0, 10).await.unwrap();
    assert!(
        letters
            .iter()
            .all(|letter| letter.event.is_none() && letter.reason.contains("expected")),
        "{letters:?}"
    );
}

#[tokio::test]
async fn a_node_that_stops_leaves_its_events_to_the_others() {
    let Some(nats) = Nats::start().await else {
        return;
    };
    let (one, stopping) = node(&nats, quick()).await;
    let (other, _tasks) = node(&nats, quick()).await;
    let hands = [0, 1].map(|_| Notes::slow("one", Duration::from_millis(5)));
    one.subscribe(hands[0].clone());
    other.subscribe(hands[1].clone());
    open(&[one.clone(), other.clone()]).await;
    give(
        &*other,
        (0..200)
            .map(|number| event(&format!("s{number}"), number))
            .collect(),
    )
    .await;
    until("both work", || {
        hands.iter().all(|hand| hand.seen().len() > 3)
    })
    .await;
    stopping.stop();
    assert!(stopping.wait(Duration::from_secs(5)).await);
    until("all came", || done(&hands) >= 200).await;
    let all: HashSet<_> = hands.iter().flat_map(|hand| hand.seen()).collect();
    assert_eq!(all.len(), 200);
}
