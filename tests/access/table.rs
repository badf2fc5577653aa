//! Every route and who gets what of it. Requests are valid, so that the status shows the authority alone.

use super::thing::Thing::{self, *};

/// Method and path with its query; what it is about; the body; the status for nobody, a stranger, the owner,
/// a foreign merchant, the own merchant, an admin.
pub(crate) struct Row(
    pub(crate) &'static str,
    pub(crate) Thing,
    pub(crate) &'static str,
    pub(crate) [u16; 6],
);

/// Whoever asks.
const fn all(status: u16) -> [u16; 6] {
    [status; 6]
}

/// Whoever is signed in.
const fn users(status: u16) -> [u16; 6] {
    [401, status, status, status, status, status]
}

/// Those who sell, whatever they sell.
const fn sellers(status: u16) -> [u16; 6] {
    [401, 403, 403, status, status, status]
}

/// The one who sells this, and admins; other sellers do not learn that it is there.
const fn its_seller(status: u16) -> [u16; 6] {
    [401, 403, 403, 404, status, status]
}

/// Admins.
const fn admins(status: u16) -> [u16; 6] {
    [401, 403, 403, 403, 403, status]
}

const HIDE: &str = r#"{"status":"hidden","version":1}"#;

/// What is not on sale: to others it is not there.
const HIDDEN: [u16; 6] = [404, 404, 404, 404, 200, 200];
/// Who sees a customer's order that one merchant sells.
const SEES: [u16; 6] = [401, 404, 200, 404, 200, 200];
/// Who sees a customer's order that two merchants sell: neither of them.
const SEES_MIXED: [u16; 6] = [401, 404, 200, 404, 404, 200];
/// Who may cancel it: the seller sees it, but it is not theirs to cancel.
const CANCELS: [u16; 6] = [401, 404, 200, 404, 403, 200];
/// Who may send it: the buyer sees it, but may not.
const SENDS: [u16; 6] = [401, 404, 403, 404, 200, 200];
/// The same, a parcel at a time.
const SENDS_PARCEL: [u16; 6] = [401, 404, 403, 404, 201, 201];
/// Who may pay it: how an order is paid is none of its seller's business.
const PAYS: [u16; 6] = [401, 404, 201, 404, 404, 201];
/// Who sees a guest's order without the right token, if they come with none.
const SEES_GUESTS: [u16; 6] = [401, 404, 404, 404, 200, 200];

/// Who holds a customer's cart: admins have no business there.
const HOLDS: [u16; 6] = [401, 404, 200, 404, 404, 404];
/// Who holds a guest's cart without its token.
const HOLDS_NOT: [u16; 6] = [401, 404, 404, 404, 404, 404];

const DEARER: &str = r#"{"price":"2.00","version":1}"#;
const SIZES: &str = r#"{"options":[{"name":"Size","values":["S","M"]}],"version":1}"#;
const PRODUCT: &str = r#"{"name":"Product $n","price":"1.00","version":1}"#;
const ORDER: &str = r#"{"items":[{"product_id":"$tea","quantity":1}],"email":"g$n@souk.example"}"#;
const ORDER_PAID: &str = r#"{"items":[{"product_id":"$tea","quantity":1}],"email":"g$n@s.example",
    "payment":{"method":"tok_ok"}}"#;
const ORDER_FOR_OWNER: &str = r#"{"product_id":"$tea","quantity":1,"userId":"$owner"}"#;
const ADJUST: &str = r#"{"changes":[{"variant_id":"$variant","delta":1,"reason":"count"}]}"#;
const ADJUST_SKU: &str = r#"{"changes":[{"sku":"$sku","delta":1,"reason":"count"}]}"#;
const REGISTER: &str = r#"{"email":"new-$n@souk.example","password":"$password"}"#;
const LOGIN: &str = r#"{"email":"$email","password":"$password"}"#;
const REFRESH: &str = r#"{"refresh_token":"$refresh"}"#;
const SETUP: &str =
    r#"{"setup_token":"used","email":"new-$n@souk.example","password":"$password"}"#;
const ADDRESS: &str = r#"{"name":"Ann","line1":"2 Tea Lane","city":"London","country":"GB"}"#;
const PASSWORD: &str = r#"{"password":"$password"}"#;
const API_KEY: &str = r#"{"name":"Till $n","scopes":["orders:read"],"password":"$password"}"#;
const BOTH: &str = r#"{"password":"$password","code":"000000"}"#;
const CHANGE_PASSWORD: &str = r#"{"current_password":"$password","new_password":"a new horse $n"}"#;
const RENAME: &str = r#"{"name":"Somebody","version":$version}"#;
const RAISE: &str = r#"{"roles":["customer","merchant"],"version":1}"#;
const DISABLE_SELF: &str = r#"{"status":"disabled","version":$version}"#;
const RAISE_SELF: &str = r#"{"roles":["admin","customer","merchant"],"version":$version}"#;
const REFUND: &str = r#"{"amount":"0.01"}"#;
const WEBHOOK: &str =
    r#"{"url":"https://127.0.0.1/","types":["user.deleted"],"description":"No $n"}"#;
const EARLIER: &str = r#"{"source":"old","rows":[{"number":"t$n","placed_at":"2020-01-01T00:00:00Z","currency":"USD",
    "status":"delivered","lines":[{"sku":"A","quantity":1,"unit_price_minor":1}],"total_minor":1}]}"#;
const IMPORT: &str =
    r#"{"rows":[{"sku":"I-$n","name":"I","price":{"amount":1,"currency":"USD"}}]}"#;
const PAY: &str = r#"{"order_id":"$id","method":"tok_ok"}"#;

/// The canonical routes: all that the document lists.
/// A tax rate, made or changed.
const TAX: &str = r#"{"name":"Tax","country":"DE","region":"New $n","millionths":1,"version":1}"#;

/// A way of shipping, made or changed.
const SHIPPING: &str = r#"{"name":"Post","price":{"amount":500,"currency":"USD"},"version":1}"#;

#[rustfmt::skip] // a route a line
pub(crate) const ROUTES: &[Row] = &[
    Row("GET /.well-known/jwks.json", Nothing, "", all(200)),
    Row("POST /api/v1/auth/register", Nothing, REGISTER, all(201)),
    Row("POST /api/v1/auth/login", Account, LOGIN, all(200)),
    Row("POST /api/v1/auth/login/second-factor", Nothing, r#"{"challenge":"x","code":"000000"}"#, all(401)),
    Row("GET /api/v1/me/second-factor", Nothing, "", users(200)),
    Row("POST /api/v1/me/second-factor", Double, PASSWORD, users(200)),
    Row("POST /api/v1/me/second-factor/confirm", Double, r#"{"code":"000000"}"#, users(409)),
    Row("POST /api/v1/me/second-factor/recovery-codes", Double, BOTH, users(409)),
    Row("DELETE /api/v1/me/second-factor", Double, BOTH, users(409)),
    Row("DELETE /api/v1/users/{id}/second-factor", Account, "", admins(204)),
    Row("DELETE /api/v1/users/{id}/second-factor", Own, "", users(403)),
    Row("POST /api/v1/auth/refresh", Account, REFRESH, all(200)),
    Row("POST /api/v1/auth/logout", Double, "{}", users(204)),
    Row("POST /api/v1/auth/setup", Nothing, SETUP, all(401)),
    Row("GET /api/v1/me", Nothing, "", users(200)),
    Row("PATCH /api/v1/me", Double, RENAME, users(200)),
    Row("DELETE /api/v1/me", Double, PASSWORD, users(204)),
    Row("GET /api/v1/me/sessions", Nothing, "", users(200)),
    Row("GET /api/v1/me/addresses", Nothing, "", users(200)),
    Row("POST /api/v1/me/addresses", Nothing, ADDRESS, users(201)),
    Row("DELETE /api/v1/me/addresses/{id}", KeptAddress, "", [401, 404, 204, 404, 404, 404]),
    Row("GET /api/v1/me/export", Nothing, "", users(200)),
    Row("GET /api/v1/me/security-events", Nothing, "", users(200)),
    Row("GET /api/v1/audit/security-events", Nothing, "", admins(200)),
    Row("GET /api/v1/audit/security-events?user_id=$owner", Nothing, "", admins(200)),
    Row("DELETE /api/v1/me/sessions", Double, "", users(204)),
    Row("DELETE /api/v1/me/sessions/{id}", OwnSession, "", users(204)),
    Row("DELETE /api/v1/me/sessions/{id}", Session, "", users(404)),
    Row("POST /api/v1/auth/password/forgot", Account, r#"{"email":"$email"}"#, all(202)),
    Row("POST /api/v1/auth/password/reset", Nothing, r#"{"token":"x","new_password":"$password"}"#, all(401)),
    Row("POST /api/v1/auth/verify", Nothing, r#"{"token":"x"}"#, all(401)),
    Row("POST /api/v1/me/verification", Nothing, "", users(202)),
    Row("POST /api/v1/auth/password/change", Double, CHANGE_PASSWORD, users(204)),
    Row("GET /api/v1/api-keys", Nothing, "", users(200)),
    Row("GET /api/v1/api-keys?owner=$owner", Nothing, "", [401, 403, 200, 403, 403, 200]),
    Row("POST /api/v1/api-keys", Double, API_KEY, users(201)),
    Row("GET /api/v1/api-keys/{id}", OwnKey, "", users(200)),
    Row("GET /api/v1/api-keys/{id}", Key, "", [401, 404, 404, 404, 404, 200]),
    Row("DELETE /api/v1/api-keys/{id}", OwnKey, "", users(204)),
    Row("DELETE /api/v1/api-keys/{id}", Key, "", [401, 404, 404, 404, 404, 204]),
    Row("POST /api/v1/api-keys/{id}/rotate", OwnKey, PASSWORD, users(200)),
    Row("POST /api/v1/api-keys/{id}/rotate", Key, PASSWORD, users(404)),
    Row("GET /api/v1/users/{id}", Account, "", admins(200)),
    Row("GET /api/v1/users/{id}", Own, "", [401, 403, 403, 403, 403, 200]),
    Row("GET /api/v1/users", Nothing, "", admins(200)),
    Row("GET /api/v1/users?q=a&role=customer&status=active", Nothing, "", admins(200)),
    Row("POST /api/v1/users/import", Nothing, r#"{"rows":[{"email":"n$n@brought.example"}]}"#, admins(200)),
    Row("PUT /api/v1/users/{id}/status", Account, r#"{"status":"disabled","version":1}"#, admins(200)),
    Row("PUT /api/v1/users/{id}/status", Double, DISABLE_SELF, [401, 403, 403, 403, 403, 422]),
    Row("POST /api/v1/users/{id}/password-reset", Account, "", admins(202)),
    Row("POST /api/v1/users/{id}/password-reset", Own, "", [401, 403, 403, 403, 403, 202]),
    Row("DELETE /api/v1/users/{id}/sessions", Account, "", admins(204)),
    Row("DELETE /api/v1/users/{id}/sessions", Double, "", [401, 403, 403, 403, 403, 204]),
    Row("PATCH /api/v1/users/{id}", Account, RAISE, admins(200)),
    Row("PATCH /api/v1/users/{id}", Double, RAISE_SELF, [401, 403, 403, 403, 403, 200]),
    Row("GET /api/v1/currencies", Nothing, "", all(200)),
    Row("GET /api/v1/categories", Nothing, "", all(200)),
    Row("POST /api/v1/categories", Nothing, r#"{"name":"Category $n"}"#, admins(201)),
    Row("PATCH /api/v1/categories/{category_id}", Category, r#"{"name":"Renamed $n","version":1}"#, admins(200)),
    Row("DELETE /api/v1/categories/{category_id}?version=1", Category, "", admins(204)),
    Row("GET /api/v1/products", Nothing, "", all(200)),
    Row("GET /api/v1/products?status=draft&limit=100", Draft, "", all(200)),
    Row("GET /api/v1/products/suggestions?q=te", Nothing, "", all(200)),
    Row("GET /api/v1/products/facets?q=tea", Nothing, "", all(200)),
    Row("POST /api/v1/products", Nothing, PRODUCT, sellers(201)),
    Row("POST /api/v1/products/batch", Nothing, r#"{"products":[{"name":"B $n","price":1}]}"#, sellers(200)),
    Row("POST /api/v1/products/import", Nothing, IMPORT, admins(200)),
    Row("GET /api/v1/products/{product}", Product, "", all(200)),
    Row("GET /api/v1/products/{product}", Draft, "", HIDDEN),
    Row("GET /api/v1/products/{product}", Archived, "", HIDDEN),
    Row("PUT /api/v1/products/{product}", Product, PRODUCT, its_seller(200)),
    Row("PUT /api/v1/products/{product}", Draft, PRODUCT, its_seller(200)),
    Row("PATCH /api/v1/products/{product}", Product, r#"{"price":"2.00","version":1}"#, its_seller(200)),
    Row("PATCH /api/v1/products/{product}", Draft, r#"{"status":"active","version":1}"#, its_seller(200)),
    Row("DELETE /api/v1/products/{product}?version=1", Product, "", its_seller(204)),
    Row("DELETE /api/v1/products/{product}?version=1", Draft, "", its_seller(204)),
    Row("GET /api/v1/products/{product}/images", Product, "", all(200)),
    Row("GET /api/v1/products/{product}/images", Draft, "", HIDDEN),
    Row("POST /api/v1/products/{product}/images", Product, "{}", its_seller(415)),
    Row("PUT /api/v1/products/{product}/images/{image_id}?version=1", Image, "{}", its_seller(415)),
    Row("PATCH /api/v1/products/{product}/images/{image_id}", Image, r#"{"alt":"A","version":1}"#, its_seller(200)),
    Row("DELETE /api/v1/products/{product}/images/{image_id}?version=1", Image, "", its_seller(204)),
    Row("GET /api/v1/products/{product}/variants", Product, "", all(200)),
    Row("GET /api/v1/products/{product}/variants", Draft, "", HIDDEN),
    Row("POST /api/v1/products/{product}/variants", Product, r#"{"options":{"Size":"M"}}"#, its_seller(422)),
    Row("PATCH /api/v1/products/{product}/variants/{variant_id}", Product, DEARER, its_seller(200)),
    Row("DELETE /api/v1/products/{product}/variants/{variant_id}?version=1", Product, "", its_seller(409)),
    Row("PUT /api/v1/products/{product}/options", Product, SIZES, its_seller(200)),
    Row("GET /api/v1/products/{product}/prices", Product, "", all(200)),
    Row("GET /api/v1/products/{product}/prices", Draft, "", HIDDEN),
    Row("GET /api/v1/products/{product}/reviews", Product, "", all(200)),
    Row("GET /api/v1/products/{product}/reviews", Draft, "", HIDDEN),
    Row("POST /api/v1/products/{product}/reviews", Bought, r#"{"rating":5}"#, [401, 403, 201, 403, 403, 403]),
    Row("GET /api/v1/reviews", Nothing, "", admins(200)),
    Row("PUT /api/v1/reviews/{review_id}", Review, r#"{"rating":5,"version":1}"#, [401, 404, 200, 404, 404, 404]),
    Row("DELETE /api/v1/reviews/{review_id}?version=1", Review, "", [401, 404, 204, 404, 404, 204]),
    Row("PUT /api/v1/reviews/{review_id}/status", Review, HIDE, admins(200)),
    Row("GET /api/v1/inventory", Variant, "", sellers(200)),
    Row("POST /api/v1/inventory/adjust", Variant, ADJUST, its_seller(200)),
    Row("POST /api/v1/inventory/adjust", Draft, ADJUST_SKU, its_seller(200)),
    Row("GET /api/v1/inventory/{variant_id}", Variant, "", its_seller(200)),
    Row("GET /api/v1/inventory/{variant_id}/movements", Variant, "", its_seller(200)),
    Row("POST /api/v1/carts", Double, "", all(201)),
    Row("GET /api/v1/carts/{id}", Cart, "", HOLDS),
    Row("GET /api/v1/carts/{id}", GuestsCart, "", HOLDS_NOT),
    Row("GET /api/v1/carts/{id}", GuestsCartWithToken, "", all(200)),
    Row("PUT /api/v1/carts/{id}/items/{item}", Cart, r#"{"quantity":1}"#, HOLDS),
    Row("PUT /api/v1/carts/{id}/items/{item}", GuestsCart, r#"{"quantity":1}"#, HOLDS_NOT),
    Row("PUT /api/v1/carts/{id}/items/{item}", GuestsCartWithToken, r#"{"quantity":1}"#, all(200)),
    Row("PUT /api/v1/carts/{id}/currency", Cart, r#"{"currency":null}"#, HOLDS),
    Row("PUT /api/v1/carts/{id}/currency", GuestsCart, r#"{"currency":null}"#, HOLDS_NOT),
    Row("PUT /api/v1/carts/{id}/currency", GuestsCartWithToken, r#"{"currency":null}"#, all(200)),
    Row("PUT /api/v1/carts/{id}/discount", Cart, r#"{"code":null}"#, HOLDS),
    Row("PUT /api/v1/carts/{id}/discount", GuestsCart, r#"{"code":null}"#, HOLDS_NOT),
    Row("PUT /api/v1/carts/{id}/discount", GuestsCartWithToken, r#"{"code":null}"#, all(200)),
    Row("POST /api/v1/carts/{id}/merge", Cart, "", HOLDS),
    Row("POST /api/v1/carts/{id}/merge", GuestsCart, "", HOLDS_NOT),
    Row("POST /api/v1/carts/{id}/merge", GuestsCartWithToken, "", users(200)),
    Row("PUT /api/v1/carts/{id}/shipping", Cart, r#"{"method":null}"#, HOLDS),
    Row("PUT /api/v1/carts/{id}/shipping", GuestsCart, r#"{"method":null}"#, HOLDS_NOT),
    Row("PUT /api/v1/carts/{id}/shipping", GuestsCartWithToken, r#"{"method":null}"#, all(200)),
    Row("PUT /api/v1/carts/{id}/address", Cart, r#"{"address":null}"#, HOLDS),
    Row("PUT /api/v1/carts/{id}/address", GuestsCart, r#"{"address":null}"#, HOLDS_NOT),
    Row("PUT /api/v1/carts/{id}/address", GuestsCartWithToken, r#"{"address":null}"#, all(200)),
    Row("GET /api/v1/carts/{id}/shipping-methods", Cart, "", HOLDS),
    Row("GET /api/v1/carts/{id}/shipping-methods", GuestsCart, "", HOLDS_NOT),
    Row("GET /api/v1/carts/{id}/shipping-methods", GuestsCartWithToken, "", all(200)),
    Row("GET /api/v1/shipping-methods", Nothing, "", all(200)),
    Row("POST /api/v1/shipping-methods", Nothing, SHIPPING, admins(201)),
    Row("PUT /api/v1/shipping-methods/{id}", ShippingMethod, SHIPPING, admins(200)),
    Row("GET /api/v1/tax-rates", Nothing, "", all(200)),
    Row("POST /api/v1/tax-rates", Nothing, TAX, admins(201)),
    Row("PUT /api/v1/tax-rates/{id}", TaxRate, TAX, admins(200)),
    Row("DELETE /api/v1/tax-rates/{id}?version=1", TaxRate, "", admins(204)),
    Row("GET /api/v1/discounts", Nothing, "", admins(200)),
    Row("POST /api/v1/discounts", Nothing, r#"{"code":"NEW-$n","basis_points":500}"#, admins(201)),
    Row("GET /api/v1/discounts/{id}", Discount, "", admins(200)),
    Row("PUT /api/v1/discounts/{id}", Discount, r#"{"code":"$code","basis_points":9,"version":1}"#, admins(200)),
    Row("GET /api/v1/orders", Pending, "", users(200)),
    Row("GET /api/v1/orders?customer_id=$owner", Pending, "", [401, 403, 200, 403, 403, 200]),
    Row("POST /api/v1/orders", Nothing, ORDER, all(201)),
    Row("POST /api/v1/orders", Nothing, ORDER_PAID, all(201)),
    Row("GET /api/v1/orders/figures", Nothing, "", admins(200)),
    Row("GET /api/v1/orders?guest_email=g%40souk.example", Nothing, "", admins(200)),
    Row("GET /api/v1/orders/{id}", Pending, "", SEES),
    Row("GET /api/v1/orders/{id}", Mixed, "", SEES_MIXED),
    Row("GET /api/v1/orders/{id}", Guests, "", SEES_GUESTS),
    Row("GET /api/v1/orders/{id}", GuestsWithToken, "", all(200)),
    Row("GET /api/v1/orders/{id}", GuestsWithOther, "", HIDDEN),
    Row("GET /api/v1/orders/{id}/timeline", Paid, "", SEES),
    Row("GET /api/v1/orders/{id}/timeline", Mixed, "", SEES_MIXED),
    Row("GET /api/v1/orders/{id}/timeline", Guests, "", SEES_GUESTS),
    Row("GET /api/v1/orders/{id}/timeline", GuestsWithToken, "", all(200)),
    Row("GET /api/v1/orders/{id}/timeline", GuestsWithOther, "", HIDDEN),
    Row("POST /api/v1/orders/{id}/cancel", Pending, "{}", CANCELS),
    Row("POST /api/v1/orders/{id}/cancel", Paid, "{}", CANCELS),
    Row("POST /api/v1/orders/{id}/cancel", Mixed, "{}", SEES_MIXED),
    Row("POST /api/v1/orders/{id}/cancel", Guests, "{}", [401, 404, 404, 404, 403, 200]),
    Row("POST /api/v1/orders/{id}/cancel", GuestsWithToken, "{}", all(200)),
    Row("POST /api/v1/orders/{id}/cancel", GuestsWithOther, "{}", [404, 404, 404, 404, 403, 200]),
    Row("POST /api/v1/orders/{id}/ship", Paid, "{}", SENDS),
    Row("POST /api/v1/orders/{id}/ship", Mixed, "{}", [401, 404, 403, 404, 404, 200]),
    Row("POST /api/v1/orders/{id}/ship", Guests, "{}", [401, 404, 404, 404, 409, 409]),
    Row("POST /api/v1/orders/{id}/ship", GuestsWithToken, "{}", [403, 403, 403, 403, 409, 409]),
    Row("POST /api/v1/orders/{id}/mails", Paid, r#"{"kind":"paid"}"#, admins(202)),
    Row("GET /api/v1/orders/{id}/notes", Paid, "", SEES),
    Row("GET /api/v1/orders/{id}/notes", Guests, "", SEES_GUESTS),
    Row("GET /api/v1/orders/{id}/notes", GuestsWithToken, "", all(200)),
    Row("POST /api/v1/orders/{id}/notes", Paid, r#"{"text":"No $n"}"#, admins(201)),
    Row("GET /api/v1/orders/{id}/shipments", Shipped, "", SEES),
    Row("GET /api/v1/orders/{id}/shipments", Guests, "", SEES_GUESTS),
    Row("GET /api/v1/orders/{id}/shipments", GuestsWithToken, "", all(200)),
    Row("POST /api/v1/orders/{id}/shipments", Paid, r#"{"lines":[{"line":1,"quantity":1}]}"#, SENDS_PARCEL),
    Row("POST /api/v1/orders/{id}/shipments", Mixed, r#"{"lines":[{"line":1,"quantity":1}]}"#,
        [401, 404, 403, 404, 404, 201]),
    Row("GET /api/v1/orders/{id}/invoice", Paid, "", SEES),
    Row("GET /api/v1/orders/{id}/invoice", GuestsWithToken, "", all(404)),
    Row("GET /api/v1/orders/{id}/packing-slip", Shipped, "", SENDS),
    Row("GET /api/v1/orders/{id}/returns", Returned, "", SEES),
    Row("GET /api/v1/orders/{id}/returns", GuestsWithToken, "", all(200)),
    Row("POST /api/v1/orders/{id}/returns", Shipped, r#"{"lines":[{"line":1,"quantity":1}],"reason":"Too strong"}"#,
        [401, 404, 201, 404, 201, 201]),
    Row("POST /api/v1/orders/{id}/returns/{return}/approve", Returned, "{}", admins(200)),
    Row("POST /api/v1/orders/{id}/returns/{return}/refuse", Returned, "{}", admins(200)),
    Row("POST /api/v1/orders/{id}/returns/{return}/receive", Returned, "{}", admins(409)),
    Row("GET /api/v1/returns", Returned, "", admins(200)),
    Row("POST /api/v1/orders/{id}/deliver", Shipped, "{}", SENDS),
    Row("POST /api/v1/orders/{id}/deliver", Guests, "{}", [401, 404, 404, 404, 409, 409]),
    Row("POST /api/v1/orders/{id}/refund", Paid, "{}", admins(201)),
    Row("POST /api/v1/orders/{id}/refund", Guests, "{}", admins(409)),
    Row("GET /api/v1/audit", Nothing, "", admins(200)),
    Row("GET /api/v1/earlier-orders", Nothing, "", users(200)),
    Row("GET /api/v1/earlier-orders/totals", Nothing, "", admins(200)),
    Row("GET /api/v1/earlier-orders/{id}", Earlier, "", [401, 404, 404, 404, 404, 200]),
    Row("POST /api/v1/earlier-orders/import", Nothing, EARLIER, admins(200)),
    Row("GET /api/v1/events", Nothing, "", admins(200)),
    Row("GET /api/v1/webhooks", Nothing, "", admins(200)),
    Row("POST /api/v1/webhooks", Nothing, WEBHOOK, admins(201)),
    Row("GET /api/v1/webhooks/{id}", Webhook, "", admins(200)),
    Row("PATCH /api/v1/webhooks/{id}", Webhook, r#"{"status":"disabled","version":1}"#, admins(200)),
    Row("DELETE /api/v1/webhooks/{id}?version=1", Webhook, "", admins(204)),
    Row("POST /api/v1/webhooks/{id}/rotate", Webhook, "{}", admins(200)),
    Row("POST /api/v1/webhooks/{id}/ping", Webhook, "{}", admins(202)),
    Row("POST /api/v1/webhooks/{id}/replay", Webhook, r#"{"since":"2026-01-01T00:00:00Z"}"#, admins(202)),
    Row("GET /api/v1/webhooks/{id}/deliveries", Webhook, "", admins(200)),
    Row("POST /api/v1/deliveries/{id}/replay", Delivery, "{}", admins(404)),
    Row("GET /api/v1/events/dead", Nothing, "", admins(200)),
    Row("POST /api/v1/events/dead/{id}/redrive", Letter, "{}", admins(404)),
    Row("POST /api/v1/payments", Pending, PAY, PAYS),
    Row("POST /api/v1/payments", Guests, PAY, [401, 404, 404, 404, 404, 201]),
    Row("POST /api/v1/payments", GuestsWithToken, PAY, all(201)),
    Row("POST /api/v1/payments", GuestsWithOther, PAY, [404, 404, 404, 404, 404, 201]),
    Row("GET /api/v1/payments/{id}", Payment, "", SEES_MIXED),
    Row("GET /api/v1/payments/{id}", GuestsPayment, "", all(200)),
    Row("POST /api/v1/payments/{id}/void", Payment, "{}", [401, 404, 409, 404, 404, 409]),
    Row("POST /api/v1/payments/{id}/void", GuestsPayment, "{}", all(409)),
    Row("POST /api/v1/payments/{id}/refunds", Payment, REFUND, admins(201)),
    Row("GET /api/v1/payments/{id}/refunds", Payment, "", SEES_MIXED),
    Row("GET /api/v1/payments/{id}/refunds", GuestsPayment, "", all(200)),
    Row("POST /api/v1/payments/providers/{name}/webhook", Nothing, "{}", all(400)),
    Row("GET /api/v1/payments/sagas", Nothing, "", admins(200)),
    Row("POST /api/v1/payments/sagas/{id}/retry", Payment, "{}", admins(409)),
    Row("GET /api/v1/payments/reviews", Nothing, "", admins(200)),
    Row("GET /api/v1/payments/providers/sandbox/knobs", Nothing, "", admins(200)),
    Row("PUT /api/v1/payments/providers/sandbox/knobs", Nothing, "{}", admins(200)),
    Row("GET /api/v1/payments/providers/sandbox/charges", Nothing, "", admins(200)),
    Row("POST /api/v1/payments/providers/sandbox/proofs/{proof}", Payment, r#"{"approve":true}"#, all(404)),
];

/// The seeds' addresses, which lead to the same handlers.
#[rustfmt::skip] // a route a line
pub(crate) const SEEDS: &[Row] = &[
    Row("POST /api/auth/register", Nothing, REGISTER, all(201)),
    Row("POST /api/auth/login", Account, LOGIN, all(200)),
    Row("POST /api/auth/refresh", Account, REFRESH, all(200)),
    Row("POST /api/auth/logout", Double, "{}", users(204)),
    Row("POST /api/auth/delete", Double, PASSWORD, users(204)),
    Row("PUT /api/auth/delete", Double, PASSWORD, users(204)),
    Row("GET /products", Draft, "", all(200)),
    Row("POST /products", Nothing, r#"{"name":"Seed $n","price":1.5,"stock":3}"#, sellers(201)),
    Row("GET /products/{id}", Product, "", all(200)),
    Row("GET /products/{id}", Draft, "", HIDDEN),
    Row("PUT /products/{id}", Product, r#"{"name":"Seed $n","price":2}"#, its_seller(200)),
    Row("PUT /api/products/{id}", Draft, r#"{"name":"Seed $n","price":2,"stock":9}"#, SEES_GUESTS),
    Row("DELETE /api/products/{id}", Product, "", its_seller(204)),
    Row("GET /orders", Pending, "", users(200)),
    Row("GET /orders/{id}", Pending, "", SEES),
    Row("GET /orders/{id}", Mixed, "", SEES_MIXED),
    Row("GET /orders/user/{id}", OwnerHerself, "", SEES_MIXED),
    Row("POST /orders", Nothing, r#"{"product_id":"$tea","quantity":1}"#, users(201)),
    Row("POST /orders", Nothing, ORDER_FOR_OWNER, [401, 403, 201, 403, 403, 403]),
    Row("PUT /orders/{id}/status", Pending, r#"{"status":"cancelled"}"#, CANCELS),
    Row("PUT /orders/{id}/status", Paid, r#"{"status":"Shipped"}"#, SENDS),
    Row("PUT /orders/{id}", Shipped, r#"{"status":"delivered"}"#, SENDS),
    Row("POST /payments", Pending, PAY, PAYS),
];
