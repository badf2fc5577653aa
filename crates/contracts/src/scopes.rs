//! What an API key may be for. A scope narrows what its owner may do anyway; none of them gives a right to anybody.

use crate::{
    access::{Principal, Role},
    problem::{Code, Problem},
    values::{ApiKeyId, ValueError},
};
use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:tt;)*) => {
        /// A part of the shop that an API key opens, to be read or to be written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Scope { $($(#[$doc])* #[serde(rename = $text)] $name),* }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in JSON, storage and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

scopes! {
    /// Products and categories, as their owner sees them.
    ProductsRead = "products:read";
    /// Makes and changes products and categories.
    ProductsWrite = "products:write";
    /// Stock and its movements.
    InventoryRead = "inventory:read";
    /// Adjusts stock.
    InventoryWrite = "inventory:write";
    /// Orders and their timelines.
    OrdersRead = "orders:read";
    /// Places orders and moves them on.
    OrdersWrite = "orders:write";
    /// Payments and refunds.
    PaymentsRead = "payments:read";
    /// Pays, voids and refunds.
    PaymentsWrite = "payments:write";
    /// Discount codes.
    DiscountsRead = "discounts:read";
    /// Makes and changes discount codes.
    DiscountsWrite = "discounts:write";
    /// Makes and changes ways of shipping.
    ShippingWrite = "shipping:write";
    /// Makes, changes and takes away tax rates.
    TaxesWrite = "taxes:write";
    /// Accounts of customers and of everybody else.
    CustomersRead = "customers:read";
    /// Brings customers along from another shop.
    CustomersWrite = "customers:write";
    /// The feed of events, and events that were not taken.
    EventsRead = "events:read";
    /// Sends such events on again.
    EventsWrite = "events:write";
    /// Webhooks and what was delivered to them.
    WebhooksRead = "webhooks:read";
    /// Makes and changes webhooks, and has events delivered again.
    WebhooksWrite = "webhooks:write";
    /// The owner's own profile.
    ProfileRead = "profile:read";
}

impl Scope {
    /// Whether it is of any use to somebody with these roles.
    #[must_use]
    pub fn fits(self, roles: &[Role]) -> bool {
        let needed: &[Role] = match self {
            Self::ProductsRead
            | Self::OrdersRead
            | Self::OrdersWrite
            | Self::PaymentsRead
            | Self::PaymentsWrite
            | Self::ProfileRead => return true,
            Self::ProductsWrite | Self::InventoryRead | Self::InventoryWrite => {
                &[Role::Merchant, Role::Admin]
            }
            Self::DiscountsRead
            | Self::DiscountsWrite
            | Self::ShippingWrite
            | Self::TaxesWrite
            | Self::CustomersRead
            | Self::CustomersWrite
            | Self::EventsRead
            | Self::EventsWrite
            | Self::WebhooksRead
            | Self::WebhooksWrite => &[Role::Admin],
        };
        needed.iter().any(|role| roles.contains(role))
    }
}

impl std::str::FromStr for Scope {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.iter().find(|scope| scope.as_str() == text);
        known
            .copied()
            .ok_or_else(|| ValueError::new(format!("`{text}` is no scope")))
    }
}

/// The API key that somebody asks with, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAccess {
    /// Which key.
    pub id: ApiKeyId,
    /// All that it may be used for.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// Refuses an API key that is not for this; a session may do whatever its user may.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn permit(&self, scope: Scope) -> Result<(), Problem> {
        match &self.key {
            Some(key) if !key.scopes.contains(&scope) => Err(Problem::new(Code::ScopeMissing)
                .detail(format!("this API key lacks the scope {}", scope.as_str()))
                .fact("scope", scope.as_str())),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;

    #[test]
    fn the_document_has_the_words_that_are_sent() {
        let schema = serde_json::to_value(Scope::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::to_value(Scope::ALL).unwrap());
        assert_eq!(schema["enum"][0], Scope::ALL[0].as_str());
    }

    #[test]
    fn a_scope_is_read_as_it_is_written_and_nothing_else_is() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
            let json = serde_json::to_value(scope).unwrap();
            assert_eq!(json, scope.as_str());
        }
        for text in [
            "",
            "*",
            "products",
            "products:*",
            "Products:read",
            "products:read ",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_admin_has_a_use_for_every_scope_and_a_customer_for_few() {
        let fit = |roles: &[Role]| Scope::ALL.iter().filter(|scope| scope.fits(roles)).count();
        assert_eq!(fit(&[Role::Customer, Role::Admin]), Scope::ALL.len());
        assert_eq!(
            fit(&[Role::Customer, Role::Merchant]),
            Scope::ALL.len() - 10
        );
        assert_eq!(fit(&[Role::Customer]), Scope::ALL.len() - 13);
    }
}
