//! Orders and payments, as the seeds' clients make and read them. A total that comes is what the buyer
//! believes; what an order costs is computed by the one function that makes orders.

use super::{
    call::{Answer, Caller},
    fields::{Draft, Fields, whole, without_dust},
    products::{relink, with_limit},
    shapes::Order,
};
use axum::{http::HeaderValue, response::Response};
use contracts::{
    access::Principal,
    identity::UserView,
    orders::OrderView,
    problem::{Code, Problem},
    values::{MoneyInput, OrderId, Page, UserId, fold},
};
use platform::{digest, http::Fault};
use serde_json::{Map, Value, json, value::RawValue};

pub(super) const ORDERS: &str = "/api/v1/orders";
const PRODUCT: &[&str] = &["product_id", "productId"];
const ORDER: &[&str] = &["order_id", "orderId"];
const TOTAL: &[&str] = &[
    "total_price",
    "totalAmount",
    "total",
    "totalPrice",
    "total_amount",
];
const AMOUNT: &[&str] = &[
    "amount",
    "totalAmount",
    "total_amount",
    "total",
    "total_price",
];
const USER: &[&str] = &["userId", "user_id"];

/// POST `/orders`: `{product_id, quantity, total_price}`, `{productIds[], quantities[], totalAmount, userId}`
/// or `{items: [...]}`.
pub(super) async fn place(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    if fields.raw(&["email"]).is_none() {
        caller.somebody()?;
    }
    check_buyer(caller, fields).await?;
    let mut draft = Draft::default();
    if let Some(items) = items(fields)? {
        draft.put("items", &items);
    }
    if let Some(total) = fields.raw(TOTAL) {
        draft.keep("total", Some(without_dust(total).as_ref()));
    }
    draft.keep("email", fields.raw(&["email"]));
    draft.keep("payment", fields.raw(&["payment"]));
    translated(caller.post_keyed(ORDERS, &draft, Some(new_key()?)).await?)
}

/// Nobody orders for somebody else.
async fn check_buyer(caller: &Caller<'_>, fields: &Fields) -> Result<(), Problem> {
    let Some(named) = fields.text(USER)? else {
        return Ok(());
    };
    let who = caller.somebody()?;
    if is_self(caller, who, &named).await? {
        Ok(())
    } else {
        Err(Problem::new(Code::Forbidden).detail("orders are placed for oneself"))
    }
}

async fn is_self(caller: &Caller<'_>, who: &Principal, named: &str) -> Result<bool, Problem> {
    if let Ok(id) = named.parse::<UserId>() {
        return Ok(id == who.user_id);
    }
    let me: UserView = caller.look("/api/v1/me").await?;
    let key = fold(named.trim());
    let username = me.username.is_some_and(|name| name.key() == key);
    Ok(username || me.email.is_some_and(|email| email.key() == key))
}

fn items(fields: &Fields) -> Result<Option<Vec<Draft>>, Problem> {
    if let Some(items) = fields.objects("items")? {
        return items
            .iter()
            .enumerate()
            .map(|(index, item)| line_of(item, &format!("/items/{index}/quantity")))
            .collect::<Result<_, _>>()
            .map(Some);
    }
    if let Some(products) = fields.values(&["productIds", "product_ids"])? {
        return pairs(fields, &products).map(Some);
    }
    if fields.raw(PRODUCT).is_some() {
        return Ok(Some(vec![line_of(fields, "/quantity")?]));
    }
    Ok(None)
}

fn line_of(fields: &Fields, pointer: &str) -> Result<Draft, Problem> {
    let mut line = Draft::default();
    line.keep("product_id", fields.raw(PRODUCT));
    line.keep("variant_id", fields.raw(&["variant_id"]));
    if let Some(quantity) = fields.raw(&["quantity"]) {
        line.put("quantity", &whole(quantity, pointer)?);
    }
    Ok(line)
}

fn pairs(fields: &Fields, products: &[Box<RawValue>]) -> Result<Vec<Draft>, Problem> {
    let quantities = fields.values(&["quantities"])?.unwrap_or_default();
    if quantities.len() != products.len() {
        return Err(Problem::invalid(
            "/quantities",
            "must have as many entries as productIds",
        ));
    }
    let lines = products.iter().zip(&quantities).enumerate();
    lines
        .map(|(index, (product, quantity))| {
            let mut line = Draft::default();
            line.keep("product_id", Some(product));
            line.put(
                "quantity",
                &whole(quantity, &format!("/quantities/{index}"))?,
            );
            Ok(line)
        })
        .collect()
}

/// GET `/orders`: one's own, for admins too.
pub(super) async fn own(caller: &Caller<'_>) -> Result<Response, Fault> {
    let who = caller.somebody()?;
    list(caller, who, who.user_id).await
}

/// GET `/orders/user/{id or name}`: one's own; anybody's by id, for admins. To others nobody else exists.
pub(super) async fn of(caller: &Caller<'_>, named: &str) -> Result<Response, Fault> {
    let who = caller.somebody()?;
    let named = decoded(named).ok_or_else(|| Problem::new(Code::NotFound))?;
    if is_self(caller, who, &named).await? {
        return list(caller, who, who.user_id).await;
    }
    match named.parse::<UserId>() {
        Ok(id) if who.is_admin() => list(caller, who, id).await,
        Ok(_) | Err(_) => Err(Fault::new(Code::NotFound)),
    }
}

async fn list(caller: &Caller<'_>, who: &Principal, of: UserId) -> Result<Response, Fault> {
    let asked = caller.uri.query().unwrap_or_default();
    let mut query: Vec<&str> = asked
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("customer_id="))
        .collect();
    let customer = format!("customer_id={of}");
    // Others see their own and nothing else anyhow.
    if who.is_admin() {
        query.push(&customer);
    }
    let answer = caller.get(&with_limit(ORDERS, &query.join("&"))).await?;
    if answer.is_bare() {
        return Ok(answer.unchanged());
    }
    let page: Page<OrderView> = answer.read()?;
    let orders: Vec<Order> = page.data.into_iter().map(Order::from).collect();
    let mut response = answer.with(&orders);
    relink(response.headers_mut(), ORDERS, &caller.uri);
    Ok(response)
}

/// GET `/orders/{id}`.
pub(super) async fn read(caller: &Caller<'_>, id: &str) -> Result<Response, Fault> {
    let answer = caller.get(&format!("{ORDERS}/{id}")).await?;
    if answer.is_bare() {
        return Ok(answer.unchanged());
    }
    translated(answer)
}

/// POST `/payments`.
pub(super) async fn pay(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    check_amount(caller, fields).await?;
    let mut draft = Draft::default();
    draft.keep("order_id", fields.raw(ORDER));
    let method = fields.raw(&["method", "payment_method", "paymentMethod"]);
    draft.keep("method", method);
    let answer = caller
        .post_keyed("/api/v1/payments", &draft, Some(new_key()?))
        .await?;
    let mut body: Map<String, Value> = answer.read()?;
    if let Some(id) = body.get("id").cloned() {
        body.insert("_id".to_owned(), id);
    }
    Ok(answer.with(&body))
}

/// An amount that comes is what the payer believes; what is charged is the order's total, or nothing.
async fn check_amount(caller: &Caller<'_>, fields: &Fields) -> Result<(), Problem> {
    let (Some(amount), Some(order)) = (fields.raw(AMOUNT), fields.text(ORDER)?) else {
        return Ok(());
    };
    let amount: MoneyInput = serde_json::from_str(without_dust(amount).get())
        .map_err(|_| Problem::invalid("/amount", "must be an amount such as 19.99"))?;
    let order: OrderId = order.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let total = caller
        .look::<OrderView>(&format!("{ORDERS}/{order}"))
        .await?
        .total;
    if amount
        .resolve(total.currency)
        .is_ok_and(|amount| amount == total)
    {
        return Ok(());
    }
    Err(Problem::new(Code::PriceChanged)
        .detail(format!("the order's total is {total}"))
        .fact("total", json!(total)))
}

/// A key for whoever sends none: their request is one of its kind.
fn new_key() -> Result<HeaderValue, Problem> {
    let bytes = digest::random::<16>().map_err(|error| {
        tracing::error!(error = ?error, "no key could be made");
        Problem::new(Code::Internal)
    })?;
    HeaderValue::from_str(&digest::base64url(&bytes)).map_err(|_| Problem::new(Code::Internal))
}

pub(super) fn translated(answer: Answer) -> Result<Response, Fault> {
    let view: OrderView = answer.read()?;
    Ok(answer.with(&Order::from(view)))
}

/// A text of a path, its `%20` and the like undone.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_paths_are_read() {
        assert_eq!(
            decoded("ann%40example.com").as_deref(),
            Some("ann@example.com")
        );
        assert_eq!(decoded("a+b").as_deref(), Some("a+b"));
        assert_eq!(decoded("J%C3%B6rg").as_deref(), Some("Jörg"));
        for text in ["%", "%4", "%zz", "%ff", "%é"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
