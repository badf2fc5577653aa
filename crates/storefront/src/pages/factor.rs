//! The forms of the second factor. What is shown once is the answer to its form, and no page that could be opened
//! again; nothing of it is kept here.

use super::{
    code,
    frame::{self, Frame, Visit},
    picture::{self, Picture},
    problems, security,
};
use crate::{App, words::say};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::identity::{
    BeginSecondFactor, ConfirmSecondFactor, FactorError, LoginError, ProveTwice, RecoveryCodes,
};
use platform::http::Fault;
use secrecy::ExposeSecret;
use serde::Deserialize;

/// What an app is told begins like this.
const SCHEME: &str = "otpauth://totp/";
/// Longer than any that the shop makes.
const URI_BYTES_MAX: usize = 1_024;

/// Any form of the second factor. No `Debug`: it holds what signs somebody in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FactorForm {
    password: String,
    code: String,
    /// What the app was told: the page that asks for the first code shows it until that code comes.
    uri: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "factor_setup.html")]
struct SetupPage {
    frame: Frame,
    proof: String,
    uri: String,
    key: String,
    picture: Option<Picture>,
    problem: String,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    turned_on: bool,
    codes: Vec<String>,
}

/// POST `/account/security/second-factor`.
pub(super) async fn begin(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<FactorForm>,
) -> Response {
    let who = match security::owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    let wish = BeginSecondFactor {
        password: form.password.into(),
    };
    match app.identity.begin_second_factor(&who, wish).await {
        Ok(secret) => {
            let uri = secret.uri.expose_secret().to_owned();
            setup(&app, &visit, StatusCode::OK, uri, String::new()).await
        }
        Err(error) => refuse(&app, &visit, error).await,
    }
}

/// POST `/account/security/second-factor/confirm`.
pub(super) async fn confirm(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<FactorForm>,
) -> Response {
    let who = match security::owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    let wish = ConfirmSecondFactor {
        code: form.code.into(),
    };
    match app.identity.confirm_second_factor(&who, wish).await {
        Ok(codes) => shown(&app, &visit, true, codes).await,
        Err(FactorError::Unproven(LoginError::CodeInvalid)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            setup(&app, &visit, status, form.uri, say(code::WRONG).to_owned()).await
        }
        Err(error) => refuse(&app, &visit, error).await,
    }
}

/// POST `/account/security/second-factor/codes`.
pub(super) async fn renew(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<FactorForm>,
) -> Response {
    let who = match security::owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    match app.identity.renew_recovery_codes(&who, both(form)).await {
        Ok(codes) => shown(&app, &visit, false, codes).await,
        Err(error) => refuse(&app, &visit, error).await,
    }
}

/// POST `/account/security/second-factor/off`.
pub(super) async fn end(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<FactorForm>,
) -> Response {
    let who = match security::owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    match app.identity.end_second_factor(&who, both(form)).await {
        Ok(()) => security::done("off"),
        Err(error) => refuse(&app, &visit, error).await,
    }
}

fn both(form: FactorForm) -> ProveTwice {
    ProveTwice {
        password: form.password.into(),
        code: form.code.into(),
    }
}

async fn refuse(app: &App, visit: &Visit, error: FactorError) -> Response {
    match error {
        FactorError::On | FactorError::Off => security::done("late"),
        FactorError::Unproven(error) => match security::unproven(&error) {
            Some(faults) => security::again(app, visit, faults).await,
            None => problems::refuse(app, visit, Fault::from(error)).await,
        },
    }
}

async fn setup(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    uri: String,
    problem: String,
) -> Response {
    let uri = Some(uri).filter(|uri| uri.starts_with(SCHEME) && uri.len() <= URI_BYTES_MAX);
    let uri = uri.unwrap_or_default();
    frame::form(app, visit, status, |frame, proof| SetupPage {
        frame,
        proof,
        key: key_in(&uri),
        picture: picture::of(&uri).filter(|_| !uri.is_empty()),
        uri,
        problem,
    })
    .await
}

/// The secret for typing, in groups of four.
fn key_in(uri: &str) -> String {
    let (_, rest) = uri.split_once("?secret=").unwrap_or_default();
    let secret = rest.split('&').next().unwrap_or_default();
    let mut key = String::new();
    for (place, letter) in secret.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            key.push(' ');
        }
        key.push(letter);
    }
    key
}

async fn shown(app: &App, visit: &Visit, turned_on: bool, codes: RecoveryCodes) -> Response {
    let codes = codes.codes.iter();
    let codes = codes.map(|code| code.expose_secret().to_owned()).collect();
    frame::form(app, visit, StatusCode::OK, |frame, _| CodesPage {
        frame,
        turned_on,
        codes,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    const URI: &str =
        "otpauth://totp/shop.example:ann%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=shop.example";

    #[test]
    fn the_key_is_shown_as_a_picture_and_for_typing() {
        assert_eq!(key_in(URI), "GEZD GNBV GY3T QOJQ");
        let page = rendered(&SetupPage {
            frame: frame(Some("proof")),
            proof: "proof".to_owned(),
            uri: URI.to_owned(),
            key: key_in(URI),
            picture: picture::of(URI),
            problem: String::new(),
        });
        assert!(page.contains("<svg class=\"code-picture\"") && page.contains("GEZD GNBV"));
        assert!(page.contains("role=\"img\" aria-label=\"The key"), "{page}");
    }

    #[test]
    fn what_comes_back_in_a_form_is_text() {
        let page = rendered(&CodesPage {
            frame: frame(Some("proof")),
            turned_on: true,
            codes: vec!["ABCDEF-<b>".to_owned()],
        });
        assert!(page.contains("ABCDEF-&#60;b&#62;"), "{page}");
    }
}
