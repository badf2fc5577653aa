//! Which currency somebody shops in: their browser keeps what they chose, and so does their cart. Where the shop sells
//! in one only, there is nothing to choose and nothing of this is seen.

use super::{
    cart::{self, Held},
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
};
use crate::{App, view};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use contracts::{
    problem::{Code, Problem},
    values::Currency,
};
use platform::http::{Fault, Query, cookies::Name};
use serde::Deserialize;

const COOKIE_SECONDS: i64 = 365 * 24 * 3_600;

/// What a page says of its currency, where there are several.
pub(super) struct Switch {
    pub(super) code: String,
    /// Where another one is chosen.
    pub(super) href: String,
}

/// The currency that somebody chose, if it is another one than the shop's own, and still sold in.
pub(super) async fn chosen(app: &App, visit: &Visit) -> Option<Currency> {
    let currency: Currency = app
        .cookies
        .read(&visit.headers, Name::Currency)?
        .parse()
        .ok()?;
    let currencies = sold_in(app).await;
    let mut further = currencies.into_iter().skip(1);
    further.find(|one| *one == currency)
}

/// What the shop sells in, its own first; of a shop that cannot be asked nobody knows more than that.
pub(super) async fn sold_in(app: &App) -> Vec<Currency> {
    app.catalog.currencies().await.unwrap_or_else(|error| {
        tracing::warn!(error = ?error, "a page goes out in the shop's own currency");
        Vec::new()
    })
}

/// What stands below every page.
pub(super) async fn switch(app: &App, visit: &Visit) -> Option<Switch> {
    let currencies = sold_in(app).await;
    let (own, further) = currencies.split_first()?;
    if further.is_empty() {
        return None;
    }
    let code = chosen(app, visit).await.unwrap_or(*own).code().to_owned();
    let href = view::address("/currency", &[("back", &visit.here)]);
    Some(Switch { code, href })
}

/// The cart in the currency that was chosen.
pub(super) async fn settled(app: &App, visit: &Visit, held: Held) -> Result<Held, Fault> {
    let Some(currency) = chosen(app, visit).await else {
        return Ok(held);
    };
    if held.cart.currency == Some(currency) {
        return Ok(held);
    }
    let (holder, id) = (&held.holder, held.cart.id);
    let cart = app
        .orders
        .set_cart_currency(holder, id, Some(currency))
        .await?;
    Ok(Held { cart, ..held })
}

#[derive(Template)]
#[template(path = "currency.html")]
struct CurrencyPage {
    frame: Frame,
    proof: String,
    /// With the one that is chosen marked.
    currencies: Vec<(String, bool)>,
    back: String,
}

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    back: String,
}

/// GET `/currency`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    match page(&app, &visit, &wish.back).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn page(app: &App, visit: &Visit, back: &str) -> Result<Response, Fault> {
    let currencies = sold_in(app).await;
    if currencies.len() < 2 {
        return Err(Fault::new(Code::NotFound));
    }
    let now = chosen(app, visit)
        .await
        .or_else(|| currencies.first().copied());
    let Framed {
        frame,
        proof,
        cookies,
    } = frame::with_form(app, visit).await?;
    let page = CurrencyPage {
        frame,
        proof,
        currencies: currencies
            .iter()
            .map(|one| (one.code().to_owned(), Some(*one) == now))
            .collect(),
        back: forms::inside(back).to_owned(),
    };
    Ok(html(StatusCode::OK, &page, cookies, true))
}

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CurrencyForm {
    csrf: String,
    currency: String,
    back: String,
}

/// POST `/currency`.
pub(super) async fn choose(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<CurrencyForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    match turn(&app, &visit, &form.currency).await {
        Ok(cookies) => {
            let back = match forms::inside(&form.back) {
                "" => "/",
                back => back,
            };
            see_other(back, cookies)
        }
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn turn(app: &App, visit: &Visit, text: &str) -> Result<Vec<HeaderValue>, Fault> {
    let currencies = sold_in(app).await;
    let wanted = currencies.iter().position(|one| one.code() == text);
    let wrong = || Problem::invalid("/currency", "is none that the shop sells in");
    let place = wanted.ok_or_else(wrong)?;
    // The shop's own is what is meant where nothing is said.
    let further = currencies.get(place).copied().filter(|_| place > 0);
    let seconds = if further.is_some() { COOKIE_SECONDS } else { 0 };
    let cookie = app.cookies.set(Name::Currency, text, seconds);
    let mut cookies = vec![cookie.map_err(forms::unlucky)?];
    if let Some(held) = cart::current(app, visit).await? {
        if held.cart.currency != further {
            let (holder, id) = (&held.holder, held.cart.id);
            app.orders.set_cart_currency(holder, id, further).await?;
        }
        cookies.extend(held.cookies);
    }
    Ok(cookies)
}
