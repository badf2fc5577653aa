//! Every route that takes a body: a valid one, and what each of its fields is. The hostile ones are made of these.

use super::world::By;

/// What a field is, which tells what it cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text with a bound and without control characters.
    Text,
    /// A text of any characters.
    Secret,
    /// A text of some characters only.
    Plain,
    Email,
    Username,
    Id,
    /// Units of one thing, at least one.
    Quantity,
    /// Units in stock.
    Units,
    /// Units more or fewer.
    Delta,
    Version,
    /// An amount that is nothing but compared.
    Money,
    /// A price.
    Price,
    /// Yes or no.
    Truth,
    /// One word of a few.
    Choice,
    Words,
    Objects,
    /// Objects of which each is judged alone.
    Each,
    Object,
    /// An object of which every field may be left out.
    Selection,
    /// Names with plain values.
    Attributes,
}

/// A route that takes a body.
pub(crate) struct Route {
    pub(crate) line: &'static str,
    pub(crate) by: By,
    pub(crate) body: &'static str,
    pub(crate) fields: &'static [(&'static str, Kind)],
    /// Fields that must come.
    pub(crate) required: &'static [&'static str],
    /// The largest body.
    pub(crate) bytes_max: usize,
    /// The status of the valid request.
    pub(crate) status: u16,
}

const SMALL: usize = 64 * 1_024;
const ORDER: usize = 256 * 1_024;
const LARGE: usize = 1_024 * 1_024;

const PRODUCT: &str = r#"{"name":"New","sku":"NEW","slug":"new","description":"New.",
    "price":{"amount":1,"currency":"USD"},"stock":1,
    "category":"drinks","status":"active","image_url":"/new.png","attributes":{"colour":"red"},"version":1}"#;
const PATCH: &str = r#"{"name":"New","sku":"NEWER","slug":"newer","description":"New.","price":"1.50",
    "category":"drinks","status":"active","image_url":"/new.png","attributes":{"colour":"red"},"version":1}"#;
const ADJUST: &str = r#"{"changes":[{"variant_id":"$variant","delta":1,"reason":"count"},
    {"sku":"Mug","set":49,"expected":50,"reason":"count"}]}"#;
const PLACE: &str = r#"{"items":[{"product_id":"$product","quantity":1},{"variant_id":"$variant","quantity":2}],
    "total":{"amount":450,"currency":"USD"},"email":"ann@souk.example","payment":{"method":"tok_ok"}}"#;

const DOCUMENT: &[(&str, Kind)] = &[
    ("/name", Kind::Text),
    ("/sku", Kind::Text),
    ("/slug", Kind::Plain),
    ("/description", Kind::Text),
    ("/price", Kind::Price),
    ("/category", Kind::Text),
    ("/status", Kind::Choice),
    ("/image_url", Kind::Plain),
    ("/attributes", Kind::Attributes),
    ("/version", Kind::Version),
];

/// In the order in which the valid ones can all be sent.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        line: "POST /api/v1/auth/register",
        by: By::Nobody,
        body: r#"{"email":"dora@souk.example","username":"dora","password":"correct horse battery","name":"Dora"}"#,
        fields: &[
            ("/email", Kind::Email),
            ("/username", Kind::Username),
            ("/password", Kind::Secret),
            ("/name", Kind::Text),
        ],
        required: &["/password"],
        bytes_max: SMALL,
        status: 201,
    },
    Route {
        line: "POST /api/v1/auth/login",
        by: By::Nobody,
        body: r#"{"email":"carl@souk.example","username":"carl","password":"correct horse battery"}"#,
        fields: &[
            ("/email", Kind::Email),
            ("/username", Kind::Username),
            ("/password", Kind::Secret),
        ],
        required: &["/password"],
        bytes_max: SMALL,
        status: 200,
    },
    Route {
        line: "POST /api/v1/auth/refresh",
        by: By::Nobody,
        body: r#"{"refresh_token":"$refresh"}"#,
        fields: &[("/refresh_token", Kind::Secret)],
        required: &["/refresh_token"],
        bytes_max: SMALL,
        status: 200,
    },
    Route {
        line: "POST /api/v1/auth/logout",
        by: By::Nobody,
        body: r#"{"refresh_token":"$refresh"}"#,
        fields: &[("/refresh_token", Kind::Secret)],
        required: &[],
        bytes_max: SMALL,
        status: 204,
    },
    Route {
        // There is an admin already, so that even the valid one is refused.
        line: "POST /api/v1/auth/setup",
        by: By::Nobody,
        body: r#"{"setup_token":"x","email":"eve@souk.example","password":"correct horse battery"}"#,
        fields: &[
            ("/setup_token", Kind::Secret),
            ("/email", Kind::Email),
            ("/password", Kind::Secret),
        ],
        required: &["/setup_token", "/email", "/password"],
        bytes_max: SMALL,
        status: 401,
    },
    Route {
        line: "PATCH /api/v1/me",
        by: By::Ann,
        body: r#"{"name":"Ann B.","version":1}"#,
        fields: &[("/name", Kind::Text), ("/version", Kind::Version)],
        required: &[],
        bytes_max: SMALL,
        status: 200,
    },
    Route {
        line: "PATCH /api/v1/users/$bob",
        by: By::Admin,
        body: r#"{"roles":["customer"],"version":1}"#,
        fields: &[
            ("/roles", Kind::Words),
            ("/roles/0", Kind::Choice),
            ("/version", Kind::Version),
        ],
        required: &["/roles"],
        bytes_max: SMALL,
        status: 200,
    },
    Route {
        line: "POST /api/v1/categories",
        by: By::Admin,
        body: r#"{"name":"Teas","slug":"teas","parent":"drinks"}"#,
        fields: &[
            ("/name", Kind::Text),
            ("/slug", Kind::Plain),
            ("/parent", Kind::Plain),
        ],
        required: &["/name"],
        bytes_max: SMALL,
        status: 201,
    },
    Route {
        line: "POST /api/v1/products",
        by: By::Admin,
        body: PRODUCT,
        fields: DOCUMENT,
        required: &["/name", "/price"],
        bytes_max: LARGE,
        status: 201,
    },
    Route {
        line: "POST /api/v1/discounts",
        by: By::Admin,
        body: r#"{"code":"TEA-10","basis_points":1000,"only":{"products":["$product"]},"active":true}"#,
        fields: &[
            ("/code", Kind::Plain),
            ("/basis_points", Kind::Units),
            ("/only", Kind::Selection),
            ("/only/products", Kind::Words),
            ("/only/products/0", Kind::Id),
        ],
        required: &["/code"],
        bytes_max: ORDER,
        status: 201,
    },
    Route {
        line: "POST /api/v1/products/batch",
        by: By::Admin,
        body: r#"{"products":[{"name":"Batch","price":1}]}"#,
        fields: &[("/products", Kind::Each)],
        required: &["/products"],
        bytes_max: LARGE,
        status: 200,
    },
    Route {
        line: "POST /api/v1/products/import",
        by: By::Admin,
        body: r#"{"rows":[{"sku":"Come","name":"Come","price":{"amount":150,"currency":"USD"}}],"dry_run":false}"#,
        fields: &[("/rows", Kind::Each), ("/dry_run", Kind::Truth)],
        required: &["/rows"],
        bytes_max: LARGE,
        status: 200,
    },
    Route {
        line: "PUT /api/v1/products/$product",
        by: By::Admin,
        body: r#"{"name":"Tea","price":{"amount":150,"currency":"USD"},"stock":1,"version":1}"#,
        fields: &[
            ("/name", Kind::Text),
            ("/price", Kind::Price),
            ("/price/amount", Kind::Units),
            ("/price/currency", Kind::Plain),
            ("/stock", Kind::Units),
            ("/version", Kind::Version),
        ],
        required: &["/name", "/price"],
        bytes_max: LARGE,
        status: 200,
    },
    Route {
        line: "PATCH /api/v1/products/$other",
        by: By::Admin,
        body: PATCH,
        fields: DOCUMENT,
        required: &[],
        bytes_max: LARGE,
        status: 200,
    },
    Route {
        line: "POST /api/v1/inventory/adjust",
        by: By::Admin,
        body: ADJUST,
        fields: &[
            ("/changes", Kind::Objects),
            ("/changes/0", Kind::Object),
            ("/changes/0/variant_id", Kind::Id),
            ("/changes/0/delta", Kind::Delta),
            ("/changes/0/reason", Kind::Text),
            ("/changes/1/set", Kind::Units),
            ("/changes/1/expected", Kind::Units),
        ],
        required: &["/changes", "/changes/0/reason"],
        bytes_max: SMALL,
        status: 200,
    },
    Route {
        line: "POST /api/v1/orders",
        by: By::Ann,
        body: PLACE,
        fields: &[
            ("/items", Kind::Objects),
            ("/items/0", Kind::Object),
            ("/items/0/product_id", Kind::Id),
            ("/items/0/quantity", Kind::Quantity),
            ("/items/1/variant_id", Kind::Id),
            ("/items/1/quantity", Kind::Quantity),
            ("/total", Kind::Money),
            ("/total/currency", Kind::Plain),
            ("/email", Kind::Email),
            ("/payment", Kind::Object),
            ("/payment/method", Kind::Plain),
        ],
        required: &[
            "/items",
            "/items/0/quantity",
            "/payment/method",
            "/total/currency",
        ],
        bytes_max: ORDER,
        status: 201,
    },
    Route {
        line: "POST /api/v1/payments",
        by: By::Ann,
        body: r#"{"order_id":"$pending","method":"tok_ok"}"#,
        fields: &[("/order_id", Kind::Id), ("/method", Kind::Plain)],
        required: &["/order_id", "/method"],
        bytes_max: SMALL,
        status: 201,
    },
    Route {
        line: "POST /api/v1/orders/$shipped/deliver",
        by: By::Admin,
        body: "{}",
        fields: &[],
        required: &[],
        bytes_max: ORDER,
        status: 200,
    },
    Route {
        line: "POST /api/v1/orders/$paid/ship",
        by: By::Admin,
        body: r#"{"tracking":"1Z"}"#,
        fields: &[("/tracking", Kind::Text)],
        required: &[],
        bytes_max: ORDER,
        status: 200,
    },
    Route {
        line: "POST /api/v1/orders/$pending/cancel",
        by: By::Ann,
        body: "{}",
        fields: &[],
        required: &[],
        bytes_max: ORDER,
        status: 200,
    },
    Route {
        line: "POST /api/v1/auth/password/forgot",
        by: By::Nobody,
        body: r#"{"email":"nobody@souk.example"}"#,
        fields: &[("/email", Kind::Email)],
        required: &["/email"],
        bytes_max: SMALL,
        status: 202,
    },
    Route {
        line: "POST /api/v1/auth/password/reset",
        by: By::Nobody,
        body: r#"{"token":"x","new_password":"correct horse battery"}"#,
        fields: &[("/token", Kind::Secret), ("/new_password", Kind::Secret)],
        required: &["/token", "/new_password"],
        bytes_max: SMALL,
        status: 401,
    },
    Route {
        line: "POST /api/v1/auth/verify",
        by: By::Nobody,
        body: r#"{"token":"x"}"#,
        fields: &[("/token", Kind::Secret)],
        required: &["/token"],
        bytes_max: SMALL,
        status: 401,
    },
    Route {
        line: "POST /api/v1/auth/password/change",
        by: By::Ann,
        body: r#"{"current_password":"correct horse battery","new_password":"correct horse battery"}"#,
        fields: &[
            ("/current_password", Kind::Secret),
            ("/new_password", Kind::Secret),
        ],
        required: &["/current_password", "/new_password"],
        bytes_max: SMALL,
        status: 204,
    },
    Route {
        line: "DELETE /api/v1/me",
        by: By::Ann,
        body: r#"{"password":"correct horse battery"}"#,
        fields: &[("/password", Kind::Secret)],
        required: &["/password"],
        bytes_max: SMALL,
        status: 204,
    },
];

/// The seeds' addresses that take a body. They pass unknown names over; what is no JSON they refuse as well.
pub(crate) const SEEDS: &[(&str, By, usize)] = &[
    ("POST /register", By::Nobody, SMALL),
    ("POST /api/auth/register", By::Nobody, SMALL),
    ("POST /auth/login", By::Nobody, SMALL),
    ("POST /api/auth/refresh", By::Nobody, SMALL),
    ("POST /api/auth/logout", By::Ann, SMALL),
    ("POST /api/auth/delete", By::Ann, SMALL),
    ("PUT /api/auth/delete", By::Ann, SMALL),
    ("POST /products", By::Admin, SMALL),
    ("PUT /products/$product", By::Admin, SMALL),
    ("POST /orders", By::Ann, SMALL),
    ("POST /api/orders", By::Ann, SMALL),
    ("PUT /orders/$pending/status", By::Ann, SMALL),
    ("PUT /orders/$pending", By::Ann, SMALL),
    ("POST /payments", By::Ann, SMALL),
];
