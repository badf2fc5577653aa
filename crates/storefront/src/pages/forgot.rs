//! For whoever forgot their password: a form that has a link sent, and the form that the link leads to. Neither tells
//! whether there is an account.

use super::{
    forms,
    frame::{self, Frame, Visit, see_other},
    problems,
};
use crate::{
    App,
    words::{refusal, say},
};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::{
    identity::{ForgotPassword, PasswordError, ResetPassword},
    values::Email,
};
use platform::http::{Fault, Query};
use serde::Deserialize;

/// What a page says of a link that does nothing any more.
pub(super) const OVER: &str = "This link has been used or is too old. Please ask for another one.";

/// The form that asks for a link.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ForgotForm {
    email: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "forgot_password.html")]
struct ForgotPage {
    frame: Frame,
    proof: String,
    email: String,
    sent: bool,
    problem: String,
    email_error: String,
}

/// GET `/forgot-password`.
pub(super) async fn ask(State(app): State<App>, visit: Visit) -> Response {
    forgot(&app, &visit, StatusCode::OK, |_| {}).await
}

/// POST `/forgot-password`.
pub(super) async fn send(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ForgotForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return forgot(&app, &visit, StatusCode::FORBIDDEN, |page| {
            say(forms::STALE).clone_into(&mut page.problem);
            page.email = form.email;
        })
        .await;
    }
    let email = match Email::parse(&form.email) {
        Ok(email) => email,
        Err(error) => {
            return forgot(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, |page| {
                page.email_error = say!("This {}.", refusal(&error.to_string()));
                page.email = form.email;
            })
            .await;
        }
    };
    match app.identity.forgot_password(ForgotPassword { email }).await {
        Ok(()) => forgot(&app, &visit, StatusCode::OK, |page| page.sent = true).await,
        Err(error) => problems::refuse(&app, &visit, Fault::from(error)).await,
    }
}

async fn forgot(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    fill: impl FnOnce(&mut ForgotPage),
) -> Response {
    frame::form(app, visit, status, |frame, proof| {
        let mut page = ForgotPage {
            frame,
            proof,
            email: String::new(),
            sent: false,
            problem: String::new(),
            email_error: String::new(),
        };
        fill(&mut page);
        page
    })
    .await
}

/// What the address of a link carries.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    pub(super) token: String,
}

/// The form that sets another password. No `Debug`: it holds one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ResetForm {
    token: String,
    password: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "reset_password.html")]
struct ResetPage {
    frame: Frame,
    proof: String,
    token: String,
    problem: String,
    password_error: String,
}

/// GET `/reset-password`. Opening a link changes nothing: programs open links too.
pub(super) async fn choose(
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Response {
    reset(&app, &visit, StatusCode::OK, link.token, |_| {}).await
}

/// POST `/reset-password`.
pub(super) async fn set(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ResetForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        let stale = |page: &mut ResetPage| say(forms::STALE).clone_into(&mut page.problem);
        return reset(&app, &visit, StatusCode::FORBIDDEN, form.token, stale).await;
    }
    let wish = ResetPassword {
        token: form.token.clone().into(),
        new_password: form.password.into(),
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    match app.identity.reset_password(wish).await {
        Ok(()) => see_other("/sign-in", Vec::new()),
        Err(PasswordError::PasswordTooWeak { reason }) => {
            let weak = |page: &mut ResetPage| {
                page.password_error = say!("This {}.", refusal(&reason));
            };
            reset(&app, &visit, unprocessable, form.token, weak).await
        }
        Err(PasswordError::LinkInvalid) => {
            let over = |page: &mut ResetPage| say(OVER).clone_into(&mut page.problem);
            reset(&app, &visit, unprocessable, String::new(), over).await
        }
        Err(error) => problems::refuse(&app, &visit, Fault::from(error)).await,
    }
}

async fn reset(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    token: String,
    fill: impl FnOnce(&mut ResetPage),
) -> Response {
    frame::form(app, visit, status, |frame, proof| {
        let mut page = ResetPage {
            frame,
            proof,
            token,
            problem: String::new(),
            password_error: String::new(),
        };
        fill(&mut page);
        page
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    #[test]
    fn the_answer_to_an_address_is_the_same_for_all() {
        let page = rendered(&ForgotPage {
            frame: frame(None),
            proof: "proof".to_owned(),
            email: String::new(),
            sent: true,
            problem: String::new(),
            email_error: String::new(),
        });
        assert!(page.contains("If there is an account"), "{page}");
    }

    #[test]
    fn a_link_s_token_goes_on_in_the_form_and_the_password_does_not_come_back() {
        let page = rendered(&ResetPage {
            frame: frame(None),
            proof: "proof".to_owned(),
            token: "\"><script>".to_owned(),
            problem: String::new(),
            password_error: "This is too short.".to_owned(),
        });
        assert!(!page.contains("\"><script>"), "{page}");
        assert!(page.contains("aria-describedby=\"password-rule password-error\""));
    }
}
