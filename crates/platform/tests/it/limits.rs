//! Limits, in both forms: the same suite over one process and over nodes that share a Redis; and what becomes of
//! the shared form when Redis is slow, empty, full of garbage or gone.

use crate::redis::{connected, eventually, hasty, left_alone};
use platform::{
    limit::{Limiter, MemoryLimiter, Quota, SharedLimiter, Sharing, Verdict},
    redis::Redis,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

type Node = Arc<dyn Limiter>;

const NODES: u32 = 3;
const SHARING: Sharing = Sharing {
    nodes: NODES,
    credit_percent: 20,
    credit_ms: 5_000,
};

fn quota(units: u32, window_seconds: u32) -> Quota {
    Quota {
        units,
        window_seconds,
    }
}

fn memory(quota: Quota) -> Vec<Node> {
    vec![Arc::new(MemoryLimiter::new(quota))]
}

/// Nodes as they are: each with its own connection and its own memory.
async fn shared(server: &testkit::Redis, quota: Quota) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for _ in 0..NODES {
        nodes.push(node(&connected(server).await, quota));
    }
    nodes
}

fn node(redis: &Redis, quota: Quota) -> Node {
    Arc::new(SharedLimiter::new(redis.clone(), "tests", quota, SHARING))
}

/// Takes one unit so many times, on one node after the other.
async fn take(nodes: &[Node], caller: &str, times: usize) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for node in nodes.iter().cycle().take(times) {
        verdicts.push(node.take(caller, 1).await);
    }
    verdicts
}

fn allowed(verdicts: &[Verdict]) -> usize {
    verdicts.iter().filter(|verdict| verdict.allowed).count()
}

/// Whatever the form: what a caller may rely on, and what the shop may.
async fn suite(make: impl AsyncFn(Quota) -> Vec<Node>) {
    let nodes = make(quota(200, 3_600)).await;
    // All nodes together may give out 20 in a hundred more before they tell each other.
    let verdicts = take(&nodes, "ann", 400).await;
    assert!(
        verdicts[..200].iter().all(|verdict| verdict.allowed),
        "never refused early"
    );
    assert!(
        (200..=240).contains(&allowed(&verdicts)),
        "{}",
        allowed(&verdicts)
    );
    let refused = nodes[0].take("ann", 1).await;
    assert!(!refused.allowed && refused.remaining == 0);
    assert!((1..=60).contains(&refused.wait_seconds), "{refused:?}");

    let other = nodes[0].take("bob", 5).await;
    assert!(other.allowed, "one caller hinders no other");
    assert_eq!(other.remaining, 195);
    assert!(
        nodes[0].take("eve", 1_000).await.allowed,
        "the largest wish is the quota"
    );
    assert!(!nodes[0].take("eve", 1).await.allowed);

    let nodes = make(quota(1, 1)).await;
    assert!(nodes[0].take("ann", 1).await.allowed);
    let refused = nodes[0].take("ann", 1).await;
    assert_eq!((refused.allowed, refused.wait_seconds), (false, 1));
    let begun = Instant::now();
    while !nodes[0].take("ann", 1).await.allowed {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "room comes back in time"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_process_keeps_the_limits() {
    suite(async |quota| memory(quota)).await;
}

#[tokio::test]
async fn nodes_that_share_a_redis_keep_the_limits() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    suite(async |quota| {
        server.flush();
        shared(&server, quota).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_on_three_nodes_get_the_quota_and_little_more() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let nodes = shared(&server, quota(1_000, 3_600)).await;
    let takes = (0..6_000).map(|number| {
        let node = nodes[number % nodes.len()].clone();
        async move { node.take("ann", 1).await }
    });
    let verdicts = futures_util::future::join_all(takes).await;
    let allowed = allowed(&verdicts);
    assert!((1_000..=1_200).contains(&allowed), "{allowed}");
}

#[tokio::test]
async fn at_the_limit_every_request_is_counted_first() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    // Too few for any credit.
    let nodes = shared(&server, quota(10, 3_600)).await;
    assert_eq!(allowed(&take(&nodes, "ann", 60).await), 10);
}

#[tokio::test]
async fn a_caller_who_is_refused_costs_redis_nothing_until_there_is_room() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let nodes = shared(&server, quota(1, 3_600)).await;
    take(&nodes, "ann", 6).await;
    let calls = || server.command(&["EVAL", "return redis.call('INFO', 'commandstats')", "0"]);
    drop(calls());
    server.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(allowed(&take(&nodes, "ann", 300).await), 0);
    let counted = server.command(&[
        "EVAL",
        "return tonumber(redis.call('INFO', 'commandstats'):match('cmdstat_evalsha:calls=(%d+)') or 0)",
        "0",
    ]);
    assert_eq!(counted, ":0");
}

#[tokio::test]
async fn whoever_asks_for_little_costs_redis_nothing() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let nodes = shared(&server, quota(600, 3_600)).await;
    assert_eq!(allowed(&take(&nodes, "ann", 60).await), 60);
    assert_eq!(server.keys(), 0);
    let verdicts = take(&nodes, "ann", 600).await;
    assert!((540..=660).contains(&allowed(&verdicts)), "but it is told");
    assert_eq!(server.keys(), 1);
}

#[tokio::test]
async fn without_redis_each_node_keeps_its_share() {
    let Some(mut server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let node = node(&redis, quota(30, 3_600));
    server.kill();
    left_alone(&redis).await;
    let verdicts = take(&[node], "ann", 100).await;
    assert_eq!(allowed(&verdicts), 10, "a third of 30");
}

#[tokio::test]
async fn a_redis_that_was_never_there_stops_nothing() {
    let tasks = platform::tasks::Tasks::default();
    let redis = crate::redis::at("redis://127.0.0.1:1");
    redis.start(&tasks);
    let node = node(&redis, quota(30, 3_600));
    assert_eq!(allowed(&take(&[node], "ann", 100).await), 10);
    assert_eq!(tasks.failure(), None);
}

#[tokio::test]
async fn a_frozen_redis_is_waited_for_shortly_and_then_not_at_all() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = hasty(&server).await;
    let node = node(&redis, quota(30, 3_600));
    server.freeze();
    let begun = Instant::now();
    let verdicts = take(std::slice::from_ref(&node), "ann", 400).await;
    // Five failures of 50 ms each, then nobody waits any more; all would wait for twenty seconds.
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(allowed(&verdicts), 10);
    assert!(redis.is_away());
    server.thaw();
    eventually(|| !redis.is_away()).await;
    assert!(node.take("bob", 1).await.allowed);
}

#[tokio::test]
async fn an_emptied_redis_and_one_that_was_killed_begin_anew() {
    let Some(mut server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let node = node(&redis, quota(10, 3_600));
    assert_eq!(
        allowed(&take(std::slice::from_ref(&node), "ann", 5).await),
        5
    );
    server.flush();
    assert_eq!(
        allowed(&take(std::slice::from_ref(&node), "ann", 20).await),
        10,
        "the script is loaded again"
    );
    server.kill();
    left_alone(&redis).await;
    server.start_again();
    eventually(|| !redis.is_away()).await;
    assert_eq!(
        allowed(&take(std::slice::from_ref(&node), "bob", 20).await),
        10
    );
}

#[tokio::test]
async fn garbage_is_nothing_and_shuts_nobody_out() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let node = node(&redis, quota(10, 60));
    for caller in ["ann", "bob", "eve"] {
        node.take(caller, 1).await;
    }
    assert_eq!(server.keys(), 3);
    server.fill_with_garbage();
    for caller in ["ann", "bob", "eve"] {
        let allowed = allowed(&take(std::slice::from_ref(&node), caller, 5).await);
        assert_eq!(allowed, 5, "{caller}");
    }
    let limited = take(std::slice::from_ref(&node), "bob", 40).await;
    assert_eq!(allowed(&limited), 5, "and the limit still holds");
    let far = "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('SET', key, '1e300') end return 'OK'";
    server.command(&["EVAL", far, "0"]);
    assert!(node.take("ann", 5).await.allowed, "asked anew");
}

#[tokio::test]
async fn nobody_s_name_is_in_redis_and_every_key_ends() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    node(&redis, quota(10, 60)).take("192.0.2.7", 1).await;
    let found = server.command(&["EVAL", "return #redis.call('KEYS', '*192*')", "0"]);
    assert_eq!(found, ":0");
    let immortal = "for _, key in ipairs(redis.call('KEYS', '*')) do
        if redis.call('PTTL', key) < 0 then return 1 end end return 0";
    assert_eq!(server.command(&["EVAL", immortal, "0"]), ":0");
}
