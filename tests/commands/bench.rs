//! The benchmarks, with a few orders: they are the same runs that measure.

use testkit::{Ear, postgres::Postgres, run, run_with};

#[tokio::test]
async fn the_bench_on_postgresql_runs_beside_pgbench_and_finds_every_order_and_balanced_books() {
    // As in all tests: what is missing is said, or fails.
    if Postgres::shared().is_none() {
        return;
    }
    let few = "--orders 60 --clients 4 --products 3 --rounds 1 --seconds 1 --pgbench 2,4 --nodes 2";
    let arguments: Vec<&str> = ["bench", "postgres"]
        .into_iter()
        .chain(few.split(' '))
        .collect();
    let said = run(&arguments, "").await;
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    for sign in [
        "fsync = on, synchronous_commit = on",
        "uniform: souk",
        "hot: souk",
        "hot: 2 nodes together",
        "180 orders acknowledged, 180 there, 180 units held for them",
        "orders counted",
    ] {
        assert!(said.out.contains(sign), "{sign} is not in {}", said.out);
    }
}

#[tokio::test]
async fn a_large_and_a_small_shop_take_turns_and_both_have_every_order() {
    let few = "bench orders --mode aged --orders 40 --clients 4 --products 3";
    let arguments: Vec<&str> = few.split(' ').collect();
    let said = run(&arguments, "").await;
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    assert_eq!(
        said.out
            .matches("320 orders acknowledged, 320 there")
            .count(),
        2,
        "{}",
        said.out
    );
    assert!(said.out.contains("; large: "), "{}", said.out);
}

#[tokio::test]
async fn a_shop_is_read_while_it_is_watched_and_every_answer_is_as_new_as_it_must_be() {
    let collector = Ear::open();
    let few = "bench reads --reads 400 --clients 4 --products 3 --watched";
    let arguments: Vec<&str> = few.split(' ').collect();
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
    let said = run_with(&arguments, &settings, "").await;
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    for sign in [
        "one product, no limits",
        "a list of 20, limits in",
        "edits, each seen",
    ] {
        assert!(said.out.contains(sign), "{sign} is not in {}", said.out);
    }
    let spans = said.out.lines().find(|line| line.starts_with("watched: "));
    assert!(
        spans.is_some_and(|line| !line.contains(" 0 s")),
        "{}",
        said.out
    );
    assert!(!collector.all().is_empty(), "spans were told of");
}
