//! The built-in provider: test tokens, books of its own, no money. It misbehaves only as its tokens say.

use super::{Authorisation, Provider};
use crate::{
    domain::{Charge, ChargeState},
    store::{BookRefusal, Entry, SandboxBook},
};
use async_trait::async_trait;
use contracts::{BoxError, values::Money};
use platform::{clock::Clock, db::Abort};
use std::time::Duration;

const DECLINE_CODE: &str = "card_declined";

/// What a test token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Works.
    Good,
    /// Is refused.
    Declined,
    /// Works, and answers late the first time.
    Slow,
    /// Works, and does not answer the first time.
    Timeout,
}

impl Token {
    fn read(method: &str) -> Option<Self> {
        match method {
            "tok_ok" => Some(Self::Good),
            "tok_declined" => Some(Self::Declined),
            "tok_slow" => Some(Self::Slow),
            "tok_timeout" => Some(Self::Timeout),
            _ => None,
        }
    }

    const fn begins_in(self) -> ChargeState {
        match self {
            Self::Declined => ChargeState::Declined,
            Self::Good | Self::Slow | Self::Timeout => ChargeState::Authorised,
        }
    }
}

/// The provider for trying things out.
pub(crate) struct Sandbox {
    book: SandboxBook,
    slow: Duration,
    clock: Clock,
}

impl Sandbox {
    pub(crate) fn new(book: SandboxBook, slow: Duration, clock: Clock) -> Self {
        Self { book, slow, clock }
    }

    fn entry(&self, key: &str, to: ChargeState, amount: Money) -> Entry {
        Entry {
            key: key.to_owned(),
            to,
            amount,
            at: self.clock.now(),
        }
    }
}

#[async_trait]
impl Provider for Sandbox {
    fn knows(&self, method: &str) -> bool {
        Token::read(method).is_some()
    }

    async fn authorise(
        &self,
        key: &str,
        amount: Money,
        method: &str,
    ) -> Result<Authorisation, BoxError> {
        let token = Token::read(method).ok_or("there is no such token")?;
        let first = self.entry(key, token.begins_in(), amount);
        let opened = self.book.open_charge(first, method).await;
        let (charge, fresh) = opened.map_err(plain)?;
        match (token, fresh) {
            (Token::Slow, true) => tokio::time::sleep(self.slow).await,
            // The charge stands, and its answer is lost on the way.
            (Token::Timeout, true) => std::future::pending().await,
            (Token::Good | Token::Declined, _) | (Token::Slow | Token::Timeout, false) => {}
        }
        Ok(match charge.state {
            ChargeState::Declined => Authorisation::Declined {
                code: DECLINE_CODE.to_owned(),
            },
            ChargeState::Authorised
            | ChargeState::Captured
            | ChargeState::Voided
            | ChargeState::Refunded => Authorisation::Authorised {
                reference: charge.reference,
            },
        })
    }

    async fn capture(&self, reference: &str, amount: Money) -> Result<(), BoxError> {
        let entry = self.entry("capture", ChargeState::Captured, amount);
        self.book.enter(reference, entry).await.map_err(plain)
    }

    async fn void(&self, reference: &str, amount: Money) -> Result<(), BoxError> {
        let entry = self.entry("void", ChargeState::Voided, amount);
        self.book.enter(reference, entry).await.map_err(plain)
    }

    async fn refund(&self, reference: &str, amount: Money, key: &str) -> Result<(), BoxError> {
        let entry = self.entry(key, ChargeState::Refunded, amount);
        self.book.enter(reference, entry).await.map_err(plain)
    }

    async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, BoxError> {
        Ok(self.book.find(keys).await?)
    }
}

fn plain(abort: Abort<BookRefusal>) -> BoxError {
    match abort {
        Abort::Refused(refusal) => Box::new(refusal),
        Abort::Failed(error) => Box::new(error),
    }
}

#[cfg(test)]
mod tests;
