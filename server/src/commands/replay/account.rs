//! Somebody who is signed in for as long as a replay takes: a token that is over is replaced by the next.

use crate::commands::api::{Answer, Api, Call, text};
use contracts::BoxError;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::RwLock;

pub(super) struct Account {
    email: String,
    password: SecretString,
    token: RwLock<String>,
}

impl Account {
    /// Signs somebody in who has an account.
    pub(super) async fn sign_in(
        api: &Api,
        email: String,
        password: SecretString,
    ) -> Result<Self, BoxError> {
        let token = RwLock::new(String::new());
        let account = Self {
            email,
            password,
            token,
        };
        account.renew(api).await?;
        Ok(account)
    }

    /// Opens an account, or signs in if it is there already.
    pub(super) async fn enter(api: &Api, email: String, password: &str) -> Result<Self, BoxError> {
        let token = api.enter(&email, password).await?;
        Ok(Self {
            email,
            password: password.into(),
            token: RwLock::new(token),
        })
    }

    async fn renew(&self, api: &Api) -> Result<(), BoxError> {
        let body = json!({"email": self.email, "password": self.password.expose_secret()});
        let answer = api.send(&Call::post("/api/v1/auth/login", &body)).await?;
        *self.token.write().await = text(&answer.expect_status(200)?, "access_token")?;
        Ok(())
    }

    /// Makes a request in this name.
    pub(super) async fn send(&self, api: &Api, call: Call<'_>) -> Result<Answer, BoxError> {
        let token = self.token.read().await.clone();
        let answer = api.send(&call.clone().by(&token)).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.renew(api).await?;
        let token = self.token.read().await.clone();
        api.send(&call.by(&token)).await
    }

    /// Makes a request in this name, and reads an answer of one of these statuses.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        api: &Api,
        call: Call<'_>,
        statuses: &[u16],
    ) -> Result<T, BoxError> {
        let token = self.token.read().await.clone();
        match api.ask(&call.clone().by(&token), statuses).await? {
            Ok(answer) => return Ok(answer),
            Err(refused) if refused.status != 401 => return Err(refused.refusal(statuses)),
            Err(_) => self.renew(api).await?,
        }
        let token = self.token.read().await.clone();
        let again = api.ask(&call.by(&token), statuses).await?;
        again.map_err(|refused| refused.refusal(statuses))
    }
}
