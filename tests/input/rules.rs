//! What is well formed and yet cannot be: rules of values, of several fields together, of what is there already.

use super::{
    ask::{Ask, Case},
    world::{
        By::{self, *},
        World,
    },
};
use contracts::problem::Code::{self, *};

/// Who asks what with which body; how it is refused, and which field is told.
type Rule = (By, &'static str, &'static str, Code, &'static str);

#[rustfmt::skip] // a rule a line
const RULES: &[Rule] = &[
    (Nobody, "POST /api/v1/auth/register", r#"{"password":"correct horse battery"}"#, Validation, "/email"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"x@y.example","password":"seven77"}"#, Validation, "/password"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"x@y.example","password":"password"}"#, Validation, "/password"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"xavier.y@y.example","password":"xavier.y@y.example"}"#, Validation, "/password"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"x@y.example","password":"$128x"}"#, Validation, "/password"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"x@y.example","password":"correct horse","name":"a\r\nb"}"#, Validation, "/name"),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":"CARL@Souk.example","password":"correct horse"}"#, EmailTaken, ""),
    (Nobody, "POST /api/v1/auth/register", r#"{"email":" ｃａｒｌ@souk.example","password":"correct horse"}"#, EmailTaken, ""),
    (Nobody, "POST /api/v1/auth/register", r#"{"username":"Carl","password":"correct horse"}"#, UsernameTaken, ""),
    (Nobody, "POST /api/v1/auth/login", r#"{"password":"correct horse battery"}"#, Validation, "/email"),
    (Nobody, "POST /api/v1/auth/login", r#"{"email":"carl@souk.example","password":"wrong"}"#, InvalidCredentials, ""),
    (Nobody, "POST /api/v1/auth/login", r#"{"email":"no@souk.example","password":"wrong"}"#, InvalidCredentials, ""),
    (Nobody, "POST /api/v1/auth/login", r#"{"username":"' OR 1=1 --","password":"x"}"#, Validation, "/username"),
    (Nobody, "POST /api/v1/auth/refresh", r#"{"refresh_token":"x"}"#, InvalidRefreshToken, ""),
    (Nobody, "POST /api/v1/auth/refresh", r#"{"refresh_token":""}"#, InvalidRefreshToken, ""),
    (Nobody, "POST /api/v1/auth/refresh", r#"{"refresh_token":"' OR 1=1 --\u0000"}"#, InvalidRefreshToken, ""),
    (Nobody, "POST /api/v1/auth/logout", "{}", Unauthenticated, ""),
    (Nobody, "POST /api/v1/auth/setup", r#"{"setup_token":"","email":"x@y.example","password":"correct horse"}"#, InvalidCredentials, ""),
    (Ann, "DELETE /api/v1/me", r#"{"password":"wrong"}"#, InvalidCredentials, ""),
    (Ann, "PATCH /api/v1/me", "{}", PreconditionRequired, ""),
    (Ann, "PATCH /api/v1/me", r#"{"name":"x"}"#, PreconditionRequired, ""),
    (Ann, "PATCH /api/v1/me", r#"{"name":"x","version":2}"#, VersionConflict, ""),
    (Ann, "PATCH /api/v1/me", r#"{"name":"x","version":9223372036854775807}"#, VersionConflict, ""),
    (Ann, "PATCH /api/v1/me", r#"{"email":"x@y.example","version":1}"#, Validation, "/email"),
    (Ann, "PATCH /api/v1/me", r#"{"roles":["admin"],"version":1}"#, Validation, "/roles"),
    (Admin, "PATCH /api/v1/users/$bob", r#"{"roles":["merchant"]}"#, PreconditionRequired, ""),
    (Admin, "PATCH /api/v1/users/$bob", r#"{"roles":["merchant"],"version":7}"#, VersionConflict, ""),
    (Admin, "PATCH /api/v1/users/$bob", r#"{"roles":["Merchant"],"version":1}"#, Validation, "/roles/0"),
    (Admin, "PATCH /api/v1/users/$admin", r#"{"roles":["customer"],"version":1}"#, Validation, "/roles"),
    (Admin, "PATCH /api/v1/users/usr_01h455vb4pex5vsknk084sn02q", r#"{"roles":[],"version":1}"#, NotFound, ""),
    (Admin, "POST /api/v1/categories", r#"{"name":"Drinks","slug":"drinks"}"#, SlugTaken, "/slug"),
    (Admin, "POST /api/v1/categories", r#"{"name":"x","parent":"no-such-category"}"#, Validation, "/parent"),
    (Admin, "POST /api/v1/categories", r#"{"name":"!!!"}"#, Validation, "/name"),
    (Admin, "POST /api/v1/products", r#"{"name":"","price":1}"#, Validation, "/name"),
    (Admin, "POST /api/v1/products", r#"{"name":" \t ","price":1}"#, Validation, "/name"),
    (Admin, "POST /api/v1/products", r#"{"name":"a\nb","price":1}"#, Validation, "/name"),
    (Admin, "POST /api/v1/products", r#"{"name":"$201x","price":1}"#, Validation, "/name"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":"1.999"}"#, Validation, "/price"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":{"amount":1000000000001,"currency":"USD"}}"#, Validation, "/price"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"stock":-1}"#, Validation, "/stock"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"stock":1000000001}"#, Validation, "/stock"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"stock":1.5}"#, Malformed, "/stock"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"sku":"tEA"}"#, SkuTaken, "/sku"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"slug":"tea"}"#, SlugTaken, "/slug"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"status":"deleted"}"#, Validation, "/status"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"image_url":"http://169.254.169.254/"}"#, Validation, "/image_url"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"image_url":"file:///etc/passwd"}"#, Validation, "/image_url"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"image_url":"javascript:alert(1)"}"#, Validation, "/image_url"),
    (Admin, "POST /api/v1/products", r#"{"name":"x","price":1,"attributes":{"a":{"b":1}}}"#, Validation, "/attributes/a"),
    (Admin, "POST /api/v1/products/batch", r#"{"products":[]}"#, Validation, "/products"),
    (Admin, "POST /api/v1/products/batch", r#"{"products":[$101{}]}"#, Validation, "/products"),
    (Admin, "PUT /api/v1/products/$product", r#"{"name":"x","price":1}"#, PreconditionRequired, ""),
    (Admin, "PUT /api/v1/products/$product", r#"{"name":"x","price":1,"version":3}"#, VersionConflict, ""),
    (Admin, "PUT /api/v1/products/$product", r#"{"name":"x","price":1,"version":1,"sku":"Cup"}"#, SkuTaken, "/sku"),
    (Admin, "PUT /api/v1/products/tea", r#"{"name":"x","price":1,"version":1}"#, Malformed, ""),
    (Admin, "PATCH /api/v1/products/$product", r#"{"stock":1,"version":1}"#, Validation, "/stock"),
    (Admin, "PATCH /api/v1/products/$product", r#"{"name":"x"}"#, PreconditionRequired, ""),
    (Admin, "PATCH /api/v1/products/$product", r#"{"slug":"cup","version":1}"#, SlugTaken, "/slug"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[]}"#, Validation, "/changes"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"reason":"x","delta":1}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","variant_id":"$variant","delta":1,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","delta":1,"set":1,"expected":1,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","set":1,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","delta":1,"reason":""}]}"#, Validation, "/changes/0/reason"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"No","delta":1,"reason":"x"}]}"#, NotFound, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Cup","delta":1,"reason":"x"},{"sku":"No","delta":1,"reason":"x"}]}"#, NotFound, "/changes/1"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Cup","delta":-51,"reason":"x"}]}"#, InsufficientStock, ""),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Cup","delta":9,"reason":"x"},{"sku":"Tea","delta":-999,"reason":"x"}]}"#, InsufficientStock, ""),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Tea","set":1,"expected":48,"reason":"x"}]}"#, StockChanged, ""),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[{"sku":"Cup","delta":1000000000,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, "POST /api/v1/inventory/adjust", r#"{"changes":[$501{"sku":"Cup","delta":1,"reason":"x"}]}"#, Validation, "/changes"),
    (Ann, "POST /api/v1/orders", r#"{"items":[]}"#, Validation, "/items"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"quantity":1}]}"#, Validation, "/items/0"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","variant_id":"$variant","quantity":1}]}"#, Validation, "/items/0"),
    (Ann, "POST /api/v1/orders", r#"{"items":[$1501{"product_id":"$product","quantity":1}]}"#, Validation, "/items"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":0}]}"#, Validation, "/items/0/quantity"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":"1"}]}"#, Malformed, "/items/0/quantity"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1,"unit_price":1}]}"#, Validation, "/items/0/unit_price"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":49}]}"#, InsufficientStock, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":25},{"product_id":"$product","quantity":25}]}"#, InsufficientStock, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$other","quantity":1},{"product_id":"$product","quantity":1000000}]}"#, InsufficientStock, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"prd_01h455vb4pex5vsknk084sn02q","quantity":1}]}"#, ProductUnavailable, "/items/0"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1},{"product_id":"$draft","quantity":1}]}"#, ProductUnavailable, "/items/1"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"total":{"amount":1,"currency":"USD"}}"#, PriceChanged, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"total":{"amount":1999,"currency":"EUR"}}"#, PriceChanged, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"total":"-19.99"}"#, PriceChanged, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"total":19.990000000000000001}"#, PriceChanged, ""),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"payment":{"method":"tok_no_such"}}"#, Validation, "/payment/method"),
    (Ann, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}],"payment":{"method":"4242424242424242"}}"#, Validation, "/payment/method"),
    (Nobody, "POST /api/v1/orders", r#"{"items":[{"product_id":"$product","quantity":1}]}"#, Validation, "/email"),
    (Ann, "POST /api/v1/orders/$paid/ship", r#"{"tracking":"x"}"#, Forbidden, ""),
    (Admin, "POST /api/v1/orders/$paid/ship", r#"{"tracking":""}"#, Validation, "/tracking"),
    (Admin, "POST /api/v1/orders/$paid/ship", r#"{"tracking":"$101x"}"#, Validation, "/tracking"),
    (Admin, "POST /api/v1/orders/$pending/ship", "{}", IllegalTransition, ""),
    (Admin, "POST /api/v1/orders/$pending/deliver", "{}", IllegalTransition, ""),
    (Admin, "POST /api/v1/orders/$shipped/ship", "{}", IllegalTransition, ""),
    (Ann, "POST /api/v1/orders/$shipped/cancel", "{}", IllegalTransition, ""),
    (Ann, "POST /api/v1/orders/ord_01h455vb4pex5vsknk084sn02q/cancel", "{}", NotFound, ""),
    (Ann, "POST /api/v1/payments", r#"{"order_id":"$pending","method":"tok_no_such"}"#, Validation, "/method"),
    (Ann, "POST /api/v1/payments", r#"{"order_id":"$paid","method":"tok_ok"}"#, IllegalTransition, ""),
    (Ann, "POST /api/v1/payments", r#"{"order_id":"ord_01h455vb4pex5vsknk084sn02q","method":"tok_ok"}"#, NotFound, ""),
    (Ann, "POST /api/v1/payments", r#"{"order_id":"$pending","method":"tok_ok","amount":1}"#, Validation, "/amount"),
    // The seeds' addresses: as wrong, and refused by the same rules.
    (Nobody, "POST /register", r#"{"username":"carl","password":"correct horse"}"#, UsernameTaken, ""),
    (Nobody, "POST /login", r#"{"username":{"$ne":null},"password":{"$ne":null}}"#, Malformed, "/password"),
    (Nobody, "POST /api/auth/login", r#"{"email":{"$gt":""},"password":"x"}"#, Malformed, "/username"),
    (Nobody, "POST /auth/login", r#"{"email":"carl@souk.example","password":{"$gt":""}}"#, Malformed, "/password"),
    (Admin, "POST /products", r#"{"price":1}"#, Validation, "/name"),
    (Admin, "POST /products", r#"{"name":"x","price":"1.999"}"#, Validation, "/price"),
    (Admin, "POST /products", r#"{"name":"x","price":1,"stock":"many"}"#, Validation, "/stock"),
    (Admin, "POST /products", r#"{"name":"x","price":1,"stock":-1}"#, Validation, "/stock"),
    (Admin, "PUT /products/$product", r#"{"name":"x","price":1,"version":7}"#, VersionConflict, ""),
    (Admin, "PUT /products/$product", r#"{"name":"x","stock":-1}"#, Validation, "/stock"),
    (Admin, "PUT /products/$product", r#"{"name":"","stock":5}"#, Validation, "/name"),
    (Ann, "POST /orders", r#"{"product_id":"$product","quantity":-1,"total_price":19.99}"#, Validation, ""),
    (Ann, "POST /orders", r#"{"product_id":"$product","quantity":"x"}"#, Validation, ""),
    (Ann, "POST /orders", r#"{"product_id":{"$ne":null},"quantity":1}"#, Malformed, ""),
    (Ann, "POST /orders", r#"{"product_id":"$product","quantity":1,"total_price":1}"#, PriceChanged, ""),
    (Ann, "POST /orders", r#"{"productIds":["$product"],"quantities":[1,2]}"#, Validation, "/quantities"),
    (Ann, "POST /orders", r#"{"product_id":"$product","quantity":49}"#, InsufficientStock, ""),
    (Ann, "PUT /orders/$pending/status", r#"{"status":"no such"}"#, Validation, "/status"),
    (Ann, "PUT /orders/$pending/status", r#"{"status":{"$ne":1}}"#, Malformed, "/status"),
    (Ann, "PUT /orders/$shipped/status", r#"{"status":"pending"}"#, IllegalTransition, ""),
    (Ann, "PUT /orders/$pending/status", "{}", Validation, "/status"),
    (Ann, "POST /payments", r#"{"order_id":"$pending","method":"tok_no_such"}"#, Validation, "/method"),
    (Ann, "POST /payments", r#"{"order_id":"$pending","method":"tok_ok","amount":1}"#, PriceChanged, ""),
    (Ann, "POST /api/auth/delete", r#"{"password":"wrong"}"#, InvalidCredentials, ""),
];

pub(crate) fn cases(world: &World) -> Vec<Case> {
    let case = |(by, line, body, code, field): &'static Rule| {
        let ask = Ask::new(world.fill(line)).by(world.client(*by));
        let ask = ask.header("idempotency-key", format!("rule-{}", world.number()));
        let ask = ask.json(repeated(&world.fill(body)));
        let case = Case::new(ask, std::slice::from_ref(code));
        if field.is_empty() {
            case
        } else {
            case.at(*field)
        }
    };
    RULES.iter().map(case).collect()
}

/// The text with `$128x` written out as that many of them, and `[$101{...}]` as a list of so many and commas.
fn repeated(text: &str) -> String {
    let Some((before, rest)) = text.split_once('$') else {
        return text.to_owned();
    };
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let Ok(times) = rest[..digits].parse::<usize>() else {
        return text.to_owned();
    };
    let rest = &rest[digits..];
    if let Some(after) = rest.strip_prefix('x') {
        return format!(
            "{before}{}{after}",
            "x".repeat(times + usize::from(times == 128))
        );
    }
    let end = rest.find(']').unwrap();
    format!(
        "{before}{}{}",
        vec![&rest[..end]; times].join(","),
        &rest[end..]
    )
}
