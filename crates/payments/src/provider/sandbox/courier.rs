//! Delivers the sandbox's callbacks, signed, as often as its knobs say and until they are answered. It reaches the
//! shop only through the sink that it is given.

use super::{Sandbox, Told};
use crate::{
    domain::{later, retry_delay_ms},
    store::Courier,
};
use async_trait::async_trait;
use contracts::BoxError;
use platform::tasks::Tasks;
use std::{sync::Arc, time::Duration};

/// Callbacks delivered in one round.
const ROUND: u32 = 64;

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the couriers of other nodes leave callbacks alone that one has taken.
const LEFT_ALONE_MS: i64 = 10_000;

/// After this long nobody is called any more (Stripe gives up after three days, too).
const GIVE_UP_MS: i64 = 3 * 24 * 60 * 60 * 1_000;

/// Where callbacks go.
#[async_trait]
pub(crate) trait Sink: Send + Sync {
    /// Takes a callback; an error brings it again later.
    async fn take(&self, signature: &str, body: &[u8]) -> Result<(), BoxError>;
}

/// Starts the courier.
pub(crate) fn start(sandbox: Sandbox, sink: Arc<dyn Sink>, tasks: &Tasks) {
    tasks.start("sandbox-callbacks", move |stop| async move {
        loop {
            if let Err(error) = sandbox.round(&*sink).await {
                tracing::warn!(error = %error, "the sandbox's callbacks wait");
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    });
}

impl Sandbox {
    /// One round, by whoever knows the secret: the database may be away when a node starts.
    async fn round(&self, sink: &dyn Sink) -> Result<(), BoxError> {
        if !self.has_secret() {
            self.load_secret().await?;
        }
        self.deliver(sink).await
    }

    /// Brings what is due.
    async fn deliver(&self, sink: &dyn Sink) -> Result<(), BoxError> {
        let knobs = self.knobs();
        if knobs.down {
            return Ok(());
        }
        let now = self.clock.now();
        let again_at = later(now, LEFT_ALONE_MS);
        let mut due = self.book.take_callbacks(now, again_at, ROUND).await?;
        if knobs.reorder_callbacks {
            due.reverse();
        }
        for callback in due {
            let mut answered = true;
            for _ in 0..=knobs.duplicate_callbacks.min(1_000) {
                answered &= self.hand_over(sink, &callback).await;
            }
            let next_try_at = self.next_try(&callback, answered);
            self.book.end_callback(callback.number, next_try_at).await?;
        }
        Ok(())
    }

    async fn hand_over(&self, sink: &dyn Sink, callback: &Courier) -> bool {
        let told = Told {
            id: callback.event_id.clone(),
            kind: format!("charge.{}", callback.kind),
            key: callback.key.clone(),
        };
        let Ok(body) = serde_json::to_vec(&told) else {
            return false;
        };
        let Some(signature) = self.sign(&body, self.clock.now()) else {
            return false;
        };
        match sink.take(&signature, &body).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(event.id = callback.event_id, error = %error, "a callback comes again");
                false
            }
        }
    }

    fn next_try(&self, callback: &Courier, answered: bool) -> Option<contracts::values::Timestamp> {
        let now = self.clock.now();
        let given_up = now.as_ms() > callback.at.as_ms().saturating_add(GIVE_UP_MS);
        (!answered && !given_up).then(|| later(now, retry_delay_ms(callback.tries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PostgresBook;
    use platform::clock::Clock;
    use testkit::postgres::Postgres;

    struct Nobody;

    #[async_trait]
    impl Sink for Nobody {
        async fn take(&self, _: &str, _: &[u8]) -> Result<(), BoxError> {
            Err("nobody is here".into())
        }
    }

    #[tokio::test]
    async fn a_database_that_is_away_before_the_first_round_is_waited_for() {
        let Some(server) = Postgres::start() else {
            return;
        };
        let clock = Clock::System;
        let book = PostgresBook::open(server.place("sandbox"), clock.now()).await;
        let sandbox = Sandbox::new(Arc::new(book.unwrap()), Duration::ZERO, clock.clone());
        server.kill();
        assert!(sandbox.round(&Nobody).await.is_err());
        assert!(sandbox.sign(b"{}", clock.now()).is_none());
        server.restart();
        sandbox.round(&Nobody).await.unwrap();
        assert!(sandbox.sign(b"{}", clock.now()).is_some());
    }
}
