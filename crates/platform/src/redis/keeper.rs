//! Keeps the connection: makes it, tries now and then whether it still answers, and leaves the server alone for
//! a while after it was lost. Requests never wait for any of this.

use super::{Link, Redis};
use crate::tasks::Tasks;
use ::redis::{AsyncConnectionConfig, Cmd, RedisResult, aio::MultiplexedConnection, cmd, pipe};
use contracts::BoxError;
use std::{sync::atomic::Ordering, time::Duration};
use tokio::sync::mpsc;

/// How often a connection that nobody uses is tried.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Errands that go together.
const ERRANDS_AT_A_TIME: usize = 64;

pub(super) fn start(redis: &Redis, tasks: &Tasks) {
    let keeper = redis.clone();
    tasks.start("redis", |stop| async move {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            never = keeper.keep() => match never {},
        }
    });
    let runner = redis.clone();
    let due = redis
        .inner
        .errands_due
        .lock()
        .ok()
        .and_then(|mut due| due.take());
    let Some(due) = due else {
        return;
    };
    tasks.start("redis-errands", |stop| async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = runner.run_errands(due) => {}
        }
        Ok(())
    });
}

impl Redis {
    async fn keep(&self) -> std::convert::Infallible {
        let mut is_known_to_be_away = false;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    if is_known_to_be_away {
                        tracing::info!("Redis is there again");
                    }
                    self.put(connection);
                    self.until_lost().await;
                    tracing::warn!(
                        "Redis is away: limits are counted here, products are read from the store"
                    );
                }
                Err(error) if !is_known_to_be_away => {
                    tracing::warn!(error = %error, "Redis cannot be reached; the shop goes on without it");
                }
                Err(error) => tracing::debug!(error = %error, "Redis cannot be reached"),
            }
            is_known_to_be_away = true;
            tokio::time::sleep(self.rest()).await;
        }
    }

    /// Within a quarter of the time set, so that not all nodes come back in the same moment.
    fn rest(&self) -> Duration {
        let [byte] = crate::digest::random::<1>().unwrap_or([128]);
        let rest_ms = self.inner.options.rest_ms;
        let some = rest_ms.saturating_mul(u64::from(byte)) / 1_024;
        Duration::from_millis(rest_ms.saturating_add(some))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, BoxError> {
        let longest = Duration::from_millis(self.inner.options.connect_timeout_ms);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(longest))
            // Each caller waits no longer than it wants to: see `Redis::run`.
            .set_response_timeout(None);
        let connecting = async {
            let client = &self.inner.client;
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            // A server that is frozen still takes connections.
            cmd("PING").query_async::<String>(&mut connection).await?;
            RedisResult::Ok(connection)
        };
        let connected = tokio::time::timeout(longest, connecting).await;
        Ok(connected.map_err(|_| "it does not answer in time")??)
    }

    fn put(&self, connection: MultiplexedConnection) {
        let number = self.inner.links.fetch_add(1, Ordering::Relaxed);
        self.inner.failures.store(0, Ordering::Relaxed);
        if let Ok(mut link) = self.inner.link.write() {
            *link = Some(Link { connection, number });
        }
        self.inner.metrics.up.set(1);
    }

    async fn until_lost(&self) {
        while !self.is_away() {
            tokio::select! {
                () = self.inner.lost.notified() => {}
                () = tokio::time::sleep(TRY_EVERY) => {
                    // What came of it was counted.
                    drop(self.ask::<String>(&cmd("PING")).await);
                }
            }
        }
    }

    async fn run_errands(&self, mut due: mpsc::Receiver<Cmd>) {
        let mut errands = Vec::with_capacity(ERRANDS_AT_A_TIME);
        while due.recv_many(&mut errands, ERRANDS_AT_A_TIME).await > 0 {
            let mut together = pipe();
            for errand in errands.drain(..) {
                together.add_command(errand).ignore();
            }
            let sent = self.run(async |mut connection| together.exec_async(&mut connection).await);
            if sent.await.is_err() {
                tracing::debug!("commands that nobody waits for were lost");
            }
        }
    }
}
