//! One client: sends requests, waits for so long and no longer, and writes down what came. It knows nothing of the shop
//! but its API.

use crate::{
    net::Net,
    random::Random,
    record::{Good, Record},
};
use axum::{
    body::{Body, Bytes},
    http::{Request, Response, header},
};
use checker::{Action, Answer, Operation, Outcome, Refusal, Told};
use contracts::{
    access::Principal,
    catalog::InventoryView,
    problem::{Code, ProblemBody},
    values::{Money, OrderId, Page},
};
use platform::digest;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// How long a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);

/// What all clients share.
#[derive(Clone)]
pub(crate) struct Town {
    pub(crate) net: Net,
    pub(crate) record: Record,
    pub(crate) goods: Arc<Vec<Good>>,
}

pub(crate) struct Client {
    pub(crate) town: Town,
    pub(crate) who: Principal,
    pub(crate) random: Random,
    pub(crate) name: String,
}

/// A wish, its key, and what its body or header says of a version.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) action: Action,
    pub(crate) key: Option<String>,
    pub(crate) version: Option<i64>,
}

impl Wish {
    pub(crate) const fn plain(action: Action) -> Self {
        Self {
            action,
            key: None,
            version: None,
        }
    }

    pub(crate) const fn keyed(action: Action, key: String) -> Self {
        Self {
            action,
            key: Some(key),
            version: None,
        }
    }
}

impl Client {
    /// Asks once.
    pub(crate) async fn ask(&mut self, wish: &Wish) -> Outcome {
        let random = Random::new(self.random.number(), 7);
        self.send(wish, random).await
    }

    /// Asks the same twice at the same time; gives the first one's outcome.
    pub(crate) async fn ask_twice(&mut self, wish: &Wish) -> Outcome {
        let (one, other) = (self.random.number(), self.random.number());
        let this = &*self;
        let both = futures_util::future::join(
            this.send(wish, Random::new(one, 7)),
            this.send(wish, Random::new(other, 7)),
        );
        let (first, second) = both.await;
        if matches!(first, Outcome::Unknown(_)) {
            second
        } else {
            first
        }
    }

    /// Asks until the outcome is known, or so often.
    pub(crate) async fn insist(&mut self, wish: &Wish, tries: u32) -> Outcome {
        let mut outcome = Outcome::Unknown(None);
        for _ in 0..tries {
            outcome = if self.random.chance(150) {
                self.ask_twice(wish).await
            } else {
                self.ask(wish).await
            };
            if !matches!(outcome, Outcome::Unknown(_)) {
                return outcome;
            }
            let pause = self.random.between(100, 1_500);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        outcome
    }

    async fn send(&self, wish: &Wish, random: Random) -> Outcome {
        let record = &self.town.record;
        let place = record.begin(Operation {
            user: self.who.user_id,
            action: wish.action.clone(),
            key: wish.key.clone(),
            means: self.means(wish),
            based_on: wish.version,
            start: record.now(),
            end: None,
            outcome: Outcome::Unknown(None),
        });
        let sent = self.town.net.send(self.request(wish), random);
        let response = tokio::time::timeout(PATIENCE, sent).await.ok().flatten();
        let outcome = response.map_or(Outcome::Unknown(None), |response| {
            read(&wish.action, response)
        });
        record.end(place, outcome.clone(), self.line(wish, &outcome));
        outcome
    }

    /// The order that a key stands for: a promise of the shop, so that anybody can tell.
    fn means(&self, wish: &Wish) -> Option<OrderId> {
        let Action::Place { .. } = wish.action else {
            return None;
        };
        let scope = format!("order {}", self.who.user_id);
        let bytes = digest::derived_id(&scope, wish.key.as_deref()?);
        Some(OrderId::from_bytes(bytes))
    }

    fn request(&self, wish: &Wish) -> Request<Body> {
        let (method, path, body) = spoken(wish);
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &wish.key {
            request = request.header("idempotency-key", key);
        }
        if let (Action::Reprice { .. }, Some(version)) = (&wish.action, wish.version) {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let (kind, body) = match (&wish.action, body) {
            (Action::Reprice { .. }, Some(body)) => ("application/merge-patch+json", body),
            (_, Some(body)) => ("application/json", body),
            (_, None) => ("", Value::Null),
        };
        let body = if kind.is_empty() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, kind);
            Body::from(body.to_string())
        };
        let mut request = request.body(body).expect("a request");
        // The door has found out who asks.
        request.extensions_mut().insert(self.who.clone());
        request
    }

    fn line(&self, wish: &Wish, outcome: &Outcome) -> String {
        let what = self.described(&wish.action);
        let key = wish.key.as_deref().unwrap_or("-");
        let came = match outcome {
            Outcome::Ok(answer) => format!("{} {}", answer.status, told(&answer.told)),
            Outcome::Refused(refusal) | Outcome::Unknown(Some(refusal)) => {
                format!(
                    "{} {}",
                    refusal.status,
                    refusal.code.map_or("?", Code::slug)
                )
            }
            Outcome::Unknown(None) => "no answer".to_owned(),
        };
        format!("{} {what} [{key}] -> {came}", self.name)
    }

    fn described(&self, action: &Action) -> String {
        let good = |variant| {
            let found = self
                .town
                .goods
                .iter()
                .position(|good| good.variant == variant);
            found.map_or_else(|| "?".to_owned(), |index| format!("g{index}"))
        };
        match action {
            Action::Place { lines, method } => {
                let lines: Vec<String> = lines
                    .iter()
                    .map(|(variant, units)| format!("{units}x{}", good(*variant)))
                    .collect();
                format!(
                    "place {} {}",
                    lines.join("+"),
                    method.as_deref().unwrap_or("unpaid")
                )
            }
            Action::Pay { order, method } => format!("pay {order} {method}"),
            Action::Void(payment) => format!("void {payment}"),
            Action::Prove { approve, .. } => format!("prove {approve}"),
            Action::Refund {
                payment,
                amount,
                items,
            } => {
                let units: u32 = items.iter().map(|item| item.quantity.get()).sum();
                format!("refund {payment} {amount:?} {units} units")
            }
            Action::Cancel(order) => format!("cancel {order}"),
            Action::Ship(order) => format!("ship {order}"),
            Action::Deliver(order) => format!("deliver {order}"),
            Action::Restock { variant, units } => format!("restock {units}x{}", good(*variant)),
            Action::Reprice { variant, price, .. } => format!("reprice {} {price}", good(*variant)),
            Action::ReadStock(variant) => format!("stock {}", good(*variant)),
            Action::ReadOrder(order) => format!("read {order}"),
            Action::ReadProduct(_) => "product".to_owned(),
        }
    }
}

/// An answer in the words of the trace; ids that are drawn by lot are left out.
fn told(told: &Told) -> String {
    match told {
        Told::Order(order) => format!(
            "{} #{} {}",
            order.status.as_str(),
            order.number,
            order.total
        ),
        Told::Payment(payment) => format!("{} {}", payment.status.as_str(), payment.amount),
        Told::Refund(refund) => format!("{} {}", refund.status.as_str(), refund.amount),
        Told::Stock(rows) => rows
            .iter()
            .map(|row| format!("{}/{}", row.on_hand, row.reserved))
            .collect::<Vec<_>>()
            .join(" "),
        Told::Product(product) => format!("v{} {}", product.version.get(), product.price),
        Told::Other => String::new(),
    }
}

/// Method, path and body.
fn spoken(wish: &Wish) -> (&'static str, String, Option<Value>) {
    match &wish.action {
        Action::Place { lines, method } => {
            let items: Vec<Value> = lines
                .iter()
                .map(|(variant, units)| json!({ "variant_id": variant, "quantity": units }))
                .collect();
            let mut body = json!({ "items": items });
            if let (Some(method), Some(body)) = (method, body.as_object_mut()) {
                body.insert("payment".to_owned(), json!({ "method": method }));
            }
            ("POST", "/api/v1/orders".to_owned(), Some(body))
        }
        Action::Pay { order, method } => {
            let body = json!({ "order_id": order, "method": method });
            ("POST", "/api/v1/payments".to_owned(), Some(body))
        }
        Action::Void(payment) => {
            let path = format!("/api/v1/payments/{payment}/void");
            ("POST", path, Some(json!({})))
        }
        Action::Prove { proof, approve } => {
            let path = format!("/api/v1/payments/providers/sandbox/proofs/{proof}");
            ("POST", path, Some(json!({ "approve": approve })))
        }
        Action::Refund {
            payment,
            amount,
            items,
        } => {
            let path = format!("/api/v1/payments/{payment}/refunds");
            let body = json!({ "amount": amount, "items": items });
            ("POST", path, Some(body))
        }
        Action::Cancel(order) => moved(*order, "cancel"),
        Action::Ship(order) => moved(*order, "ship"),
        Action::Deliver(order) => moved(*order, "deliver"),
        Action::Restock { variant, units } => {
            let change = json!({ "variant_id": variant, "delta": units, "reason": "came in" });
            let body = json!({ "changes": [change] });
            ("POST", "/api/v1/inventory/adjust".to_owned(), Some(body))
        }
        Action::Reprice { product, price, .. } => {
            let body = json!({ "price": price });
            ("PATCH", format!("/api/v1/products/{product}"), Some(body))
        }
        Action::ReadStock(variant) => ("GET", format!("/api/v1/inventory/{variant}"), None),
        Action::ReadOrder(order) => ("GET", format!("/api/v1/orders/{order}"), None),
        Action::ReadProduct(product) => ("GET", format!("/api/v1/products/{product}"), None),
    }
}

fn moved(order: OrderId, verb: &str) -> (&'static str, String, Option<Value>) {
    (
        "POST",
        format!("/api/v1/orders/{order}/{verb}"),
        Some(json!({})),
    )
}

fn read(action: &Action, response: Response<Bytes>) -> Outcome {
    let status = response.status().as_u16();
    if response.status().is_success() {
        let body = response.into_body();
        let told = read_told(action, &body);
        let body = String::from_utf8_lossy(&body).into_owned();
        return Outcome::Ok(Answer { status, body, told });
    }
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_typed = kind.is_some_and(|kind| kind.starts_with("application/problem+json"));
    let body: Option<ProblemBody> = serde_json::from_slice(response.body()).ok();
    let refusal = Refusal {
        status,
        code: body.as_ref().and_then(|body| Code::from_slug(&body.code)),
        is_problem: is_typed
            && body.is_some_and(|body| body.status == status && !body.request_id.is_empty()),
    };
    if status < 500 {
        Outcome::Refused(refusal)
    } else {
        Outcome::Unknown(Some(refusal))
    }
}

fn read_told(action: &Action, body: &[u8]) -> Told {
    let told = match action {
        Action::Place { .. }
        | Action::Cancel(_)
        | Action::Ship(_)
        | Action::Deliver(_)
        | Action::ReadOrder(_) => serde_json::from_slice(body).ok().map(Told::Order),
        Action::Pay { .. } | Action::Void(_) => {
            serde_json::from_slice(body).ok().map(Told::Payment)
        }
        Action::Refund { .. } => serde_json::from_slice(body).ok().map(Told::Refund),
        Action::Prove { .. } => None,
        Action::Restock { .. } => serde_json::from_slice::<Page<InventoryView>>(body)
            .ok()
            .map(|page| Told::Stock(page.data)),
        Action::ReadStock(_) => serde_json::from_slice(body)
            .ok()
            .map(|view: InventoryView| Told::Stock(vec![view])),
        Action::Reprice { .. } | Action::ReadProduct(_) => {
            serde_json::from_slice(body).ok().map(Told::Product)
        }
    };
    told.unwrap_or(Told::Other)
}

/// A price that is told apart from others.
pub(crate) fn price(minor: u64) -> Money {
    let minor = i64::try_from(minor).unwrap_or(1);
    Money::new(minor, "USD".parse().expect("a currency"))
}
