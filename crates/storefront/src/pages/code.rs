//! The second step of signing in with forms. What the first step was answered with stands in the form, never in an
//! address; whoever comes here without it begins again.

use super::{
    forms,
    frame::{self, Frame, Visit, see_other},
    problems,
    sign_in::{begin, destination, too_long},
};
use crate::{App, words::say};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, http::header, response::Response};
use contracts::identity::{AnswerChallenge, LoginError};
use platform::http::Fault;
use serde::Deserialize;
use std::future::Ready;

/// What a form says about a code that opens nothing.
pub(super) const WRONG: &str = "This code is wrong, too old, or was used before.";
const LATE: &str = "That took too long. Please sign in again.";

/// The form. No `Debug`: it holds what signs somebody in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CodeForm {
    challenge: String,
    code: String,
    next: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    proof: String,
    challenge: String,
    next: String,
    problem: String,
}

/// GET `/sign-in/code`, as after a reload: there is nothing to go on with.
pub(super) fn show() -> Ready<Response> {
    std::future::ready(see_other("/sign-in", Vec::new()))
}

/// The page that follows the right password.
pub(super) async fn ask(app: &App, visit: &Visit, challenge: String, next: &str) -> Response {
    let form = CodeForm {
        challenge,
        next: next.to_owned(),
        ..CodeForm::default()
    };
    page(app, visit, StatusCode::OK, form, String::new()).await
}

/// POST `/sign-in/code`.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        let stale = say(forms::STALE).to_owned();
        return page(&app, &visit, StatusCode::FORBIDDEN, form, stale).await;
    }
    let wish = AnswerChallenge {
        challenge: form.challenge.clone().into(),
        code: form.code.clone().into(),
    };
    match app.identity.answer_challenge(wish).await {
        Ok(session) => match begin(&app, &session, destination(&form.next)) {
            Ok(response) => response,
            Err(fault) => problems::refuse(&app, &visit, fault).await,
        },
        Err(LoginError::CodeInvalid) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&app, &visit, status, form, say(WRONG).to_owned()).await
        }
        Err(LoginError::TooManyTries {
            retry_after_seconds,
        }) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let words = too_long(retry_after_seconds);
            let mut response = page(&app, &visit, status, form, words).await;
            let seconds = retry_after_seconds.into();
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
        Err(
            LoginError::ChallengeInvalid
            | LoginError::InvalidCredentials
            | LoginError::SecondFactorRequired { .. },
        ) => super::sign_in::again(&app, &visit, &form.next, say(LATE)).await,
        Err(error @ (LoginError::Disabled | LoginError::Overloaded | LoginError::Internal(_))) => {
            problems::refuse(&app, &visit, Fault::from(error)).await
        }
    }
}

/// The form again. The code is not sent back: another one is due.
async fn page(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    form: CodeForm,
    problem: String,
) -> Response {
    frame::form(app, visit, status, |frame, proof| CodePage {
        frame,
        proof,
        challenge: form.challenge,
        next: forms::inside(&form.next).to_owned(),
        problem,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    #[test]
    fn the_challenge_goes_on_in_the_form_and_is_text() {
        let page = rendered(&CodePage {
            frame: frame(None),
            proof: "proof".to_owned(),
            challenge: "\"><script>".to_owned(),
            next: String::new(),
            problem: WRONG.to_owned(),
        });
        assert!(!page.contains("\"><script>"), "{page}");
        assert!(page.contains("autocomplete=\"one-time-code\""));
        assert!(page.contains("role=\"alert\""));
    }
}
