//! One's own sessions, and the password that ends them. What is shown of a session opens no door.

use crate::values::{Cursor, PageSize, SessionId, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A session: one sign-in, and all tokens that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionView {
    /// The session's id.
    pub id: SessionId,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub refreshed_at: Timestamp,
    /// When it ends if they are not renewed again.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Which sessions, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// A wish for another password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The one that is good now.
    #[schema(value_type = String, format = Password)]
    pub current_password: SecretString,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub new_password: SecretString,
    /// A code, if the second factor is on.
    #[schema(value_type = Option<String>)]
    pub code: Option<SecretString>,
}
