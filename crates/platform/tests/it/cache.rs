//! The cache, in both forms: the same suite in memory alone and with a Redis behind it; and what becomes of the
//! second when that Redis is emptied, frozen, killed, or says what it likes.

use crate::redis::{connected, eventually, hasty};
use futures_util::future::join_all;
use platform::{
    cache::{Cache, Fresh, Keep, Options},
    clock::Clock,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Text(String);

impl Keep for Text {
    fn weight(&self) -> usize {
        self.0.len()
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }

    fn write(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

const OPTIONS: Options = Options {
    name: "tests",
    kilobytes: 1_024,
    age_max_ms: 60_000,
    absent_age_max_ms: 50,
};

/// A store that counts how often it is read.
#[derive(Default)]
struct Store {
    reads: AtomicU32,
    version: AtomicU32,
}

impl Store {
    fn read(&self) -> Text {
        self.reads.fetch_add(1, SeqCst);
        Text(format!("version {}", self.version.load(SeqCst)))
    }

    async fn fresh(&self) -> Result<Fresh<Text>, ()> {
        let value = self.read();
        tokio::task::yield_now().await;
        Ok(tagged(value))
    }

    async fn get(&self, cache: &Cache<Text>, key: &str) -> String {
        cache.get(key, || self.fresh()).await.unwrap().0
    }
}

fn tagged(value: Text) -> Fresh<Text> {
    Fresh {
        value,
        tags: vec!["thing".to_owned()],
    }
}

fn with_redis(redis: &platform::redis::Redis, options: Options) -> Cache<Text> {
    Cache::new(options, Some(redis.clone()), Clock::System)
}

async fn suite(make: impl AsyncFn(Options) -> Cache<Text>) {
    many_at_once_read_once(&make(OPTIONS).await).await;
    what_was_begun_before_a_drop_is_old(&make(OPTIONS).await).await;
    a_failure_is_not_kept(&make(OPTIONS).await).await;
    who_gives_up_lets_others_read(&make(OPTIONS).await).await;
    answers_end(&make(OPTIONS).await).await;
    memory_is_bounded(
        &make(Options {
            kilobytes: 100,
            ..OPTIONS
        })
        .await,
    )
    .await;
}

async fn many_at_once_read_once(cache: &Cache<Text>) {
    let store = Store::default();
    let answers = join_all((0..1_000).map(|_| store.get(cache, "k"))).await;
    assert!(answers.iter().all(|answer| answer == "version 0"));
    assert_eq!(store.reads.load(SeqCst), 1);
    cache.drop_tag("another");
    store.get(cache, "k").await;
    assert_eq!(store.reads.load(SeqCst), 1);
    cache.drop_tag("thing");
    store.get(cache, "k").await;
    cache.drop_all();
    store.get(cache, "k").await;
    assert_eq!(store.reads.load(SeqCst), 3);
}

async fn what_was_begun_before_a_drop_is_old(cache: &Cache<Text>) {
    let (store, has_read, go_on) = (Store::default(), Notify::new(), Notify::new());
    let slow = cache.get("k", async || {
        let value = store.read();
        has_read.notify_one();
        go_on.notified().await;
        Ok::<_, ()>(tagged(value))
    });
    let change = async {
        has_read.notified().await;
        store.version.store(1, SeqCst);
        cache.drop_tag("thing");
        // The write is acknowledged: whoever comes now must see it, though somebody still reads.
        let late = store.get(cache, "k");
        let answer = async {
            go_on.notify_one();
            late.await
        };
        assert_eq!(answer.await, "version 1");
    };
    let (early, ()) = tokio::join!(slow, change);
    assert_eq!(
        early.unwrap().0,
        "version 0",
        "who asked before may hear so"
    );
    assert_eq!(
        store.get(cache, "k").await,
        "version 1",
        "and it was not kept"
    );
}

async fn a_failure_is_not_kept(cache: &Cache<Text>) {
    let reads = AtomicU32::new(0);
    let failing = || {
        cache.get("k", async || {
            reads.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            Err::<Fresh<Text>, _>("no luck")
        })
    };
    let answers = join_all((0..10).map(|_| failing())).await;
    assert!(answers.iter().all(|answer| *answer == Err("no luck")));
    assert_eq!(reads.load(SeqCst), 10, "each fails for itself");
    assert_eq!(Store::default().get(cache, "k").await, "version 0");
}

async fn who_gives_up_lets_others_read(cache: &Cache<Text>) {
    let store = Store::default();
    let (begun, has_begun) = oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let stuck = cache.get("k", async || {
        if let Some(begun) = begun.lock().unwrap().take() {
            begun.send(()).unwrap();
        }
        std::future::pending::<Result<Fresh<Text>, ()>>().await
    });
    let given_up = async {
        tokio::select! {
            _ = stuck => panic!("it never ends"),
            _ = has_begun => {}
        }
    };
    given_up.await;
    let soon = Duration::from_secs(5);
    let answer = tokio::time::timeout(soon, store.get(cache, "k")).await;
    assert_eq!(answer.unwrap(), "version 0");
}

async fn answers_end(cache: &Cache<Text>) {
    let reads = AtomicU32::new(0);
    let nothing = async || {
        reads.fetch_add(1, SeqCst);
        Ok::<_, ()>(tagged(Text(String::new())))
    };
    let begun = Instant::now();
    while reads.load(SeqCst) < 3 {
        cache.get("k", nothing).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(80),
        "absence is kept"
    );
    // What is there is kept for a minute.
    assert!(begun.elapsed() < Duration::from_secs(20), "not for long");
}

async fn memory_is_bounded(cache: &Cache<Text>) {
    let reads = AtomicU32::new(0);
    let large = async || {
        reads.fetch_add(1, SeqCst);
        Ok::<_, ()>(tagged(Text("x".repeat(10_000))))
    };
    for round in 0..2 {
        for number in 0..100 {
            cache
                .get(&format!("bounded {round} {number}"), large)
                .await
                .unwrap();
        }
    }
    let before = reads.load(SeqCst);
    for number in 0..100 {
        cache
            .get(&format!("bounded 0 {number}"), large)
            .await
            .unwrap();
    }
    assert!(reads.load(SeqCst) - before >= 80, "ten have room");
}

#[tokio::test]
async fn in_memory_the_cache_keeps_its_promises() {
    suite(async |options| Cache::new(options, None, Clock::System)).await;
}

#[tokio::test]
async fn with_a_redis_behind_it_the_cache_keeps_its_promises() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    suite(async |options| {
        server.flush();
        with_redis(&redis, options)
    })
    .await;
}

/// Reads once on one node, and waits until the other has it from there.
async fn handed_over(one: &Cache<Text>, other: &Cache<Text>, key: &str) {
    let (mine, theirs) = (Store::default(), Store::default());
    let begun = Instant::now();
    // A node that was started just now trusts nothing older than itself.
    for round in 0.. {
        let key = format!("{key} {round}");
        mine.get(one, &key).await;
        let before = theirs.reads.load(SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        theirs.get(other, &key).await;
        if theirs.reads.load(SeqCst) == before {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it comes to be shared"
        );
    }
}

const SHORT: Options = Options {
    age_max_ms: 300,
    ..OPTIONS
};

#[tokio::test]
async fn what_one_node_read_others_need_not_unless_they_know_better() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let nodes: [Cache<Text>; 2] = std::array::from_fn(|_| with_redis(&redis, SHORT));
    handed_over(&nodes[0], &nodes[1], "k").await;
    let (old, new) = (Store::default(), Store::default());
    new.version.store(1, SeqCst);
    old.get(&nodes[0], "changed").await;
    eventually(|| server.keys() > 0).await;
    nodes[1].drop_tag("thing");
    assert_eq!(
        new.get(&nodes[1], "changed").await,
        "version 1",
        "its own write is newer than whatever Redis has"
    );
}

#[tokio::test]
async fn whatever_redis_says_is_checked() {
    let Some(mut server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let nodes: Vec<Cache<Text>> = (0..4).map(|_| with_redis(&redis, SHORT)).collect();
    handed_over(&nodes[0], &nodes[1], "warm").await;
    let store = Store::default();
    store.get(&nodes[0], "k").await;
    eventually(|| server.keys() > 0).await;
    server.fill_with_garbage();
    assert_eq!(store.get(&nodes[1], "k").await, "version 0");
    assert_eq!(store.reads.load(SeqCst), 2, "read anew");
    server.flush();
    assert_eq!(store.get(&nodes[2], "k").await, "version 0");
    server.kill();
    assert_eq!(store.get(&nodes[3], "k").await, "version 0");
    server.start_again();
    eventually(|| !redis.is_away()).await;
}

#[tokio::test]
async fn old_values_that_redis_plays_again_are_not_believed() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let nodes: [Cache<Text>; 2] = std::array::from_fn(|_| with_redis(&redis, SHORT));
    handed_over(&nodes[0], &nodes[1], "warm").await;
    let store = Store::default();
    let begun = Instant::now();
    store.get(&nodes[0], "k").await;
    let keep = "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('PERSIST', key) end return 'OK'";
    eventually(|| server.command(&["EVAL", keep, "0"]) == "$2" && server.keys() > 0).await;
    // By now it is older than any answer may be, and still there.
    eventually(|| begun.elapsed() > Duration::from_millis(350)).await;
    assert!(server.keys() > 0);
    store.version.store(1, SeqCst);
    assert_eq!(store.get(&nodes[1], "k").await, "version 1");
}

#[tokio::test]
async fn a_frozen_redis_costs_time_and_no_answer() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = hasty(&server).await;
    let cache = with_redis(&redis, OPTIONS);
    server.freeze();
    let (store, begun) = (Store::default(), Instant::now());
    for number in 0..200 {
        assert_eq!(store.get(&cache, &format!("k{number}")).await, "version 0");
    }
    // If each waited for it, it would be ten seconds.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    server.thaw();
    eventually(|| !redis.is_away()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changed_it_never_reads_what_was_before() {
    const LAST: u32 = 500;
    let cache = Cache::<Text>::new(OPTIONS, None, Clock::System);
    let store = Arc::new(Store::default());
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        let (cache, store) = (cache.clone(), store.clone());
        readers.spawn(async move {
            while store.version.load(SeqCst) < LAST {
                let before = store.version.load(SeqCst);
                let answer = store.get(&cache, "k").await;
                let seen: u32 = answer.rsplit(' ').next().unwrap().parse().unwrap();
                // One change may not have been acknowledged yet.
                assert!(seen + 1 >= before, "{seen} after {before}");
            }
        });
    }
    for version in 1..=LAST {
        store.version.store(version, SeqCst);
        cache.drop_tag("thing");
        assert_eq!(store.get(&cache, "k").await, format!("version {version}"));
    }
    readers.join_all().await;
}
