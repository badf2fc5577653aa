//! The way into a shop: its address, who comes, and what it says no with.

use super::{
    super::{
        api::{Answer, Api, Call, text},
        password,
    },
    table::{Column, show_all},
};
use crate::daily_args::DoorArgs;
use contracts::{
    BoxError,
    values::{Cursor, EventId, Page},
};
use platform::config;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;

/// Where a shop opens when nothing else is said.
const HERE: &str = "http://127.0.0.1:8080";
/// Rows that are asked for at a time.
const PAGE: u32 = 100;

/// An open door.
pub(in super::super) struct Door {
    api: Api,
    token: Option<String>,
    pub(super) json: bool,
}

impl Door {
    /// Finds the shop, and who comes: a program with its key, a person with a password, or else nobody.
    pub(in super::super) async fn open(args: &DoorArgs) -> Result<Self, BoxError> {
        let url = args.url.clone().or_else(config::shop_url);
        let api = Api::new(url.as_deref().unwrap_or(HERE))?;
        let key_file = args.key_file.clone().or_else(config::shop_key_file);
        let token = match (&args.email, key_file) {
            (Some(email), _) => Some(sign_in(&api, email).await?),
            (None, Some(file)) => Some(key(&file)?),
            (None, None) => None,
        };
        Ok(Self {
            api,
            token,
            json: args.json,
        })
    }

    /// What the shop says, whatever it is. A request without a key of its own gets one by chance.
    pub(in super::super) async fn ask(&self, call: Call<'_>) -> Result<Answer, BoxError> {
        // A request that is sent again, for the shop had no time, is the same request: units are not added twice.
        let name = EventId::generate().to_string();
        let call = Call {
            token: self.token.as_deref(),
            key: call.key.or(Some(name.as_str())),
            ..call
        };
        self.api.send(&call).await
    }

    /// What the shop says, if it is one of these statuses.
    pub(in super::super) async fn send(
        &self,
        call: Call<'_>,
        statuses: &[u16],
    ) -> Result<Value, BoxError> {
        let answer = self.ask(call).await?;
        if statuses.contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(said(&answer))
    }

    pub(in super::super) async fn get(&self, path: &str) -> Result<Value, BoxError> {
        self.send(Call::get(path), &[200]).await
    }

    pub(in super::super) async fn post(&self, path: &str, body: &Value) -> Result<Value, BoxError> {
        self.send(Call::post(path, body), &[200, 201]).await
    }

    /// The first rows of a list, a page at a time, and whether there are more.
    pub(in super::super) async fn rows(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        limit: u32,
    ) -> Result<(Vec<Value>, bool), BoxError> {
        let mut rows = Vec::new();
        let (mut left, mut cursor) = (limit.max(1), None);
        loop {
            let page = self
                .get(&format!(
                    "{path}?{}",
                    written(query, left.min(PAGE), cursor)?
                ))
                .await?;
            let data = page.get("data").and_then(Value::as_array);
            let data = data.ok_or("the shop answered no list")?;
            rows.extend(data.iter().cloned());
            left = left.saturating_sub(u32::try_from(data.len())?);
            cursor = page
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if left == 0 || cursor.is_none() {
                return Ok((rows, cursor.is_some()));
            }
        }
    }

    /// A page of a list, as what its rows are.
    pub(in super::super) async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        cursor: Option<&Cursor>,
    ) -> Result<Page<T>, BoxError> {
        let cursor = cursor.map(|cursor| cursor.as_str().to_owned());
        let query = written(query, PAGE, cursor)?;
        self.read(&format!("{path}?{query}")).await
    }

    /// What the shop answers, as what it is.
    pub(in super::super) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<T, BoxError> {
        Ok(serde_json::from_value(self.get(path).await?)?)
    }

    /// The same; nothing, if there is none.
    pub(in super::super) async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, BoxError> {
        let answer = self.ask(Call::get(path)).await?;
        match answer.status {
            200 => Ok(Some(serde_json::from_value(answer.body)?)),
            404 => Ok(None),
            _ => Err(said(&answer)),
        }
    }

    /// Says such rows.
    pub(super) async fn list(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        limit: u32,
        columns: &[Column],
    ) -> Result<(), BoxError> {
        let (rows, more) = self.rows(path, query, limit).await?;
        show_all(self.json, columns, &rows);
        if more && !self.json {
            crate::console::complain("there are more: see --limit");
        }
        Ok(())
    }
}

/// A path of these parts, whatever somebody typed for them.
pub(in super::super) fn path(parts: &[&str]) -> Result<String, BoxError> {
    let mut url = Url::parse(HERE)?;
    let mut segments = url.path_segments_mut().map_err(|()| "no path")?;
    segments.extend(["api", "v1"]).extend(parts);
    drop(segments);
    Ok(url.path().to_owned())
}

fn written(
    query: &[(&str, Option<String>)],
    limit: u32,
    cursor: Option<String>,
) -> Result<String, BoxError> {
    let given = query
        .iter()
        .filter_map(|(name, value)| Some((*name, value.clone()?)));
    let page = [("limit", Some(limit.to_string())), ("cursor", cursor)];
    let page = page
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let url = Url::parse_with_params(HERE, given.chain(page))?;
    Ok(url.query().unwrap_or_default().to_owned())
}

async fn sign_in(api: &Api, email: &str) -> Result<String, BoxError> {
    let password = password::read("Password: ")?;
    let body = json!({"email": email, "password": password.expose_secret()});
    let answer = api.send(&Call::post("/api/v1/auth/login", &body)).await?;
    match answer.status {
        200 => text(&answer.body, "access_token")
            .map_err(|_| "this account signs in with a second factor: use an API key".into()),
        _ => Err(said(&answer)),
    }
}

fn key(file: &Path) -> Result<String, BoxError> {
    let name = file.display();
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{name} cannot be read: {error}"))?;
    if config::readable_by_everybody(file) {
        return Err(format!(
            "{name} holds a key that everybody on this machine can read: chmod 600"
        )
        .into());
    }
    Ok(text.trim().to_owned())
}

/// A refusal in one line: what is wrong, and where.
pub(in super::super) fn said(answer: &Answer) -> BoxError {
    let member = |name: &str| answer.body.get(name).and_then(Value::as_str);
    let detail = member("detail").or_else(|| member("title"));
    let mut line = detail.unwrap_or("the shop gives no reason").to_owned();
    let errors = answer.body.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let of = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        line = format!("{line}; {} {}", of("field"), of("message"));
    }
    format!(
        "{} {}: {line}",
        answer.status,
        member("code").unwrap_or("refused")
    )
    .into()
}
