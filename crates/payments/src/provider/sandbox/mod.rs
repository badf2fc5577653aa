//! The built-in provider: test tokens, books of its own, no money. It misbehaves only as its tokens and its knobs say,
//! so that everything a real provider may do to us can be tried.

mod courier;

pub(crate) use courier::{Sink, start};

use super::{Callback, Provider, ProviderError, SIGNATURE_SECONDS_MAX};
use crate::{
    domain::{Asked, Charge, ChargeState},
    store::{BookRefusal, Entry, Opening, SandboxBook},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    payments::CallbackError,
    values::{Money, Timestamp},
};
use platform::{clock::Clock, db::Abort, digest};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Charges that are read at a time.
const FINDS_MAX: usize = 256;

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
    /// Works once the buyer has proved something.
    Challenge,
}

impl Token {
    fn read(method: &str) -> Option<Self> {
        match method {
            "tok_ok" => Some(Self::Good),
            "tok_declined" => Some(Self::Declined),
            "tok_slow" => Some(Self::Slow),
            "tok_timeout" => Some(Self::Timeout),
            "tok_challenge" => Some(Self::Challenge),
            _ => None,
        }
    }

    const fn begins_in(self) -> ChargeState {
        match self {
            Self::Declined => ChargeState::Declined,
            Self::Challenge => ChargeState::Challenged,
            Self::Good | Self::Slow | Self::Timeout => ChargeState::Authorised,
        }
    }
}

/// How the provider misbehaves, for whoever tries things out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// It does nothing and answers nothing.
    pub down: bool,
    /// It waits this long before each answer, in milliseconds.
    pub delay_ms: u32,
    /// Of so many next calls the answer is lost, after their effect.
    pub drop_answers: u32,
    /// So many next charges are declined.
    pub decline: u32,
    /// So many next charges hold one minor unit too much.
    pub wrong_amount: u32,
    /// It calls back about every change, not only about those it did not tell in an answer.
    pub callbacks: bool,
    /// It delivers every callback so many times more.
    pub duplicate_callbacks: u32,
    /// It delivers the newest callbacks first.
    pub reorder_callbacks: bool,
}

/// The provider for trying things out. Clones share it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    book: Arc<dyn SandboxBook>,
    knobs: Arc<Mutex<Knobs>>,
    slow: Duration,
    clock: Clock,
    secret: Arc<Mutex<Option<[u8; 32]>>>,
}

impl Sandbox {
    pub(crate) fn new(book: Arc<dyn SandboxBook>, slow: Duration, clock: Clock) -> Self {
        Self {
            book,
            knobs: Arc::default(),
            slow,
            clock,
            secret: Arc::default(),
        }
    }

    /// How it misbehaves now.
    #[must_use]
    pub fn knobs(&self) -> Knobs {
        self.knobs
            .lock()
            .map_or_else(|_| Knobs::default(), |knobs| knobs.clone())
    }

    /// Changes how it misbehaves; counted knobs count down from here.
    pub fn turn(&self, knobs: Knobs) {
        if let Ok(mut kept) = self.knobs.lock() {
            *kept = knobs;
        }
    }

    /// Reads the secret that callbacks are signed with: before the first callback.
    pub(crate) async fn load_secret(&self) -> Result<(), BoxError> {
        let loaded = self.book.callback_secret().await?;
        if let Ok(mut secret) = self.secret.lock() {
            *secret = Some(loaded);
        }
        Ok(())
    }

    fn has_secret(&self) -> bool {
        self.secret.lock().is_ok_and(|secret| secret.is_some())
    }

    /// The buyer behind a challenge proves what was wanted, or fails to. False if there is no such challenge.
    pub(crate) async fn prove(&self, proof: &str, approve: bool) -> Result<bool, BoxError> {
        let to = if approve {
            ChargeState::Authorised
        } else {
            ChargeState::Declined
        };
        match self
            .book
            .prove(proof.to_owned(), to, self.clock.now())
            .await
        {
            Ok(_) => Ok(true),
            Err(Abort::Refused(_)) => Ok(false),
            Err(Abort::Failed(error)) => Err(Box::new(error)),
        }
    }

    fn entry(&self, key: &str, to: ChargeState, amount: Money) -> Entry {
        Entry {
            key: key.to_owned(),
            to,
            amount,
            at: self.clock.now(),
            call_back: self.knobs().callbacks,
        }
    }

    /// Takes one of a counted knob, if any is left.
    fn one_of(&self, knob: impl FnOnce(&mut Knobs) -> &mut u32) -> bool {
        let Ok(mut knobs) = self.knobs.lock() else {
            return false;
        };
        let left = knob(&mut knobs);
        let taken = *left > 0;
        *left = left.saturating_sub(1);
        taken
    }

    fn be_up(&self) -> Result<(), ProviderError> {
        if self.knobs().down {
            return Err(ProviderError::Unknown("the provider is down".into()));
        }
        Ok(())
    }

    /// What comes between an effect and its answer.
    async fn answer<T>(&self, effect: Result<T, Abort<BookRefusal>>) -> Result<T, ProviderError> {
        let delay = self.knobs().delay_ms;
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(u64::from(delay))).await;
        }
        if self.one_of(|knobs| &mut knobs.drop_answers) {
            return Err(ProviderError::Unknown(
                "the provider's answer was lost".into(),
            ));
        }
        effect.map_err(|abort| match abort {
            Abort::Refused(refusal) => ProviderError::Refused(refusal.to_string()),
            Abort::Failed(error) => ProviderError::Unknown(Box::new(error)),
        })
    }

    fn first_entry(&self, key: &str, amount: Money, token: Token) -> Entry {
        let mut first = self.entry(key, token.begins_in(), amount);
        if self.one_of(|knobs| &mut knobs.decline) {
            first.to = ChargeState::Declined;
        }
        if self.one_of(|knobs| &mut knobs.wrong_amount) {
            first.amount.minor = first.amount.minor.saturating_add(1);
        }
        // Whoever gets no answer is called back.
        first.call_back |= matches!(token, Token::Slow | Token::Timeout);
        first
    }

    pub(crate) fn sign(&self, body: &[u8], at: Timestamp) -> Option<String> {
        let secret = self.secret.lock().ok().and_then(|secret| *secret)?;
        let seconds = at.as_ms().checked_div(1_000)?.to_string();
        let parts = [seconds.as_bytes(), b".", body];
        let tag = digest::base64url(&digest::hmac_sha256(&secret, &parts));
        Some(format!("t={seconds},v1={tag}"))
    }
}

#[async_trait]
impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn knows(&self, method: &str) -> bool {
        Token::read(method).is_some()
    }

    async fn authorise(&self, asked: &Asked) -> Result<Charge, ProviderError> {
        self.be_up()?;
        let (amount, method) = (asked.amount, &asked.method);
        let token = Token::read(method)
            .ok_or_else(|| ProviderError::Refused("there is no such token".to_owned()))?;
        let first = self.first_entry(&asked.key, amount, token);
        let opening = Opening::new(first, amount, method).map_err(ProviderError::Unknown)?;
        let opened = self.book.open_charge(opening).await;
        match (token, &opened) {
            (Token::Slow, Ok((_, true))) => tokio::time::sleep(self.slow).await,
            // The charge stands, and its answer is lost on the way.
            (Token::Timeout, Ok((_, true))) => std::future::pending().await,
            (_, _) => {}
        }
        self.answer(opened.map(|(charge, _)| charge)).await
    }

    async fn fence(&self, asked: &Asked) -> Result<Charge, ProviderError> {
        self.be_up()?;
        let fenced = self
            .book
            .fence(self.entry(&asked.key, ChargeState::Voided, asked.amount))
            .await;
        self.answer(fenced).await
    }

    async fn capture(&self, reference: &str, amount: Money) -> Result<Charge, ProviderError> {
        self.be_up()?;
        let entry = self.entry("capture", ChargeState::Captured, amount);
        let captured = self.book.enter(reference, entry).await;
        self.answer(captured).await
    }

    async fn refund(&self, reference: &str, amount: Money, key: &str) -> Result<(), ProviderError> {
        self.be_up()?;
        let given = self
            .book
            .refund(reference, key.to_owned(), amount, self.clock.now())
            .await;
        self.answer(given).await
    }

    async fn find(&self, asked: Vec<Asked>) -> Result<Vec<Option<Charge>>, ProviderError> {
        self.be_up()?;
        let keys = asked.into_iter().map(|asked| asked.key).collect();
        let found = self.book.find(keys).await;
        found.map_err(|error| ProviderError::Unknown(Box::new(error)))
    }

    fn finds_max(&self) -> usize {
        FINDS_MAX
    }

    fn verified_since(&self, _: Timestamp) -> Timestamp {
        Timestamp::from_ms(0)
    }

    fn lists_all(&self) -> bool {
        true
    }

    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, ProviderError> {
        self.be_up()?;
        let listed = self.book.list(after, limit).await;
        listed.map_err(|error| ProviderError::Unknown(Box::new(error)))
    }

    /// `t=SECONDS,v1=BASE64URL(HMAC-SHA256(SECONDS . "." . body))`, as Stripe has it.
    fn read_callback(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Callback>, CallbackError> {
        let seconds: i64 = signature
            .split(',')
            .find_map(|part| part.strip_prefix("t="))
            .and_then(|text| text.parse().ok())
            .ok_or(CallbackError::BadSignature("it has no time".into()))?;
        let at = Timestamp::from_ms(seconds.saturating_mul(1_000));
        let apart = now.as_ms().saturating_sub(at.as_ms()).saturating_abs();
        if apart > SIGNATURE_SECONDS_MAX.saturating_mul(1_000) {
            return Err(CallbackError::BadSignature("it is of another time".into()));
        }
        let expected = self.sign(body, at).ok_or(CallbackError::BadSignature(
            "nothing can be checked yet".into(),
        ))?;
        if !digest::equal(expected.as_bytes(), signature.as_bytes()) {
            return Err(CallbackError::BadSignature(
                "it is of another body or secret".into(),
            ));
        }
        let told: Told = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
        Ok(Some(Callback {
            event_id: told.id,
            key: told.key,
        }))
    }
}

/// The body of a callback.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    id: String,
    kind: String,
    key: String,
}

#[cfg(test)]
mod tests;
