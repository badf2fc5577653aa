//! The second factor: codes of an app that knows a secret (RFC 6238), and recovery codes for whoever has lost it. The
//! secret and the recovery codes are shown once and never come back out.

use super::{FactorError, LoginError, ProfileError, SignedIn};
use crate::{
    access::Principal,
    values::{Timestamp, UserId},
};
use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// One's own second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecondFactorView {
    /// Whether signing in asks for a code.
    pub on: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Recovery codes that have not been used.
    pub recovery_codes_left: u32,
}

/// A wish for a second factor.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginSecondFactor {
    /// The password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// What an app has to know: shown once. Nothing is on yet.
#[derive(Debug, Clone)]
pub struct FactorSecret {
    /// For typing, in base32.
    pub secret: SecretString,
    /// The same and who it is for, for a picture that the app reads (`otpauth:`).
    pub uri: SecretString,
}

/// The proof that an app knows the secret.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSecondFactor {
    /// What the app shows now: six digits.
    #[schema(value_type = String, example = "492039")]
    pub code: SecretString,
}

/// The password and a code, for what changes how one signs in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProveTwice {
    /// The password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// What the app shows now, or a recovery code.
    #[schema(value_type = String, example = "492039")]
    pub code: SecretString,
}

/// Each opens the account once, instead of a code. Shown once; earlier ones are worth nothing any more.
#[derive(Debug, Clone)]
pub struct RecoveryCodes {
    /// All of them.
    pub codes: Vec<SecretString>,
}

/// The second step of signing in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerChallenge {
    /// What the right password was answered with.
    #[schema(value_type = String)]
    pub challenge: SecretString,
    /// What the app shows now, or a recovery code.
    #[schema(value_type = String, example = "492039")]
    pub code: SecretString,
}

/// What the others may ask of second factors.
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Signs in whoever has shown the password already.
    async fn answer_challenge(&self, wish: AnswerChallenge) -> Result<SignedIn, LoginError>;
    /// One's own second factor.
    async fn second_factor(&self, who: &Principal) -> Result<SecondFactorView, FactorError>;
    /// Makes a secret for one's own app. An earlier one that was not confirmed is worth nothing any more.
    async fn begin_second_factor(
        &self,
        who: &Principal,
        wish: BeginSecondFactor,
    ) -> Result<FactorSecret, FactorError>;
    /// Turns one's own second factor on, and ends all of one's other sessions.
    async fn confirm_second_factor(
        &self,
        who: &Principal,
        wish: ConfirmSecondFactor,
    ) -> Result<RecoveryCodes, FactorError>;
    /// Makes other recovery codes.
    async fn renew_recovery_codes(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<RecoveryCodes, FactorError>;
    /// Turns one's own second factor off, and ends all of one's other sessions.
    async fn end_second_factor(&self, who: &Principal, wish: ProveTwice)
    -> Result<(), FactorError>;
    /// Takes the second factor off somebody who has lost it, and ends all their sessions (admins; the caller checks).
    async fn take_second_factor_off(&self, who: &Principal, id: UserId)
    -> Result<(), ProfileError>;
}
