//! Where the link leads that verifies an address: a page with one button, since opening a link changes nothing.

use super::{
    forgot::{Link, OVER},
    forms,
    frame::{self, Frame, Visit},
    problems,
};
use crate::{App, words::say};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::identity::{LinkError, VerifyEmail};
use platform::http::{Fault, Query};
use serde::Deserialize;

/// The form with the button.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct VerifyForm {
    token: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "verify_email.html")]
struct VerifyPage {
    frame: Frame,
    proof: String,
    token: String,
    done: bool,
    problem: String,
}

/// GET `/verify-email`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Response {
    page(&app, &visit, StatusCode::OK, |page| page.token = link.token).await
}

/// POST `/verify-email`.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<VerifyForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return page(&app, &visit, StatusCode::FORBIDDEN, |page| {
            say(forms::STALE).clone_into(&mut page.problem);
            page.token = form.token;
        })
        .await;
    }
    let wish = VerifyEmail {
        token: form.token.into(),
    };
    match app.identity.verify_email(wish).await {
        Ok(()) => page(&app, &visit, StatusCode::OK, |page| page.done = true).await,
        Err(LinkError::Invalid) => {
            page(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, |page| {
                say(OVER).clone_into(&mut page.problem);
            })
            .await
        }
        Err(error @ (LinkError::Overloaded | LinkError::Internal(_))) => {
            problems::refuse(&app, &visit, Fault::from(error)).await
        }
    }
}

async fn page(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    fill: impl FnOnce(&mut VerifyPage),
) -> Response {
    frame::form(app, visit, status, |frame, proof| {
        let mut page = VerifyPage {
            frame,
            proof,
            token: String::new(),
            done: false,
            problem: String::new(),
        };
        fill(&mut page);
        page
    })
    .await
}
