//! Moves of payments, many in one commit where money is booked: all who book wait for the ledger's head, so that a
//! commit a payment would be the speed of the whole shop. One that cannot be written takes no neighbour along.

use super::{payments, rows::other};
use crate::{
    domain::Payment,
    store::{Change, Taken},
};
use platform::{
    batch::{Batcher, Limits, SubmitError},
    db::{Abort, StoreError, postgres::Database},
    tasks::Tasks,
};

/// Bounds of what is booked together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Moves that may wait.
    pub(crate) queue_max: u32,
    /// Moves in one commit.
    pub(crate) batch_max: u32,
}

pub(super) type Move = (Payment, Change);
pub(super) type Moved = Result<Option<Payment>, Abort<Taken>>;

/// The queue of moves that book money.
#[derive(Debug)]
pub(super) struct Taking(Batcher<Move, Moved>);

impl Taking {
    pub(super) fn start(tasks: &Tasks, bounds: Bounds, database: &Database) -> Self {
        let many = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let limits = Limits {
            queue_max: many(bounds.queue_max),
            batch_max: many(bounds.batch_max),
            weight_max: many(bounds.batch_max),
            // Two would wait for one another at the ledger's head.
            in_flight_max: 1,
        };
        let database = database.clone();
        Self(Batcher::start(
            tasks,
            "payments-ledger",
            limits,
            move |batch| {
                let database = database.clone();
                Box::pin(async move { all_or_each(&database, batch).await })
            },
        ))
    }

    pub(super) async fn submit(&self, one: Move) -> Moved {
        let answered = self.0.submit(one, 1).await;
        answered.unwrap_or_else(|error| {
            Err(Abort::Failed(match error {
                SubmitError::Full => StoreError::Overloaded,
                SubmitError::Late => StoreError::Late,
                SubmitError::Lost => StoreError::Lost(error.to_string()),
            }))
        })
    }
}

/// All in one commit; and if one of them cannot be, each in its own.
async fn all_or_each(database: &Database, batch: Vec<Move>) -> Vec<Moved> {
    let failed = match write_all(database, batch.clone()).await {
        Ok(moved) => return moved.into_iter().map(Ok).collect(),
        Err(failed) => failed,
    };
    let is_one_of_them = match &failed {
        Abort::Refused(Taken) | Abort::Failed(StoreError::Constraint(_) | StoreError::Other(_)) => {
            true
        }
        Abort::Failed(
            StoreError::Overloaded
            | StoreError::Late
            | StoreError::Full
            | StoreError::Lost(_)
            | StoreError::Away(_)
            | StoreError::Unknown(_),
        ) => false,
    };
    if !is_one_of_them || batch.len() == 1 {
        return batch.iter().map(|_| Err(again(&failed))).collect();
    }
    let mut answers = Vec::with_capacity(batch.len());
    for one in batch {
        let moved = write_all(database, vec![one]).await;
        answers.push(moved.map(|moved| moved.into_iter().next().flatten()));
    }
    answers
}

fn again(failed: &Abort<Taken>) -> Abort<Taken> {
    match failed {
        Abort::Refused(Taken) => Abort::Refused(Taken),
        Abort::Failed(error) => Abort::Failed(error.again()),
    }
}

/// Moves all in one commit: where each stands then, in their order; `None` for what somebody else moved.
pub(super) async fn write_all(
    database: &Database,
    moves: Vec<Move>,
) -> Result<Vec<Option<Payment>>, Abort<Taken>> {
    let count = moves.len();
    let moved = database
        .write(moves, |c, moves| Box::pin(payments::advance_all(c, moves)))
        .await?;
    if moved.len() == count {
        Ok(moved)
    } else {
        Err(other("not every move was answered").into())
    }
}
