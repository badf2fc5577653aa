//! Who is in a demo: its admin, and some customers. Each comes in as everybody does, by the API.

use super::super::api::{Api, Call, text};
use contracts::BoxError;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// The admin's address. No mail reaches it: the domain is nobody's (RFC 2606).
pub(super) const ADMIN: &str = "admin@demo.example";
/// The customers.
const NAMES: [&str; 12] = [
    "Ada", "Badr", "Chipo", "Dilara", "Emre", "Farah", "Goran", "Hana", "Idris", "Jun", "Kavya",
    "Leila",
];
/// A token is good for a quarter of an hour.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// All of them.
pub(super) struct Cast {
    pub(super) api: Api,
    password: String,
    /// Makes the admin of a new shop.
    setup_token: Option<String>,
    tokens: HashMap<String, (String, Instant)>,
    /// Users' ids, and their places among the customers.
    known: HashMap<String, usize>,
}

impl Cast {
    pub(super) fn new(api: Api, password: String, setup_token: Option<String>) -> Self {
        Self {
            api,
            password,
            setup_token,
            tokens: HashMap::new(),
            known: HashMap::new(),
        }
    }

    pub(super) const fn customers() -> usize {
        NAMES.len()
    }

    pub(super) fn name(customer: usize) -> &'static str {
        NAMES.get(customer).copied().unwrap_or("Ada")
    }

    fn address(customer: usize) -> String {
        format!("{}@demo.example", Self::name(customer).to_lowercase())
    }

    /// The admin's token. The admin of a new shop is made first.
    pub(super) async fn admin(&mut self) -> Result<String, BoxError> {
        if let Some(token) = self.good(ADMIN) {
            return Ok(token);
        }
        let mut body = json!({"email": ADMIN, "password": self.password});
        let (path, status) = match (&self.setup_token, body.as_object_mut()) {
            (Some(token), Some(body)) => {
                body.insert("setup_token".to_owned(), json!(token));
                ("/api/v1/auth/setup", 201)
            }
            _ => ("/api/v1/auth/login", 200),
        };
        let answer = self.api.send(&Call::post(path, &body)).await?;
        let token = text(&answer.expect_status(status)?, "access_token")?;
        self.setup_token = None;
        Ok(self.keep(ADMIN, token))
    }

    /// A customer's token; whoever comes for the first time opens an account.
    pub(super) async fn customer(&mut self, customer: usize) -> Result<String, BoxError> {
        let email = Self::address(customer);
        let is_new = !self.tokens.contains_key(&email);
        let token = self.token(&email).await?;
        if is_new {
            let me = self.api.send(&Call::get("/api/v1/me").by(&token)).await?;
            self.known.insert(text(&me.body, "id")?, customer);
        }
        Ok(token)
    }

    /// Which customer this user is, as far as they came in this time.
    pub(super) fn whose(&self, order: &Value) -> Option<usize> {
        let id = order.get("customer_id")?.as_str()?;
        self.known.get(id).copied()
    }

    async fn token(&mut self, email: &str) -> Result<String, BoxError> {
        if let Some(token) = self.good(email) {
            return Ok(token);
        }
        let token = self.api.enter(email, &self.password).await?;
        Ok(self.keep(email, token))
    }

    fn good(&self, email: &str) -> Option<String> {
        let (token, since) = self.tokens.get(email)?;
        (since.elapsed() < GOOD_FOR).then(|| token.clone())
    }

    fn keep(&mut self, email: &str, token: String) -> String {
        let kept = (token.clone(), Instant::now());
        self.tokens.insert(email.to_owned(), kept);
        token
    }
}
