//! Who asks, as handlers take it: proven by the door, which put the principal beside the request.
//! No handler reads a header for this.

use super::Fault;
use axum::{extract::FromRequestParts, http::HeaderName, http::request::Parts};
use contracts::{
    access::Principal,
    orders::{CartHolder, Reader},
    problem::Code,
};
use std::net::{IpAddr, Ipv6Addr};

/// Opens a guest's order.
pub const ORDER_TOKEN: HeaderName = HeaderName::from_static("order-token");

/// Opens a guest's cart.
pub const CART_TOKEN: HeaderName = HeaderName::from_static("cart-token");

/// The address of the client itself, as far as trusted proxies tell it. Put beside the request by the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Anybody, signed in or not.
#[derive(Debug, Clone)]
pub struct Visitor(pub Option<Principal>);

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct User(pub Principal);

/// An admin.
#[derive(Debug, Clone)]
pub struct Admin(pub Principal);

/// Somebody who may know an order: signed in, or with its token.
#[derive(Debug, Clone)]
pub struct OrderReader(pub Reader);

/// Somebody who may hold a cart: signed in, with its token, or about to open one.
#[derive(Debug, Clone)]
pub struct CartUser(pub CartHolder);

/// Where the client comes from: its address, or the /64 network of an address that its owner has many of. Empty where
/// no door told it.
#[derive(Debug, Clone)]
pub struct ClientNetwork(pub String);

impl<S: Send + Sync> FromRequestParts<S> for ClientNetwork {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let address = parts.extensions.get::<ClientAddress>();
        Ok(Self(match address {
            Some(ClientAddress(IpAddr::V4(address))) => address.to_string(),
            Some(ClientAddress(IpAddr::V6(address))) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string()
            }
            None => String::new(),
        }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CartUser {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let token = parts.headers.get(CART_TOKEN);
        Ok(Self(CartHolder {
            principal: parts.extensions.get::<Principal>().cloned(),
            cart_token: token
                .and_then(|token| token.to_str().ok())
                .map(str::to_owned),
        }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Ok(Self(parts.extensions.get::<Principal>().cloned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let principal = parts.extensions.get::<Principal>().cloned();
        Ok(Self(
            principal.ok_or_else(|| Fault::new(Code::Unauthenticated))?,
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let User(principal) = User::from_request_parts(parts, state).await?;
        if principal.is_admin() {
            Ok(Self(principal))
        } else {
            Err(Fault::new(Code::Forbidden))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OrderReader {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let principal = parts.extensions.get::<Principal>().cloned();
        let order_token = parts
            .headers
            .get(ORDER_TOKEN)
            .and_then(|token| token.to_str().ok())
            .map(str::to_owned);
        if principal.is_none() && order_token.is_none() {
            return Err(Fault::new(Code::Unauthenticated));
        }
        Ok(Self(Reader {
            principal,
            order_token,
        }))
    }
}
