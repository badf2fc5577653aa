//! Group commit between services: a bounded queue whose wishes are worked off in batches, an answer each.
//! No timer: while one batch is at work the next one gathers, and whoever is ready to join one may, so an idle shop
//! never waits. It begins nothing for somebody who has gone or does not wait any more.

mod pace;

use crate::{
    deadline::{self, Deadline},
    metrics,
    tasks::Tasks,
    trail::{self, Trail},
};
use pace::Pace;
use prometheus_client::metrics::gauge::Gauge;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::Instant,
};

/// Bounds of a batcher.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wishes that may wait; one more is refused.
    pub queue_max: usize,
    /// Wishes in one batch.
    pub batch_max: usize,
    /// Weight in one batch (such as order lines); a single wish may weigh more.
    pub weight_max: usize,
    /// Batches at work at a time.
    pub in_flight_max: usize,
}

/// Why a wish has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// No room to wait.
    #[error("the queue is full")]
    Full,
    /// Its deadline passed before any work began.
    #[error("the time was over before the work began")]
    Late,
    /// The batcher stopped, or its worker fell over, before there was an answer.
    #[error("the answer was lost")]
    Lost,
}

/// A batch that gathers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Load {
    count: usize,
    weight: usize,
}

impl Load {
    /// The load with one more wish of this weight, if that fits. The first always does.
    fn with(self, weight: usize, count_max: usize, weight_max: usize) -> Option<Self> {
        let next = Self {
            count: self.count.saturating_add(1),
            weight: self.weight.saturating_add(weight),
        };
        let fits = next.count <= count_max && next.weight <= weight_max;
        (fits || self.count == 0).then_some(next)
    }
}

struct Waiting<W, A> {
    wish: W,
    weight: usize,
    deadline: Option<Deadline>,
    trail: Trail,
    answer: oneshot::Sender<Result<A, SubmitError>>,
}

impl<W, A> Waiting<W, A> {
    /// Itself, unless there is nobody to do it for.
    fn still_wanted(self) -> Option<Self> {
        if self.deadline.is_some_and(|deadline| deadline.has_passed()) {
            drop(self.answer.send(Err(SubmitError::Late)));
            return None;
        }
        (!self.answer.is_closed()).then_some(self)
    }
}

/// A future in a box, as batch workers return them.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A queue of wishes `W`, each answered with an `A`.
#[derive(Debug)]
pub struct Batcher<W, A> {
    queue: mpsc::Sender<Waiting<W, A>>,
    depth: Gauge,
}

impl<W: Send + 'static, A: Send + 'static> Batcher<W, A> {
    /// Starts a batcher. `work` gets each batch and gives the answers in the same order.
    pub fn start<F>(tasks: &Tasks, name: &'static str, limits: Limits, work: F) -> Self
    where
        F: Fn(Vec<W>) -> BoxFuture<Vec<A>> + Send + Sync + 'static,
    {
        let (queue, waiting) = mpsc::channel(limits.queue_max.max(1));
        let depth = metrics::queue_depth(name);
        let mut gatherer = Gatherer {
            waiting,
            held: None,
            count_max: limits.batch_max,
            pace: Arc::new(Mutex::new(Pace::new(limits.weight_max))),
            depth: depth.clone(),
        };
        let workers = tasks.clone();
        let work = Arc::new(work);
        tasks.start(name, move |stop| async move {
            let permits = Arc::new(Semaphore::new(limits.in_flight_max.max(1)));
            loop {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                    return Ok(());
                };
                let first = tokio::select! {
                    first = gatherer.first() => first,
                    () = stop.cancelled() => return Ok(()),
                };
                let Some(first) = first else { return Ok(()) };
                // Requests that can be read already run before this goes on. Without that a writer that goes first, on
                // a single processor, would commit each alone (ADR 110).
                tokio::task::yield_now().await;
                let Some(first) = first.still_wanted() else {
                    continue;
                };
                let batch = gatherer.all(first);
                let (work, pace) = (Arc::clone(&work), Arc::clone(&gatherer.pace));
                drop(workers.finish(async move {
                    let began = Instant::now();
                    do_all(batch, &*work).await;
                    if let Ok(mut pace) = pace.lock() {
                        pace.learn(began.elapsed());
                    }
                    drop(permit);
                }));
            }
        });
        Self { queue, depth }
    }

    /// Queues a wish of this weight and waits for its answer.
    ///
    /// # Errors
    /// At once [`SubmitError::Full`] when there is no room and [`SubmitError::Late`] when the caller's deadline
    /// has passed; nothing was done then.
    pub async fn submit(&self, wish: W, weight: usize) -> Result<A, SubmitError> {
        let (answer, wait) = oneshot::channel();
        let deadline = deadline::current();
        if deadline.is_some_and(|deadline| deadline.has_passed()) {
            return Err(SubmitError::Late);
        }
        self.queue
            .try_send(Waiting {
                wish,
                weight,
                deadline,
                trail: trail::here(),
                answer,
            })
            .map_err(|_| SubmitError::Full)?;
        self.depth.inc();
        wait.await.map_err(|_| SubmitError::Lost)?
    }
}

async fn do_all<W, A>(batch: Vec<Waiting<W, A>>, work: &impl Fn(Vec<W>) -> BoxFuture<Vec<A>>) {
    let trail = trail_of(&batch);
    let (wishes, answers): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|waiting| (waiting.wish, waiting.answer))
        .unzip();
    let results = trail::along(trail, work(wishes)).await;
    for (answer, result) in answers.into_iter().zip(results) {
        // Whoever left loses the answer, not the effect: their key finds it again.
        drop(answer.send(Ok(result)));
    }
}

/// In an idle shop a batch has one wish. In a busy one the first one's id stands for all in the logs; but a trace is
/// that of all, or none: what comes of one wish must not be told of as another's.
fn trail_of<W, A>(batch: &[Waiting<W, A>]) -> Trail {
    let mut trails = batch.iter().map(|waiting| &waiting.trail);
    let mut trail = trails.next().cloned().unwrap_or_default();
    if trails.any(|other| other.trace != trail.trace) {
        trail.trace = None;
    }
    trail
}

struct Gatherer<W, A> {
    waiting: mpsc::Receiver<Waiting<W, A>>,
    held: Option<Waiting<W, A>>,
    count_max: usize,
    pace: Arc<Mutex<Pace>>,
    depth: Gauge,
}

impl<W, A> Gatherer<W, A> {
    /// Waits for a first wish.
    async fn first(&mut self) -> Option<Waiting<W, A>> {
        loop {
            let next = match self.held.take() {
                Some(held) => held,
                None => self.waiting.recv().await?,
            };
            self.depth.dec();
            if let Some(next) = next.still_wanted() {
                return Some(next);
            }
        }
    }

    /// The first, and what else is there, within the limits.
    fn all(&mut self, first: Waiting<W, A>) -> Vec<Waiting<W, A>> {
        let weight_max = self.pace.lock().map_or(1, |pace| pace.weight_now());
        let mut load = Load {
            count: 1,
            weight: first.weight,
        };
        let mut batch = vec![first];
        while let Ok(next) = self.waiting.try_recv() {
            match load.with(next.weight, self.count_max, weight_max) {
                None => {
                    self.held = Some(next);
                    break;
                }
                Some(more) => {
                    self.depth.dec();
                    if let Some(next) = next.still_wanted() {
                        load = more;
                        batch.push(next);
                    }
                }
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_at_either_limit_and_is_never_empty() {
        for (weights, count_max, weight_max, expected) in [
            (vec![], 4, 10, 0),
            (vec![1, 1, 1], 4, 10, 3),
            (vec![1, 1, 1, 1, 1], 4, 10, 4),
            (vec![6, 4, 1], 4, 10, 2),
            (vec![99, 1], 4, 10, 1),
            (vec![1, 99], 4, 10, 1),
            (vec![usize::MAX, usize::MAX], 4, usize::MAX, 2),
            (vec![5], 0, 0, 1),
        ] {
            let mut load = Load::default();
            for weight in &weights {
                let Some(more) = load.with(*weight, count_max, weight_max) else {
                    break;
                };
                load = more;
            }
            assert_eq!(load.count, expected, "{weights:?}");
        }
    }

    #[tokio::test]
    async fn every_wish_gets_its_own_answer_and_batches_form_under_load() {
        let tasks = Tasks::default();
        let limits = Limits {
            queue_max: 1_000,
            batch_max: 64,
            weight_max: 1_000,
            in_flight_max: 1,
        };
        let (sizes, mut seen) = mpsc::channel(1_000);
        let batcher = Arc::new(Batcher::start(
            &tasks,
            "double",
            limits,
            move |wishes: Vec<u64>| {
                let sizes = sizes.clone();
                Box::pin(async move {
                    sizes.send(wishes.len()).await.unwrap();
                    tokio::task::yield_now().await;
                    wishes.into_iter().map(|n| n * 2).collect()
                })
            },
        ));
        let calls = (0..500_u64).map(|n| {
            let batcher = Arc::clone(&batcher);
            async move { assert_eq!(batcher.submit(n, 1).await, Ok(n * 2)) }
        });
        futures_util::future::join_all(calls).await;
        let mut batches = Vec::new();
        while let Ok(size) = seen.try_recv() {
            batches.push(size);
        }
        assert_eq!(batches.iter().sum::<usize>(), 500);
        assert!(
            batches.len() < 100 && batches.iter().all(|size| *size <= 64),
            "{batches:?}"
        );
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let tasks = Tasks::default();
        let limits = Limits {
            queue_max: 1,
            batch_max: 1,
            weight_max: 1,
            in_flight_max: 1,
        };
        let pass = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&pass);
        let batcher = Arc::new(Batcher::start(
            &tasks,
            "stuck",
            limits,
            move |wishes: Vec<()>| {
                let held = Arc::clone(&held);
                Box::pin(async move {
                    drop(held.acquire().await);
                    wishes
                })
            },
        ));
        let calls = (0..8).map(|_| {
            let batcher = Arc::clone(&batcher);
            async move {
                tokio::time::timeout(std::time::Duration::from_millis(50), batcher.submit((), 1))
                    .await
            }
        });
        let answers = futures_util::future::join_all(calls).await;
        pass.close();
        assert!(
            answers
                .iter()
                .filter(|answer| matches!(answer, Ok(Err(SubmitError::Full))))
                .count()
                >= 5
        );
    }

    /// A batcher whose batches tell what they were given, and wait to be let go on.
    struct Gate {
        batcher: Arc<Batcher<u32, u32>>,
        seen: mpsc::Receiver<Vec<u32>>,
        pass: Arc<Semaphore>,
        _tasks: Tasks,
    }

    fn gate() -> Gate {
        let tasks = Tasks::default();
        let limits = Limits {
            queue_max: 100,
            batch_max: 100,
            weight_max: 100,
            in_flight_max: 1,
        };
        let (tell, seen) = mpsc::channel(100);
        let pass = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&pass);
        let batcher = Batcher::start(&tasks, "gate", limits, move |wishes: Vec<u32>| {
            let (tell, held) = (tell.clone(), Arc::clone(&held));
            Box::pin(async move {
                tell.send(wishes.clone()).await.unwrap();
                held.acquire().await.unwrap().forget();
                wishes
            })
        });
        Gate {
            batcher: Arc::new(batcher),
            seen,
            pass,
            _tasks: tasks,
        }
    }

    #[tokio::test]
    async fn nothing_is_begun_for_whoever_has_gone_not_even_as_the_first_of_a_batch() {
        let mut gate = gate();
        let call = |n| {
            let batcher = Arc::clone(&gate.batcher);
            tokio::task::spawn_local(async move { batcher.submit(n, 1).await })
        };
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let first = call(1);
                assert_eq!(gate.seen.recv().await.unwrap(), [1]);
                let gone = call(2);
                let stays = call(3);
                tokio::task::yield_now().await;
                gone.abort();
                assert!(gone.await.is_err());
                gate.pass.add_permits(2);
                assert_eq!(gate.seen.recv().await.unwrap(), [3]);
                assert_eq!((first.await.unwrap(), stays.await.unwrap()), (Ok(1), Ok(3)));
            })
            .await;
    }

    #[tokio::test]
    async fn whoever_s_time_is_over_is_refused_before_the_work_and_its_batch_mates_are_not() {
        let mut gate = gate();
        let now = Some(Deadline::after(std::time::Duration::ZERO));
        let refused = deadline::within(now, gate.batcher.submit(0, 1)).await;
        assert_eq!(refused, Err(SubmitError::Late), "not even queued");
        let soon = Deadline::after(std::time::Duration::from_millis(20));
        let (first, (late, mate, ())) = tokio::join!(gate.batcher.submit(1, 1), async {
            assert_eq!(gate.seen.recv().await.unwrap(), [1]);
            tokio::join!(
                deadline::within(Some(soon), gate.batcher.submit(2, 1)),
                gate.batcher.submit(3, 1),
                async {
                    tokio::time::sleep_until(soon.moment()).await;
                    gate.pass.add_permits(2);
                    assert_eq!(gate.seen.recv().await.unwrap(), [3]);
                }
            )
        });
        assert_eq!((first, late, mate), (Ok(1), Err(SubmitError::Late), Ok(3)));
    }
}
