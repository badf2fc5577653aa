//! What is done by links in mails: another password for somebody who forgot theirs, and the proof that an address is
//! theirs. Whether an account exists is told by none of it.

use crate::values::Email;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A wish for a link that sets another password.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The e-mail address of the account.
    pub email: Email,
}

/// Another password, set by such a link.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The token of the link; it works once.
    #[schema(value_type = String)]
    pub token: SecretString,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub new_password: SecretString,
}

/// The proof that mails to an address arrive.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmail {
    /// The token of the link; it works once.
    #[schema(value_type = String)]
    pub token: SecretString,
}
