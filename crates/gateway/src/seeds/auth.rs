//! Accounts, as the seeds' clients open, use and delete them. A `role` in a body is passed over, whoever sends it.

use super::{
    call::{Answer, Caller},
    fields::{Draft, Fields},
};
use crate::session;
use axum::{http::Method, response::Response};
use platform::http::{Fault, cookies::Name};
use serde_json::{Map, Value, value::RawValue};

const CHALLENGE: &[&str] = &["challenge"];
const CODE: &[&str] = &["code"];
const REFRESH_TOKEN: &[&str] = &["refresh_token", "refreshToken", "token"];

/// POST `/api/auth/register`, `/auth/register`, `/register`.
pub(super) async fn register(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    let mut draft = Draft::default();
    match (fields.raw(&["email"]), username(fields)) {
        (None, Some(name)) if is_address(name) => draft.keep("email", Some(name)),
        (email, name) => {
            draft.keep("email", email);
            draft.keep("username", name);
        }
    }
    draft.keep("password", fields.raw(&["password"]));
    draft.keep("name", fields.raw(&["name"]));
    let answer = caller.post("/api/v1/auth/register", &draft).await?;
    with_tokens(answer, "registered")
}

/// POST `/api/auth/login`, `/auth/login`, `/login`. Whichever name came, it may hold either. Where a code is asked for,
/// the refusal brings a `challenge`, and whoever comes back with it and a `code` is signed in.
pub(super) async fn login(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    let mut draft = Draft::default();
    if fields.raw(CHALLENGE).is_some() {
        draft.keep("challenge", fields.raw(CHALLENGE));
        draft.keep("code", fields.raw(CODE));
        let answer = caller
            .post("/api/v1/auth/login/second-factor", &draft)
            .await?;
        return with_tokens(answer, "signed in");
    }
    match (fields.raw(&["email"]), username(fields)) {
        (None, Some(name)) if is_address(name) => draft.keep("email", Some(name)),
        (Some(name), None) if !is_address(name) => draft.keep("username", Some(name)),
        (email, name) => {
            draft.keep("email", email);
            draft.keep("username", name);
        }
    }
    draft.keep("password", fields.raw(&["password"]));
    let answer = caller.post("/api/v1/auth/login", &draft).await?;
    with_tokens(answer, "signed in")
}

/// POST `/api/auth/refresh`: the refresh token in the body, in the cookie, or in place of an access token.
pub(super) async fn refresh(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    let mut draft = refresh_token(caller, fields);
    if draft.is_empty()
        && let Some(token) = session::opaque_bearer(&caller.headers)
    {
        draft.put("refresh_token", &token);
    }
    let answer = caller.post("/api/v1/auth/refresh", &draft).await?;
    with_tokens(answer, "renewed")
}

/// POST `/api/auth/logout`: ends the session of the access token, or of the refresh token.
pub(super) async fn logout(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    let draft = refresh_token(caller, fields);
    let answer = caller.post("/api/v1/auth/logout", &draft).await?;
    Ok(answer.unchanged())
}

/// POST and PUT `/api/auth/delete`.
pub(super) async fn delete(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    caller.somebody()?;
    let mut draft = Draft::default();
    draft.keep("password", fields.raw(&["password"]));
    draft.keep("code", fields.raw(CODE));
    let answer = caller.send(Method::DELETE, "/api/v1/me", &draft).await?;
    Ok(answer.unchanged())
}

fn username(fields: &Fields) -> Option<&RawValue> {
    fields.raw(&["username", "userName"])
}

/// An e-mail address holds an `@`, a user name never does.
fn is_address(name: &RawValue) -> bool {
    name.get().contains('@')
}

fn refresh_token(caller: &Caller<'_>, fields: &Fields) -> Draft {
    let mut draft = Draft::default();
    draft.keep("refresh_token", fields.raw(REFRESH_TOKEN));
    if fields.raw(REFRESH_TOKEN).is_none()
        && let Some(token) = caller.cookies.read(&caller.headers, Name::Refresh)
    {
        draft.put("refresh_token", &token);
    }
    draft
}

fn with_tokens(answer: Answer, message: &str) -> Result<Response, Fault> {
    let mut body: Map<String, Value> = answer.read()?;
    if let Some(token) = body.get("access_token").cloned() {
        body.insert("token".to_owned(), token);
    }
    body.insert("message".to_owned(), Value::from(message));
    Ok(answer.with(&body))
}
