//! The addresses that somebody keeps: a list, and a form for one more. At the checkout one of them is chosen.

use super::{
    address::{AddressFields, AddressForm},
    ask::Ask,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
    security::owner,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{Method, StatusCode},
    response::Response,
};
use contracts::{
    orders::{Address, AddressError, KeptAddress},
    problem::Code,
    values::{KeptAddressId, UserId},
};
use platform::http::{Fault, Query};
use serde::Deserialize;
use serde_json::json;

const HERE: &str = "/account/addresses";
const API: &str = "/api/v1/me/addresses";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    flash: String,
}

/// An address in a line.
pub(super) struct Line {
    pub(super) words: String,
    /// Where it is forgotten, or chosen.
    pub(super) href: String,
}

#[derive(Template)]
#[template(path = "addresses.html")]
struct AddressesPage {
    frame: Frame,
    proof: String,
    flash: &'static str,
    problem: String,
    kept: Vec<Line>,
    address: AddressFields,
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed {
    status: StatusCode,
    form: AddressForm,
    error: Option<AddressError>,
    problem: String,
}

/// GET `/account/addresses`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let flash = match wish.flash.as_str() {
        "kept" => say("The address is kept."),
        "gone" => say("The address is removed."),
        _ => "",
    };
    page(&app, &visit, flash, Typed::default()).await
}

/// The form with an address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct KeepForm {
    csrf: String,
    #[serde(flatten)]
    address: AddressForm,
}

/// POST `/account/addresses`.
pub(super) async fn keep(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<KeepForm>,
) -> Response {
    if let Err(refusal) = owner(&app, &visit, &form.csrf).await {
        return *refusal;
    }
    let wish = form.address.wish().unwrap_or_default();
    let mut typed = Typed {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        form: form.address,
        error: Address::check(wish.clone()).err(),
        problem: String::new(),
    };
    if typed.error.is_none() {
        let ask = ask(&app, &visit);
        let Err(Fault(problem)) = ask.send(Method::POST, API, (&json!(wish), "")).await else {
            return done("kept");
        };
        if problem.code.status() >= 500 {
            return problems::refuse(&app, &visit, Fault(problem)).await;
        }
        typed.status = StatusCode::from_u16(problem.code.status()).unwrap_or(typed.status);
        typed.problem = problems::sentence(&problem.detail);
    }
    page(&app, &visit, "", typed).await
}

/// The form that is nothing but a button.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ForgetForm {
    csrf: String,
}

/// POST `/account/addresses/{id}/forget`.
pub(super) async fn forget(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<ForgetForm>,
) -> Response {
    if let Err(refusal) = owner(&app, &visit, &form.csrf).await {
        return *refusal;
    }
    let gone = match id.parse::<KeptAddressId>() {
        Ok(id) => ask(&app, &visit).delete(&format!("{API}/{id}")).await,
        Err(_) => Err(Fault::new(Code::NotFound)),
    };
    match gone {
        // Twice is once: it is gone.
        Ok(()) => done("gone"),
        Err(Fault(problem)) if problem.code == Code::NotFound => done("gone"),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

fn done(flash: &str) -> Response {
    see_other(&view::address(HERE, &[("flash", flash)]), Vec::new())
}

const fn ask<'v>(app: &'v App, visit: &'v Visit) -> Ask<'v> {
    Ask {
        api: &app.api,
        visit,
    }
}

async fn page(app: &App, visit: &Visit, flash: &'static str, typed: Typed) -> Response {
    let Some(principal) = &visit.principal else {
        return see_other(&view::address("/sign-in", &[("next", HERE)]), Vec::new());
    };
    match compose(app, visit, (principal.user_id, flash), typed).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn compose(
    app: &App,
    visit: &Visit,
    (user, flash): (UserId, &'static str),
    typed: Typed,
) -> Result<Response, Fault> {
    let kept = app.orders.kept_addresses(user).await?;
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let line = |one: &KeptAddress| Line {
        words: one.address.lines().join(", "),
        href: format!("{HERE}/{}/forget", one.id),
    };
    let page = AddressesPage {
        frame,
        proof,
        flash,
        problem: typed.problem,
        kept: kept.iter().map(line).collect(),
        address: typed.form.fields(typed.error.as_ref(), true),
    };
    Ok(html(typed.status, &page, cookies, true))
}

/// Keeps where an order goes, for the next one, if whoever buys wishes it. An order is never refused for that.
pub(super) async fn remember(app: &App, visit: &Visit, address: &AddressForm) {
    let Some(wish) = address.wish().filter(|_| visit.principal.is_some()) else {
        return;
    };
    let body = json!(wish);
    let kept = ask(app, visit).send(Method::POST, API, (&body, ""));
    if let Err(Fault(problem)) = kept.await {
        tracing::info!(
            problem.code = problem.code.slug(),
            "an address is not kept for the next order"
        );
    }
}

/// The addresses that whoever buys may choose from. A checkout without them is better than none.
pub(super) async fn choices(app: &App, visit: &Visit) -> Vec<KeptAddress> {
    let Some(principal) = &visit.principal else {
        return Vec::new();
    };
    match app.orders.kept_addresses(principal.user_id).await {
        Ok(kept) => kept,
        Err(error) => {
            tracing::warn!(error = ?error, "a checkout goes out without the addresses that are kept");
            Vec::new()
        }
    }
}

/// They as links, each to the checkout with it.
pub(super) fn links(kept: &[KeptAddress]) -> Vec<Line> {
    let line = |one: &KeptAddress| Line {
        words: one.address.lines().join(", "),
        href: format!("/checkout?address={}", one.id),
    };
    kept.iter().map(line).collect()
}
