//! The promises of a bus, whatever it is made of. Each is a function that is given nodes of one shop.

use super::{Ear, Notes, event, give, named, until};
use platform::bus::Bus;
use std::{sync::Arc, time::Duration};

/// Two nodes of one shop; one twice, where a shop is one process.
pub(super) type Nodes = [Arc<dyn Bus>; 2];

/// Waits until a bus carries, as nodes do before they are ready for traffic.
pub(super) async fn open(nodes: &Nodes) {
    for node in nodes {
        until("the bus is open", || !node.is_away()).await;
    }
}

pub(super) async fn each_consumer_takes_every_event_it_wants(nodes: Nodes) {
    let (one, other) = (Notes::of("one"), Notes::of("other"));
    nodes[0].subscribe(one.clone());
    nodes[0].subscribe(other.clone());
    open(&nodes).await;
    assert!(nodes[0].is_wanted("test.happened.v1"));
    let mut events: Vec<_> = (0..20)
        .map(|number| event(&format!("s{number}"), number))
        .collect();
    events.push(named("test.unheard.v1", "s1", 99));
    give(&*nodes[1], events).await;
    for notes in [one, other] {
        until("all came", || notes.seen().len() == 20).await;
        let mut numbers: Vec<_> = notes.seen().into_iter().map(|(_, number)| number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
}

pub(super) async fn what_failed_comes_again_and_keeps_its_place(nodes: Nodes) {
    let notes = Notes::of("one");
    notes.fail("b", 2);
    nodes[0].subscribe(notes.clone());
    open(&nodes).await;
    give(
        &*nodes[1],
        vec![event("b", 1), event("b", 2), event("a", 1), event("b", 3)],
    )
    .await;
    until("all came", || notes.seen().len() == 4).await;
    assert_eq!(notes.of_subject("b"), [1, 2, 3]);
}

pub(super) async fn events_of_a_subject_keep_their_order(nodes: Nodes) {
    // As many hands as there are nodes, and each is slow in another way.
    let notes = [
        Notes::slow("one", Duration::from_millis(1)),
        Notes::slow("one", Duration::from_millis(3)),
    ];
    let ordered = Notes::of("other");
    ordered.fail("s2", 1);
    nodes[0].subscribe(notes[0].clone());
    nodes[1].subscribe(notes[1].clone());
    nodes[0].subscribe(ordered.clone());
    nodes[1].subscribe(ordered.clone());
    open(&nodes).await;
    let events = (0..120)
        .map(|number| event(&format!("s{}", number % 4), number))
        .collect();
    give(&*nodes[0], events).await;
    let shared = || notes.iter().map(|notes| notes.seen().len()).sum::<usize>();
    until("all came", || {
        shared() >= 120 && ordered.seen().len() >= 120
    })
    .await;
    for subject in ["s0", "s1", "s2", "s3"] {
        let mut first_times = ordered.of_subject(subject);
        let mut met = std::collections::HashSet::new();
        first_times.retain(|number| met.insert(*number));
        assert!(
            first_times.is_sorted() && first_times.len() == 30,
            "{subject}: {first_times:?}"
        );
    }
}

pub(super) async fn poison_keeps_no_other_subject_waiting(nodes: Nodes) {
    let notes = Notes::of("one");
    notes.fail("poison", u32::MAX);
    nodes[0].subscribe(notes.clone());
    open(&nodes).await;
    // Refused at once, or taken and tried for longer than anybody here waits.
    drop(nodes[0].publish(&event("poison", 0)).await);
    give(
        &*nodes[0],
        (0..50)
            .map(|number| event(&format!("s{number}"), number))
            .collect(),
    )
    .await;
    until("the others came", || notes.seen().len() == 50).await;
}

pub(super) async fn every_listener_hears_every_event_on_every_node(nodes: Nodes) {
    let ears = [Arc::new(Ear::default()), Arc::new(Ear::default())];
    nodes[0].listen(ears[0].clone());
    nodes[1].listen(ears[1].clone());
    let notes = Notes::of("one");
    nodes[1].subscribe(notes.clone());
    open(&nodes).await;
    // Hearing begins some time after asking for it: the first news that both heard tells when.
    for number in 0..500 {
        give(&*nodes[0], vec![event("a", number)]).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        if ears.iter().all(|ear| ear.heard().contains(&number)) {
            break;
        }
    }
    let late = 1_000..1_020;
    give(
        &*nodes[0],
        late.clone().map(|number| event("a", number)).collect(),
    )
    .await;
    give(&*nodes[1], vec![named("test.unheard.v1", "a", 9_999)]).await;
    for ear in &ears {
        until("all were heard", || ear.heard().contains(&1_019)).await;
        let heard: Vec<_> = ear
            .heard()
            .into_iter()
            .filter(|number| *number >= 1_000)
            .collect();
        assert_eq!(heard, late.clone().collect::<Vec<_>>());
    }
    // What is only told is heard by listeners, and taken by nobody.
    nodes[0].tell(&event("a", 2_000)).await.unwrap();
    for ear in &ears {
        until("it was heard", || ear.heard().contains(&2_000)).await;
    }
    give(&*nodes[0], vec![event("a", 2_001)]).await;
    until("it was taken", || notes.of_subject("a").contains(&2_001)).await;
    assert!(!notes.of_subject("a").contains(&2_000));
}
