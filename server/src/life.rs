//! How a process lives and ends: what it says to probes, its listeners, its work in the background, and the
//! order in which they stop.

use crate::config::Http;
use platform::{http::Readiness, tasks::Tasks};
use std::time::Duration;

/// How long work in the background may take to stop.
const WORK_STOPS_WITHIN: Duration = Duration::from_secs(5);

/// The running parts of a process.
pub(crate) struct Life {
    /// What it says to probes.
    pub(crate) readiness: Readiness,
    /// Its listeners, and the requests that came through them.
    pub(crate) doors: Tasks,
    /// Everything else.
    pub(crate) work: Tasks,
}

impl Life {
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            doors: Tasks::default(),
            work: Tasks::default(),
        }
    }

    /// Ends when a part has failed, and says which.
    pub(crate) async fn failed(&self) -> String {
        tokio::select! {
            () = self.doors.stopping().cancelled_owned() => {}
            () = self.work.stopping().cancelled_owned() => {}
        }
        self.doors
            .failure()
            .or_else(|| self.work.failure())
            .unwrap_or_else(|| "the shop was stopped".to_owned())
    }

    /// Says so to whoever asks `/readyz`, goes on until they had time to hear it, takes no new requests, finishes
    /// the open ones, then stops the rest. True if nothing had to be cut off.
    pub(crate) async fn end(&self, http: &Http) -> bool {
        self.readiness.drain();
        // Whoever failed has nothing to wait for.
        if !self.doors.stopping().is_cancelled() {
            tokio::time::sleep(http.shutdown_delay()).await;
        }
        self.doors.stop();
        let longest = Duration::from_millis(http.stop_wait_ms);
        let finished = self.doors.wait(longest).await;
        self.work.stop();
        finished && self.work.wait(WORK_STOPS_WITHIN).await
    }
}
