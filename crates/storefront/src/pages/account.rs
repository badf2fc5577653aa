//! One's own account: who is signed in, own orders, and the way out. Never anybody else's orders,
//! not even for admins, who see all of them elsewhere.

use super::{
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use contracts::{
    access::Principal,
    identity::UserView,
    orders::{OrderQuery, OrderView},
    problem::Code,
    values::Page,
};
use platform::http::{Fault, Query, cookies::Name};
use serde::Deserialize;

/// How much of an order's contents stands in the list.
const CONTENTS_CHARACTERS_MAX: usize = 90;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    cursor: String,
    flash: String,
}

/// The sign-out form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SignOutForm {
    csrf: String,
}

struct Order {
    number: i64,
    href: String,
    placed: view::Moment,
    contents: String,
    status: &'static str,
    status_words: String,
    total: String,
}

impl Order {
    fn new(order: &OrderView) -> Self {
        Self {
            number: order.number,
            href: format!("/order/{}", order.id),
            placed: view::moment(order.created_at),
            contents: contents(order),
            status: order.status.as_str(),
            status_words: view::words(order.status.as_str()),
            total: view::money(order.total),
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    proof: String,
    greeting: String,
    signed_in_as: String,
    since: String,
    welcome: bool,
    orders: Vec<Order>,
    next: String,
}

/// GET `/account`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let Some(principal) = visit.principal.clone() else {
        return see_other("/sign-in?next=%2Faccount", Vec::new());
    };
    match page(&app, &visit, &principal, wish).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn page(
    app: &App,
    visit: &Visit,
    principal: &Principal,
    wish: Wish,
) -> Result<Response, Fault> {
    let query = OrderQuery {
        // Others are shown their own orders whatever the query says; an admin has to ask for them.
        customer_id: principal.is_admin().then_some(principal.user_id),
        cursor: super::cursor(&wish.cursor)?,
        ..OrderQuery::default()
    };
    let user = app.identity.me(principal).await?;
    let orders = app.orders.orders(principal, query).await?;
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let mut page = compose(frame, user, &orders);
    page.proof = proof;
    page.welcome = wish.flash == "welcome";
    Ok(html(StatusCode::OK, &page, cookies, true))
}

fn compose(frame: Frame, user: UserView, orders: &Page<OrderView>) -> AccountPage {
    let next = orders.next_cursor.as_ref().map(|next| next.as_str());
    AccountPage {
        frame,
        proof: String::new(),
        signed_in_as: name_of(&user),
        since: view::moment(user.created_at).day,
        greeting: user.name.unwrap_or_default(),
        welcome: false,
        next: next.map_or_else(String::new, |next| {
            view::address("/account", &[("cursor", next)])
        }),
        orders: orders.data.iter().map(Order::new).collect(),
    }
}

/// POST `/sign-out`. The browser forgets the session in any case.
pub(super) async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<SignOutForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    end_session(&app, &visit).await;
    match forget(&app) {
        Ok(cookies) => see_other("/", cookies),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn end_session(app: &App, visit: &Visit) {
    if let Some(principal) = &visit.principal
        && let Err(error) = app.identity.logout(principal).await
    {
        tracing::warn!(error = ?error, "a session could not be ended at its sign-out");
    }
    // The access token may have ended before the session did.
    if visit.principal.is_none()
        && let Some(refresh) = app.cookies.read(&visit.headers, Name::Refresh)
        && let Err(error) = app.identity.end_session_of(refresh.into()).await
    {
        tracing::warn!(error = ?error, "a session could not be ended by its refresh token");
    }
}

/// The cookies of somebody who is nobody any more, and no form of theirs.
pub(super) fn forget(app: &App) -> Result<Vec<HeaderValue>, Fault> {
    let ours = app.cookies;
    [Name::Access, Name::Refresh, Name::Form]
        .into_iter()
        .map(|name| ours.set(name, "", 0).map_err(forms::unlucky))
        .collect()
}

fn name_of(user: &UserView) -> String {
    let email = user.email.as_ref().map(|email| email.as_str());
    let username = user.username.as_ref().map(|username| username.as_str());
    email
        .or(username)
        .unwrap_or_else(|| say("somebody"))
        .to_owned()
}

fn contents(order: &OrderView) -> String {
    let lines = order
        .items
        .iter()
        .map(|line| format!("{} × {}", line.quantity.get(), line.name))
        .collect::<Vec<_>>();
    view::beginning(&lines.join(", "), CONTENTS_CHARACTERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ann, frame, order, rendered};
    use super::*;
    use contracts::orders::OrderStatus;

    #[test]
    fn an_account_shows_who_is_signed_in_and_their_orders() {
        let orders = [OrderStatus::Shipped, OrderStatus::Pending].map(|status| order(1042, status));
        let orders = Page {
            data: orders.to_vec(),
            next_cursor: None,
        };
        let page = rendered(&compose(frame(Some("proof")), ann(), &orders));
        for part in [
            "Hello, Ann",
            "ann@example.com",
            ">1042<",
            ">Shipped<",
            ">Pending<",
            "$29.00",
            "title=\"21 Nov 2026, 15:14 UTC\">21 Nov 2026<",
            "2 × Green tea",
            "action=\"/sign-out\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("Older orders"));
    }

    #[test]
    fn an_account_without_orders_says_where_to_go() {
        let nothing = Page {
            data: Vec::new(),
            next_cursor: None,
        };
        let page = rendered(&compose(frame(Some("proof")), ann(), &nothing));
        assert!(page.contains("You have not ordered anything yet"));
    }
}
