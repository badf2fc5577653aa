//! The books of the sandbox provider, apart from ours: charges by key, everything each went through, and what the shop
//! is still to be called back about. They know nothing of our payments, as a real provider's books would not. Nodes
//! that share a database share the provider, too.

mod postgres;
mod sqlite;

pub(crate) use postgres::PostgresBook;
pub(crate) use sqlite::SqliteBook;

use crate::domain::{Charge, ChargeState};
use async_trait::async_trait;
use contracts::{
    BoxError,
    values::{Currency, Money, Timestamp},
};
use platform::{
    db::{Abort, Schema, StoreError},
    digest,
};
use std::{convert::Infallible, fmt};

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: &sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// Where a buyer goes to prove what is wanted; the proof's name follows.
pub(crate) const PROOFS: &str = "/api/v1/payments/providers/sandbox/proofs/";

/// What a charge is made with that was let go before anybody asked for it. It answers to any wish.
const NO_METHOD: &str = "none";

/// Why the books do not take an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BookRefusal {
    /// The key came before with another amount or method.
    #[error("the key came before with another charge")]
    Differs,
    /// No such charge.
    #[error("there is no such charge")]
    Unknown,
    /// The charge is not where the entry begins.
    #[error("a {} charge cannot be {to}", from.as_str())]
    Illegal { from: ChargeState, to: &'static str },
    /// More than is left of what was captured.
    #[error("more than was captured would be given back")]
    TooMuch,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Makes it safe to repeat.
    pub(crate) key: String,
    pub(crate) to: ChargeState,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    /// Whether the shop is called back about it.
    pub(crate) call_back: bool,
}

/// A callback that the shop has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Courier {
    pub(crate) number: i64,
    pub(crate) event_id: String,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) tries: u32,
    pub(crate) at: Timestamp,
}

/// A charge that is to be made, or was.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) first: Entry,
    /// What was asked for; a provider that errs holds another amount.
    pub(crate) asked: Money,
    pub(crate) method: String,
    /// The name of the proof that is wanted, if one is.
    proof: Option<String>,
}

impl Opening {
    pub(crate) fn new(first: Entry, asked: Money, method: &str) -> Result<Self, BoxError> {
        let proof = match first.to {
            ChargeState::Challenged => Some(secret_name()?),
            ChargeState::Authorised
            | ChargeState::Captured
            | ChargeState::Voided
            | ChargeState::Declined => None,
        };
        Ok(Self {
            first,
            asked,
            method: method.to_owned(),
            proof,
        })
    }

    /// What was made under the key, if this wish may have made it.
    fn same_as(&self, found: Charge, asked_minor: i64) -> Result<Charge, Abort<BookRefusal>> {
        let same = self.method == NO_METHOD
            || found.method == NO_METHOD
            || (found.method == self.method && asked_minor == self.asked.minor);
        if same {
            Ok(found)
        } else {
            Err(Abort::Refused(BookRefusal::Differs))
        }
    }
}

/// The books.
#[async_trait]
pub(crate) trait SandboxBook: fmt::Debug + Send + Sync {
    /// Makes a charge in its first state; or, if the key made one before, answers where that one stands
    /// and `false`.
    async fn open_charge(&self, opening: Opening) -> Result<(Charge, bool), Abort<BookRefusal>>;
    /// Moves a charge on, all of its amount. The same entry again is fine.
    async fn enter(&self, reference: &str, entry: Entry) -> Result<Charge, Abort<BookRefusal>>;
    /// Gives back some of what was captured, once for a key.
    async fn refund(
        &self,
        reference: &str,
        key: String,
        amount: Money,
        at: Timestamp,
    ) -> Result<(), Abort<BookRefusal>>;
    /// The charge that wants the proof of this name.
    async fn of_proof(&self, proof: String) -> Result<Option<Charge>, StoreError>;
    /// The charges of these keys, in their order.
    async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, StoreError>;
    /// Charges after this number, in its order.
    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, StoreError>;
    /// Callbacks whose next try is due, oldest first. Other nodes leave them alone until the moment `again_at`.
    async fn take_callbacks(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Courier>, StoreError>;
    /// A callback was answered (no next try), or comes again.
    async fn end_callback(
        &self,
        number: i64,
        next_try_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;
    /// The secret that callbacks are signed with.
    async fn callback_secret(&self) -> Result<[u8; 32], StoreError>;

    /// Makes sure that nothing can be taken under a key any more: a charge that is not there is made, let go, so that
    /// a request that is still on its way finds it. What was captured stays captured. Answers where it stands.
    async fn fence(&self, entry: Entry) -> Result<Charge, Abort<BookRefusal>> {
        let opening = Opening::new(entry.clone(), entry.amount, NO_METHOD);
        let (charge, _) = self
            .open_charge(opening.map_err(StoreError::Other)?)
            .await?;
        if charge.state.may_become(ChargeState::Voided) {
            return self.enter(&charge.reference, entry).await;
        }
        Ok(charge)
    }

    /// The buyer proved what was wanted, or did not; the shop is called back. Answers where the charge stands.
    async fn prove(
        &self,
        proof: String,
        to: ChargeState,
        at: Timestamp,
    ) -> Result<Charge, Abort<BookRefusal>> {
        let found = self.of_proof(proof).await?;
        let found = found.ok_or(Abort::Refused(BookRefusal::Unknown))?;
        let entry = Entry {
            key: "proof".to_owned(),
            to,
            amount: found.amount,
            at,
            call_back: true,
        };
        self.enter(&found.reference, entry).await
    }
}

fn plain<T>(outcome: Result<T, Abort<Infallible>>) -> Result<T, StoreError> {
    outcome.map_err(|abort| match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    })
}

/// A name that nobody can guess.
fn secret_name() -> Result<String, BoxError> {
    Ok(digest::base64url(&digest::random::<18>()?))
}

/// Whether an entry has something to do, may not be, or was made before.
fn judge(charge: &Charge, entry: &Entry) -> Result<bool, Abort<BookRefusal>> {
    if charge.state == entry.to {
        return Ok(false);
    }
    if charge.state.may_become(entry.to) {
        return Ok(true);
    }
    Err(Abort::Refused(BookRefusal::Illegal {
        from: charge.state,
        to: entry.to.as_str(),
    }))
}

/// Whether a refund has something to do, given what was given back under its key before.
fn judge_refund(
    charge: &Charge,
    before: Option<i64>,
    amount: Money,
) -> Result<bool, Abort<BookRefusal>> {
    match before {
        Some(minor) if minor == amount.minor => Ok(false),
        Some(_) => Err(Abort::Refused(BookRefusal::Differs)),
        None if charge.state != ChargeState::Captured => {
            Err(Abort::Refused(BookRefusal::Illegal {
                from: charge.state,
                to: "refunded",
            }))
        }
        None => Ok(true),
    }
}

fn number_of(reference: &str) -> Result<i64, Abort<BookRefusal>> {
    let digits = reference.strip_prefix("ch_");
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or(Abort::Refused(BookRefusal::Unknown))
}

/// A charge, as it was read.
struct Read {
    number: i64,
    key: String,
    state: String,
    amount_minor: i64,
    currency: String,
    captured_minor: i64,
    refunded_minor: i64,
    method: String,
    proof: Option<String>,
}

impl Read {
    fn charge(self) -> Result<Charge, StoreError> {
        let unreadable = |error| StoreError::Other(Box::new(error));
        let currency: Currency = self.currency.parse().map_err(unreadable)?;
        Ok(Charge {
            number: u64::try_from(self.number).unwrap_or(0),
            key: self.key,
            reference: format!("ch_{}", self.number),
            state: self.state.parse().map_err(unreadable)?,
            amount: Money::new(self.amount_minor, currency),
            captured_minor: self.captured_minor,
            refunded_minor: self.refunded_minor,
            method: self.method,
            action_url: self.proof.map(|proof| format!("{PROOFS}{proof}")),
            decline_code: None,
        })
    }
}
