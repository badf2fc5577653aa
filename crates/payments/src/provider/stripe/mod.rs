//! Stripe. A payment is an intent there, made first and confirmed then: what has only been made takes nothing, and what
//! was cancelled is never confirmed any more, so that Stripe itself fences what we give up. Every change goes out under
//! a key that follows from the payment's id. No number of a card comes by here: `pm_...` only.

mod amount;
mod books;
mod client;
mod config;
mod declines;
mod signature;
#[cfg(test)]
mod tests;
mod words;

pub use config::{Mode, Settings};

use super::{Callback, Provider, ProviderError};
use crate::domain::{Asked, Charge, ChargeState, holds_card_number};
use async_trait::async_trait;
use books::Reach;
use client::{Client, Failure};
use contracts::{
    BoxError,
    payments::CallbackError,
    values::{Money, Timestamp},
};
use platform::{
    clock::Clock,
    outward::{self, Outward},
};
use secrecy::SecretString;
use std::sync::Mutex;
use words::{Event, Intent, Latest, Listed, Refund};

/// What a token for a means of payment begins with.
const METHOD_PREFIX: &str = "pm_";
/// Longer than Stripe's tokens are.
const METHOD_BYTES_MAX: usize = 128;
/// Intents that are asked for one by one in one go.
const FINDS_MAX: usize = 16;
/// Stripe forgets keys after a day; from here on it is also asked what it has.
const KEYS_ARE_SURE_MS: i64 = 20 * 60 * 60 * 1_000;
/// Refunds of one payment that are looked through, as pages...
const REFUND_PAGES_MAX: u32 = 10;
/// ...of so many.
const PAGE: &str = "100";

const INTENTS: &str = "payment_intents";
const REFUNDS: &str = "refunds";
/// Has the charge written out within its intent.
const WITH_CHARGE: (&str, &str) = ("expand[]", "latest_charge");

/// Stripe, as a provider.
pub(crate) struct Stripe {
    client: Client,
    settings: Settings,
    webhook_secrets: Vec<SecretString>,
    clock: Clock,
    reach: Mutex<Reach>,
}

impl Stripe {
    /// Asks nobody yet.
    pub(crate) fn new(
        settings: Settings,
        outward: &outward::Options,
        clock: Clock,
    ) -> Result<Self, BoxError> {
        let key = settings.secret_key.given();
        let key = key.ok_or("Stripe is the provider and there is no key")?;
        let outward = Outward::new(settings.outward(outward))?;
        Ok(Self {
            client: Client::new(outward, settings.api.clone(), key),
            webhook_secrets: settings.webhook_secrets(),
            settings,
            clock,
            reach: Mutex::default(),
        })
    }

    /// The intent of this key: the one that is there, or a new one, which takes nothing until it is confirmed.
    async fn intent(&self, asked: &Asked) -> Result<Intent, Failure> {
        if let Some(reference) = &asked.reference {
            return self.get(reference).await;
        }
        let age = self.clock.now().as_ms().saturating_sub(asked.since.as_ms());
        if age > KEYS_ARE_SURE_MS
            && let Some(found) = self.search(&asked.key).await?
        {
            return Ok(found);
        }
        self.make(asked).await
    }

    /// Whoever sends this first under the key makes the intent; all others hear of that one.
    async fn make(&self, asked: &Asked) -> Result<Intent, Failure> {
        let Some(amount) = amount::to_stripe(asked.amount) else {
            return Err(Failure::Refused(400, declines::no_amount()));
        };
        let form = [
            ("amount", amount.to_string()),
            (
                "currency",
                asked.amount.currency.code().to_ascii_lowercase(),
            ),
            ("capture_method", "manual".to_owned()),
            ("payment_method", asked.method.clone()),
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[souk_shop]", self.settings.shop.clone()),
            ("metadata[souk_payment]", asked.key.clone()),
        ];
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let key = format!("souk-make-{}", asked.key);
        let made = self.client.post(INTENTS, &key, &form).await?;
        Ok(made.what)
    }

    async fn get(&self, id: &str) -> Result<Intent, Failure> {
        let path = format!("{INTENTS}/{id}");
        self.client.get(&path, &[WITH_CHARGE]).await
    }

    /// Has the money held. Stripe makes one charge of an intent, however often and in which order it is asked.
    async fn confirm(&self, asked: &Asked, id: &str) -> Result<Charge, ProviderError> {
        let back = self.settings.return_url(&asked.key);
        let form: Vec<(&str, &str)> = back
            .iter()
            .map(|url| ("return_url", url.as_str()))
            .collect();
        let path = format!("{INTENTS}/{id}/confirm");
        let key = format!("souk-confirm-{}", asked.key);
        let stands = match self.client.post::<Intent>(&path, &key, &form).await {
            Ok(told) if told.is_old => self.get(id).await?,
            Ok(told) => told.what,
            Err(Failure::Declined(fault)) => {
                return Ok(self.close(asked, id, declines::shown(&fault)).await);
            }
            Err(Failure::Refused(status, fault)) => {
                let stands = self.get(id).await?;
                if is_undecided(&stands) {
                    return match declines::of_the_buyer(status, &fault) {
                        Some(code) => Ok(self.close(asked, id, code.to_owned()).await),
                        None => Err(Failure::Refused(status, fault).into()),
                    };
                }
                stands
            }
            Err(failure) => return Err(failure.into()),
        };
        if stands.status == "processing" || is_undecided(&stands) {
            return Err(ProviderError::Unknown("Stripe is still at it".into()));
        }
        let charge = self.charge(&asked.key, stands)?;
        match (charge.state, &charge.action_url) {
            // Without an address nobody can prove anything.
            (ChargeState::Challenged, None) => {
                let code = declines::PROOF_WANTED.to_owned();
                self.cancel(&asked.key, id).await?;
                Ok(declined(asked, id, code))
            }
            _ => Ok(charge),
        }
    }

    /// A declined intent is cancelled: else whoever has its secret could try another card on it.
    async fn close(&self, asked: &Asked, id: &str, code: String) -> Charge {
        if let Err(failure) = self.cancel(&asked.key, id).await {
            // It holds nothing; and if anybody ever makes it hold something, Stripe's callback says so.
            tracing::debug!(error = %failure, "a declined intent stays open");
        }
        declined(asked, id, code)
    }

    /// Has the intent let go. Answers how it stands then.
    async fn cancel(&self, key: &str, id: &str) -> Result<Intent, ProviderError> {
        let path = format!("{INTENTS}/{id}/cancel");
        let key = format!("souk-cancel-{key}");
        match self.client.post::<Intent>(&path, &key, &[]).await {
            Ok(told) if !told.is_old => Ok(told.what),
            Err(failure @ Failure::Unknown(_)) => Err(failure.into()),
            // What is over cannot be cancelled: then how it stands is the answer.
            Ok(_) | Err(Failure::Declined(_) | Failure::Refused(..)) => Ok(self.get(id).await?),
        }
    }

    /// The refund of this key, if Stripe has made it.
    async fn refunded(&self, reference: &str, key: &str) -> Result<Option<Refund>, Failure> {
        let mut last: Option<String> = None;
        for _ in 0..REFUND_PAGES_MAX {
            let mut wish = vec![("payment_intent", reference), ("limit", PAGE)];
            wish.extend(last.iter().map(|id| ("starting_after", id.as_str())));
            let page: Listed<Refund> = self.client.get(REFUNDS, &wish).await?;
            last = page.data.last().map(|refund| refund.id.clone());
            let found = page.data.into_iter().find(|refund| {
                let marks = refund.metadata.as_ref();
                marks.and_then(|marks| marks.souk_refund.as_deref()) == Some(key)
            });
            if found.is_some() || !page.has_more {
                return Ok(found);
            }
        }
        Err(Failure::Unknown(
            "the payment has more refunds than are looked through".into(),
        ))
    }

    /// An intent as a charge.
    fn charge(&self, key: &str, intent: Intent) -> Result<Charge, ProviderError> {
        read_charge(key, intent).ok_or_else(|| {
            ProviderError::Unknown("Stripe's books have an amount that we cannot read".into())
        })
    }
}

/// Whether nothing has come of it yet.
fn is_undecided(intent: &Intent) -> bool {
    match intent.status.as_str() {
        "requires_confirmation" => true,
        "requires_payment_method" => intent.last_payment_error.is_none(),
        _ => false,
    }
}

fn declined(asked: &Asked, id: &str, code: String) -> Charge {
    Charge {
        number: 0,
        key: asked.key.clone(),
        reference: id.to_owned(),
        state: ChargeState::Declined,
        amount: asked.amount,
        captured_minor: 0,
        refunded_minor: 0,
        method: asked.method.clone(),
        action_url: None,
        decline_code: Some(code),
    }
}

fn read_charge(key: &str, intent: Intent) -> Option<Charge> {
    let currency = amount::currency(&intent.currency)?;
    let minor = |said: i64| amount::from_stripe(said, currency);
    let error = intent.last_payment_error.as_ref();
    let state = match intent.status.as_str() {
        "requires_capture" => ChargeState::Authorised,
        "succeeded" => ChargeState::Captured,
        "canceled" if error.is_none() => ChargeState::Voided,
        "canceled" => ChargeState::Declined,
        "requires_payment_method" if error.is_some() => ChargeState::Declined,
        // Also what was never confirmed: it holds nothing, and may come to hold something until it is fenced.
        _ => ChargeState::Challenged,
    };
    let received = match state {
        ChargeState::Captured => intent.amount_received.unwrap_or(intent.amount),
        ChargeState::Challenged
        | ChargeState::Authorised
        | ChargeState::Voided
        | ChargeState::Declined => 0,
    };
    let refunded = match intent.latest_charge {
        Some(Latest::Whole { amount_refunded }) if received > 0 => amount_refunded,
        Some(Latest::Whole { .. } | Latest::Name(_)) | None => 0,
    };
    let redirect = intent.next_action.and_then(|action| action.redirect_to_url);
    Some(Charge {
        number: intent.created,
        key: key.to_owned(),
        reference: intent.id,
        state,
        amount: Money::new(minor(intent.amount)?, currency),
        captured_minor: minor(received)?,
        refunded_minor: minor(refunded)?,
        method: String::new(),
        action_url: redirect.and_then(|redirect| redirect.url),
        decline_code: error.map(declines::shown),
    })
}

#[async_trait]
impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn knows(&self, method: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let rest = method.strip_prefix(METHOD_PREFIX).unwrap_or_default();
        !rest.is_empty()
            && method.len() <= METHOD_BYTES_MAX
            && rest.bytes().all(plain)
            && !holds_card_number(method)
    }

    async fn authorise(&self, asked: &Asked) -> Result<Charge, ProviderError> {
        match self.intent(asked).await {
            Ok(intent) => self.confirm(asked, &intent.id).await,
            Err(Failure::Refused(status, fault)) => unmade(asked, status, fault),
            Err(Failure::Declined(fault)) => Ok(declined(asked, "", declines::shown(&fault))),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn fence(&self, asked: &Asked) -> Result<Charge, ProviderError> {
        let intent = match self.intent(asked).await {
            Ok(intent) => intent,
            // What cannot be made cannot be made by a late request either.
            Err(Failure::Refused(status, fault)) => return unmade(asked, status, fault),
            Err(Failure::Declined(fault)) => {
                return Ok(declined(asked, "", declines::shown(&fault)));
            }
            Err(failure) => return Err(failure.into()),
        };
        let stands = self.cancel(&asked.key, &intent.id).await?;
        let charge = self.charge(&asked.key, stands)?;
        match charge.state {
            ChargeState::Challenged | ChargeState::Authorised => Err(ProviderError::Unknown(
                "Stripe has not let go of it yet".into(),
            )),
            ChargeState::Captured | ChargeState::Voided | ChargeState::Declined => Ok(charge),
        }
    }

    async fn capture(&self, reference: &str, amount: Money) -> Result<Charge, ProviderError> {
        let said = amount::to_stripe(amount).map(|said| said.to_string());
        let said = said.ok_or_else(|| ProviderError::Refused(declines::NO_AMOUNT.to_owned()))?;
        let path = format!("{INTENTS}/{reference}/capture");
        let key = format!("souk-capture-{reference}");
        let form = [("amount_to_capture", said.as_str())];
        let (stands, refusal) = match self.client.post::<Intent>(&path, &key, &form).await {
            Ok(told) if !told.is_old => (told.what, None),
            Ok(_) => (self.get(reference).await?, None),
            Err(Failure::Declined(fault) | Failure::Refused(_, fault)) => {
                (self.get(reference).await?, Some(fault.to_string()))
            }
            Err(failure) => return Err(failure.into()),
        };
        let marks = stands.metadata.clone().unwrap_or_default();
        let of = marks.souk_payment.unwrap_or_default();
        let charge = self.charge(&of, stands)?;
        match (charge.state, refusal) {
            (ChargeState::Captured, _) => Ok(charge),
            (_, Some(why)) => Err(ProviderError::Refused(why)),
            (state, None) => Err(ProviderError::Unknown(
                format!("the intent is {}, not captured", state.as_str()).into(),
            )),
        }
    }

    async fn refund(&self, reference: &str, amount: Money, key: &str) -> Result<(), ProviderError> {
        let said = amount::to_stripe(amount);
        let said = said.ok_or_else(|| ProviderError::Refused(declines::NO_AMOUNT.to_owned()))?;
        // Stripe forgets keys after a day, and its own faults only then: what it has made is what counts.
        let made = match self.refunded(reference, key).await? {
            Some(made) => made,
            None => {
                let text = said.to_string();
                let form = [
                    ("payment_intent", reference),
                    ("amount", text.as_str()),
                    ("metadata[souk_shop]", self.settings.shop.as_str()),
                    ("metadata[souk_refund]", key),
                ];
                let key = format!("souk-refund-{key}");
                self.client.post::<Refund>(REFUNDS, &key, &form).await?.what
            }
        };
        if made.amount != said {
            let what = format!("refund {} is of another amount", made.id);
            return Err(ProviderError::Refused(what));
        }
        match made.status.as_deref() {
            Some(status @ ("failed" | "canceled")) => Err(ProviderError::Refused(format!(
                "refund {} {status}: give the money back by hand, and book it",
                made.id
            ))),
            _ => Ok(()),
        }
    }

    async fn find(&self, asked: Vec<Asked>) -> Result<Vec<Option<Charge>>, ProviderError> {
        let mut found = Vec::with_capacity(asked.len());
        for asked in asked {
            let intent = match &asked.reference {
                Some(reference) if !reference.is_empty() => match self.get(reference).await {
                    Ok(intent) => Some(intent),
                    Err(Failure::Refused(404, _)) => None,
                    Err(failure) => return Err(failure.into()),
                },
                Some(_) => None,
                None => self.search(&asked.key).await?,
            };
            let charge = intent.map(|intent| self.charge(&asked.key, intent));
            found.push(charge.transpose()?);
        }
        Ok(found)
    }

    fn finds_max(&self) -> usize {
        FINDS_MAX
    }

    fn verified_since(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::from(self.settings.verified_hours).saturating_mul(-3_600))
    }

    fn lists_all(&self) -> bool {
        false
    }

    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, ProviderError> {
        self.read_books(after, limit).await
    }

    fn read_callback(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Callback>, CallbackError> {
        signature::check(signature, body, &self.webhook_secrets, now)?;
        let event: Event = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
        if event.livemode != (self.settings.mode == Mode::Live) {
            return Err(CallbackError::BadSignature(
                "it is of the other mode".into(),
            ));
        }
        let marks = event.data.object.metadata.unwrap_or_default();
        Ok(marks.key_of(&self.settings.shop).map(|key| Callback {
            event_id: event.id,
            key: key.to_owned(),
        }))
    }
}

/// What follows if Stripe makes no intent.
fn unmade(asked: &Asked, status: u16, fault: words::Fault) -> Result<Charge, ProviderError> {
    match declines::of_the_buyer(status, &fault) {
        Some(code) if asked.reference.is_none() => Ok(declined(asked, "", code.to_owned())),
        Some(_) | None => Err(Failure::Refused(status, fault).into()),
    }
}
