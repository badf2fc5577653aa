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

const REGISTER: &str = "POST /api/v1/auth/register";
const LOGIN: &str = "POST /api/v1/auth/login";
const REFRESH: &str = "POST /api/v1/auth/refresh";
const LOGOUT: &str = "POST /api/v1/auth/logout";
const SETUP: &str = "POST /api/v1/auth/setup";
const PASSWORD: &str = "POST /api/v1/auth/password/change";
const RENAME: &str = "PATCH /api/v1/me";
const BOB: &str = "PATCH /api/v1/users/$bob";
const CATEGORIES: &str = "POST /api/v1/categories";
const PRODUCTS: &str = "POST /api/v1/products";
const BATCH: &str = "POST /api/v1/products/batch";
const IMPORT: &str = "POST /api/v1/products/import";
const REPLACE: &str = "PUT /api/v1/products/$product";
const CHANGE: &str = "PATCH /api/v1/products/$product";
const VARIANTS: &str = "POST /api/v1/products/$product/variants";
const OPTIONS: &str = "PUT /api/v1/products/$product/options";
const ADJUST: &str = "POST /api/v1/inventory/adjust";
const PLACE: &str = "POST /api/v1/orders";
const PAY: &str = "POST /api/v1/payments";

/// What stands for what in the bodies.
const SHORT: &[(&str, &str)] = &[
    ("$line", r#"{"product_id":"$product","quantity":1}"#),
    ("$tea", r#""product_id":"$product""#),
    ("$no_product", "prd_01h455vb4pex5vsknk084sn02q"),
    ("$why", r#""reason":"x""#),
    ("$small", r#""variants":[{"options":{}}]"#),
    ("$one", r#""variants":[{"options":{"Size":"S"}}]"#),
    (
        "$sizes",
        r#""options":[{"name":"Size","values":["S","M"]}]"#,
    ),
    ("$mail", r#""email":"x@y.example""#),
    ("$more", r#""delta":1,"reason":"x""#),
];

#[rustfmt::skip] // a rule a line
const RULES: &[Rule] = &[
    (Nobody, REGISTER, r#"{"password":"correct horse battery"}"#, Validation, "/email"),
    (Nobody, REGISTER, r#"{$mail,"password":"seven77"}"#, Validation, "/password"),
    (Nobody, REGISTER, r#"{$mail,"password":"password"}"#, Validation, "/password"),
    (Nobody, REGISTER, r#"{"email":"xavier.y@y.example","password":"xavier.y@y.example"}"#, Validation, "/password"),
    (Nobody, REGISTER, r#"{$mail,"password":"$128x"}"#, Validation, "/password"),
    (Nobody, REGISTER, r#"{$mail,"password":"correct horse","name":"a\r\nb"}"#, Validation, "/name"),
    (Nobody, REGISTER, r#"{"email":"CARL@Souk.example","password":"correct horse"}"#, EmailTaken, ""),
    (Nobody, REGISTER, r#"{"email":" ｃａｒｌ@souk.example","password":"correct horse"}"#, EmailTaken, ""),
    (Nobody, REGISTER, r#"{"username":"Carl","password":"correct horse"}"#, UsernameTaken, ""),
    (Nobody, LOGIN, r#"{"password":"correct horse battery"}"#, Validation, "/email"),
    (Nobody, LOGIN, r#"{"email":"carl@souk.example","password":"wrong"}"#, InvalidCredentials, ""),
    (Nobody, LOGIN, r#"{"email":"no@souk.example","password":"wrong"}"#, InvalidCredentials, ""),
    (Nobody, LOGIN, r#"{"username":"' OR 1=1 --","password":"x"}"#, Validation, "/username"),
    (Nobody, REFRESH, r#"{"refresh_token":"x"}"#, InvalidRefreshToken, ""),
    (Nobody, REFRESH, r#"{"refresh_token":""}"#, InvalidRefreshToken, ""),
    (Nobody, REFRESH, r#"{"refresh_token":"' OR 1=1 --\u0000"}"#, InvalidRefreshToken, ""),
    (Nobody, LOGOUT, "{}", Unauthenticated, ""),
    (Nobody, SETUP, r#"{"setup_token":"",$mail,"password":"correct horse"}"#, InvalidCredentials, ""),
    (Ann, "DELETE /api/v1/me", r#"{"password":"wrong"}"#, InvalidCredentials, ""),
    (Ann, PASSWORD, r#"{"current_password":"wrong","new_password":"a new horse"}"#, InvalidCredentials, ""),
    (Ann, PASSWORD, r#"{"current_password":"wrong","new_password":"seven77"}"#, Validation, "/new_password"),
    (Ann, PASSWORD, r#"{"current_password":"x","new_password":"ann@souk.example"}"#, Validation, "/new_password"),
    (Ann, RENAME, "{}", PreconditionRequired, ""),
    (Ann, RENAME, r#"{"name":"x"}"#, PreconditionRequired, ""),
    (Ann, RENAME, r#"{"name":"x","version":2}"#, VersionConflict, ""),
    (Ann, RENAME, r#"{"name":"x","version":9223372036854775807}"#, VersionConflict, ""),
    (Ann, RENAME, r#"{$mail,"version":1}"#, Validation, "/email"),
    (Ann, RENAME, r#"{"roles":["admin"],"version":1}"#, Validation, "/roles"),
    (Admin, BOB, r#"{"roles":["merchant"]}"#, PreconditionRequired, ""),
    (Admin, BOB, r#"{"roles":["merchant"],"version":7}"#, VersionConflict, ""),
    (Admin, BOB, r#"{"roles":["Merchant"],"version":1}"#, Validation, "/roles/0"),
    (Admin, "PATCH /api/v1/users/$admin", r#"{"roles":["customer"],"version":1}"#, Validation, "/roles"),
    (Admin, "PATCH /api/v1/users/usr_01h455vb4pex5vsknk084sn02q", r#"{"roles":[],"version":1}"#, NotFound, ""),
    (Admin, CATEGORIES, r#"{"name":"Drinks","slug":"drinks"}"#, SlugTaken, "/slug"),
    (Admin, CATEGORIES, r#"{"name":"x","parent":"no-such-category"}"#, Validation, "/parent"),
    (Admin, CATEGORIES, r#"{"name":"!!!"}"#, Validation, "/name"),
    (Admin, PRODUCTS, r#"{"name":"","price":1}"#, Validation, "/name"),
    (Admin, PRODUCTS, r#"{"name":" \t ","price":1}"#, Validation, "/name"),
    (Admin, PRODUCTS, r#"{"name":"a\nb","price":1}"#, Validation, "/name"),
    (Admin, PRODUCTS, r#"{"name":"$201x","price":1}"#, Validation, "/name"),
    (Admin, PRODUCTS, r#"{"name":"x","price":"1.999"}"#, Validation, "/price"),
    (Admin, PRODUCTS, r#"{"name":"x","price":{"amount":1000000000001,"currency":"USD"}}"#, Validation, "/price"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"stock":-1}"#, Validation, "/stock"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"stock":1000000001}"#, Validation, "/stock"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"stock":1.5}"#, Malformed, "/stock"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"sku":"tEA"}"#, SkuTaken, "/sku"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"slug":"tea"}"#, SlugTaken, "/slug"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"status":"deleted"}"#, Validation, "/status"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"image_url":"http://169.254.169.254/"}"#, Validation, "/image_url"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"image_url":"file:///etc/passwd"}"#, Validation, "/image_url"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"image_url":"javascript:alert(1)"}"#, Validation, "/image_url"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"attributes":{"a":{"b":1}}}"#, Validation, "/attributes/a"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"variants":[{"options":{}}]}"#, Validation, "/variants"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,$sizes,$small}"#, Validation, "/variants/0/options/Size"),
    (Admin, PRODUCTS, r#"{"name":"x","price":1,"stock":1,$sizes,$one}"#, Validation, "/stock"),
    (Admin, VARIANTS, r#"{"options":{"Size":"S"}}"#, Validation, "/options"),
    (Admin, VARIANTS, r#"{"options":{"Size":1}}"#, Malformed, "/options/Size"),
    (Admin, OPTIONS, r#"{$sizes}"#, PreconditionRequired, ""),
    (Admin, OPTIONS, r#"{"options":[{"name":"","values":["S"]}],"version":1}"#, Validation, "/options/0/name"),
    (Admin, BATCH, r#"{"products":[]}"#, Validation, "/products"),
    (Admin, BATCH, r#"{"products":[$101{}]}"#, Validation, "/products"),
    (Admin, IMPORT, r#"{"rows":[]}"#, Validation, "/rows"),
    (Admin, IMPORT, r#"{"rows":[$101{}]}"#, Validation, "/rows"),
    (Ann, IMPORT, r#"{"rows":[{}]}"#, Forbidden, ""),
    (Admin, REPLACE, r#"{"name":"x","price":1}"#, PreconditionRequired, ""),
    (Admin, REPLACE, r#"{"name":"x","price":1,"version":3}"#, VersionConflict, ""),
    (Admin, REPLACE, r#"{"name":"x","price":1,"version":1,"sku":"Cup"}"#, SkuTaken, "/sku"),
    (Admin, "PUT /api/v1/products/tea", r#"{"name":"x","price":1,"version":1}"#, Malformed, ""),
    (Admin, CHANGE, r#"{"stock":1,"version":1}"#, Validation, "/stock"),
    (Admin, CHANGE, r#"{"name":"x"}"#, PreconditionRequired, ""),
    (Admin, CHANGE, r#"{"slug":"cup","version":1}"#, SlugTaken, "/slug"),
    (Admin, ADJUST, r#"{"changes":[]}"#, Validation, "/changes"),
    (Admin, ADJUST, r#"{"changes":[{"reason":"x","delta":1}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","variant_id":"$variant",$more}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","set":1,"expected":1,$more}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","set":1,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","delta":1,"reason":""}]}"#, Validation, "/changes/0/reason"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"No",$more}]}"#, NotFound, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Cup",$more},{"sku":"No",$more}]}"#, NotFound, "/changes/1"),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Cup","delta":-51,"reason":"x"}]}"#, InsufficientStock, ""),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Cup",$more},{"sku":"Tea","delta":-999,$why}]}"#, InsufficientStock, ""),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Tea","set":1,"expected":48,"reason":"x"}]}"#, StockChanged, ""),
    (Admin, ADJUST, r#"{"changes":[{"sku":"Cup","delta":1000000000,"reason":"x"}]}"#, Validation, "/changes/0"),
    (Admin, ADJUST, r#"{"changes":[$501{"sku":"Cup",$more}]}"#, Validation, "/changes"),
    (Ann, PLACE, r#"{"items":[]}"#, Validation, "/items"),
    (Ann, PLACE, r#"{"items":[{"quantity":1}]}"#, Validation, "/items/0"),
    (Ann, PLACE, r#"{"items":[{$tea,"variant_id":"$variant","quantity":1}]}"#, Validation, "/items/0"),
    (Ann, PLACE, r#"{"items":[$1501$line]}"#, Validation, "/items"),
    (Ann, PLACE, r#"{"items":[{$tea,"quantity":0}]}"#, Validation, "/items/0/quantity"),
    (Ann, PLACE, r#"{"items":[{$tea,"quantity":"1"}]}"#, Malformed, "/items/0/quantity"),
    (Ann, PLACE, r#"{"items":[{$tea,"quantity":1,"unit_price":1}]}"#, Validation, "/items/0/unit_price"),
    (Ann, PLACE, r#"{"items":[{$tea,"quantity":49}]}"#, InsufficientStock, ""),
    (Ann, PLACE, r#"{"items":[{$tea,"quantity":25},{$tea,"quantity":25}]}"#, InsufficientStock, ""),
    (Ann, PLACE, r#"{"items":[{"product_id":"$other","quantity":1},{$tea,"quantity":99}]}"#, InsufficientStock, ""),
    (Ann, PLACE, r#"{"items":[{"product_id":"$no_product","quantity":1}]}"#, ProductUnavailable, "/items/0"),
    (Ann, PLACE, r#"{"items":[$line,{"product_id":"$draft","quantity":1}]}"#, ProductUnavailable, "/items/1"),
    (Ann, PLACE, r#"{"items":[$line],"total":{"amount":1,"currency":"USD"}}"#, PriceChanged, ""),
    (Ann, PLACE, r#"{"items":[$line],"total":{"amount":1999,"currency":"EUR"}}"#, PriceChanged, ""),
    (Ann, PLACE, r#"{"items":[$line],"total":"-19.99"}"#, PriceChanged, ""),
    (Ann, PLACE, r#"{"items":[$line],"total":19.990000000000000001}"#, PriceChanged, ""),
    (Ann, PLACE, r#"{"items":[$line],"payment":{"method":"tok_no_such"}}"#, Validation, "/payment/method"),
    (Ann, PLACE, r#"{"items":[$line],"payment":{"method":"4242424242424242"}}"#, Validation, "/payment/method"),
    (Nobody, PLACE, r#"{"items":[$line]}"#, Validation, "/email"),
    (Ann, "POST /api/v1/orders/$paid/ship", r#"{"tracking":"x"}"#, Forbidden, ""),
    (Admin, "POST /api/v1/orders/$paid/ship", r#"{"tracking":""}"#, Validation, "/tracking"),
    (Admin, "POST /api/v1/orders/$paid/ship", r#"{"tracking":"$101x"}"#, Validation, "/tracking"),
    (Admin, "POST /api/v1/orders/$paid/ship", r#"{"tracking":"1Z\r\nBcc: eve"}"#, Validation, "/tracking"),
    (Admin, "POST /api/v1/tax-rates", r#"{"name":"A\nB","country":"DE","millionths":1}"#, Validation, "/name"),
    (Admin, "POST /api/v1/orders/$pending/ship", "{}", IllegalTransition, ""),
    (Admin, "POST /api/v1/orders/$pending/deliver", "{}", IllegalTransition, ""),
    (Admin, "POST /api/v1/orders/$shipped/ship", "{}", IllegalTransition, ""),
    (Ann, "POST /api/v1/orders/$shipped/cancel", "{}", IllegalTransition, ""),
    (Ann, "POST /api/v1/orders/ord_01h455vb4pex5vsknk084sn02q/cancel", "{}", NotFound, ""),
    (Ann, PAY, r#"{"order_id":"$pending","method":"tok_no_such"}"#, Validation, "/method"),
    (Ann, PAY, r#"{"order_id":"$paid","method":"tok_ok"}"#, IllegalTransition, ""),
    (Ann, PAY, r#"{"order_id":"ord_01h455vb4pex5vsknk084sn02q","method":"tok_ok"}"#, NotFound, ""),
    (Ann, PAY, r#"{"order_id":"$pending","method":"tok_ok","amount":1}"#, Validation, "/amount"),
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
    (Ann, "POST /orders", r#"{$tea,"quantity":-1,"total_price":19.99}"#, Validation, ""),
    (Ann, "POST /orders", r#"{$tea,"quantity":"x"}"#, Validation, ""),
    (Ann, "POST /orders", r#"{"product_id":{"$ne":null},"quantity":1}"#, Malformed, ""),
    (Ann, "POST /orders", r#"{$tea,"quantity":1,"total_price":1}"#, PriceChanged, ""),
    (Ann, "POST /orders", r#"{"productIds":["$product"],"quantities":[1,2]}"#, Validation, "/quantities"),
    (Ann, "POST /orders", r#"{$tea,"quantity":49}"#, InsufficientStock, ""),
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
        let long = SHORT
            .iter()
            .fold((*body).to_owned(), |body, (short, long)| {
                body.replace(short, long)
            });
        let ask = ask.json(repeated(&world.fill(&long)));
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
