//! Problems (RFC 9457): the one table of codes, and how a service's error becomes one.
//! `Display` of an error is for us; a `Problem` is for them and never names tables, paths or causes.

use crate::{
    BoxError, Outage,
    values::{IdError, ValueError},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:literal, $title:literal, $retryable:literal;)*) => {
        /// Every code a caller can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable text of the code.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),* }
            }

            /// The HTTP status it answers with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// What it means, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Whether the same request may succeed later without a change.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable),* }
            }
        }
    };
}

codes! {
    /// The bytes are not what the address reads: broken JSON, a wrong type, a malformed id.
    Malformed = "malformed", 400, "The request is malformed", false;
    /// A query parameter that the address does not know or cannot read.
    InvalidParameter = "invalid_parameter", 400, "A query parameter is not understood", false;
    /// `Idempotency-Key` is required here.
    IdempotencyKeyMissing = "idempotency_key_missing", 400, "An Idempotency-Key header is required", false;
    /// `Idempotency-Key` is not 1 to 128 visible characters.
    IdempotencyKeyInvalid = "idempotency_key_invalid", 400, "The Idempotency-Key is not valid", false;
    /// No proof of who asks.
    Unauthenticated = "unauthenticated", 401, "Sign in first", false;
    /// The access token is wrong, over or revoked.
    InvalidToken = "invalid_token", 401, "The token is not valid", false;
    /// Name and password do not fit together.
    InvalidCredentials = "invalid_credentials", 401, "The name or the password is wrong", false;
    /// The password is right, but the account's second factor is on.
    SecondFactorRequired = "second_factor_required", 401, "A code is asked for as well", false;
    /// The first step of signing in is too old, or was never made.
    InvalidChallenge = "invalid_challenge", 401, "The sign-in took too long; begin it again", false;
    /// The code is wrong, too old, or was used.
    InvalidCode = "invalid_code", 401, "The code is wrong, too old, or was used before", false;
    /// The refresh token is unknown, over or revoked.
    InvalidRefreshToken = "invalid_refresh_token", 401, "The refresh token is not valid", false;
    /// A refresh token was used twice: its whole family ended.
    TokenReuse = "token_reuse", 401, "The refresh token was used before; sign in again", false;
    /// The provider refused the payment.
    PaymentDeclined = "payment_declined", 402, "The payment was declined", true;
    /// The user lacks the right.
    Forbidden = "forbidden", 403, "Not allowed", false;
    /// The API key is not for this.
    ScopeMissing = "scope_missing", 403, "The API key lacks a scope", false;
    /// The password is right, and the account may not sign in.
    AccountDisabled = "account_disabled", 403, "The account is disabled", false;
    /// A form without its proof of origin.
    CsrfFailed = "csrf_failed", 403, "The form could not be trusted; open it again", false;
    /// Nothing at this address, or nothing that the caller may know of.
    NotFound = "not_found", 404, "Not found", false;
    /// The address knows other methods.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here", false;
    /// The address cannot answer in a form the caller accepts.
    NotAcceptable = "not_acceptable", 406, "No acceptable form of answer", false;
    /// The body or the headers did not come in time.
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive", true;
    /// Only who bought a product may say what it is like.
    NotABuyer = "not_a_buyer", 403, "Only buyers may review a product", false;
    /// The e-mail address has an account.
    EmailTaken = "email_taken", 409, "The e-mail address has an account already", false;
    /// The user name is taken.
    UsernameTaken = "username_taken", 409, "The user name is taken", false;
    /// The second factor is on already.
    SecondFactorOn = "second_factor_on", 409, "The second factor is on already", false;
    /// The second factor is off, or what was begun is over.
    SecondFactorOff = "second_factor_off", 409, "The second factor is off, or was begun too long ago", false;
    /// The SKU is in use.
    SkuTaken = "sku_taken", 409, "The SKU is in use", false;
    /// The slug is in use.
    SlugTaken = "slug_taken", 409, "The slug is in use", false;
    /// The caller has reviewed the product already.
    ReviewExists = "review_exists", 409, "The product was reviewed already", false;
    /// Not enough units are available.
    InsufficientStock = "insufficient_stock", 409, "Not enough in stock", false;
    /// The discount code is in use.
    CodeTaken = "code_taken", 409, "The code is in use", false;
    /// The discount code was used as often as it may be.
    DiscountExhausted = "discount_exhausted", 409, "The discount code is used up", false;
    /// The stock is not what the caller expected.
    StockChanged = "stock_changed", 409, "The stock is not what was expected", false;
    /// The body's `version` is stale.
    VersionConflict = "version_conflict", 409, "Someone else changed it first", false;
    /// The order cannot make this move from where it is.
    IllegalTransition = "illegal_transition", 409, "This move is not possible now", false;
    /// The total is not what the caller asserted.
    PriceChanged = "price_changed", 409, "The price has changed", false;
    /// Something has no price in the currency that was asked for.
    NotPriced = "not_priced", 409, "It is not sold in this currency", false;
    /// Another payment of the order has not ended yet.
    PaymentInProgress = "payment_in_progress", 409, "A payment is in progress", true;
    /// More money or units would come back than were taken.
    RefundExceedsCaptured = "refund_exceeds_captured", 422, "More than can be given back", false;
    /// A callback's signature does not hold.
    BadSignature = "bad_signature", 400, "The signature does not hold", false;
    /// The owner has as many API keys as one may have.
    TooManyApiKeys = "too_many_api_keys", 409, "There are too many API keys", false;
    /// There are as many webhooks as there may be.
    TooManyWebhooks = "too_many_webhooks", 409, "There are too many webhooks", false;
    /// The customer keeps as many addresses as one may.
    TooManyAddresses = "too_many_addresses", 409, "There are too many addresses", false;
    /// The product has as many pictures as one may have.
    TooManyImages = "too_many_images", 409, "The product has too many pictures", false;
    /// Another variant of the product has the same values.
    VariantExists = "variant_exists", 409, "There is such a variant already", false;
    /// The product has as many variants as one may have.
    TooManyVariants = "too_many_variants", 409, "The product has too many variants", false;
    /// The resource is still in use.
    InUse = "in_use", 409, "It is still in use", false;
    /// `If-Match` names a state that is gone.
    PreconditionFailed = "precondition_failed", 412, "Someone else changed it first", false;
    /// The body is larger than the address reads.
    BodyTooLarge = "body_too_large", 413, "The body is too large", false;
    /// The address is longer than is read.
    UriTooLong = "uri_too_long", 414, "The address is too long", false;
    /// The body is not of the kind the address reads.
    UnsupportedMediaType = "unsupported_media_type", 415, "The kind of body is not supported", false;
    /// A field breaks a rule.
    Validation = "validation_failed", 422, "A field is not valid", false;
    /// The key came before with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The Idempotency-Key came before with another request", false;
    /// The lines' prices are in several currencies.
    MixedCurrencies = "mixed_currencies", 422, "An order has one currency", false;
    /// A line names a product that cannot be bought.
    ProductUnavailable = "product_unavailable", 422, "A product is not available", false;
    /// A line names a product with options, and none of its variants.
    VariantRequired = "variant_required", 422, "A variant must be chosen", false;
    /// The discount code is not for this order, or not now.
    DiscountNotApplicable = "discount_not_applicable", 422, "The discount code does not apply", false;
    /// The way of shipping is not for this order.
    ShippingNotApplicable = "shipping_not_applicable", 422, "The way of shipping does not apply", false;
    /// The shop ships nothing without one.
    ShippingRequired = "shipping_required", 422, "A way of shipping is required", false;
    /// Neither `If-Match` nor `version` came.
    PreconditionRequired = "precondition_required", 428, "Say which version you change", false;
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests", true;
    /// The header fields are larger than is read.
    HeadersTooLarge = "headers_too_large", 431, "The header fields are too large", false;
    /// Our fault.
    Internal = "internal", 500, "Something went wrong on our side", true;
    /// No node of the shop that could answer was reached.
    UpstreamUnavailable = "upstream_unavailable", 502, "No node of the shop could be reached", true;
    /// The shop has more to do than it can.
    Overloaded = "overloaded", 503, "The shop is busy", true;
    /// A part of the shop cannot be reached.
    Unavailable = "unavailable", 503, "A part of the shop is not available", true;
    /// Something that the answer depends on cannot be reached; nothing was done.
    DependencyUnavailable = "dependency_unavailable", 503, "A part of the shop that this needs is not available", true;
    /// The answer did not come in time; the effect may have happened.
    OutcomeUnknown = "outcome_unknown", 504, "The outcome is not known yet", true;
    /// No room left to store anything.
    StorageFull = "storage_full", 507, "The shop's storage is full", true;
}

impl Code {
    /// The code with this text.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.slug() == slug)
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer (`/items/0/quantity`) or a parameter's name.
    pub field: String,
    /// Which rule: `unknown_field`, `missing`, `invalid`, ...
    pub code: String,
    /// The rule in words.
    pub message: String,
}

/// A refusal, before the door adds `type`, `instance` and `request_id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// This occurrence, in words fit for the caller.
    pub detail: String,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// Facts that help: `current_version`, `items`, `allowed`...
    pub facts: Map<String, Value>,
    /// After how many seconds a retry makes sense (`Retry-After`).
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem whose detail is its title.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after_seconds = matches!(code.status(), 429 | 503 | 504 | 507).then_some(1);
        Self {
            code,
            detail: code.title().to_owned(),
            errors: Vec::new(),
            facts: Map::new(),
            retry_after_seconds,
        }
    }

    /// The problem behind an error of our own: the cause stays inside, but for one that passes by itself.
    #[must_use]
    pub fn internal(cause: &BoxError) -> Self {
        match Outage::behind(cause) {
            Some(Outage::Overloaded) => Self::new(Code::Overloaded),
            Some(Outage::StorageFull) => Self::new(Code::StorageFull),
            Some(Outage::Unreachable) => Self::new(Code::DependencyUnavailable),
            Some(Outage::Unanswered) => Self::new(Code::OutcomeUnknown)
                .detail("it took too long; retry with the same Idempotency-Key"),
            None => Self::new(Code::Internal),
        }
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a field at fault.
    #[must_use]
    pub fn field(mut self, field: &str, code: &str, message: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            field: field.to_owned(),
            code: code.to_owned(),
            message: message.into(),
        });
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A field (JSON pointer) that breaks a rule: 422.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let name = field.trim_start_matches('/').replace('/', ".");
        Self::new(Code::Validation)
            .detail(format!("{name} {message}"))
            .field(field, "invalid", message)
    }
}

/// An error of a service, as its callers see it.
pub trait ToProblem {
    /// The problem; causes stay inside.
    fn to_problem(&self) -> Problem;
}

impl ToProblem for Problem {
    fn to_problem(&self) -> Problem {
        self.clone()
    }
}

impl ToProblem for IdError {
    fn to_problem(&self) -> Problem {
        Problem::new(Code::Malformed).detail(self.to_string())
    }
}

impl From<(&str, ValueError)> for Problem {
    /// A field's pointer and what its value broke.
    fn from((field, error): (&str, ValueError)) -> Self {
        Self::invalid(field, error.0)
    }
}

/// The answer's body as it is sent (`application/problem+json`).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence, in words.
    pub detail: String,
    /// The address that answered.
    pub instance: String,
    /// The stable code.
    pub code: String,
    /// The id that our logs know this request by.
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Facts of this code.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert_eq!(Code::from_slug(code.slug()), Some(*code));
            assert!(
                Code::ALL[index + 1..]
                    .iter()
                    .all(|other| other.slug() != code.slug())
            );
        }
    }
}
