//! The suite on the bus of a single process.

use super::suite::{self, Nodes};
use platform::bus::{Bus, MemoryBus};
use std::sync::Arc;

fn nodes() -> Nodes {
    let bus: Arc<dyn Bus> = Arc::new(MemoryBus::default());
    [bus.clone(), bus]
}

#[tokio::test]
async fn each_consumer_takes_every_event_it_wants() {
    suite::each_consumer_takes_every_event_it_wants(nodes()).await;
}

#[tokio::test]
async fn what_failed_comes_again_and_keeps_its_place() {
    suite::what_failed_comes_again_and_keeps_its_place(nodes()).await;
}

#[tokio::test]
async fn events_of_a_subject_keep_their_order() {
    suite::events_of_a_subject_keep_their_order(nodes()).await;
}

#[tokio::test]
async fn poison_keeps_no_other_subject_waiting() {
    suite::poison_keeps_no_other_subject_waiting(nodes()).await;
}

#[tokio::test]
async fn every_listener_hears_every_event_on_every_node() {
    suite::every_listener_hears_every_event_on_every_node(nodes()).await;
}

#[tokio::test]
async fn what_nobody_wants_is_known_to_be_unwanted() {
    let [bus, _] = nodes();
    assert!(!bus.is_wanted("test.happened.v1"));
    bus.listen(Arc::new(super::Ear::default()));
    assert!(bus.is_wanted("test.happened.v1"));
    assert!(
        bus.losses().has_changed().is_err(),
        "it never loses what it took"
    );
}
