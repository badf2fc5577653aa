//! What Stripe says, as far as it matters here: a field that is not named is not read, and one that is missing is no
//! fault while there is another way to know. It decides nothing.

use serde::{Deserialize, de::IgnoredAny};
use std::fmt;

/// As much of somebody's message as is worth keeping.
const MESSAGE_CHARACTERS_MAX: usize = 200;

/// A payment intent.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) amount_received: Option<i64>,
    pub(super) metadata: Option<Marks>,
    pub(super) next_action: Option<NextAction>,
    pub(super) last_payment_error: Option<Fault>,
    pub(super) latest_charge: Option<Latest>,
}

/// What we write into Stripe's books beside our charges and refunds.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Marks {
    pub(super) souk_shop: Option<String>,
    pub(super) souk_payment: Option<String>,
    pub(super) souk_refund: Option<String>,
}

/// What the buyer has to do.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct NextAction {
    pub(super) redirect_to_url: Option<Redirect>,
}

/// Where they do it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Redirect {
    pub(super) url: Option<String>,
}

/// The charge of an intent: all of it where it was asked for, else its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Latest {
    Whole { amount_refunded: i64 },
    Name(IgnoredAny),
}

/// A refund.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) status: Option<String>,
    pub(super) metadata: Option<Marks>,
}

/// A page of a list, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// Why Stripe does not do it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Fault {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) param: Option<String>,
    pub(super) message: Option<String>,
}

/// The body of an answer that is none.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) error: Fault,
}

/// A callback.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(default)]
    pub(super) livemode: bool,
    pub(super) data: EventData,
}

/// What it is about.
#[derive(Debug, Deserialize)]
pub(super) struct EventData {
    pub(super) object: Subject,
}

/// An intent, a charge, a refund, or something else that does not concern us.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    pub(super) metadata: Option<Marks>,
}

impl Marks {
    /// The payment's key, if it is this shop's.
    pub(super) fn key_of(&self, shop: &str) -> Option<&str> {
        let is_ours = self.souk_shop.as_deref() == Some(shop);
        self.souk_payment.as_deref().filter(|_| is_ours)
    }
}

impl fmt::Display for Fault {
    /// For whoever runs the shop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("no reason");
        write!(f, "{kind}")?;
        for more in [&self.code, &self.decline_code, &self.param]
            .into_iter()
            .flatten()
        {
            write!(f, ", {more}")?;
        }
        if let Some(message) = &self.message {
            let message: String = message.chars().take(MESSAGE_CHARACTERS_MAX).collect();
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}
