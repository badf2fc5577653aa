//! A small client of the public API, for commands that load a shop. It honours `Retry-After`, so a shop with
//! limits paces it instead of failing it.

use contracts::BoxError;
use reqwest::{
    Client, Method, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Tries of one request, the first included.
const TRIES_MAX: u32 = 120;
/// Tries of opening one account, of which each may take as long as the shop lets a request take.
const ENTRIES_MAX: u32 = 10;

/// A shop's API.
#[derive(Debug, Clone)]
pub(super) struct Api {
    client: Client,
    url: String,
}

/// A request to be made.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) body: Body<'a>,
}

/// What goes with a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    /// Nothing.
    None,
    /// A value.
    Value(&'a Value),
    /// JSON that is written already.
    Written(&'a [u8]),
}

impl<'a> Call<'a> {
    /// A read.
    pub(super) const fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            token: None,
            key: None,
            body: Body::None,
        }
    }

    /// A write.
    pub(super) const fn post(path: &'a str, body: &'a Value) -> Self {
        Self {
            method: Method::POST,
            path,
            token: None,
            key: None,
            body: Body::Value(body),
        }
    }

    /// A write whose body is JSON already.
    pub(super) const fn post_bytes(path: &'a str, body: &'a [u8]) -> Self {
        Self {
            method: Method::POST,
            path,
            token: None,
            key: None,
            body: Body::Written(body),
        }
    }

    /// In somebody's name.
    pub(super) fn by(self, token: &'a str) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// Safe to repeat.
    pub(super) fn key(self, key: &'a str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The body, if the status is this one.
    pub(super) fn expect_status(self, status: u16) -> Result<Value, BoxError> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(self.refusal(&[status]))
    }

    /// Says what came instead of one of these.
    pub(super) fn refusal(&self, statuses: &[u16]) -> BoxError {
        let expected: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let expected = expected.join(" or ");
        let detail = self
            .body
            .get("detail")
            .and_then(Value::as_str)
            .unwrap_or("no detail");
        format!(
            "answered {} where {expected} was expected: {detail}",
            self.status
        )
        .into()
    }
}

impl Api {
    /// A client of the shop at this address.
    pub(super) fn new(url: &str) -> Result<Self, BoxError> {
        let client = Client::builder()
            .timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(1_024)
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Makes a request; one that is refused for being too many is made again when the shop says so.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer, BoxError> {
        let response = self.exchange(call).await?;
        read(response).await
    }

    /// The same, for an answer that is read as what it is if it has one of these statuses.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        statuses: &[u16],
    ) -> Result<Result<T, Answer>, BoxError> {
        let response = self.exchange(call).await?;
        if !statuses.contains(&response.status().as_u16()) {
            return Ok(Err(read(response).await?));
        }
        let bytes = response.bytes().await?;
        Ok(Ok(serde_json::from_slice(&bytes)?))
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Response, BoxError> {
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let response = self.request(call).send().await?;
            let status = response.status().as_u16();
            let wait = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|after| after.to_str().ok()?.parse::<u64>().ok());
            match wait {
                Some(seconds) if matches!(status, 429 | 503) && tries < TRIES_MAX => {
                    tokio::time::sleep(Duration::from_secs(seconds.min(60))).await;
                }
                Some(_) | None => return Ok(response),
            }
        }
    }

    fn request(&self, call: &Call<'_>) -> reqwest::RequestBuilder {
        let mut request = self
            .client
            .request(call.method.clone(), format!("{}{}", self.url, call.path));
        if let Some(token) = call.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        match call.body {
            Body::None => request,
            Body::Value(body) => request.json(body),
            Body::Written(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec()),
        }
    }

    /// Opens an account, or signs in if it is there already; gives the access token. Passwords are hashed when nothing
    /// else is to be done (ADR 49): where the shop was too busy to answer in time, it is asked again.
    pub(super) async fn enter(&self, email: &str, password: &str) -> Result<String, BoxError> {
        let account = serde_json::json!({"email": email, "password": password});
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let mut answer = self
                .send(&Call::post("/api/v1/auth/register", &account))
                .await?;
            if answer.status == 409 {
                answer = self
                    .send(&Call::post("/api/v1/auth/login", &account))
                    .await?;
            }
            match answer.status {
                200 | 201 => return text(&answer.body, "access_token"),
                504 if tries < ENTRIES_MAX => {}
                _ => return Err(answer.refusal(&[200, 201])),
            }
        }
    }
}

async fn read(response: Response) -> Result<Answer, BoxError> {
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Answer { status, body })
}

/// A member of an answer that must be a text.
pub(super) fn text(body: &Value, name: &str) -> Result<String, BoxError> {
    body.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("an answer lacks {name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Json, Router, http::StatusCode, routing::post};
    use serde_json::json;
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };
    use tokio::net::TcpListener;

    /// What comes of opening an account at a shop that is too busy so many times, and has opened it all the same by the
    /// second; and how often it was asked.
    async fn entered(times: u32) -> (Result<String, BoxError>, u32) {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let register = move || async move {
            let status = match counted.fetch_add(1, Ordering::SeqCst) {
                before if before < times => StatusCode::GATEWAY_TIMEOUT,
                0 => StatusCode::CREATED,
                _ => StatusCode::CONFLICT,
            };
            (status, Json(json!({"access_token": "new"})))
        };
        let login = || async { Json(json!({"access_token": "old"})) };
        let router = Router::new()
            .route("/api/v1/auth/register", post(register))
            .route("/api/v1/auth/login", post(login));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let entered = tokio::select! {
            entered = api.enter("ann@souk.example", "secret") => entered,
            ended = axum::serve(listener, router).into_future() => Err(format!("{ended:?}").into()),
        };
        (entered, asked.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn whoever_opens_an_account_at_a_busy_shop_asks_again_and_signs_in_if_it_was_opened() {
        let (new, _) = entered(0).await;
        assert_eq!(new.unwrap(), "new");
        let (old, asked) = entered(2).await;
        assert_eq!((old.unwrap().as_str(), asked), ("old", 3));
    }

    #[tokio::test]
    async fn a_shop_that_stays_busy_is_given_up() {
        let (nothing, asked) = entered(u32::MAX).await;
        assert!(nothing.is_err());
        assert_eq!(asked, ENTRIES_MAX);
    }
}
