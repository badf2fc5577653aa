//! The table from path to what answers there. It looks at paths only: who may come in is decided elsewhere.

use crate::{docs::Page, seeds};
use axum::{
    Router,
    http::{Uri, uri::PathAndQuery},
};

/// The routers behind the door. Each answers for the full paths that are its own.
#[derive(Clone)]
pub struct Upstreams {
    /// Accounts, sessions, keys.
    pub identity: Router,
    /// Products, categories, stock.
    pub catalog: Router,
    /// Orders, and webhooks with the feed of events, which are kept where orders are.
    pub orders: Router,
    /// Payments.
    pub payments: Router,
    /// What is asked of the shop as a whole: whether the books balance and which events were not taken, by admins; all
    /// that is kept of them, by everybody.
    pub audit: Router,
    /// Pages for people, and whatever else is asked for.
    pub storefront: Router,
}

impl Upstreams {
    /// The router of a service.
    pub(crate) fn at(&self, service: Service) -> &Router {
        match service {
            Service::Identity => &self.identity,
            Service::Catalog => &self.catalog,
            Service::Orders => &self.orders,
            Service::Payments => &self.payments,
            Service::Audit => &self.audit,
        }
    }
}

/// A service with an API of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Identity,
    Catalog,
    Orders,
    Payments,
    Audit,
}

/// Whose paths begin how.
const SERVICES: &[(&str, Service)] = &[
    ("/api/v1/products", Service::Catalog),
    ("/api/v1/orders", Service::Orders),
    ("/api/v1/earlier-orders", Service::Orders),
    ("/api/v1/returns", Service::Orders),
    ("/api/v1/carts", Service::Orders),
    ("/api/v1/discounts", Service::Orders),
    ("/api/v1/shipping-methods", Service::Orders),
    ("/api/v1/tax-rates", Service::Orders),
    ("/api/v1/payments", Service::Payments),
    ("/api/v1/auth", Service::Identity),
    ("/api/v1/me/addresses", Service::Orders),
    ("/api/v1/me/export", Service::Audit),
    ("/api/v1/me", Service::Identity),
    ("/api/v1/users", Service::Identity),
    ("/api/v1/api-keys", Service::Identity),
    ("/api/v1/categories", Service::Catalog),
    ("/api/v1/currencies", Service::Catalog),
    ("/api/v1/reviews", Service::Catalog),
    ("/api/v1/inventory", Service::Catalog),
    ("/api/v1/audit/security-events", Service::Identity),
    ("/api/v1/audit", Service::Audit),
    ("/api/v1/events/dead", Service::Audit),
    ("/api/v1/events", Service::Orders),
    ("/api/v1/webhooks", Service::Orders),
    ("/api/v1/deliveries", Service::Orders),
    ("/.well-known", Service::Identity),
];

/// What takes a password, a code, a refresh token or a link's token in the body.
const CREDENTIALS: &[&str] = &[
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/register",
    "/api/v1/auth/refresh",
    "/api/v1/auth/setup",
    "/api/v1/auth/password/reset",
    "/api/v1/auth/verify",
];

/// Paths of the storefront that anybody may load as often as they like.
const ASSETS: &[&str] = &["/assets", "/media"];

/// Pictures of products, which the catalog keeps; as open as those.
const PICTURES: &str = "/images";

/// What answers at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// A service, canonically.
    Service(Service),
    /// One of the seeds' addresses, which are translated.
    Seed(seeds::Address<'p>),
    /// The door itself.
    Own(Page),
    /// A file of the storefront.
    Asset,
    /// A picture of a product.
    Picture,
    /// A page of the storefront.
    Page,
    /// Nothing, and no page either.
    Nothing,
}

impl Route<'_> {
    /// What its requests are counted as, where no template of a router says it.
    pub(crate) const fn counted_as(&self) -> Option<&'static str> {
        match self {
            Self::Own(Page::Live | Page::Ready) => Some("probe"),
            Self::Own(_) => Some("docs"),
            Self::Seed(_) => Some("seeds"),
            Self::Service(_) | Self::Asset | Self::Picture | Self::Page | Self::Nothing => None,
        }
    }

    /// Whether it answers anybody at any time: no sign-in is looked at, nothing is counted.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Asset | Self::Picture | Self::Own(Page::Live | Page::Ready)
        )
    }
}

/// Whether the body that is sent to this path proves who sends it.
pub(crate) fn takes_credentials(path: &str) -> bool {
    CREDENTIALS.contains(&path) || seeds::find(path).is_some_and(seeds::Address::takes_credentials)
}

/// What answers at this path.
pub(crate) fn find(path: &str) -> Route<'_> {
    if let Some((_, service)) = SERVICES.iter().find(|(root, _)| is_below(path, root)) {
        return Route::Service(*service);
    }
    if let Some(address) = seeds::find(path) {
        return Route::Seed(address);
    }
    if let Some(page) = Page::find(path) {
        return Route::Own(page);
    }
    if is_below(path, "/api") {
        return Route::Nothing;
    }
    if ASSETS.iter().any(|root| is_below(path, root)) {
        return Route::Asset;
    }
    if is_below(path, PICTURES) {
        return Route::Picture;
    }
    Route::Page
}

/// Whether a path is this root or lies below it; `/api/v1/order` does not lie below `/api/v1/orders`.
fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The address without its trailing slash, where one is accepted; pages have rules of their own.
pub(crate) fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/')?;
    if path.is_empty() || matches!(find(path), Route::Page | Route::Asset | Route::Picture) {
        return None;
    }
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seeds::Address;

    #[test]
    fn each_path_has_its_answerer() {
        for (path, expected) in [
            ("/api/v1/auth/login", Route::Service(Service::Identity)),
            ("/api/v1/me", Route::Service(Service::Identity)),
            ("/api/v1/me/sessions", Route::Service(Service::Identity)),
            ("/api/v1/me/addresses", Route::Service(Service::Orders)),
            ("/api/v1/me/export", Route::Service(Service::Audit)),
            (
                "/api/v1/audit/security-events",
                Route::Service(Service::Identity),
            ),
            ("/api/v1/audit", Route::Service(Service::Audit)),
            (
                "/api/v1/users/usr_1/roles",
                Route::Service(Service::Identity),
            ),
            ("/.well-known/jwks.json", Route::Service(Service::Identity)),
            ("/api/v1/products", Route::Service(Service::Catalog)),
            (
                "/api/v1/products/green-tea",
                Route::Service(Service::Catalog),
            ),
            ("/api/v1/categories", Route::Service(Service::Catalog)),
            ("/api/v1/inventory/adjust", Route::Service(Service::Catalog)),
            (
                "/api/v1/orders/ord_1/cancel",
                Route::Service(Service::Orders),
            ),
            ("/api/v1/carts/crt_1", Route::Service(Service::Orders)),
            ("/api/v1/payments", Route::Service(Service::Payments)),
            ("/api/v1/audit", Route::Service(Service::Audit)),
            ("/api/v1/events/dead", Route::Service(Service::Audit)),
            ("/api/v1/events", Route::Service(Service::Orders)),
            (
                "/api/v1/webhooks/whk_1/ping",
                Route::Service(Service::Orders),
            ),
            ("/api/v1/audits", Route::Nothing),
            ("/openapi.json", Route::Own(Page::OpenApi)),
            ("/docs", Route::Own(Page::Docs)),
            ("/docs/docs.css", Route::Own(Page::DocsCss)),
            ("/livez", Route::Own(Page::Live)),
            ("/readyz", Route::Own(Page::Ready)),
            ("/version", Route::Own(Page::Version)),
            ("/products", Route::Seed(Address::Products)),
            ("/api/products/p1", Route::Seed(Address::Product("p1"))),
            ("/", Route::Page),
            ("/cart", Route::Page),
            ("/docs/other", Route::Page),
            ("/productss", Route::Page),
            ("/internal", Route::Page),
            ("/assets/souk.css", Route::Asset),
            ("/media/tea.jpg", Route::Asset),
            ("/images/abc.jpg", Route::Picture),
            ("/imagesx", Route::Page),
            ("/assetsx", Route::Page),
            ("/api", Route::Nothing),
            ("/api/v1", Route::Nothing),
            ("/api/v1/authx", Route::Nothing),
            ("/api/v1/nothing", Route::Nothing),
            ("/api/v2/products", Route::Nothing),
            ("/api/v1%2fproducts", Route::Nothing),
        ] {
            assert_eq!(find(path), expected, "{path}");
        }
    }

    #[test]
    fn a_trailing_slash_is_dropped_where_programs_call() {
        for (from, to) in [
            ("/api/v1/products/?q=tea", Some("/api/v1/products?q=tea")),
            ("/api/v1/orders/ord_1/", Some("/api/v1/orders/ord_1")),
            ("/products/", Some("/products")),
            ("/orders/o1/status/", Some("/orders/o1/status")),
            ("/docs/", Some("/docs")),
            ("/api/v1/products", None),
            ("/", None),
            ("/cart/", None),
        ] {
            let found = without_slash(&from.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), to, "{from}");
        }
    }
}
