//! What ended on one node, told to the others through Redis, within a second or so. It is the shorter way only: each
//! node also hears it from identity's store, so that nothing is lost with Redis. What others write there ends nothing.

use super::Revocations;
use crate::{clock::Clock, digest, redis::Redis, tasks::Tasks};
use ::redis::{Cmd, cmd};
use contracts::values::{ApiKeyId, SessionId, UserId};
use std::time::Duration;

const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// Longer than any access token lives.
const KEEP_MS: u64 = 3_600_000;
/// Endings that are heard in one round; the next round goes on from there.
const HEARD_MAX: u32 = 10_000;
/// The server's clock may be put back a little, as when another takes over.
const OVERLAP_MS: u64 = 10_000;

/// Adds an ending under the server's time, forgets what is old, and lets all of it end with its last.
const ADD: &str = "
    local time = redis.call('TIME')
    local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
    local kind = redis.call('TYPE', KEYS[1])['ok']
    if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
    redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
    redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// What ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Session(SessionId),
    UserBefore(UserId, i64),
    Key(ApiKeyId),
}

/// The way to the other nodes.
#[derive(Debug)]
pub(super) struct Rumours(Redis);

impl Revocations {
    /// Tells other nodes what ends here, and hears from them, until the tasks stop. Only the first Redis counts.
    pub fn share(&self, redis: &Redis, tasks: &Tasks, clock: Clock) {
        let rumours = Rumours(redis.clone());
        if self.rumours.set(Rumours(redis.clone())).is_err() {
            return;
        }
        let revocations = self.clone();
        tasks.start("revocations", |stop| async move {
            let mut since_ms = 0;
            loop {
                if let Some((endings, until_ms)) = rumours.hear(since_ms).await {
                    since_ms = until_ms;
                    for ending in endings {
                        revocations.note(ending, clock.now());
                    }
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LISTEN_EVERY) => {}
                }
            }
        });
    }
}

impl Rumours {
    pub(super) fn tell(&self, ending: Ending) {
        let Some(rumour) = self.written(ending) else {
            return;
        };
        let mut add = cmd("EVAL");
        add.arg(ADD).arg(1).arg(self.key()).arg(rumour).arg(KEEP_MS);
        self.0.tell(add);
    }

    /// What was told since, and where to go on.
    async fn hear(&self, since_ms: u64) -> Option<(Vec<Ending>, u64)> {
        let told: Vec<(String, u64)> = self.0.ask(&self.range(since_ms)).await.ok()?;
        let last_ms = told.last().map(|(_, at_ms)| *at_ms);
        let next_ms = match last_ms {
            // A full round: the rest follows.
            Some(last_ms) if told.len() >= usize::try_from(HEARD_MAX).ok()? => last_ms,
            Some(last_ms) => last_ms.saturating_sub(OVERLAP_MS).max(since_ms),
            None => since_ms,
        };
        let endings = told.iter().filter_map(|(rumour, _)| self.read(rumour));
        Some((endings.collect(), next_ms))
    }

    fn range(&self, since_ms: u64) -> Cmd {
        let mut range = cmd("ZRANGEBYSCORE");
        range
            .arg(self.key())
            .arg(since_ms)
            .arg("+inf")
            .arg("WITHSCORES")
            .arg("LIMIT")
            .arg(0)
            .arg(HEARD_MAX);
        range
    }

    fn key(&self) -> String {
        self.0.key("ended", "all")
    }

    fn written(&self, ending: Ending) -> Option<String> {
        let text = match ending {
            Ending::Session(id) => format!("session {id}"),
            Ending::UserBefore(id, epoch) => format!("user {id} {epoch}"),
            Ending::Key(id) => format!("key {id}"),
        };
        Some(format!("{text} {}", self.seal(&text)?))
    }

    /// Only what a node of this shop wrote.
    fn read(&self, rumour: &str) -> Option<Ending> {
        let (text, seal) = rumour.rsplit_once(' ')?;
        if !digest::equal(seal.as_bytes(), self.seal(text)?.as_bytes()) {
            return None;
        }
        let mut words = text.split(' ');
        match (words.next()?, words.next()?, words.next()) {
            ("session", id, None) => Some(Ending::Session(id.parse().ok()?)),
            ("key", id, None) => Some(Ending::Key(id.parse().ok()?)),
            ("user", id, Some(epoch)) => {
                Some(Ending::UserBefore(id.parse().ok()?, epoch.parse().ok()?))
            }
            _ => None,
        }
    }

    fn seal(&self, text: &str) -> Option<String> {
        let seal = self.0.seal(&[b"ended", text.as_bytes()]);
        Some(digest::base64url(seal.first_chunk::<16>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Options;
    use contracts::values::Timestamp;

    fn redis(server: &testkit::Redis) -> Redis {
        let options = Options {
            prefix: "tests".to_owned(),
            secret: "a secret of all nodes".to_owned(),
            timeout_ms: 50,
            connect_timeout_ms: 1_000,
            failures_max: 5,
            rest_ms: 100,
            errands_max: 64,
        };
        Redis::new(&server.url(), options).unwrap()
    }

    struct Node {
        redis: Redis,
        revocations: Revocations,
    }

    async fn node(server: &testkit::Redis, tasks: &Tasks) -> Node {
        let redis = redis(server);
        redis.start(tasks);
        eventually("connected", || !redis.is_away()).await;
        let revocations = Revocations::default();
        revocations.share(&redis, tasks, Clock::System);
        Node { redis, revocations }
    }

    /// Five seconds is what was promised.
    async fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        in_time.unwrap_or_else(|_| panic!("{what}"));
    }

    #[tokio::test]
    async fn what_ends_on_one_node_ends_on_all_within_five_seconds() {
        let Some(mut server) = testkit::Redis::start() else {
            return;
        };
        let tasks = Tasks::default();
        let nodes = [node(&server, &tasks).await, node(&server, &tasks).await];
        let (session, user) = (SessionId::generate(), UserId::generate());
        let key = ApiKeyId::generate();
        nodes[0]
            .revocations
            .end_session(session, Timestamp::from_ms(0));
        nodes[1]
            .revocations
            .end_user_before(user, 3, Timestamp::from_ms(0));
        nodes[0].revocations.end_key(key, Timestamp::from_ms(0));
        eventually("the key", || nodes[1].revocations.has_key_ended(key)).await;
        eventually("the session", || nodes[1].revocations.has_ended(session)).await;
        eventually("the user", || {
            nodes[0].revocations.epoch_of(user) == Some(3)
        })
        .await;

        let late = node(&server, &tasks).await;
        eventually("told before it came", || {
            late.revocations.has_ended(session)
        })
        .await;

        server.fill_with_garbage();
        server.kill();
        eventually("noticed", || nodes.iter().all(|node| node.redis.is_away())).await;
        server.start_again();
        eventually("found", || nodes.iter().all(|node| !node.redis.is_away())).await;
        server.command(&["SET", "tests:ended:all", "garbage"]);
        let other = SessionId::generate();
        nodes[0]
            .revocations
            .end_session(other, Timestamp::from_ms(0));
        eventually("after a restart, over garbage", || {
            nodes[1].revocations.has_ended(other)
        })
        .await;
        tasks.stop();
    }

    #[tokio::test]
    async fn what_no_node_of_the_shop_wrote_ends_nothing() {
        let Some(server) = testkit::Redis::start() else {
            return;
        };
        let tasks = Tasks::default();
        let node = node(&server, &tasks).await;
        let (forged, true_one) = (SessionId::generate(), SessionId::generate());
        for text in [
            format!("session {forged} AAAA"),
            "x".to_owned(),
            String::new(),
        ] {
            server.command(&["ZADD", "tests:ended:all", "1", &text]);
        }
        let written = Rumours(redis(&server))
            .written(Ending::Session(true_one))
            .unwrap();
        server.command(&["ZADD", "tests:ended:all", "2", &written]);
        eventually("the true one", || node.revocations.has_ended(true_one)).await;
        assert!(!node.revocations.has_ended(forged));
        tasks.stop();
    }
}
