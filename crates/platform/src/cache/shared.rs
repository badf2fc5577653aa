//! What nodes read for each other, in Redis: each value in an envelope with its key, its time, its tags and a seal
//! over all of it. Whatever does not fit is taken for nothing. Nobody waits for a write.

use super::{Keep, Options};
use crate::{digest, redis::Redis};
use ::redis::cmd;
use contracts::values::Timestamp;
use std::time::Duration;

/// The layout of the envelope; another release's is another's.
const LAYOUT: u8 = 1;
/// Larger values are not worth the way.
const BYTES_MAX: usize = 256 * 1_024;
/// How far two nodes' clocks may be apart.
pub(super) const CLOCKS_APART_MS: u64 = 1_000;

pub(super) struct Shared {
    redis: Redis,
    options: Options,
}

/// A value that another node read.
pub(super) struct Known<V> {
    pub(super) value: V,
    pub(super) tags: Vec<String>,
    pub(super) age: Duration,
}

impl Shared {
    pub(super) fn new(redis: Redis, options: Options) -> Self {
        Self { redis, options }
    }

    pub(super) async fn get<V: Keep>(&self, key: &str, now: Timestamp) -> Option<Known<V>> {
        let get = cmd("GET").arg(self.key(key)).take();
        let found: Option<Vec<u8>> = self.redis.ask(&get).await.ok()?;
        self.open(key, &found?, now)
    }

    pub(super) fn put<V: Keep>(&self, key: &str, value: &V, tags: &[String], read_at: Timestamp) {
        if value.is_absent() || self.redis.is_away() {
            return;
        }
        let Some(envelope) = self.envelope(key, value, tags, read_at) else {
            return;
        };
        let mut set = cmd("SET");
        set.arg(self.key(key))
            .arg(envelope)
            .arg("PX")
            .arg(self.options.age_max_ms);
        self.redis.tell(set);
    }

    /// Keys may be long, and of somebody's choosing.
    fn key(&self, key: &str) -> String {
        let name = digest::sha256(&[key.as_bytes()]);
        self.redis.key(self.options.name, &digest::base64url(&name))
    }

    fn envelope<V: Keep>(
        &self,
        key: &str,
        value: &V,
        tags: &[String],
        read_at: Timestamp,
    ) -> Option<Vec<u8>> {
        let mut inside = read_at.as_ms().to_be_bytes().to_vec();
        inside.extend(u16::try_from(tags.len()).ok()?.to_be_bytes());
        for tag in tags {
            inside.extend(u16::try_from(tag.len()).ok()?.to_be_bytes());
            inside.extend(tag.as_bytes());
        }
        inside.extend(value.write());
        if inside.len() > BYTES_MAX {
            return None;
        }
        let mut envelope = vec![LAYOUT];
        envelope.extend(self.seal(key, &inside));
        envelope.extend(inside);
        Some(envelope)
    }

    fn open<V: Keep>(&self, key: &str, envelope: &[u8], now: Timestamp) -> Option<Known<V>> {
        let (layout, rest) = envelope.split_first()?;
        let (seal, inside) = rest.split_first_chunk::<32>()?;
        if *layout != LAYOUT || !digest::equal(seal, &self.seal(key, inside)) {
            return None;
        }
        let (read_at_ms, mut rest) = inside.split_first_chunk::<8>()?;
        let age = self.age(i64::from_be_bytes(*read_at_ms), now)?;
        let count = number(&mut rest)?;
        let mut tags = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let length = number(&mut rest)?;
            let (tag, after) = rest.split_at_checked(usize::from(length))?;
            tags.push(std::str::from_utf8(tag).ok()?.to_owned());
            rest = after;
        }
        Some(Known {
            value: V::read(rest)?,
            tags,
            age,
        })
    }

    /// A server that was frozen, or that somebody plays old values to, may have some that ended long ago.
    fn age(&self, read_at_ms: i64, now: Timestamp) -> Option<Duration> {
        let age_ms = now.as_ms().saturating_sub(read_at_ms);
        let earliest = i64::try_from(CLOCKS_APART_MS).ok()?.checked_neg()?;
        if age_ms < earliest {
            return None;
        }
        let age_ms = u64::try_from(age_ms.max(0)).ok()?;
        (age_ms < self.options.age_max_ms).then_some(Duration::from_millis(age_ms))
    }

    fn seal(&self, key: &str, inside: &[u8]) -> [u8; 32] {
        self.redis
            .seal(&[self.options.name.as_bytes(), key.as_bytes(), inside])
    }
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}
