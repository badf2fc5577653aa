//! What one's account says of oneself, and its end. It changes nobody else's, and ends nothing without the password.

use super::{
    account::forget,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
    security::owner,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::{
    access::Principal,
    identity::{DeleteAccount, LoginError, PatchProfile, ProfileError},
    problem::{Problem, ToProblem},
    request::Precondition,
    values::Version,
};
use platform::http::{Fault, Query};
use serde::Deserialize;

const ADDRESS: &str = "/account/details";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    flash: String,
}

/// What is wrong: with the name, or with the wish to leave.
#[derive(Default)]
struct Faults {
    name: String,
    leave: String,
    status: StatusCode,
}

#[derive(Template)]
#[template(path = "details.html")]
struct DetailsPage {
    frame: Frame,
    proof: String,
    flash: &'static str,
    faults: Faults,
    name: String,
    email: String,
    is_verified: bool,
    version: i64,
}

/// GET `/account/details`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let Some(principal) = visit.principal.clone() else {
        return see_other("/sign-in?next=%2Faccount%2Fdetails", Vec::new());
    };
    let flash = match wish.flash.as_str() {
        "saved" => say("Saved."),
        "mailed" => say("A mail with a link is on its way."),
        _ => "",
    };
    page(&app, &visit, (&principal, flash), Faults::default()).await
}

async fn page(
    app: &App,
    visit: &Visit,
    (who, flash): (&Principal, &'static str),
    faults: Faults,
) -> Response {
    match compose(app, visit, (who, flash), faults).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn compose(
    app: &App,
    visit: &Visit,
    (who, flash): (&Principal, &'static str),
    faults: Faults,
) -> Result<Response, Fault> {
    let user = app.identity.me(who).await?;
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let status = faults.status;
    let page = DetailsPage {
        frame,
        proof,
        flash,
        faults,
        email: user
            .email
            .as_ref()
            .map_or_else(String::new, |email| email.as_str().to_owned()),
        is_verified: user.verified_at.is_some(),
        version: user.version.get(),
        name: user.name.unwrap_or_default(),
    };
    Ok(html(status, &page, cookies, true))
}

fn done(flash: &str) -> Response {
    see_other(&view::address(ADDRESS, &[("flash", flash)]), Vec::new())
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::CONFLICT)
}

/// The form with the name.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NameForm {
    csrf: String,
    name: String,
    version: String,
}

/// POST `/account/details`.
pub(super) async fn save(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<NameForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(refusal) => return *refusal,
    };
    let version = form.version.parse::<i64>().ok();
    let version = version.and_then(|version| Version::try_from(version).ok());
    let name = Some(form.name.trim().to_owned()).filter(|name| !name.is_empty());
    let patch = PatchProfile {
        name: Some(name),
        version,
    };
    let sent = Precondition::Body(version.unwrap_or(Version::FIRST));
    let error = match app.identity.patch_me(&who, sent, patch).await {
        Ok(_) => return done("saved"),
        Err(error) => error,
    };
    let problem = error.to_problem();
    if problem.code.status() >= 500 {
        return problems::refuse(&app, &visit, Fault::from(error)).await;
    }
    let name = if matches!(error, ProfileError::VersionConflict { .. }) {
        say("It was changed elsewhere meanwhile: below is how it is now.").to_owned()
    } else {
        problems::sentence(&problem.detail)
    };
    let faults = Faults {
        name,
        status: status_of(&problem),
        ..Faults::default()
    };
    page(&app, &visit, (&who, ""), faults).await
}

/// A form that says nothing more.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PlainForm {
    csrf: String,
}

/// POST `/account/details/verify`.
pub(super) async fn verify(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<PlainForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(refusal) => return *refusal,
    };
    match app.identity.ask_verification(&who).await {
        Ok(()) => done("mailed"),
        Err(error) => problems::refuse(&app, &visit, error.into()).await,
    }
}

/// The form that ends an account.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LeaveForm {
    csrf: String,
    password: String,
    code: String,
    confirm: String,
}

/// POST `/account/delete`.
pub(super) async fn leave(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<LeaveForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(refusal) => return *refusal,
    };
    if form.confirm.is_empty() {
        let faults = Faults {
            leave: say("Tick the box: it cannot be undone.").to_owned(),
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Faults::default()
        };
        return page(&app, &visit, (&who, ""), faults).await;
    }
    let code = Some(form.code.trim().to_owned()).filter(|code| !code.is_empty());
    let wish = DeleteAccount {
        password: form.password.into(),
        code: code.map(Into::into),
    };
    let error = match app.identity.delete_account(&who, wish).await {
        Ok(()) => {
            return match forget(&app) {
                Ok(cookies) => see_other("/", cookies),
                Err(fault) => problems::refuse(&app, &visit, fault).await,
            };
        }
        Err(error) => error,
    };
    let problem = error.to_problem();
    if problem.code.status() >= 500 {
        return problems::refuse(&app, &visit, Fault::from(error)).await;
    }
    let leave = if matches!(error, LoginError::InvalidCredentials) {
        say("The password is wrong.").to_owned()
    } else if matches!(error, LoginError::SecondFactorRequired { .. }) {
        say("Give a code of your app as well.").to_owned()
    } else {
        problems::sentence(&problem.detail)
    };
    let faults = Faults {
        leave,
        status: status_of(&problem),
        ..Faults::default()
    };
    page(&app, &visit, (&who, ""), faults).await
}
