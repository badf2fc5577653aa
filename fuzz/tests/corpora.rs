//! Every input that was kept, and what grows out of it by chance, through the targets: what `cargo fuzz` does for ten
//! minutes each, in a second. It finds nothing new; it shows that nothing old came back, and that targets still run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

use proptest::{prelude::*, test_runner::TestRunner};
use std::path::PathBuf;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// Runs what was kept, and the same with a byte changed, some left out, or others put in.
fn replay(name: &str) {
    let (_, target) = fuzz::TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a target");
    let kept = corpus(name);
    assert!(kept.len() >= 3, "{name}: nothing is kept");
    for input in &kept {
        target(input);
    }
    let cases = kept.len().clamp(50, 200);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let changed = (
        0..kept.len(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..3_u8,
    );
    let ran = runner.run(&changed, |(which, place, byte, how)| {
        let mut input = kept[which].clone();
        let place = if input.is_empty() {
            0
        } else {
            place.index(input.len())
        };
        match how {
            0 if !input.is_empty() => input[place] = byte,
            1 => input.truncate(place),
            _ => input.insert(place, byte),
        }
        target(&input);
        Ok(())
    });
    assert_eq!(ran.map_err(|error| error.to_string()), Ok(()));
}

#[test]
fn what_values_are_made_of_holds() {
    replay("values");
}

#[test]
fn what_amounts_are_made_of_holds() {
    replay("money");
}

#[test]
fn bodies_of_seeds_clients_and_ours_get_an_answer() {
    replay("bodies");
}

#[test]
fn callbacks_of_a_provider_get_an_answer_and_false_ones_are_refused() {
    replay("callbacks");
}

#[test]
fn queries_get_an_answer() {
    replay("queries");
}

#[test]
fn heads_of_requests_get_an_answer() {
    replay("heads");
}
