//! The table `[payments.stripe]`. It asks nobody, and shows its secrets to nobody.

use platform::{
    config::Secret,
    outward::{self, Address},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Where Stripe answers; a live key is sent nowhere else.
const LIVE_API: &str = "https://api.stripe.com";
/// Longer than Stripe's own keys are.
const SECRET_BYTES_MAX: usize = 255;
/// The longest name of a shop.
const SHOP_BYTES_MAX: usize = 64;
/// Longer than Stripe takes.
const RETURN_URL_BYTES_MAX: usize = 2_000;
/// Holds of cards are over long before this.
const BOOKS_DAYS_MAX: u32 = 366;
const HOURS_MAX: u32 = 24 * BOOKS_DAYS_MAX;

/// What stands for the payment's id in `return_url`.
const PAYMENT: &str = "{payment}";

/// Whether money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does.
    Live,
    /// Stripe plays.
    Test,
}

impl Mode {
    /// What its keys begin with.
    const fn prefixes(self) -> [&'static str; 2] {
        match self {
            Self::Live => ["sk_live_", "rk_live_"],
            Self::Test => ["sk_test_", "rk_test_"],
        }
    }

    /// What its publishable keys begin with.
    const fn publishable(self) -> &'static str {
        match self {
            Self::Live => "pk_live_",
            Self::Test => "pk_test_",
        }
    }
}

/// How Stripe is used; `config.toml` says what each key means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether money moves.
    pub mode: Mode,
    /// What Stripe's books call this shop.
    pub shop: String,
    /// Proves that it is this shop.
    pub secret_key: Secret,
    /// Who it is, as everybody may know: what the pages' field for cards is opened with.
    pub publishable_key: String,
    /// What callbacks are signed with.
    pub webhook_secret: Secret,
    /// What they were signed with before, while it is changed.
    pub webhook_secret_before: Secret,
    /// Where Stripe answers.
    pub api: String,
    /// Where buyers come back to.
    pub return_url: String,
    /// How long an exchange may take.
    pub timeout_ms: u32,
    /// Exchanges at a time.
    pub in_flight_max: u16,
    /// The largest answer.
    pub answer_bytes_max: u32,
    /// How far back Stripe's books are read.
    pub books_days: u32,
    /// How far back payments are verified against them.
    pub verified_hours: u32,
}

impl Settings {
    /// Refuses what cannot work, where Stripe is the provider.
    pub(crate) fn check(&self, outward: &outward::Options) -> Result<(), String> {
        self.check_secrets()?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.shop.is_empty() || self.shop.len() > SHOP_BYTES_MAX || !self.shop.bytes().all(plain)
        {
            return Err(format!(
                "shop: 1 to {SHOP_BYTES_MAX} of a-z, 0-9 and -; no two shops on one account of Stripe may have the \
                 same, or each undoes what it does not know"
            ));
        }
        let api = Address::parse(&self.api).map_err(|why| format!("api: {why}"))?;
        if self.mode == Mode::Live && self.api != LIVE_API {
            return Err(format!("api: a live key is sent to {LIVE_API} only"));
        }
        if self.api.ends_with('/') || self.api.contains('?') {
            return Err("api: it ends without / and without ?".to_owned());
        }
        outward
            .admit(&api)
            .map_err(|why| format!("api: {why} ([outward] says where the shop may go)"))?;
        self.check_return_url()?;
        self.check_bounds()
    }

    fn check_secrets(&self) -> Result<(), String> {
        let text = |secret: &Secret| {
            let secret = secret.given();
            secret.map_or_else(String::new, |secret| secret.expose_secret().to_owned())
        };
        let key = text(&self.secret_key);
        if key.is_empty() {
            return Err(
                "secret_key: Stripe is the provider and there is no key; give it as \
                 SOUK_PAYMENTS__STRIPE__SECRET_KEY_FILE"
                    .to_owned(),
            );
        }
        let other = match self.mode {
            Mode::Live => Mode::Test,
            Mode::Test => Mode::Live,
        };
        let begins = |mode: Mode| mode.prefixes().iter().any(|prefix| key.starts_with(prefix));
        if begins(other) {
            return Err(match self.mode {
                Mode::Live => "secret_key: a test key takes no money; a shop for trying out says \
                               payments.stripe.mode = \"test\""
                    .to_owned(),
                Mode::Test => "secret_key: a live key takes money, and payments.stripe.mode is \
                               \"test\""
                    .to_owned(),
            });
        }
        let can_be_sent = |text: &str| {
            text.len() <= SECRET_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !begins(self.mode) || !can_be_sent(&key) {
            let [own, restricted] = self.mode.prefixes();
            return Err(format!("secret_key: it begins with {own} or {restricted}"));
        }
        if text(&self.webhook_secret).is_empty() {
            return Err(
                "webhook_secret: callbacks cannot be believed without it; give it as \
                        SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET_FILE"
                    .to_owned(),
            );
        }
        for (name, secret) in [
            ("webhook_secret", &self.webhook_secret),
            ("webhook_secret_before", &self.webhook_secret_before),
        ] {
            let secret = text(secret);
            if !secret.is_empty() && (!secret.starts_with("whsec_") || !can_be_sent(&secret)) {
                return Err(format!("{name}: it begins with whsec_"));
            }
        }
        Ok(())
    }

    /// Refuses what no page can take cards with.
    pub(crate) fn check_pages(&self, public_url: &str) -> Result<(), String> {
        let key = self.publishable_key.as_str();
        let prefix = self.mode.publishable();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !key.starts_with(prefix) || key.len() > SECRET_BYTES_MAX || !key.bytes().all(plain) {
            return Err(format!(
                "payments.stripe.publishable_key: it begins with {prefix}"
            ));
        }
        if self.mode == Mode::Live && !public_url.starts_with("https://") {
            return Err(
                "http.public_url: it begins with https:// where pages take cards \
                 (payments.stripe.publishable_key)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_return_url(&self) -> Result<(), String> {
        if self.return_url.is_empty() {
            return Ok(());
        }
        let plain = self.return_url.replace(PAYMENT, "x");
        let read = Address::parse(&plain);
        if plain.len() > RETURN_URL_BYTES_MAX {
            return Err("return_url: it is too long".to_owned());
        }
        read.map(drop).map_err(|why| format!("return_url: {why}"))
    }

    fn check_bounds(&self) -> Result<(), String> {
        let rules = [
            (
                (1..=60_000).contains(&self.timeout_ms),
                "timeout_ms must be 1 to 60000",
            ),
            (self.in_flight_max >= 1, "in_flight_max must be at least 1"),
            (
                self.answer_bytes_max >= 65_536,
                "answer_bytes_max must be at least 65536",
            ),
            (
                (1..=BOOKS_DAYS_MAX).contains(&self.books_days),
                "books_days must be 1 to 366",
            ),
            (
                (1..=HOURS_MAX).contains(&self.verified_hours),
                "verified_hours must be 1 to 8784",
            ),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err((*rule).to_owned()))
    }

    /// The way out to Stripe: as the shop's own, with bounds of its own.
    pub(super) fn outward(&self, outward: &outward::Options) -> outward::Options {
        outward::Options {
            timeout_ms: self.timeout_ms,
            head_timeout_ms: self.timeout_ms,
            in_flight_max: self.in_flight_max,
            body_bytes_max: self.answer_bytes_max,
            ..outward.clone()
        }
    }

    /// What callbacks may be signed with.
    pub(super) fn webhook_secrets(&self) -> Vec<SecretString> {
        let secrets = [&self.webhook_secret, &self.webhook_secret_before];
        secrets.into_iter().filter_map(Secret::given).collect()
    }

    /// Where the buyer of this payment comes back to, if anywhere.
    pub(super) fn return_url(&self, key: &str) -> Option<String> {
        (!self.return_url.is_empty()).then(|| self.return_url.replace(PAYMENT, key))
    }
}
