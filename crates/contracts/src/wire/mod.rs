//! What looks otherwise between services that run apart than within one process: who asks, and the cause of a
//! failure. Everything else crosses as it is. Secrets have their forms where they cross, in identity; none is here.
//! Forms only grow: the other side may be a release older or newer.

use crate::{
    BoxError, Outage,
    access::{Principal, Role},
    catalog, identity,
    orders::{self, Buyer, CartHolder, Reader},
    payments,
    scopes::KeyAccess,
    values::{SessionId, UserId},
};
use serde::{Deserialize, Serialize};
use std::{error::Error, fmt};

/// A principal on its way. It proves nothing by itself: it is believed where the signature of the request that
/// carries it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    user_id: UserId,
    session_id: SessionId,
    roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyAccess>,
}

impl From<&Principal> for Who {
    fn from(principal: &Principal) -> Self {
        Self {
            user_id: principal.user_id,
            session_id: principal.session_id,
            roles: principal.roles.clone(),
            key: principal.key.clone(),
        }
    }
}

impl From<Who> for Principal {
    fn from(who: Who) -> Self {
        Self {
            user_id: who.user_id,
            session_id: who.session_id,
            roles: who.roles,
            key: who.key,
        }
    }
}

/// A reader of orders on its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoReads {
    principal: Option<Who>,
    order_token: Option<String>,
}

impl From<&Reader> for WhoReads {
    fn from(reader: &Reader) -> Self {
        Self {
            principal: reader.principal.as_ref().map(Who::from),
            order_token: reader.order_token.clone(),
        }
    }
}

impl From<WhoReads> for Reader {
    fn from(who: WhoReads) -> Self {
        Self {
            principal: who.principal.map(Principal::from),
            order_token: who.order_token,
        }
    }
}

/// A holder of a cart on its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoHolds {
    principal: Option<Who>,
    cart_token: Option<String>,
}

impl From<&CartHolder> for WhoHolds {
    fn from(holder: &CartHolder) -> Self {
        Self {
            principal: holder.principal.as_ref().map(Who::from),
            cart_token: holder.cart_token.clone(),
        }
    }
}

impl From<WhoHolds> for CartHolder {
    fn from(who: WhoHolds) -> Self {
        Self {
            principal: who.principal.map(Principal::from),
            cart_token: who.cart_token,
        }
    }
}

/// A buyer on its way: nobody is a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoBuys(Option<Who>);

impl From<&Buyer> for WhoBuys {
    fn from(buyer: &Buyer) -> Self {
        match buyer {
            Buyer::User(principal) => Self(Some(Who::from(principal))),
            Buyer::Guest => Self(None),
        }
    }
}

impl From<WhoBuys> for Buyer {
    fn from(who: WhoBuys) -> Self {
        who.0
            .map_or(Self::Guest, |who| Self::User(Principal::from(who)))
    }
}

/// The cause of a failure on its way: its text for our logs, and whether waiting helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    text: String,
    outage: Option<Outage>,
}

impl From<&BoxError> for Cause {
    fn from(cause: &BoxError) -> Self {
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            text = format!("{text}: {error}");
            next = error.source();
        }
        let outage = Outage::behind(cause);
        Self { text, outage }
    }
}

impl From<BoxError> for Cause {
    fn from(cause: BoxError) -> Self {
        Self::from(&cause)
    }
}

impl From<Cause> for BoxError {
    fn from(cause: Cause) -> Self {
        Box::new(FarFailure(cause))
    }
}

/// A failure that happened in another process.
#[derive(Debug)]
struct FarFailure(Cause);

impl fmt::Display for FarFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl Error for FarFailure {
    /// By hand, so that an outage over there is told to callers as one over here would be.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.outage.as_ref().map(|outage| outage as _)
    }
}

/// An error that can tell that the call itself failed.
pub trait CallFailed {
    /// The error of a call that brought no answer, for this reason.
    fn call_failed(cause: BoxError) -> Self;
}

impl CallFailed for Cause {
    fn call_failed(cause: BoxError) -> Self {
        Self::from(cause)
    }
}

impl CallFailed for identity::FactorError {
    fn call_failed(cause: BoxError) -> Self {
        identity::LoginError::Internal(cause).into()
    }
}

macro_rules! as_internal {
    ($($error:ty),* $(,)?) => {
        $(impl CallFailed for $error {
            fn call_failed(cause: BoxError) -> Self {
                Self::Internal(cause)
            }
        })*
    };
}

as_internal!(
    catalog::AdjustError,
    catalog::EditError,
    catalog::GiveBackError,
    catalog::ListError,
    catalog::ReserveError,
    catalog::ResolveError,
    identity::ApiKeyError,
    identity::ExternalError,
    identity::LinkError,
    identity::LoginError,
    identity::PasswordError,
    identity::ProfileError,
    identity::RefreshError,
    identity::RegisterError,
    identity::SecurityEventError,
    identity::SessionError,
    orders::CartError,
    orders::DiscountError,
    orders::OrderError,
    orders::PlaceOrderError,
    orders::ShippingError,
    payments::CallbackError,
    payments::PayError,
    payments::PaymentListError,
    payments::RefundError,
    payments::SagaError,
);

/// For `#[serde(with)]`: an error's `Internal` crosses as its [`Cause`].
pub(crate) mod cause {
    use super::Cause;
    use crate::BoxError;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        cause: &BoxError,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Cause::from(cause).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BoxError, D::Error> {
        Cause::deserialize(deserializer).map(BoxError::from)
    }
}

#[cfg(test)]
mod tests;
