//! Named background tasks that stop together. Half a server is worse than a restart: a task that fails or
//! panics stops the process, unless it was started as one that may.

use crate::{deadline, trail};
use contracts::BoxError;
use futures_util::FutureExt;
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of a process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
}

impl Tasks {
    /// Starts a task that runs until the token says stop; if it fails before, everything stops.
    pub fn start<F, W>(&self, name: &'static str, work: W)
    where
        W: FnOnce(CancellationToken) -> F,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let running = work(self.stop.clone());
        let this = self.clone();
        self.tracker.spawn(async move {
            let why = match AssertUnwindSafe(running).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("task {name} failed: {error}"),
                Err(_) => format!("task {name} panicked"),
            };
            tracing::error!(task = name, "{why}");
            if let Ok(mut failure) = this.failure.lock() {
                failure.get_or_insert(why);
            }
            this.stop.cancel();
        });
    }

    /// Runs work to its end even if whoever waits for its answer goes away. A panic loses the answer only.
    /// The deadline of who starts it is handed on: parts that have not begun when it passes are refused, so
    /// whoever must not stop half-way does the rest under none. So are the request that it is done for, and from where
    /// that came.
    pub fn finish<T, F>(&self, work: F) -> impl Future<Output = Option<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let work = trail::along(trail::here(), work);
        let work = trail::coming_from(trail::client(), work);
        let handle = self
            .tracker
            .spawn(deadline::within(deadline::current(), work));
        async move { handle.await.ok() }
    }

    /// Tells everybody to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// The token that says stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until all have ended, at most this long; true if all did.
    pub async fn wait(&self, longest: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(longest, self.tracker.wait())
            .await
            .is_ok()
    }

    /// How many run just now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// What failed first, if anything did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().ok().and_then(|failure| failure.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_task_stops_the_others_and_is_named() {
        let tasks = Tasks::default();
        tasks.start("steady", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        tasks.start("broken", |_| async { Err("no luck".into()) });
        assert!(tasks.wait(Duration::from_secs(5)).await);
        assert_eq!(tasks.failure().unwrap(), "task broken failed: no luck");
    }

    #[tokio::test]
    async fn work_goes_on_when_its_waiter_leaves() {
        let tasks = Tasks::default();
        let (done, seen) = tokio::sync::oneshot::channel();
        drop(tasks.finish(async move { done.send(()) }));
        seen.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_is_finished_for_somebody_keeps_their_deadline() {
        let tasks = Tasks::default();
        let theirs = Some(deadline::Deadline::after(Duration::from_secs(5)));
        let seen = deadline::within(theirs, async {
            tasks.finish(async { deadline::current() }).await
        });
        assert_eq!(seen.await.unwrap(), theirs);
    }
}
