//! What a door must hear of identity when that runs elsewhere: the public keys, and what ended before its tokens did.
//! What was heard once stays known while identity is away: keys until identity says
//! others, endings as long as any token lives.

use crate::wiring::Services;
use contracts::{BoxError, identity::Identity, values::Timestamp};
use platform::{
    clock::Clock,
    http::{KeySet, Revocations},
    tasks::Tasks,
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A revocation reaches every node within five seconds: well before that it is asked for.
const LISTEN_EVERY: Duration = Duration::from_secs(2);
/// Rounds between two looks at the keys, once there are some.
const KEYS_EVERY: u32 = 5;
/// Commits become visible a little after the time they carry.
const OVERLAP_SECONDS: i64 = 10;
/// Longer than any access token lives.
const FIRST_SECONDS: i64 = 3_600;

/// A public key as identity publishes it (RFC 8037).
#[derive(Debug, Deserialize)]
struct Key {
    kid: String,
    x: String,
}

#[derive(Debug, Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

struct Follower {
    identity: Arc<dyn Identity>,
    keys: KeySet,
    revocations: Revocations,
    clock: Clock,
    /// Endings up to here are known.
    heard_until: Timestamp,
}

/// Listens until the tasks stop.
pub(crate) fn start(services: &Services, tasks: &Tasks) {
    let now = services.clock.now();
    let mut follower = Follower {
        identity: services.identity.clone(),
        keys: services.keys.clone(),
        revocations: services.revocations.clone(),
        clock: services.clock.clone(),
        heard_until: now.plus_seconds(FIRST_SECONDS.saturating_neg()),
    };
    tasks.start("identity-follower", |stop| async move {
        let mut round: u32 = 0;
        loop {
            if follower.keys.is_empty() || round.is_multiple_of(KEYS_EVERY) {
                warn(follower.learn_keys().await, "the public keys");
            }
            warn(follower.hear_endings().await, "what ended");
            round = round.wrapping_add(1);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LISTEN_EVERY) => {}
            }
        }
    });
}

fn warn(outcome: Result<(), BoxError>, what: &str) {
    if let Err(error) = outcome {
        tracing::warn!(error = %error, "identity could not be asked for {what}; it will be again");
    }
}

impl Follower {
    async fn learn_keys(&self) -> Result<(), BoxError> {
        let published = self.identity.public_keys().await?;
        let Keys { keys } = serde_json::from_value(published)?;
        let keys = keys.iter().map(|key| (key.kid.as_str(), key.x.as_str()));
        self.keys.replace(keys)
    }

    async fn hear_endings(&mut self) -> Result<(), BoxError> {
        let (round_began, asked_at) = (self.clock.now(), Instant::now());
        // The earlier of the two: the clock may have been set back.
        let since = self.heard_until.min(round_began);
        let since = since.plus_seconds(OVERLAP_SECONDS.saturating_neg());
        let ended = self.identity.ended_since(since).await?;
        self.revocations.take_in(ended);
        self.revocations.heard(asked_at);
        self.heard_until = round_began;
        Ok(())
    }
}
