//! Group commit between services: a bounded queue whose wishes are worked off in batches, an answer each.
//! No timer: while one batch is at work the next one gathers, so an idle shop never waits.

use crate::tasks::Tasks;
use std::{future::Future, pin::Pin, sync::Arc};
use tokio::sync::{Semaphore, mpsc, oneshot};

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

/// The queue is full: come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// No room to wait.
    #[error("the queue is full")]
    Full,
    /// The batcher stopped, or its worker fell over, before there was an answer.
    #[error("the answer was lost")]
    Lost,
}

/// How many of the waiting wishes (their weights, in order) make the next batch: at least one if any.
///
/// ```
/// use platform::batch::plan;
/// assert_eq!(plan([2, 2, 2], 256, 5), 2);
/// assert_eq!(plan([1_112, 1], 256, 1_000), 1);
/// ```
#[must_use]
pub fn plan(
    weights: impl IntoIterator<Item = usize>,
    batch_max: usize,
    weight_max: usize,
) -> usize {
    let mut total = 0_usize;
    let mut count = 0_usize;
    for weight in weights.into_iter().take(batch_max.max(1)) {
        total = total.saturating_add(weight);
        if count > 0 && total > weight_max {
            break;
        }
        count = count.saturating_add(1);
    }
    count
}

struct Waiting<W, A> {
    wish: W,
    weight: usize,
    answer: oneshot::Sender<A>,
}

/// A future in a box, as batch workers return them.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A queue of wishes `W`, each answered with an `A`.
#[derive(Debug)]
pub struct Batcher<W, A> {
    queue: mpsc::Sender<Waiting<W, A>>,
}

impl<W: Send + 'static, A: Send + 'static> Batcher<W, A> {
    /// Starts a batcher. `work` gets each batch and gives the answers in the same order.
    pub fn start<F>(tasks: &Tasks, name: &'static str, limits: Limits, work: F) -> Self
    where
        F: Fn(Vec<W>) -> BoxFuture<Vec<A>> + Send + Sync + 'static,
    {
        let (queue, waiting) = mpsc::channel(limits.queue_max.max(1));
        let workers = tasks.clone();
        let work = Arc::new(work);
        tasks.start(name, move |stop| async move {
            let mut gatherer = Gatherer {
                waiting,
                held: None,
                limits,
            };
            let permits = Arc::new(Semaphore::new(limits.in_flight_max.max(1)));
            loop {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                    return Ok(());
                };
                let batch = tokio::select! {
                    batch = gatherer.next() => batch,
                    () = stop.cancelled() => return Ok(()),
                };
                let Some(batch) = batch else { return Ok(()) };
                let work = Arc::clone(&work);
                drop(workers.finish(async move {
                    let (wishes, answers): (Vec<_>, Vec<_>) = batch
                        .into_iter()
                        .map(|waiting| (waiting.wish, waiting.answer))
                        .unzip();
                    for (answer, result) in answers.into_iter().zip(work(wishes).await) {
                        // Whoever left loses the answer, not the effect: their key finds it again.
                        drop(answer.send(result));
                    }
                    drop(permit);
                }));
            }
        });
        Self { queue }
    }

    /// Queues a wish of this weight and waits for its answer.
    ///
    /// # Errors
    /// [`SubmitError::Full`] at once when there is no room; nothing was done then.
    pub async fn submit(&self, wish: W, weight: usize) -> Result<A, SubmitError> {
        let (answer, wait) = oneshot::channel();
        self.queue
            .try_send(Waiting {
                wish,
                weight,
                answer,
            })
            .map_err(|_| SubmitError::Full)?;
        wait.await.map_err(|_| SubmitError::Lost)
    }
}

struct Gatherer<W, A> {
    waiting: mpsc::Receiver<Waiting<W, A>>,
    held: Option<Waiting<W, A>>,
    limits: Limits,
}

impl<W, A> Gatherer<W, A> {
    /// Waits for a first wish, then takes what is there, within the limits. Wishes whose client has gone
    /// before any work began are dropped.
    async fn next(&mut self) -> Option<Vec<Waiting<W, A>>> {
        let first = match self.held.take() {
            Some(held) => held,
            None => self.waiting.recv().await?,
        };
        let mut weights = vec![first.weight];
        let mut batch = vec![first];
        while let Ok(next) = self.waiting.try_recv() {
            if next.answer.is_closed() {
                continue;
            }
            weights.push(next.weight);
            let fits = plan(
                weights.iter().copied(),
                self.limits.batch_max,
                self.limits.weight_max,
            );
            if fits < weights.len() {
                self.held = Some(next);
                break;
            }
            batch.push(next);
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_at_either_limit_and_is_never_empty() {
        for (weights, batch_max, weight_max, expected) in [
            (vec![], 4, 10, 0),
            (vec![1, 1, 1], 4, 10, 3),
            (vec![1, 1, 1, 1, 1], 4, 10, 4),
            (vec![6, 4, 1], 4, 10, 2),
            (vec![99, 1], 4, 10, 1),
            (vec![1, 99], 4, 10, 1),
            (vec![usize::MAX, usize::MAX], 4, usize::MAX, 2),
            (vec![5], 0, 0, 1),
        ] {
            assert_eq!(
                plan(weights.clone(), batch_max, weight_max),
                expected,
                "{weights:?}"
            );
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
        let batcher = Arc::new(Batcher::start(&tasks, "stuck", limits, |wishes: Vec<()>| {
            Box::pin(async move {
                std::future::pending::<()>().await;
                wishes
            })
        }));
        let calls = (0..8).map(|_| {
            let batcher = Arc::clone(&batcher);
            async move {
                tokio::time::timeout(std::time::Duration::from_millis(50), batcher.submit((), 1))
                    .await
            }
        });
        let answers = futures_util::future::join_all(calls).await;
        assert!(
            answers
                .iter()
                .filter(|answer| matches!(answer, Ok(Err(SubmitError::Full))))
                .count()
                >= 5
        );
    }
}
