//! A program that somebody wrote against a seed document: it sends JSON, keeps the token it is given, and
//! knows nothing of the canonical addresses.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, Shop};

/// A shop as the seeds imagine one: whoever registers may sell.
pub(crate) async fn open() -> Shop {
    Shop::start_with(&[("SOUK_IDENTITY__REGISTRATION_ROLE", "merchant")]).await
}

/// A program, with or without a token.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    http: Client,
    token: Option<String>,
    /// The user's id, once it registered.
    pub(crate) user: String,
}

impl Program {
    /// Nobody's yet.
    pub(crate) fn new(shop: &Shop) -> Self {
        Self {
            http: shop.visitor(),
            token: None,
            user: String::new(),
        }
    }

    /// Registers by the shortest of the documents (004) and keeps the token.
    pub(crate) async fn register(shop: &Shop, name: &str) -> Self {
        let nobody = Self::new(shop);
        let answer = nobody.post("/register", account(name)).await.is(201);
        Self {
            user: answer.str("/user/id").to_owned(),
            ..nobody.with(answer.str("/token"))
        }
    }

    /// The same program with this token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = method.parse::<Method>().expect("a method");
        let mut request = self.http.request(method, path);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.http.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// Adds a product; gives its id.
    pub(crate) async fn sell(&self, name: &str, price: &str, stock: i64) -> String {
        let body = json!({"name": name, "description": "D", "price": price, "stock": stock});
        let answer = self.post("/products", body).await.is(201);
        answer.str("/_id").to_owned()
    }

    /// Orders some of one product.
    pub(crate) async fn order(&self, product: &str, quantity: i64) -> Answer {
        let body = json!({"product_id": product, "quantity": quantity});
        self.post("/orders", body).await
    }

    /// Orders some of one product; gives the order's id.
    pub(crate) async fn place(&self, product: &str, quantity: i64) -> String {
        let order = self.order(product, quantity).await.is(201);
        order.str("/_id").to_owned()
    }

    /// Pays an order.
    pub(crate) async fn pay(&self, order: &str) -> Answer {
        let body = json!({"order_id": order, "method": "tok_ok"});
        self.post("/payments", body).await
    }

    /// Moves an order.
    pub(crate) async fn set_status(&self, order: &str, status: &str) -> Answer {
        let path = format!("/orders/{order}/status");
        self.put(&path, json!({"status": status})).await
    }

    /// How many of a product can be bought.
    pub(crate) async fn stock(&self, product: &str) -> i64 {
        let answer = self.get(&format!("/products/{product}")).await.is(200);
        assert_eq!(answer.int("/stock"), answer.int("/quantity"));
        answer.int("/stock")
    }

    /// How many orders one has.
    pub(crate) async fn orders(&self) -> usize {
        list(&self.get("/orders").await.is(200)).len()
    }
}

/// A new account by user name.
pub(crate) fn account(name: &str) -> Value {
    json!({"username": name, "password": PASSWORD})
}

/// A body as a document writes it, with texts in place of the names in capitals.
pub(crate) fn filled(template: &str, texts: &[(&str, &str)]) -> Value {
    let body = texts
        .iter()
        .fold(template.to_owned(), |body, (name, text)| {
            body.replace(name, &Value::from(*text).to_string())
        });
    serde_json::from_str(&body).expect("JSON")
}

/// The entries of a bare array.
pub(crate) fn list(answer: &Answer) -> &[Value] {
    answer.json.as_array().expect("a bare array")
}

/// What programs expect of answers.
pub(crate) trait Expected {
    /// This status.
    fn is(self, status: u16) -> Self;
    /// A refusal with this code, in the seeds' voice.
    fn refused(self, status: u16, code: &str) -> Self;
}

impl Expected for Answer {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(!self.str("/message").is_empty(), "{}", self.text);
        self
    }
}
