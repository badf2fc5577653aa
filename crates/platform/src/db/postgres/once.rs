//! A write that is one statement, and so a transaction by itself: one round trip, and what it locks is held no longer
//! than the server takes. It leaves no mark. Whoever uses it has keys in what it writes, so that it may be made again.

use super::{
    Connection, Database,
    failure::Kind,
    write::{Claim, PAUSE},
};
use crate::{
    db::{Abort, StoreError},
    deadline, fault,
};
use futures_util::future::BoxFuture;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// What became of one try.
enum Tried<T> {
    /// This, for certain.
    Done(Result<T, StoreError>),
    /// Rolled back because of others.
    Deadlock(StoreError),
    /// It may be kept or not.
    Lost(String),
}

impl Database {
    /// Makes one write with one statement, which `job` runs and nothing else. It must be one that may be made again:
    /// if the answer is lost it is, and has to find by its keys what it wrote before. Otherwise it is like
    /// [`Database::write`].
    ///
    /// # Errors
    /// When nothing is kept; or [`StoreError::Unknown`].
    pub async fn write_once<I, T, J>(&self, input: I, job: J) -> Result<T, StoreError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, StoreError>>
            + Send
            + Sync
            + 'static,
    {
        let work = move |database: Self, claim: Claim| async move {
            let connection = database.begin_for(&claim).await?;
            let made = database.make(connection, &input, &job);
            Ok::<T, Abort<Infallible>>(deadline::within(None, made).await?)
        };
        self.to_its_end(work).await.map_err(|abort| match abort {
            Abort::Failed(error) => error,
            Abort::Refused(never) => match never {},
        })
    }

    async fn make<I, T, J>(
        &self,
        connection: Connection,
        input: &I,
        job: &J,
    ) -> Result<T, StoreError>
    where
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut tried = self.try_once(connection, input, job).await;
        if let Tried::Deadlock(_) = tried {
            self.shared.metrics.deadlocks.inc();
            // So that those who were in the way have gone on by then.
            sleep(PAUSE).await;
            tried = self.try_once(self.read().await?, input, job).await;
        }
        match tried {
            Tried::Done(answer) => answer,
            Tried::Deadlock(error) => Err(error),
            Tried::Lost(why) => self.make_again(why, input, job).await,
        }
    }

    /// Makes it again, and so finds out: a try that is still under way is waited for at its keys.
    async fn make_again<I, T, J>(&self, why: String, input: &I, job: &J) -> Result<T, StoreError>
    where
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        self.shared.metrics.lost_answers.inc();
        tracing::warn!(
            schema = self.schema(),
            why,
            "the answer to a write was lost: it is made again"
        );
        let connection = self.found_again(&why).await?;
        match self.try_once(connection, input, job).await {
            Tried::Done(Ok(value)) => Ok(value),
            Tried::Done(Err(error @ StoreError::Constraint(_))) => Err(error),
            // The first try may still come: a server that was frozen reads late what was sent to it.
            Tried::Done(Err(error)) | Tried::Deadlock(error) => {
                Err(StoreError::Unknown(format!("{why}; {error}")))
            }
            Tried::Lost(why) => Err(StoreError::Unknown(why)),
        }
    }

    async fn try_once<I, T, J>(&self, connection: Connection, input: &I, job: &J) -> Tried<T>
    where
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let limit = Duration::from_millis(self.shared.options.write_timeout_ms.into());
        let now = Instant::now();
        let until = now.checked_add(limit).unwrap_or(now);
        fault::point("commit.before");
        match timeout_at(until, job(&connection, input)).await {
            Ok(Ok(value)) => {
                fault::point("commit.after");
                let took = now.elapsed().as_secs_f64();
                self.shared.metrics.commit_seconds.observe(took);
                self.note_commit();
                Tried::Done(Ok(value))
            }
            Ok(Err(error)) => match connection.failed() {
                Some(Kind::Deadlock) => Tried::Deadlock(error),
                Some(Kind::Gone) => Tried::Lost(error.to_string()),
                // The server says what was wrong with it: it has undone it.
                Some(Kind::Plain) | None => Tried::Done(Err(error)),
            },
            Err(_) => Tried::Lost("the database did not answer in time".to_owned()),
        }
    }
}
