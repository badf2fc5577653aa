//! Stripe's API as HTTP: a form goes out under a key that follows from our ids, JSON comes back. It repeats nothing by
//! itself, but where Stripe only remembers a fault of its own; what an answer means for a payment is not known here.

use super::words::{Fault, Refusal};
use crate::provider::ProviderError;
use contracts::BoxError;
use platform::outward::{Address, Answer, HeaderMap, Outward, Question, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

/// The version of the API that is spoken, whatever the account is set to.
const VERSION: &str = "2024-06-20";
/// Under so many keys a request is made while Stripe answers only what it remembers of a fault of its own.
const TURNS_MAX: u32 = 3;

const VERSION_NAME: header::HeaderName = header::HeaderName::from_static("stripe-version");
const KEY_NAME: header::HeaderName = header::HeaderName::from_static("idempotency-key");
const REPLAYED_NAME: &str = "idempotent-replayed";

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may have happened or not.
    Unknown(BoxError),
    /// The card is declined.
    Declined(Fault),
    /// Stripe does not do this, with this status.
    Refused(u16, Fault),
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unknown(cause) => Self::Unknown(cause),
            Failure::Declined(fault) | Failure::Refused(_, fault) => {
                Self::Refused(fault.to_string())
            }
        }
    }
}

/// What Stripe answered.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) what: T,
    /// Whether it is what was answered the first time, however it stands now.
    pub(super) is_old: bool,
}

/// Asks Stripe.
#[derive(Clone)]
pub(super) struct Client {
    outward: Outward,
    api: String,
    key: SecretString,
}

impl Client {
    pub(super) const fn new(outward: Outward, api: String, key: SecretString) -> Self {
        Self { outward, api, key }
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let question = Question::get(self.address(path)?.with_query(parameters));
        read(&self.ask(question).await?)
    }

    /// Has something done, once for a key.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        form: &[(&str, &str)],
    ) -> Result<Told<T>, Failure> {
        let mut turn = 1;
        loop {
            let key = match turn {
                1 => key.to_owned(),
                turn => format!("{key}-{turn}"),
            };
            let value = header::HeaderValue::from_str(&key).map_err(unknown)?;
            let question = Question::form(self.address(path)?, form).with(KEY_NAME, value);
            let answer = self.ask(question).await?;
            let is_old = is_old(&answer.headers);
            // Stripe keeps its own faults for a day, too. The request that met it has ended, and whatever it left shows
            // in what the next one finds; so it is made under a new key, or nothing would move for that day.
            if is_old && answer.status.is_server_error() && turn < TURNS_MAX {
                turn = turn.saturating_add(1);
                continue;
            }
            return read(&answer).map(|what| Told { what, is_old });
        }
    }

    fn address(&self, path: &str) -> Result<Address, Failure> {
        Address::parse(&format!("{}/v1/{path}", self.api)).map_err(unknown)
    }

    async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        let json = header::HeaderValue::from_static("application/json");
        let question = question
            .by_bearer(&self.key)
            .map_err(Failure::Unknown)?
            .with(header::ACCEPT, json)
            .with(VERSION_NAME, header::HeaderValue::from_static(VERSION));
        self.outward.ask(question).await.map_err(unknown)
    }
}

fn unknown(error: impl Into<BoxError>) -> Failure {
    Failure::Unknown(error.into())
}

fn is_old(headers: &HeaderMap) -> bool {
    headers
        .get(REPLAYED_NAME)
        .is_some_and(|value| value.as_bytes() == b"true")
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    let status = answer.status;
    if status.is_success() {
        return serde_json::from_slice(&answer.body)
            // Not serde's own words: they quote what came.
            .map_err(|_| unknown("Stripe's answer cannot be read"));
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let fault = refusal.error;
    Err(match status.as_u16() {
        // Whatever it is called: this is Stripe's status for a card that does not work.
        402 => Failure::Declined(fault),
        // A key that was changed is mended by somebody, and then all goes on.
        401 | 403 => unknown(format!("Stripe refuses the shop's key: {fault}")),
        // Somebody is at it already, or too many are; or Stripe is not well.
        409 | 424 | 425 | 429 => unknown(format!("Stripe puts it off ({status}): {fault}")),
        status if (400..500).contains(&status) => match fault.kind.as_deref() {
            Some("card_error") => Failure::Declined(fault),
            _ => Failure::Refused(status, fault),
        },
        _ => unknown(format!("Stripe answered {status}")),
    })
}
