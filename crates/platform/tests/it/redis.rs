//! The way to a real Redis: found, lost, frozen, found again; never waited for longer than the time-out.

use ::redis::cmd;
use platform::{
    redis::{Away, Options, Redis},
    tasks::Tasks,
};
use std::time::{Duration, Instant};

fn options() -> Options {
    Options {
        prefix: "tests".to_owned(),
        secret: "a secret of all nodes".to_owned(),
        timeout_ms: 10_000,
        connect_timeout_ms: 1_000,
        failures_max: 5,
        rest_ms: 100,
        errands_max: 64,
    }
}

pub(crate) fn at(url: &str) -> Redis {
    Redis::new(url, options()).unwrap()
}

/// A node's way to a server, open, that takes a busy machine for no outage. Its tasks end with the test.
pub(crate) async fn connected(server: &testkit::Redis) -> Redis {
    opened(server, options()).await
}

/// The same for a server that will be frozen: it is waited for as shortly as in a shop.
pub(crate) async fn hasty(server: &testkit::Redis) -> Redis {
    let options = Options {
        timeout_ms: 50,
        ..options()
    };
    opened(server, options).await
}

async fn opened(server: &testkit::Redis, options: Options) -> Redis {
    let redis = Redis::new(&server.url(), options).unwrap();
    redis.start(&Tasks::default());
    eventually(|| !redis.is_away()).await;
    redis
}

/// Waits until something is so.
pub(crate) async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, waiting)
        .await
        .expect("it comes to be so");
}

/// Waits until the loss was noticed.
pub(crate) async fn left_alone(redis: &Redis) {
    eventually(|| redis.is_away()).await;
}

#[tokio::test]
async fn an_answer_comes_and_a_key_of_somebody_else_s_making_breaks_nothing() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    let key = redis.key("room", "name");
    assert_eq!(key, "tests:room:name");
    redis.tell(cmd("SET").arg(&key).arg("value").take());
    eventually(|| server.keys() == 1).await;
    assert_eq!(
        redis.ask::<String>(cmd("GET").arg(&key)).await,
        Ok("value".to_owned())
    );
    server.command(&["DEL", &key]);
    server.command(&["RPUSH", &key, "x"]);
    for _ in 0..20 {
        assert_eq!(redis.ask::<String>(cmd("GET").arg(&key)).await, Err(Away));
    }
    assert!(!redis.is_away(), "the server is well; only the key is not");
}

#[tokio::test]
async fn a_frozen_server_is_left_alone_and_found_again() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let redis = hasty(&server).await;
    server.freeze();
    let begun = Instant::now();
    let ping = cmd("PING");
    let asked = (0..200).map(|_| redis.ask::<String>(&ping));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_err));
    // One after the other they would be waited for twice as long.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    left_alone(&redis).await;
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(redis.ask::<String>(&ping).await, Err(Away));
    }
    // If each waited, it would be fifty seconds.
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "nobody waits while it is left alone"
    );
    server.thaw();
    eventually(|| !redis.is_away()).await;
    assert!(redis.ask::<String>(&ping).await.is_ok());
}

#[tokio::test]
async fn a_server_that_died_is_found_when_it_is_back_even_if_nobody_asks() {
    let Some(mut server) = testkit::Redis::start() else {
        return;
    };
    let redis = connected(&server).await;
    for _ in 0..2 {
        server.kill();
        left_alone(&redis).await;
        server.start_again();
        eventually(|| !redis.is_away()).await;
    }
}

#[test]
fn seals_depend_on_the_secret_and_on_every_part() {
    let one = at("redis://127.0.0.1:1");
    let mut options = options();
    options.secret.push('!');
    let other = Redis::new("redis://127.0.0.1:1", options).unwrap();
    assert_eq!(one.seal(&[b"a", b"b"]), one.seal(&[b"a", b"b"]));
    assert_ne!(one.seal(&[b"a", b"b"]), one.seal(&[b"ab", b""]));
    assert_ne!(one.seal(&[b"a"]), other.seal(&[b"a"]));
}
