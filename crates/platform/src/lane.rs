//! A lane for long work: a few threads of its own, which let everybody else go first. What is done in it takes as
//! long as it takes, and nobody outside it waits for a processor because of it. It has no queue: whoever sends work
//! has seen to it that a thread is free.
//!
//! Whoever goes last may be stopped anywhere, also while they hold a lock, and whoever wants that lock then waits as
//! long as everybody else wants the processor. So the threads that go last share nothing with the shop: each has a
//! partner that goes like others, takes work from the shop, waits, and tells what came of it.

use contracts::BoxError;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// As far behind as `nice` counts; whatever else can run goes first.
const NICENESS: i32 = 19;
/// After so long without work a thread gives back what it keeps for it.
const REST_AFTER: Duration = Duration::from_secs(10);

/// What follows the work, on the partner.
type Then = Box<dyn FnOnce() + Send>;
/// The work itself.
type Work = Box<dyn FnOnce() -> Then + Send>;

/// Some threads. Clones share them; they end with the last clone.
#[derive(Debug, Clone)]
pub struct Lane {
    jobs: SyncSender<Work>,
}

impl Lane {
    /// A lane of so many threads, called so; each calls `rest` when it had nothing to do for a while.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(name: &'static str, threads: usize, rest: fn()) -> io::Result<Self> {
        let (jobs, taken) = sync_channel(threads);
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..threads {
            let taken = Arc::clone(&taken);
            let (to_last, work) = sync_channel(1);
            let (done, from_last) = sync_channel(1);
            let last = thread::Builder::new().name(name.to_owned());
            last.spawn(move || go_last(&work, &done, rest))?;
            let partner = thread::Builder::new().name(format!("{name}-front"));
            partner.spawn(move || take_part(&taken, &to_last, &from_last))?;
        }
        Ok(Self { jobs })
    }

    /// Has the work done, and then, on a thread that goes like others, what follows from it: locks are for that. Both
    /// are done whether or not the outcome is waited for.
    ///
    /// # Errors
    /// When all threads are taken, or the work panicked.
    pub async fn run<T, U, W, F>(&self, work: W, then: F) -> Result<U, BoxError>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
        F: FnOnce(T) -> U + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job = move || -> Then {
            let done = work();
            // Nobody may be left to be told.
            Box::new(move || drop(tell.send(then(done))))
        };
        let sent = self.jobs.try_send(Box::new(job));
        sent.map_err(|_| "more work was sent than there are threads for it")?;
        Ok(told.await?)
    }
}

/// Brings work to the partner that goes last, one at a time, and does what follows.
fn take_part(
    jobs: &Mutex<Receiver<Work>>,
    to_last: &SyncSender<Work>,
    from_last: &Receiver<Option<Then>>,
) {
    loop {
        // Only one waits at the queue; the others wait for that place. Whoever has work has left it.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if to_last.send(job).is_err() {
            return;
        }
        // Whoever waits hears of a panic by their end of the channel; the threads go on.
        if let Ok(Some(then)) = from_last.recv() {
            drop(catch_unwind(AssertUnwindSafe(then)));
        }
    }
}

/// Does what the partner brings, behind everybody else. For this thread alone: Linux keeps a niceness for each
/// (setpriority(2), notes). To go back needs leave.
fn go_last(work: &Receiver<Work>, done: &SyncSender<Option<Then>>, rest: fn()) {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(error = %error, "long work goes before others");
    }
    loop {
        let job = match work.recv_timeout(REST_AFTER) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                rest();
                let Ok(job) = work.recv() else { return };
                job
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let then = catch_unwind(AssertUnwindSafe(job)).ok();
        if done.send(then).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn work_in_the_lane_goes_behind_everything_else() {
        let lane = Lane::open("test-lane", 2, || {}).unwrap();
        let before = niceness();
        let both = |worked: i32| (worked, niceness());
        let (one, other) = tokio::join!(lane.run(niceness, both), lane.run(niceness, both));
        let expected = (NICENESS, before);
        assert_eq!(
            one.unwrap(),
            expected,
            "the work goes last, what follows does not"
        );
        assert_eq!(other.unwrap(), expected);
        assert_eq!(niceness(), before, "and nobody else does");
    }

    #[tokio::test]
    async fn a_panic_loses_its_own_answer_only() {
        let lane = Lane::open("test-lane", 1, || {}).unwrap();
        let fails = || assert!(niceness() < 0, "on purpose");
        assert!(lane.run(fails, |()| ()).await.is_err());
        assert!(lane.run(|| (), move |()| fails()).await.is_err());
        assert_eq!(lane.run(|| 7, |seven| seven).await.unwrap(), 7);
    }
}
