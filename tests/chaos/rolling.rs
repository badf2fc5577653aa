//! Nodes that end while people buy, as told or by `kill -9`: whatever may be asked again is saved by the door. Nobody
//! here asks past it.

use crate::{
    cluster::Cluster,
    crowd::Crowd,
    report::{self, Wishes},
    settle,
    street::Street,
};
use checker::{Action, Operation, Outcome};
use std::{path::PathBuf, time::Duration};
use testkit::binary;

const BUYERS: usize = 100;
const REST: Duration = Duration::from_millis(900);
const SEED: u64 = 7;
/// Orders between two things that happen.
const SOME: usize = 60;

/// What was asked and not answered to, in words.
fn unanswered(operations: &[Operation]) -> Vec<String> {
    let unknown = |one: &&Operation| matches!(one.outcome, Outcome::Unknown(_));
    let told = |one: &Operation| format!("{:?} [{:?}]: {:?}", one.action, one.key, one.outcome);
    operations.iter().filter(unknown).map(told).collect()
}

/// Whether the door may ask another node: a read, or something with a key.
const fn may_be_repeated(operation: &Operation) -> bool {
    operation.key.is_some()
        || matches!(
            operation.action,
            Action::ReadStock(_) | Action::ReadOrder(_) | Action::ReadProduct(_)
        )
}

/// The release that nodes run before they are restarted, if `SOUK_OLD_BINARY` names one.
fn before() -> PathBuf {
    let named = std::env::var_os("SOUK_OLD_BINARY").map(PathBuf::from);
    let old = named.unwrap_or_else(|| {
        println!("SOUK_OLD_BINARY names no other release: the old and the new binary are the same");
        binary().to_owned()
    });
    println!(
        "rolling restart from {} to {}",
        old.display(),
        binary().display()
    );
    old
}

/// How a node ends.
#[derive(Clone, Copy)]
enum Ending {
    AsTold,
    Killed,
}

/// Ends each node and starts it again, one after the other, while people buy; gives what they asked and were told.
async fn one_after_the_other(cluster: &mut Cluster, ending: Ending) -> Vec<Operation> {
    let street = Street::open(cluster, BUYERS, REST).await.through_the_door();
    let crowd = Crowd::gather(&street, SEED);
    crowd.has_bought(&street, SOME).await;
    for number in 0..cluster.nodes.len() {
        match ending {
            Ending::AsTold => cluster.nodes[number].stop().await,
            Ending::Killed => cluster.nodes[number].kill().await,
        }
        crowd.has_bought(&street, SOME).await;
        cluster.nodes[number].start_again(binary()).await;
        crowd.has_bought(&street, SOME).await;
    }
    crowd.go_home().await;
    settle(cluster, &street, SEED).await;
    street.town.record.take().0
}

fn expect_all_answered(operations: &[Operation], cluster: &Cluster) {
    let failed = unanswered(operations);
    assert!(
        failed.is_empty(),
        "{} failed: {failed:#?}\n{}",
        failed.len(),
        cluster.last_words()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_restarted_one_after_the_other_and_no_request_fails() {
    let Some(mut cluster) = Cluster::start(&before()).await else {
        return;
    };
    let operations = one_after_the_other(&mut cluster, Ending::AsTold).await;
    println!("rolling restart: {}", report::outcomes(&operations));
    expect_all_answered(&operations, &cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nodes_are_killed_only_what_must_not_be_repeated_is_in_doubt() {
    let Some(mut cluster) = Cluster::start(binary()).await else {
        return;
    };
    let operations = one_after_the_other(&mut cluster, Ending::Killed).await;
    println!("three kill -9: {}", report::outcomes(&operations));
    let (saved, others): (Vec<Operation>, Vec<Operation>) =
        operations.into_iter().partition(may_be_repeated);
    println!(
        "  without a key, in doubt: {} of {}",
        Wishes::of(&others).in_doubt,
        others.len()
    );
    expect_all_answered(&saved, &cluster);
}
