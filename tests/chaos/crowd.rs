//! Everybody at once: the simulation's people, each a task. Decides nothing.

use crate::{cluster::until, street::Street};
use futures_util::{StreamExt, future::join_all, stream};
use sim::people::{Board, buyer, keepers};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long everybody may take to finish what they have begun.
const FINISH: Duration = Duration::from_secs(120);
/// People who buy something when all is over.
const LAST: usize = 60;
/// Of these, so many at a time.
const AT_ONCE: usize = 8;
/// What the keys of the last purchases are counted from: nobody's of before.
const NEW_KEYS: u64 = 1_000_000;

/// People who go about their business.
pub(crate) struct Crowd {
    board: Board,
    people: JoinSet<()>,
}

impl Crowd {
    /// They come.
    pub(crate) fn gather(street: &Street, seed: u64) -> Self {
        let (board, mut people) = (Board::default(), JoinSet::new());
        let town = &street.town;
        for (number, who) in (0..).zip(&street.buyers) {
            let buyer = buyer(town, seed, number, who.clone()).live(board.clone());
            people.spawn(async move { drop(buyer.await) });
        }
        for keeper in keepers(town, seed, "k", street.keepers.clone()) {
            let keeper = keeper.live(board.clone());
            people.spawn(async move { drop(keeper.await) });
        }
        Self { board, people }
    }

    /// Waits until so many more orders are taken.
    pub(crate) async fn has_bought(&self, street: &Street, more: usize) {
        let record = &street.town.record;
        let count = || record.count(|one| one.order().is_some());
        let enough = count() + more;
        until("more is bought", || async { count() >= enough }).await;
    }

    /// What is begun is finished, nothing new is begun.
    pub(crate) async fn go_home(mut self) {
        self.board.close();
        let gone = async {
            while let Some(one) = self.people.join_next().await {
                one.unwrap();
            }
        };
        let gone = tokio::time::timeout(FINISH, gone).await;
        assert!(gone.is_ok(), "somebody still waits for an answer");
    }
}

/// When all is whole, everything must just work: the shelves are filled once more, and people buy.
pub(crate) async fn last_things(street: &Street, seed: u64) {
    let town = &street.town;
    let heirs = keepers(town, !seed, "heir", street.keepers.clone());
    join_all(heirs.map(|mut keeper| async move { keeper.last_restock().await })).await;
    let purchases = (NEW_KEYS..).zip(&street.buyers).take(LAST);
    let purchases = purchases.map(|(number, who)| async move {
        let mut buyer = buyer(town, !seed, number, who.clone());
        buyer.last_purchase().await;
    });
    stream::iter(purchases)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}
