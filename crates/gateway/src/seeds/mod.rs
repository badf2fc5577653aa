//! The addresses that the seed documents publish, translated at the door: path, body, answer. Behind them are
//! the same handlers as behind the canonical ones; nothing is decided here that a service decides.

mod auth;
mod call;
mod fields;
mod orders;
mod products;
mod shapes;
mod status;
mod voice;

pub(crate) use voice::Voice;

use crate::routes::Upstreams;
use axum::{
    extract::Request,
    http::{HeaderValue, header::ALLOW},
    response::{IntoResponse, Response},
};
use call::Caller;
use contracts::problem::Code;
use fields::Fields;
use platform::http::{Fault, cookies::Cookies};

/// A published address, with the texts of its path as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address<'p> {
    Register,
    Login,
    Refresh,
    Logout,
    Delete,
    Products,
    Product(&'p str),
    Orders,
    Order(&'p str),
    OrderStatus(&'p str),
    OrdersOf(&'p str),
    Payments,
}

/// The published address at this path. The orders' and the payments' are open below `/api` too, as the
/// products' are.
pub(crate) fn find(path: &str) -> Option<Address<'_>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let address = match segments.as_slice() {
        ["api", "auth", "register"] | ["auth", "register"] | ["register"] => Address::Register,
        ["api", "auth", "login"] | ["auth", "login"] | ["login"] => Address::Login,
        ["api", "auth", "refresh"] => Address::Refresh,
        ["api", "auth", "logout"] => Address::Logout,
        ["api", "auth", "delete"] => Address::Delete,
        ["api", "products"] | ["products"] => Address::Products,
        ["api", "products", id] | ["products", id] => Address::Product(id),
        ["api", "orders"] | ["orders"] => Address::Orders,
        ["api", "orders", id] | ["orders", id] => Address::Order(id),
        ["api", "orders", "user", who] | ["orders", "user", who] => Address::OrdersOf(who),
        ["api", "orders", id, "status"] | ["orders", id, "status"] => Address::OrderStatus(id),
        ["api", "payments"] | ["payments"] => Address::Payments,
        _ => return None,
    };
    (!segments.contains(&"")).then_some(address)
}

impl Address<'_> {
    /// Whether the body that is sent here proves who sends it.
    pub(crate) const fn takes_credentials(self) -> bool {
        matches!(self, Self::Register | Self::Login | Self::Refresh)
    }

    const fn methods(self) -> &'static str {
        match self {
            Self::Register | Self::Login | Self::Refresh | Self::Logout | Self::Payments => "POST",
            Self::Delete => "POST, PUT",
            Self::Products | Self::Orders => "GET, HEAD, POST",
            Self::Product(_) => "GET, HEAD, PUT, DELETE",
            Self::Order(_) => "GET, HEAD, PUT",
            Self::OrderStatus(_) => "PUT",
            Self::OrdersOf(_) => "GET, HEAD",
        }
    }
}

/// Answers a request at a published address.
pub(crate) async fn answer(
    upstreams: &Upstreams,
    cookies: Cookies,
    address: Address<'_>,
    request: Request,
) -> Response {
    let (caller, fields) = match Caller::read(upstreams, cookies, request).await {
        Ok(read) => read,
        Err(fault) => return fault.into_response(),
    };
    let answered = Box::pin(translate(&caller, address, &fields)).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn translate(
    caller: &Caller<'_>,
    address: Address<'_>,
    fields: &Fields,
) -> Result<Response, Fault> {
    match (address, caller.method.as_str()) {
        (Address::Register, "POST") => auth::register(caller, fields).await,
        (Address::Login, "POST") => auth::login(caller, fields).await,
        (Address::Refresh, "POST") => auth::refresh(caller, fields).await,
        (Address::Logout, "POST") => auth::logout(caller, fields).await,
        (Address::Delete, "POST" | "PUT") => auth::delete(caller, fields).await,
        (Address::Products, "GET" | "HEAD") => products::list(caller).await,
        (Address::Products, "POST") => products::create(caller, fields).await,
        (Address::Product(id), "GET" | "HEAD") => products::read(caller, id).await,
        (Address::Product(id), "PUT") => products::change(caller, id, fields).await,
        (Address::Product(id), "DELETE") => products::delete(caller, id, fields).await,
        (Address::Orders, "GET" | "HEAD") => orders::own(caller).await,
        (Address::Orders, "POST") => orders::place(caller, fields).await,
        (Address::Order(id), "GET" | "HEAD") => orders::read(caller, id).await,
        (Address::Order(id) | Address::OrderStatus(id), "PUT") => {
            status::change(caller, id, fields).await
        }
        (Address::OrdersOf(who), "GET" | "HEAD") => orders::of(caller, who).await,
        (Address::Payments, "POST") => orders::pay(caller, fields).await,
        (address, _) => Ok(wrong_method(address)),
    }
}

fn wrong_method(address: Address<'_>) -> Response {
    let mut response = Fault::new(Code::MethodNotAllowed).into_response();
    let methods = HeaderValue::from_static(address.methods());
    response.headers_mut().insert(ALLOW, methods);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_published_address_is_known() {
        for (path, expected) in [
            ("/api/auth/register", Some(Address::Register)),
            ("/auth/register", Some(Address::Register)),
            ("/register", Some(Address::Register)),
            ("/api/auth/login", Some(Address::Login)),
            ("/auth/login", Some(Address::Login)),
            ("/login", Some(Address::Login)),
            ("/api/auth/refresh", Some(Address::Refresh)),
            ("/api/auth/logout", Some(Address::Logout)),
            ("/api/auth/delete", Some(Address::Delete)),
            ("/products", Some(Address::Products)),
            ("/api/products", Some(Address::Products)),
            ("/products/p1", Some(Address::Product("p1"))),
            ("/api/products/p1", Some(Address::Product("p1"))),
            ("/orders", Some(Address::Orders)),
            ("/api/orders", Some(Address::Orders)),
            ("/orders/o1", Some(Address::Order("o1"))),
            ("/orders/o1/status", Some(Address::OrderStatus("o1"))),
            ("/orders/user/ann", Some(Address::OrdersOf("ann"))),
            ("/orders/user", Some(Address::Order("user"))),
            ("/payments", Some(Address::Payments)),
            ("/api/payments", Some(Address::Payments)),
            ("/", None),
            ("/products/", None),
            ("/products//status", None),
            ("/orders/o1/cancel", None),
            ("/payments/p1", None),
            ("/api/register", None),
            ("/api", None),
        ] {
            assert_eq!(find(path), expected, "{path}");
        }
    }
}
