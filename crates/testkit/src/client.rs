//! Somebody who talks to a shop over HTTP.

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a connection is kept that nothing is asked on: well below the five seconds after which the shop closes it,
/// so that no request meets the end of its connection.
const IDLE: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// A header field, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The problem's code, empty when it is none.
    pub fn code(&self) -> &str {
        self.json
            .get("code")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A member by JSON pointer, as text.
    pub fn str(&self, pointer: &str) -> &str {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A member by JSON pointer, as a number.
    pub fn int(&self, pointer: &str) -> i64 {
        self.json
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_else(|| panic!("no number at {pointer} of {}", self.text))
    }
}

/// Somebody, signed in or not. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    urls: Arc<[String]>,
    // Whose turn it is.
    turn: Arc<AtomicUsize>,
    token: Option<String>,
    user: Value,
}

impl Client {
    pub fn new(url: &str) -> Self {
        Self::among(&[url])
    }

    /// Somebody who asks these addresses in turn, all of one shop.
    pub fn among(urls: &[&str]) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            http,
            urls: owned(urls),
            turn: Arc::default(),
            token: None,
            user: Value::Null,
        }
    }

    /// The same client as the one that this answer signed in.
    pub fn signed_in(&self, answer: &Answer) -> Self {
        let token = Some(answer.str("/access_token").to_owned());
        Self {
            token,
            user: answer.json.get("user").cloned().unwrap_or_default(),
            ..self.clone()
        }
    }

    /// The same person at another address, as after a restart.
    pub fn at(&self, url: &str) -> Self {
        self.at_each(&[url])
    }

    /// The same person at these addresses in turn.
    pub fn at_each(&self, urls: &[&str]) -> Self {
        Self {
            urls: owned(urls),
            ..self.clone()
        }
    }

    /// The access token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The user's id.
    pub fn user_id(&self) -> &str {
        self.user
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A request to be finished by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let turn = turn.checked_rem(self.urls.len()).unwrap_or_default();
        let url = self.urls.get(turn).expect("an address");
        let request = self.http.request(method, format!("{url}{path}"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends it; `Err` when no answer came at all.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer {
            status,
            headers,
            text,
            json,
        })
    }

    /// Sends it.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// GET, again and again until the answer is as it should be; fails with the last one after half a minute.
    pub async fn get_until(&self, path: &str, fits: impl Fn(&Answer) -> bool) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.get(path).await;
            if fits(&answer) {
                return answer;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{path}: {}",
                answer.text
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// DELETE, with a body if there is one.
    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(Method::DELETE, path);
        self.send(body.into_iter().fold(request, RequestBuilder::json))
            .await
    }

    /// POST of JSON with an `Idempotency-Key`.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .header("idempotency-key", key)
                .json(body),
        )
        .await
    }

    /// Puts a product on sale; gives its id. The price is in minor units of USD.
    pub async fn sell(&self, name: &str, price: i64, stock: i64) -> String {
        let body = json!({"name": name, "sku": name, "price": {"amount": price, "currency": "USD"}, "stock": stock});
        let answer = self.post("/api/v1/products", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.str("/id").to_owned()
    }

    /// Orders some of one product.
    pub async fn order(&self, key: &str, product: &str, quantity: i64) -> Answer {
        let body = json!({"items": [{"product_id": product, "quantity": quantity}]});
        self.post_with_key("/api/v1/orders", key, &body).await
    }

    /// Orders some of one product and pays with this method.
    pub async fn buy(&self, key: &str, product: &str, quantity: i64, method: &str) -> Answer {
        let body = json!({"items": [{"product_id": product, "quantity": quantity}], "payment": {"method": method}});
        self.post_with_key("/api/v1/orders", key, &body).await
    }

    /// Adds a picture to a product; it is two dots wide.
    pub async fn show(&self, product: &str) -> Answer {
        let path = format!("/api/v1/products/{product}/images");
        let request = self.request(Method::POST, &path);
        let request = request.header("content-type", "image/png");
        self.send(request.body(PICTURE)).await
    }

    /// A product's stock: on hand, reserved, available.
    pub async fn stock(&self, product: &str) -> (i64, i64, i64) {
        let answer = self.get(&format!("/api/v1/products/{product}")).await;
        (
            answer.int("/stock/on_hand"),
            answer.int("/stock/reserved"),
            answer.int("/stock/available"),
        )
    }
}

/// A PNG of two dots.
#[rustfmt::skip] // bytes, not a column
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x7b, 0x40, 0xe8, 0xdd, 0x00, 0x00, 0x00,
    0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x38, 0x11, 0x25, 0x02, 0x44, 0x00, 0x09, 0xe9, 0x02, 0x6d,
    0x75, 0xec, 0xb6, 0xfa, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn owned(urls: &[&str]) -> Arc<[String]> {
    urls.iter().map(|url| (*url).to_owned()).collect()
}
