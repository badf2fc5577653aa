//! What an API key has to be for, a route of the document a line. What is not in this table is closed to keys, and so
//! is whatever changes accounts, sessions and keys themselves; sessions are never looked at here.

use crate::routes::Route;
use axum::http::Method;
use contracts::{
    access::Principal,
    problem::{Code, Problem},
    scopes::Scope,
};

/// What a route asks of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// This scope.
    Scope(Scope),
    /// There is none that would do: people sign in.
    Session,
}

use Need::{Scope as Of, Session};
use Scope::{
    CustomersRead, CustomersWrite, DiscountsRead, DiscountsWrite, EventsRead, EventsWrite,
    InventoryRead, InventoryWrite, OrdersRead, OrdersWrite, PaymentsRead, PaymentsWrite,
    ProductsRead, ProductsWrite, ProfileRead, ShippingWrite, TaxesWrite, WebhooksRead,
    WebhooksWrite,
};

#[rustfmt::skip] // a route a line
const ROUTES: &[(&str, &str, Need)] = &[
    ("GET", "/.well-known/jwks.json", Session),
    ("GET", "/api/v1/api-keys", Session),
    ("POST", "/api/v1/api-keys", Session),
    ("GET", "/api/v1/api-keys/{id}", Session),
    ("DELETE", "/api/v1/api-keys/{id}", Session),
    ("POST", "/api/v1/api-keys/{id}/rotate", Session),
    ("GET", "/api/v1/audit", Session),
    ("GET", "/api/v1/audit/security-events", Session),
    ("POST", "/api/v1/auth/login", Session),
    ("POST", "/api/v1/auth/login/second-factor", Session),
    ("POST", "/api/v1/auth/logout", Session),
    ("POST", "/api/v1/auth/password/change", Session),
    ("POST", "/api/v1/auth/password/forgot", Session),
    ("POST", "/api/v1/auth/password/reset", Session),
    ("POST", "/api/v1/auth/refresh", Session),
    ("POST", "/api/v1/auth/register", Session),
    ("POST", "/api/v1/auth/setup", Session),
    ("POST", "/api/v1/auth/verify", Session),
    ("POST", "/api/v1/carts", Of(OrdersWrite)),
    ("GET", "/api/v1/carts/{id}", Of(OrdersRead)),
    ("PUT", "/api/v1/carts/{id}/items/{item}", Of(OrdersWrite)),
    ("PUT", "/api/v1/carts/{id}/currency", Of(OrdersWrite)),
    ("PUT", "/api/v1/carts/{id}/discount", Of(OrdersWrite)),
    ("PUT", "/api/v1/carts/{id}/shipping", Of(OrdersWrite)),
    ("PUT", "/api/v1/carts/{id}/address", Of(OrdersWrite)),
    ("GET", "/api/v1/carts/{id}/shipping-methods", Of(OrdersRead)),
    ("GET", "/api/v1/shipping-methods", Of(OrdersRead)),
    ("POST", "/api/v1/shipping-methods", Of(ShippingWrite)),
    ("PUT", "/api/v1/shipping-methods/{id}", Of(ShippingWrite)),
    ("GET", "/api/v1/tax-rates", Of(OrdersRead)),
    ("POST", "/api/v1/tax-rates", Of(TaxesWrite)),
    ("PUT", "/api/v1/tax-rates/{id}", Of(TaxesWrite)),
    ("DELETE", "/api/v1/tax-rates/{id}", Of(TaxesWrite)),
    ("POST", "/api/v1/carts/{id}/merge", Of(OrdersWrite)),
    ("GET", "/api/v1/currencies", Of(ProductsRead)),
    ("GET", "/api/v1/categories", Of(ProductsRead)),
    ("POST", "/api/v1/categories", Of(ProductsWrite)),
    ("PATCH", "/api/v1/categories/{category_id}", Of(ProductsWrite)),
    ("DELETE", "/api/v1/categories/{category_id}", Of(ProductsWrite)),
    ("POST", "/api/v1/deliveries/{id}/replay", Of(WebhooksWrite)),
    ("GET", "/api/v1/discounts", Of(DiscountsRead)),
    ("POST", "/api/v1/discounts", Of(DiscountsWrite)),
    ("GET", "/api/v1/discounts/{id}", Of(DiscountsRead)),
    ("PUT", "/api/v1/discounts/{id}", Of(DiscountsWrite)),
    ("GET", "/api/v1/earlier-orders", Of(OrdersRead)),
    ("POST", "/api/v1/earlier-orders/import", Of(OrdersWrite)),
    ("GET", "/api/v1/earlier-orders/totals", Of(OrdersRead)),
    ("GET", "/api/v1/earlier-orders/{id}", Of(OrdersRead)),
    ("GET", "/api/v1/events", Of(EventsRead)),
    ("GET", "/api/v1/events/dead", Of(EventsRead)),
    ("POST", "/api/v1/events/dead/{id}/redrive", Of(EventsWrite)),
    ("GET", "/api/v1/inventory", Of(InventoryRead)),
    ("POST", "/api/v1/inventory/adjust", Of(InventoryWrite)),
    ("GET", "/api/v1/inventory/{variant_id}", Of(InventoryRead)),
    ("GET", "/api/v1/inventory/{variant_id}/movements", Of(InventoryRead)),
    ("GET", "/api/v1/me", Of(ProfileRead)),
    ("PATCH", "/api/v1/me", Session),
    ("DELETE", "/api/v1/me", Session),
    ("GET", "/api/v1/me/addresses", Session),
    ("POST", "/api/v1/me/addresses", Session),
    ("DELETE", "/api/v1/me/addresses/{id}", Session),
    ("GET", "/api/v1/me/export", Session),
    ("GET", "/api/v1/me/second-factor", Session),
    ("POST", "/api/v1/me/second-factor", Session),
    ("DELETE", "/api/v1/me/second-factor", Session),
    ("POST", "/api/v1/me/second-factor/confirm", Session),
    ("POST", "/api/v1/me/second-factor/recovery-codes", Session),
    ("GET", "/api/v1/me/security-events", Session),
    ("GET", "/api/v1/me/sessions", Session),
    ("DELETE", "/api/v1/me/sessions", Session),
    ("DELETE", "/api/v1/me/sessions/{id}", Session),
    ("POST", "/api/v1/me/verification", Session),
    ("GET", "/api/v1/orders", Of(OrdersRead)),
    ("POST", "/api/v1/orders", Of(OrdersWrite)),
    ("GET", "/api/v1/orders/figures", Of(OrdersRead)),
    ("GET", "/api/v1/orders/{id}", Of(OrdersRead)),
    ("GET", "/api/v1/orders/{id}/timeline", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/cancel", Of(OrdersWrite)),
    ("POST", "/api/v1/orders/{id}/deliver", Of(OrdersWrite)),
    ("GET", "/api/v1/orders/{id}/invoice", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/mails", Of(OrdersWrite)),
    ("GET", "/api/v1/orders/{id}/notes", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/notes", Of(OrdersWrite)),
    ("GET", "/api/v1/orders/{id}/packing-slip", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/refund", Of(PaymentsWrite)),
    ("GET", "/api/v1/orders/{id}/returns", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/returns", Of(OrdersWrite)),
    ("POST", "/api/v1/orders/{id}/returns/{return}/approve", Of(OrdersWrite)),
    ("POST", "/api/v1/orders/{id}/returns/{return}/receive", Of(PaymentsWrite)),
    ("POST", "/api/v1/orders/{id}/returns/{return}/refuse", Of(OrdersWrite)),
    ("POST", "/api/v1/orders/{id}/ship", Of(OrdersWrite)),
    ("GET", "/api/v1/orders/{id}/shipments", Of(OrdersRead)),
    ("POST", "/api/v1/orders/{id}/shipments", Of(OrdersWrite)),
    ("POST", "/api/v1/payments", Of(PaymentsWrite)),
    ("GET", "/api/v1/payments/providers/sandbox/charges", Of(PaymentsRead)),
    ("GET", "/api/v1/payments/providers/sandbox/knobs", Session),
    ("PUT", "/api/v1/payments/providers/sandbox/knobs", Session),
    ("POST", "/api/v1/payments/providers/sandbox/proofs/{proof}", Session),
    ("POST", "/api/v1/payments/providers/{name}/webhook", Session),
    ("GET", "/api/v1/payments/reviews", Of(PaymentsRead)),
    ("GET", "/api/v1/payments/sagas", Of(PaymentsRead)),
    ("POST", "/api/v1/payments/sagas/{id}/retry", Of(PaymentsWrite)),
    ("GET", "/api/v1/payments/{id}", Of(PaymentsRead)),
    ("GET", "/api/v1/payments/{id}/refunds", Of(PaymentsRead)),
    ("POST", "/api/v1/payments/{id}/refunds", Of(PaymentsWrite)),
    ("POST", "/api/v1/payments/{id}/void", Of(PaymentsWrite)),
    ("GET", "/api/v1/products", Of(ProductsRead)),
    ("POST", "/api/v1/products", Of(ProductsWrite)),
    ("POST", "/api/v1/products/batch", Of(ProductsWrite)),
    ("GET", "/api/v1/products/facets", Of(ProductsRead)),
    ("POST", "/api/v1/products/import", Of(ProductsWrite)),
    ("GET", "/api/v1/products/suggestions", Of(ProductsRead)),
    ("GET", "/api/v1/products/{product}", Of(ProductsRead)),
    ("PUT", "/api/v1/products/{product}", Of(ProductsWrite)),
    ("PATCH", "/api/v1/products/{product}", Of(ProductsWrite)),
    ("DELETE", "/api/v1/products/{product}", Of(ProductsWrite)),
    ("GET", "/api/v1/products/{product}/images", Of(ProductsRead)),
    ("POST", "/api/v1/products/{product}/images", Of(ProductsWrite)),
    ("PUT", "/api/v1/products/{product}/images/{image_id}", Of(ProductsWrite)),
    ("PATCH", "/api/v1/products/{product}/images/{image_id}", Of(ProductsWrite)),
    ("DELETE", "/api/v1/products/{product}/images/{image_id}", Of(ProductsWrite)),
    ("PUT", "/api/v1/products/{product}/options", Of(ProductsWrite)),
    ("GET", "/api/v1/products/{product}/prices", Of(ProductsRead)),
    ("GET", "/api/v1/products/{product}/reviews", Of(ProductsRead)),
    ("POST", "/api/v1/products/{product}/reviews", Session),
    ("GET", "/api/v1/products/{product}/variants", Of(ProductsRead)),
    ("POST", "/api/v1/products/{product}/variants", Of(ProductsWrite)),
    ("PATCH", "/api/v1/products/{product}/variants/{variant_id}", Of(ProductsWrite)),
    ("DELETE", "/api/v1/products/{product}/variants/{variant_id}", Of(ProductsWrite)),
    ("GET", "/api/v1/returns", Of(OrdersRead)),
    ("GET", "/api/v1/reviews", Of(ProductsRead)),
    ("DELETE", "/api/v1/reviews/{review_id}", Session),
    ("PUT", "/api/v1/reviews/{review_id}", Session),
    ("PUT", "/api/v1/reviews/{review_id}/status", Of(ProductsWrite)),
    ("GET", "/api/v1/users", Of(CustomersRead)),
    ("POST", "/api/v1/users/import", Of(CustomersWrite)),
    ("GET", "/api/v1/users/{id}", Of(CustomersRead)),
    ("PATCH", "/api/v1/users/{id}", Session),
    ("POST", "/api/v1/users/{id}/password-reset", Session),
    ("DELETE", "/api/v1/users/{id}/second-factor", Session),
    ("DELETE", "/api/v1/users/{id}/sessions", Session),
    ("PUT", "/api/v1/users/{id}/status", Session),
    ("GET", "/api/v1/webhooks", Of(WebhooksRead)),
    ("POST", "/api/v1/webhooks", Of(WebhooksWrite)),
    ("GET", "/api/v1/webhooks/{id}", Of(WebhooksRead)),
    ("PATCH", "/api/v1/webhooks/{id}", Of(WebhooksWrite)),
    ("DELETE", "/api/v1/webhooks/{id}", Of(WebhooksWrite)),
    ("GET", "/api/v1/webhooks/{id}/deliveries", Of(WebhooksRead)),
    ("POST", "/api/v1/webhooks/{id}/ping", Of(WebhooksWrite)),
    ("POST", "/api/v1/webhooks/{id}/replay", Of(WebhooksWrite)),
    ("POST", "/api/v1/webhooks/{id}/rotate", Of(WebhooksWrite)),
];

/// What the route at this path asks of an API key, if it is one of the document's. Whoever reads its head alone needs
/// as much.
#[must_use]
pub fn need(method: &str, path: &str) -> Option<Need> {
    let method = if method == "HEAD" { "GET" } else { method };
    let fits = |(verb, pattern, _): &&(&str, &str, Need)| *verb == method && is_at(pattern, path);
    // A word that is written out comes before one that stands for any.
    let found = ROUTES
        .iter()
        .filter(fits)
        .min_by_key(|(_, pattern, _)| pattern.matches('{').count());
    found.map(|(.., need)| *need)
}

fn is_at(pattern: &str, path: &str) -> bool {
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return true,
            (Some(word), Some(text)) if word.starts_with('{') && !text.is_empty() => {}
            (Some(word), Some(text)) if word == text => {}
            _ => return false,
        }
    }
}

/// Why whoever asks with a key is not let in here, if they are not.
pub(crate) fn refusal(
    route: Route<'_>,
    method: &Method,
    path: &str,
    who: &Principal,
) -> Option<Problem> {
    who.key.as_ref()?;
    match route {
        // Nothing here depends on who asks. What a seed's address is translated to is looked at there.
        Route::Own(_) | Route::Asset | Route::Picture | Route::Nothing | Route::Seed(_) => None,
        Route::Page => Some(closed()),
        Route::Service(_) => match need(method.as_str(), path) {
            Some(Need::Scope(scope)) => who.permit(scope).err(),
            Some(Need::Session) | None => Some(closed()),
        },
    }
}

fn closed() -> Problem {
    Problem::new(Code::Forbidden).detail("this is closed to API keys: sign in")
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        access::Role,
        scopes::KeyAccess,
        values::{ApiKeyId, SessionId, UserId},
    };
    use std::collections::BTreeSet;

    /// A route without a line here could not be told from one that is closed; a line without a route says nothing.
    #[test]
    fn the_table_has_every_route_of_the_document_and_no_other() {
        let document = include_str!("../../../docs/openapi.json");
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        let mut listed = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                listed.insert((method.to_uppercase(), path.clone()));
            }
        }
        let tabled: BTreeSet<(String, String)> = ROUTES
            .iter()
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(tabled.len(), ROUTES.len(), "a route has one line");
        assert_eq!(
            listed.difference(&tabled).collect::<Vec<_>>(),
            Vec::<&_>::new()
        );
        assert_eq!(
            tabled.difference(&listed).collect::<Vec<_>>(),
            Vec::<&_>::new()
        );
    }

    #[test]
    fn every_scope_opens_something_and_writing_is_never_opened_by_reading() {
        for scope in Scope::ALL {
            let opened = ROUTES.iter().filter(|(.., need)| *need == Of(*scope));
            let methods: Vec<&str> = opened.map(|(method, ..)| *method).collect();
            assert!(!methods.is_empty(), "{scope:?}");
            let reads = methods.iter().all(|method| *method == "GET");
            assert_eq!(reads, scope.as_str().ends_with(":read"), "{scope:?}");
        }
    }

    #[test]
    fn each_path_needs_what_its_route_does() {
        for (method, path, expected) in [
            ("GET", "/api/v1/products/green-tea", Some(Of(ProductsRead))),
            ("HEAD", "/api/v1/products", Some(Of(ProductsRead))),
            ("POST", "/api/v1/products/batch", Some(Of(ProductsWrite))),
            ("POST", "/api/v1/products/other", None),
            (
                "GET",
                "/api/v1/payments/providers/sandbox/knobs",
                Some(Session),
            ),
            ("GET", "/api/v1/payments/reviews", Some(Of(PaymentsRead))),
            ("GET", "/api/v1/orders/", None),
            ("GET", "/api/v1/orders//timeline", None),
            ("GET", "/api/v1/orders/ord_1/timeline/x", None),
            ("GET", "/api/v1/%6frders", None),
            ("get", "/api/v1/orders", None),
            ("TRACE", "/api/v1/orders", None),
        ] {
            assert_eq!(need(method, path), expected, "{method} {path}");
        }
    }

    fn machine(scopes: &[Scope]) -> Principal {
        Principal {
            user_id: UserId::generate(),
            session_id: SessionId::generate(),
            roles: vec![Role::Admin],
            key: Some(KeyAccess {
                id: ApiKeyId::generate(),
                scopes: scopes.to_vec(),
            }),
        }
    }

    #[test]
    fn a_key_is_let_in_where_its_scopes_lead_and_nowhere_else() {
        let (reader, all) = (machine(&[OrdersRead]), machine(Scope::ALL));
        let ask = |who: &Principal, method: &str, path: &str| {
            let refusal = refusal(
                crate::routes::find(path),
                &method.parse().unwrap(),
                path,
                who,
            );
            refusal.map(|problem| problem.code)
        };
        for (method, path, refused, by_all) in [
            ("GET", "/api/v1/orders", None, None),
            ("POST", "/api/v1/orders", Some(Code::ScopeMissing), None),
            ("GET", "/api/v1/products", Some(Code::ScopeMissing), None),
            (
                "GET",
                "/api/v1/audit",
                Some(Code::Forbidden),
                Some(Code::Forbidden),
            ),
            (
                "PUT",
                "/api/v1/orders",
                Some(Code::Forbidden),
                Some(Code::Forbidden),
            ),
            (
                "GET",
                "/account",
                Some(Code::Forbidden),
                Some(Code::Forbidden),
            ),
            ("GET", "/", Some(Code::Forbidden), Some(Code::Forbidden)),
            ("GET", "/openapi.json", None, None),
            ("GET", "/api/v1/nothing", None, None),
        ] {
            assert_eq!(ask(&reader, method, path), refused, "{method} {path}");
            assert_eq!(ask(&all, method, path), by_all, "{method} {path}");
            let person = Principal {
                key: None,
                ..machine(&[])
            };
            assert_eq!(ask(&person, method, path), None, "{method} {path}");
        }
    }
}
