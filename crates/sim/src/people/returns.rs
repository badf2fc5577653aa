//! What was sent comes back: buyers ask, those who run the shop answer and receive.

use super::{Board, Buyer, Keeper, TRIES};
use crate::client::{Wish, price};
use checker::{Action, Outcome, Told};
use contracts::{
    orders::{OrderView, ReturnView},
    values::{OrderId, ReturnId},
};

impl Buyer {
    /// Looks at one of the own orders that was sent, and asks to bring some of it back; now and then at any other, and
    /// now and then for more than is left.
    pub(super) async fn bring_back(&mut self, board: &Board) {
        let sent = board.sent.lock().expect("the board").clone();
        let own: Vec<OrderId> = sent
            .into_iter()
            .filter(|id| self.own.contains(id))
            .collect();
        let any = if self.client.random.chance(100) {
            self.one_of_own()
        } else {
            self.client.random.pick(&own).copied()
        };
        let Some(id) = any else { return };
        let read = Wish::plain(Action::ReadOrder(id));
        let Some(order) = order(self.client.ask(&read).await) else {
            return;
        };
        let lines = (1_u32..).zip(&order.items);
        let mut wanted = Vec::new();
        for (line, item) in lines {
            if self.client.random.chance(600) {
                let most = u64::from(item.quantity.get());
                let units = u32::try_from(self.client.random.between(1, most)).unwrap_or(1);
                wanted.push((line, units));
            }
        }
        if wanted.is_empty() {
            return;
        }
        let ask = Action::AskReturn {
            order: id,
            lines: wanted,
        };
        let key = self.key();
        let outcome = self.client.insist(&Wish::keyed(ask, key), TRIES).await;
        if let Some(back) = returned(outcome) {
            let mut returns = board.returns.lock().expect("the board");
            returns.push((id, back.id));
        }
    }
}

impl Keeper {
    fn any_return(&mut self, board: &Board) -> Option<(OrderId, ReturnId)> {
        let returns = board.returns.lock().expect("the board").clone();
        self.client.random.pick(&returns).copied()
    }

    /// Most may come.
    pub(super) async fn answer_return(&mut self, board: &Board) {
        let Some((order, back)) = self.any_return(board) else {
            return;
        };
        let approve = self.client.random.chance(800);
        let answer = Action::AnswerReturn {
            order,
            back,
            approve,
        };
        self.client.insist(&Wish::plain(answer), TRIES).await;
    }

    /// It came, or so they say: some of it broken, now and then for another amount.
    pub(super) async fn receive_return(&mut self, board: &Board) {
        let Some((order, back)) = self.any_return(board) else {
            return;
        };
        let is_lost = self.client.random.chance(250);
        let agreed = self.client.random.chance(150);
        let amount = price(self.client.random.between(0, 3_000));
        let came = Action::ReceiveReturn {
            order,
            back,
            written_off: if is_lost { vec![1] } else { Vec::new() },
            amount: agreed.then_some(amount),
        };
        self.client.insist(&Wish::plain(came), TRIES).await;
    }
}

fn order(outcome: Outcome) -> Option<OrderView> {
    let Outcome::Ok(answer) = outcome else {
        return None;
    };
    match answer.told {
        Told::Order(order) => Some(*order),
        Told::Payment(_)
        | Told::Refund(_)
        | Told::Cart(_)
        | Told::Return(_)
        | Told::Stock(_)
        | Told::Product(_)
        | Told::Other => None,
    }
}

fn returned(outcome: Outcome) -> Option<ReturnView> {
    let Outcome::Ok(answer) = outcome else {
        return None;
    };
    match answer.told {
        Told::Return(back) => Some(*back),
        Told::Order(_)
        | Told::Payment(_)
        | Told::Refund(_)
        | Told::Cart(_)
        | Told::Stock(_)
        | Told::Product(_)
        | Told::Other => None,
    }
}
