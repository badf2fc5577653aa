//! Paying an order by card. The field for the card is Stripe's, in a frame of its own, and so is the script that makes
//! a token of what is typed there: that token comes here, and never the card's number. This page alone may load
//! anything from elsewhere, and only where Stripe takes the money.

use super::{
    checkout::{Said, answer},
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    order::{reader, reader_of_any},
};
use crate::{App, view};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use contracts::{
    orders::{OrderStatus, OrderView, Reader},
    payments::{PayError, PaymentStatus, PaymentView},
    problem::{Code, Problem, ToProblem},
    values::{OrderId, PaymentId},
};
use platform::{digest, http::Fault};

/// Names that only this provider knows.
const OF_STRIPE: &str = "pm_card";
const OF_THE_SANDBOX: &str = "tok_ok";

/// As all pages, and what Stripe's own list says that its field for cards needs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; \
     frame-src https://js.stripe.com https://*.js.stripe.com; connect-src 'self' https://api.stripe.com; \
     img-src 'self' https: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
);

/// How an order is paid on these pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// By card, on a page of its own.
    Card,
    /// By one of the sandbox's, which are chosen from a list.
    Sandbox,
    /// Not at all.
    None,
}

/// What whoever takes the money lets people choose from. The key alone is not enough: payments may run on another node,
/// with another provider.
pub(super) async fn means(app: &App) -> Result<Means, Fault> {
    if app.card_key.is_some() && is_known(app, OF_STRIPE).await? {
        return Ok(Means::Card);
    }
    Ok(match is_known(app, OF_THE_SANDBOX).await? {
        true => Means::Sandbox,
        false => Means::None,
    })
}

pub(super) async fn is_known(app: &App, method: &str) -> Result<bool, Fault> {
    let known = app.payments.accepts(method).await;
    Ok(known.map_err(|cause| Problem::internal(&cause))?)
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardPage {
    frame: Frame,
    proof: String,
    script: String,
    number: i64,
    total: String,
    /// Until when the order waits.
    until: view::Moment,
    key: String,
    action: String,
    order: String,
    /// Names this try to pay: sent twice, it is one payment.
    attempt: String,
}

/// Where an order is paid by card.
pub(super) fn address(id: OrderId) -> String {
    format!("/order/{id}/pay")
}

/// GET `/order/{id}/pay`.
pub(super) async fn show(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Response {
    let shown = page(&app, &visit, &id).await;
    answer(&app, &visit, shown).await
}

async fn page(app: &App, visit: &Visit, id: &str) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let order = app.orders.order(&reader(app, visit, id), id).await?;
    let is_paid_here = order.status == OrderStatus::Pending && means(app).await? == Means::Card;
    let Some(key) = app.card_key.clone().filter(|_| is_paid_here) else {
        return Ok(see_other(&format!("/order/{id}"), Vec::new()));
    };
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let attempt = digest::random::<16>().map_err(forms::unlucky)?;
    let page = CardPage {
        frame,
        proof,
        script: super::assets::card_address(),
        number: order.number,
        total: view::money(order.total),
        until: view::moment(order.payment_due_at),
        key,
        action: address(id),
        order: format!("/order/{id}"),
        attempt: digest::base64url(&attempt),
    };
    let mut response = html(StatusCode::OK, &page, cookies, true);
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// GET `/paid/{payment}`: where a bank sends its customer back to. What it says in the address is not believed.
pub(super) async fn back(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Response {
    let shown = order_of(&app, &visit, &id).await;
    answer(&app, &visit, shown).await
}

async fn order_of(app: &App, visit: &Visit, id: &str) -> Result<Response, Fault> {
    let id: PaymentId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let payment = app.payments.payment(&reader_of_any(app, visit), id).await?;
    let said = Said::back_from(payment.id);
    Ok(see_other(&said.address(payment.order_id), Vec::new()))
}

/// The payment that the address of an order's page names, if it is one of that order.
pub(super) async fn payment_of(
    app: &App,
    reader: &Reader,
    (order, named): (&OrderView, &str),
) -> Result<Option<PaymentView>, Fault> {
    let Ok(id) = named.parse::<PaymentId>() else {
        return Ok(None);
    };
    match app.payments.payment(reader, id).await {
        Ok(payment) => Ok(Some(payment).filter(|payment| payment.order_id == order.id)),
        Err(PayError::NotFound) => Ok(None),
        Err(error) => Err(Fault(error.to_problem())),
    }
}

/// What is said of it: how it stands counts, and not what the address says.
pub(super) fn flash<'a>(named: &'a str, payment: Option<&PaymentView>) -> &'a str {
    let Some(payment) = payment else {
        return named;
    };
    match payment.status {
        PaymentStatus::RequiresAction => match named {
            "back" => "back",
            _ => "prove",
        },
        PaymentStatus::Pending | PaymentStatus::Authorised | PaymentStatus::Captured => "thanks",
        PaymentStatus::Declined => "declined",
        PaymentStatus::Voided => "given-up",
        PaymentStatus::Refunded => "",
    }
}

/// The bank's page, while it is waited for.
pub(super) fn bank(payment: &PaymentView) -> Option<String> {
    let is_waited_for = payment.status == PaymentStatus::RequiresAction;
    let address = payment.next_action.as_ref().filter(|_| is_waited_for);
    // The provider says where; a link that would run something is no place to go to.
    address.filter(|url| url.starts_with("https://")).cloned()
}
