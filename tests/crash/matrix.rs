//! Every operation, ended at every point on its way. Each declared point is reached, and no other is in the code.

use crate::{
    operation::Operation,
    table::{self, Row, Under},
    world::World,
};
use futures_util::{StreamExt, stream};
use std::{
    collections::BTreeSet,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use testkit::{Disk, POINTS, Unsynced, run_with};

/// Shops at a time in one test: they mostly wait.
const AT_A_TIME: usize = 4;
/// Groups of writes that no operation takes.
const COMMITS_MAX: usize = 40;
/// How long a shop that has done its work is watched for a last write: whether one more comes is not known before.
const LAST_WRITE: Duration = Duration::from_millis(1_500);
/// How long a shop may take to a named point, which lies on its way: the machine may have much else to do.
const NAMED_POINT: Duration = Duration::from_secs(30);

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The process is killed.
    Kill,
    /// The power goes at the same moment: what was not synced is lost, or some of it.
    PowerLoss,
}

/// Dies at every named point of an operation, and before and after each of its commits.
pub(crate) async fn endure(operation: Operation, ending: Ending) {
    let template = operation.prepare().await;
    let mut rows = Vec::new();
    let named = POINTS.iter().filter(|point| is_of(operation, point));
    let mut dying = stream::iter(named)
        .map(|point| die_at((operation, ending), &template, (*point).to_owned()))
        .buffered(AT_A_TIME);
    while let Some((point, row)) = dying.next().await {
        rows.push(row.unwrap_or_else(|| panic!("{operation:?} never came to {point}")));
    }
    drop(dying);
    for point in ["commit.before", "commit.after"] {
        let commits = stream::iter(1..COMMITS_MAX);
        let mut dying = commits
            .map(|hit| die_at((operation, ending), &template, format!("{point}:{hit}")))
            .buffered(AT_A_TIME);
        let mut count = 0;
        while let Some((_, Some(row))) = dying.next().await {
            rows.push(row);
            count += 1;
        }
        assert!(
            count >= operation.commits_min(),
            "{operation:?}: {count} times {point}"
        );
        assert!(
            count + 1 < COMMITS_MAX,
            "{operation:?} does not come to an end"
        );
    }
    table::print(&format!("{operation:?}, {ending:?}"), &rows);
}

fn is_of(operation: Operation, point: &str) -> bool {
    let family = point.split('.').next().unwrap_or_default();
    operation.families().contains(&family)
}

/// One row of the matrix; `None` if the work was done without coming to the point.
async fn die_at(
    (operation, ending): (Operation, Ending),
    template: &World,
    point: String,
) -> (String, Option<Row>) {
    let _under = Under(format!("{operation:?}, {ending:?} at {point}"));
    // Before the world: it goes when nobody uses it any more.
    let mut disk = (ending == Ending::PowerLoss).then(Disk::default);
    let mut world = match &disk {
        Some(disk) => template.doomed_on(disk, &point).await,
        None => template.doomed(&point).await,
    };
    let opened = world.shop.is_open();
    let first = if opened {
        operation.ask(&world).await
    } else {
        None
    };
    let patience = if POINTS.contains(&point.as_str()) {
        NAMED_POINT
    } else {
        LAST_WRITE
    };
    if !dies(&mut world.shop, patience).await {
        return (point, None);
    }
    let status = world.shop.ended().await;
    assert_eq!(
        status.signal(),
        Some(9),
        "{operation:?} at {point}: {status}"
    );
    if let Some(disk) = &mut disk {
        // Another seed for every point, and the same one in every run.
        let seed = point.bytes().map(u64::from).sum();
        disk.lose_power(Unsynced::Chance(seed));
        disk.restore_power();
    }
    world.revive().await;
    let outcome = operation.ask_again(&world, first.as_ref()).await;
    operation.check(&world).await;
    world.shop.verify().await;
    world.shop.kill().await;
    let heard = match first.map(|answer| answer.status) {
        None => "no answer",
        Some(200 | 201) => "acknowledged",
        Some(202) => "accepted",
        Some(status) => panic!("{operation:?} at {point}: {status}"),
    };
    let heard = if opened { heard } else { "was opening" };
    let is_lost = heard == "acknowledged" && outcome == "done by the retry";
    // A proof is given to the provider, which takes it as often as it comes.
    assert!(
        !is_lost || operation == Operation::Prove,
        "{operation:?} at {point}"
    );
    let row = Row {
        point: point.clone(),
        heard,
        outcome,
    };
    (point, Some(row))
}

async fn dies(shop: &mut testkit::Shop, patience: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < patience {
        if shop.has_ended() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_once_wherever_the_shop_dies() {
    endure(Operation::Place, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_and_paid_once_wherever_the_shop_dies() {
    endure(Operation::Buy, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_once_wherever_the_shop_dies() {
    endure(Operation::Pay, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_cancelled_once_wherever_the_shop_dies() {
    endure(Operation::Cancel, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_cancelled_and_its_money_comes_back_once_wherever_the_shop_dies() {
    endure(Operation::CancelPaid, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_and_units_are_given_back_once_wherever_the_shop_dies() {
    endure(Operation::Refund, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_received_and_paid_back_once_wherever_the_shop_dies() {
    endure(Operation::Return, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_proved_is_taken_once_wherever_the_shop_dies() {
    endure(Operation::Prove, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_given_up_is_never_taken_wherever_the_shop_dies() {
    endure(Operation::Void, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_once_wherever_the_shop_dies() {
    endure(Operation::Expire, Ending::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_held_for_no_order_comes_back_once_wherever_the_shop_dies() {
    endure(Operation::Orphan, Ending::Kill).await;
}

#[tokio::test]
async fn a_shop_for_customers_knows_no_fail_points_and_does_not_start_with_one() {
    for (name, value) in [
        ("SOUK_FAIL_POINT", "place.reserved"),
        ("SOUK_CLOCK_OFFSET_FILE", "/dev/null"),
        ("SOUK_STATEMENTS_FILE", "/dev/null"),
    ] {
        let said = run_with(&["config", "check"], &[(name, value)], "").await;
        assert_ne!(said.code, 0, "{}", said.out);
        assert!(said.err.contains("unknown key"), "{}", said.err);
    }
}

#[test]
fn the_points_of_the_list_are_those_in_the_code_and_each_has_its_operation() {
    for point in POINTS.iter().filter(|point| !point.starts_with("commit.")) {
        let on_the_way = Operation::ALL
            .iter()
            .any(|operation| is_of(*operation, point));
        assert!(on_the_way, "no operation comes to {point}");
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let (mut in_code, mut in_other_forms) = (Vec::new(), Vec::new());
    for file in sources(&crates) {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}"));
        let calls = text.split("fault::point(\"").skip(1);
        let points = calls.filter_map(|rest| rest.split('"').next().map(str::to_owned));
        // A store's second form has the points of the first.
        if file.iter().any(|part| part == "postgres") {
            in_other_forms.extend(points);
        } else {
            in_code.extend(points);
        }
    }
    let unique: BTreeSet<&str> = in_code.iter().map(String::as_str).collect();
    assert_eq!(
        unique.len(),
        in_code.len(),
        "a point stands in one place: {in_code:?}"
    );
    assert!(in_other_forms.iter().all(|point| in_code.contains(point)));
    assert_eq!(unique, POINTS.iter().copied().collect());
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}")) {
        let path = entry.unwrap_or_else(|error| panic!("{error}")).path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
