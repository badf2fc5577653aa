//! The page of an order. A link in a mail opens it for a guest: the token becomes a cookie, and leaves the address.

use super::{
    assets,
    card::{self, Means, means},
    checkout::{COOKIE_SECONDS, answer},
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    order_steps::{self, Way},
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    orders::{Address, OrderStatus, OrderView, Reader, ReturnView},
    problem::Code,
    values::OrderId,
};
use platform::{
    digest,
    http::{Fault, cookies::Name},
};
use serde::Deserialize;

/// Seconds after which the page loads itself again, where no script listens.
const AGAIN_SOON: u32 = 5;
const AGAIN_LATER: u32 = 60;

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    proof: String,
    id: String,
    number: i64,
    status: &'static str,
    status_words: String,
    placed: view::Moment,
    /// From its placing to its delivery; none of what was called off or given back.
    steps: Vec<Reached>,
    lines: Vec<(String, u32, String)>,
    parts: Vec<(String, String)>,
    total: String,
    /// Where it goes, line by line.
    address: Vec<String>,
    is_unpaid: bool,
    /// Until when it waits for its money.
    held: view::Moment,
    means: Means,
    /// Where the buyer proves that it is them, if a payment waits for that.
    bank: String,
    /// Where it is paid by card.
    card: String,
    flash: &'static str,
    /// Whether that is no good news.
    is_amiss: bool,
    /// Names the next try to pay.
    attempt: String,
    /// Where its invoice is read, by whoever is signed in, once it was paid; empty otherwise.
    invoice: String,
    /// What comes back: the return's number, and where it stands.
    returns: Vec<(u32, String)>,
    way: Way,
    /// Where its news are told, if any may come, and the script that listens.
    news: Option<(String, String)>,
    /// After how many seconds it loads itself again without a script.
    again: u32,
}

/// A step of every order's way, and whether this one has come so far.
struct Reached {
    words: &'static str,
    is_done: bool,
    is_last: bool,
}

/// The steps of an order's way, up to where it is and beyond.
fn reached(status: OrderStatus) -> Vec<Reached> {
    let done = match status {
        OrderStatus::Pending => 1,
        OrderStatus::Paid => 2,
        OrderStatus::Shipped => 3,
        OrderStatus::Delivered => 4,
        OrderStatus::Cancelled | OrderStatus::Refunded => return Vec::new(),
    };
    let steps = (1..).zip(["Placed", "Paid", "Shipped", "Delivered"]);
    steps
        .map(|(place, words)| Reached {
            words,
            is_done: place <= done,
            is_last: place == done,
        })
        .collect()
}

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    flash: String,
    /// The payment that it is about.
    payment: String,
    /// What opens a guest's order, in the links of mails.
    token: String,
}

/// Who reads an order here: whoever is signed in, or whose browser bought it.
pub(super) fn reader(app: &App, visit: &Visit, id: OrderId) -> Reader {
    let token = token(app, visit).filter(|(known, _)| *known == id.to_string());
    Reader {
        principal: visit.principal.clone(),
        order_token: token.map(|(_, token)| token),
    }
}

/// The same where the order's id is not known yet: the token opens its own order alone.
pub(super) fn reader_of_any(app: &App, visit: &Visit) -> Reader {
    Reader {
        principal: visit.principal.clone(),
        order_token: token(app, visit).map(|(_, token)| token),
    }
}

/// The order that was bought in this browser last, and what opens it.
fn token(app: &App, visit: &Visit) -> Option<(String, String)> {
    let cookie = app.cookies.read(&visit.headers, Name::Order)?;
    let (id, token) = cookie.split_once('.')?;
    Some((id.to_owned(), token.to_owned()))
}

/// GET `/order/{id}`.
pub(super) async fn order(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    platform::http::Query(wish): platform::http::Query<Wish>,
) -> Response {
    let shown = match wish.token.as_str() {
        "" => order_page(&app, &visit, (&id, &wish)).await,
        token => open_for_guest(&app, &id, token).await,
    };
    answer(&app, &visit, shown).await
}

/// A link in a mail to a guest: from here on their browser opens the order, and the token leaves the address.
async fn open_for_guest(app: &App, id: &str, token: &str) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let reader = Reader {
        principal: None,
        order_token: Some(token.to_owned()),
    };
    app.orders.order(&reader, id).await?;
    let value = format!("{id}.{token}");
    let cookie = app.cookies.set(Name::Order, &value, COOKIE_SECONDS);
    let address = format!("/order/{id}");
    Ok(see_other(&address, vec![cookie.map_err(forms::unlucky)?]))
}

async fn order_page(
    app: &App,
    visit: &Visit,
    (id, wish): (&str, &Wish),
) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let reader = reader(app, visit, id);
    let order = app.orders.order(&reader, id).await?;
    let payment = card::payment_of(app, &reader, (&order, &wish.payment)).await?;
    let flash = card::flash(&wish.flash, payment.as_ref());
    let beside = app.orders.beside(&reader, id).await?;
    let way = order_steps::read(app, &reader, &order).await?;
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let attempt = digest::random::<16>().map_err(forms::unlucky)?;
    let mut page = compose(frame, &order, flash);
    page.proof = proof;
    page.means = means(app).await?;
    page.card = card::address(id);
    let window = i64::from(app.payment_window_seconds);
    page.held = view::moment(order.created_at.plus_seconds(window));
    let is_asked = payment.as_ref().and_then(card::bank);
    page.bank = is_asked.unwrap_or_default();
    page.attempt = digest::base64url(&attempt);
    if reader.principal.is_some() && was_paid(order.status) {
        page.invoice = format!("/api/v1/orders/{id}/invoice");
    }
    let shown = |one: &ReturnView| (one.number, view::words(one.status.as_str()));
    page.returns = beside.returns.iter().map(shown).collect();
    page.way = way;
    if !is_final(order.status) {
        let news = format!("/order/{id}/news?seen={}", order.version.get());
        page.news = Some((news, assets::script_address()));
        page.again = match order.status {
            OrderStatus::Pending if matches!(flash, "thanks" | "back") => AGAIN_SOON,
            OrderStatus::Paid | OrderStatus::Shipped => AGAIN_LATER,
            // Whoever chooses how to pay is left alone.
            OrderStatus::Pending
            | OrderStatus::Delivered
            | OrderStatus::Cancelled
            | OrderStatus::Refunded => 0,
        };
    }
    Ok(html(StatusCode::OK, &page, cookies, true))
}

/// Whether an order moves no more by itself.
pub(super) const fn is_final(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Delivered | OrderStatus::Refunded | OrderStatus::Cancelled => true,
        OrderStatus::Pending | OrderStatus::Paid | OrderStatus::Shipped => false,
    }
}

const fn was_paid(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Paid
        | OrderStatus::Shipped
        | OrderStatus::Delivered
        | OrderStatus::Refunded => true,
        OrderStatus::Pending | OrderStatus::Cancelled => false,
    }
}

fn compose(frame: Frame, order: &OrderView, flash: &str) -> OrderPage {
    let line = |line: &contracts::orders::OrderLineView| {
        (
            line.name.clone(),
            line.quantity.get(),
            view::money(line.line_total),
        )
    };
    let part =
        |part: &contracts::orders::OrderPartView| (view::part(part), view::money(part.amount));
    OrderPage {
        frame,
        proof: String::new(),
        id: order.id.to_string(),
        number: order.number,
        status: order.status.as_str(),
        status_words: view::words(order.status.as_str()),
        placed: view::moment(order.created_at),
        steps: reached(order.status),
        lines: order.items.iter().map(line).collect(),
        parts: order.parts.iter().map(part).collect(),
        total: view::money(order.total),
        address: order
            .shipping_address
            .as_ref()
            .map(Address::lines)
            .unwrap_or_default(),
        is_unpaid: order.status == OrderStatus::Pending,
        held: view::Moment::default(),
        means: Means::None,
        bank: String::new(),
        card: String::new(),
        flash: said(flash, order.status),
        is_amiss: matches!(
            flash,
            "declined" | "given-up" | "method" | "later" | "unsure" | "moved"
        ),
        attempt: String::new(),
        invoice: String::new(),
        returns: Vec::new(),
        way: Way::default(),
        news: None,
        again: 0,
    }
}

/// What became of a payment, beside what the order has become since: the address may be an old one.
fn said(flash: &str, status: OrderStatus) -> &'static str {
    match (flash, status) {
        ("thanks", OrderStatus::Pending) => {
            say("Your order is in. The payment is on its way; reload this page in a moment.")
        }
        ("thanks" | "back" | "prove", OrderStatus::Paid) => say("Thank you. Your order is in."),
        ("declined", OrderStatus::Pending) => {
            say("The payment was declined, and no money was taken. Your order waits below.")
        }
        ("prove", OrderStatus::Pending) => say(
            "Your order is in. Your bank wants to be sure that it is you: go on to its page below, and you come back \
             here.",
        ),
        ("back", OrderStatus::Pending) => say(
            "Welcome back. Your bank's word is on its way; this page loads itself again until it is here.",
        ),
        ("given-up", OrderStatus::Pending) => {
            say("The payment was given up, and no money was taken. Your order waits below.")
        }
        ("method", OrderStatus::Pending) => {
            say("That means of payment is not known here. Choose another one below.")
        }
        ("cancelled", OrderStatus::Cancelled) => {
            say("Your order is called off. What was paid goes back.")
        }
        ("unsure", OrderStatus::Pending | OrderStatus::Paid) => {
            say("Nothing was called off: tick the box first.")
        }
        ("moved", _) => say("It could not be called off. Below is how your order stands."),
        ("before", _) => say("This was sent before. Below is how your order stands."),
        ("later", OrderStatus::Pending) => say(
            "Your order is in, and the payment could not be finished. If the order still waits in a moment, try again: \
             it is never paid twice.",
        ),
        _ => "",
    }
}
