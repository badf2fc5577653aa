//! A lane for long work: a few threads of its own, which let everybody else go first. What is done in it takes as
//! long as it takes, and nobody outside it waits for a processor because of it. It has no queue: whoever sends work
//! has seen to it that a thread is free.

use contracts::BoxError;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};
use tokio::sync::oneshot;

/// As far behind as `nice` counts; whatever else can run goes first.
const NICENESS: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// Some threads. Clones share them; they end with the last clone.
#[derive(Debug, Clone)]
pub struct Lane {
    jobs: SyncSender<Job>,
}

impl Lane {
    /// A lane of so many threads, called so.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(name: &'static str, threads: usize) -> io::Result<Self> {
        let (jobs, taken) = sync_channel(threads);
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..threads {
            let taken = Arc::clone(&taken);
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn(move || work_off(&taken))?;
        }
        Ok(Self { jobs })
    }

    /// Has the work done; it is done whether or not its outcome is waited for.
    ///
    /// # Errors
    /// When all threads are taken, or the work panicked.
    pub async fn run<T, W>(&self, work: W) -> Result<T, BoxError>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job = move || {
            // Nobody may be left to be told.
            drop(tell.send(work()));
        };
        let sent = self.jobs.try_send(Box::new(job));
        sent.map_err(|_| "more work was sent than there are threads for it")?;
        Ok(told.await?)
    }
}

fn work_off(jobs: &Mutex<Receiver<Job>>) {
    go_last();
    loop {
        // Only one waits at the queue; the others wait for that place. Whoever has work has left it.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // Whoever waits hears of a panic by their end of the channel; the thread goes on.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

/// For this thread alone: Linux keeps a niceness for each (setpriority(2), notes). To go back needs no leave of
/// anybody.
fn go_last() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(error = %error, "long work goes before others");
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
        let lane = Lane::open("test-lane", 2).unwrap();
        let before = niceness();
        let (one, other) = tokio::join!(lane.run(niceness), lane.run(niceness));
        assert_eq!((one.unwrap(), other.unwrap()), (NICENESS, NICENESS));
        assert_eq!(niceness(), before, "and nobody else does");
    }

    #[tokio::test]
    async fn a_panic_loses_its_own_answer_only() {
        let lane = Lane::open("test-lane", 1).unwrap();
        let lost = lane.run(|| assert!(niceness() < 0, "on purpose")).await;
        assert!(lost.is_err());
        assert_eq!(lane.run(|| 7).await.unwrap(), 7);
    }
}
