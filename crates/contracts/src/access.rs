//! Who is asking, and what they may do. Tokens are checked in `platform`; nothing here trusts a header.

use crate::{
    scopes::KeyAccess,
    values::{SessionId, UserId},
};
use serde::{Deserialize, Serialize};

/// What a user may do in the shop.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys, and sees their own orders.
    Customer,
    /// Also sells: creates products and changes their own.
    Merchant,
    /// Runs the shop.
    Admin,
}

impl Role {
    /// The word used in tokens, storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Merchant => "merchant",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Customer, Self::Merchant, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("must be customer, merchant or admin"))
    }
}

/// The shop itself, as the owner of what no merchant brought: imports, the demo catalog. Nobody signs in as it.
pub const SHOP: UserId = UserId::from_bytes([0; 16]);

/// A signed-in user, as proven at the door by a token or an API key that was verified there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user_id: UserId,
    /// The sign-in the token came from. With a key there is none: these are the key's own bytes, which no session has.
    pub session_id: SessionId,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The key they ask with, which narrows all this; no key is a session.
    pub key: Option<KeyAccess>,
}

impl Principal {
    /// Whether the user has this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the user runs the shop.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.has(Role::Admin)
    }

    /// Whether the user may sell.
    #[must_use]
    pub fn may_sell(&self) -> bool {
        self.has(Role::Merchant) || self.is_admin()
    }
}

/// Who asks for something in the shop's name or their own: written into timelines and ledgers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in user.
    User(Principal),
    /// Somebody without an account who proved an order with its token.
    Guest,
    /// The shop itself: a sweeper, a service, a command.
    System,
}

impl Actor {
    /// The text kept in timelines and ledgers: a user's id, `guest` or `system`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::User(principal) => principal.user_id.to_string(),
            Self::Guest => "guest".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// Whether the actor may do what only the shop's people may.
    #[must_use]
    pub fn runs_the_shop(&self) -> bool {
        match self {
            Self::User(principal) => principal.is_admin(),
            Self::System => true,
            Self::Guest => false,
        }
    }
}

/// The claims of an access token (RFC 9068 names, `EdDSA`, at most 15 minutes).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The token's own id.
    pub jti: String,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// Counts what ended all of the user's earlier tokens: a change of roles or password, deletion.
    pub epoch: i64,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Not valid before, in seconds since 1970.
    pub nbf: i64,
    /// Ends at, in seconds since 1970.
    pub exp: i64,
}
