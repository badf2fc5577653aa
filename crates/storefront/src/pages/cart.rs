//! The cart: what somebody means to buy, line by line. It is kept by the shop, and the browser holds its token only;
//! whoever signs in takes it along.

use super::{
    currency, forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    line::units,
    problems,
    shipping::{self, Method},
};
use crate::{
    App, view,
    words::{refusal, say},
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use contracts::{
    catalog::ItemRef,
    orders::{CartError, CartHolder, CartLineChange, CartLineView, CartStatus, CartView},
    problem::{Code, Problem},
    values::{CartId, Currency, VariantId},
};
use platform::http::{Fault, Query, cookies::Name};
use serde::Deserialize;

/// Units of a line that a form asks for at most.
const UNITS_MAX: u32 = 1_000_000;
/// How long a browser keeps the token; the cart itself may end earlier.
const COOKIE_SECONDS: i64 = 30 * 24 * 3_600;

/// A cart in somebody's hands, and what their browser is to keep from now on.
pub(super) struct Held {
    pub(super) holder: CartHolder,
    pub(super) cart: CartView,
    pub(super) cookies: Vec<HeaderValue>,
}

/// What the browser holds: a guest's cart and its token.
fn token(app: &App, visit: &Visit) -> Option<(CartId, String)> {
    let value = app.cookies.read(&visit.headers, Name::Cart)?;
    let (id, token) = value.split_once('.')?;
    Some((id.parse().ok()?, token.to_owned()))
}

/// Who visits, with what their browser holds.
pub(super) fn holder(app: &App, visit: &Visit) -> CartHolder {
    CartHolder {
        principal: visit.principal.clone(),
        cart_token: token(app, visit).map(|(_, token)| token),
    }
}

/// The browser holds no cart any more.
pub(super) fn forget(app: &App) -> Result<HeaderValue, Fault> {
    app.cookies.set(Name::Cart, "", 0).map_err(forms::unlucky)
}

/// The cart of whoever visits, if there is one. What a guest had put in goes into the cart of whoever signed in since.
pub(super) async fn current(app: &App, visit: &Visit) -> Result<Option<Held>, Fault> {
    let guests = token(app, visit);
    let holder = CartHolder {
        principal: visit.principal.clone(),
        cart_token: guests.as_ref().map(|(_, token)| token.clone()),
    };
    let Some((id, _)) = guests else {
        return match &visit.principal {
            Some(_) => {
                let cart = app.orders.open_cart(&holder, String::new()).await?.value;
                Ok(Some(held(holder, cart)))
            }
            None => Ok(None),
        };
    };
    let found = match &visit.principal {
        Some(_) => app.orders.merge_cart(&holder, id).await,
        None => app.orders.cart(&holder, id).await,
    };
    match (found, &visit.principal) {
        (Ok(cart), None) if cart.status != CartStatus::Open => Ok(None),
        (Ok(cart), None) => Ok(Some(held(holder, cart))),
        (Ok(cart), Some(_)) => Ok(Some(Held {
            cookies: vec![forget(app)?],
            ..held(holder, cart)
        })),
        (Err(CartError::NotFound | CartError::Closed { .. }), Some(_)) => {
            let cart = app.orders.open_cart(&holder, String::new()).await?.value;
            Ok(Some(Held {
                cookies: vec![forget(app)?],
                ..held(holder, cart)
            }))
        }
        (Err(CartError::NotFound), None) => Ok(None),
        (Err(error), _) => Err(error.into()),
    }
}

fn held(holder: CartHolder, cart: CartView) -> Held {
    Held {
        holder,
        cart,
        cookies: Vec::new(),
    }
}

/// The cart of whoever visits, opened if there is none.
pub(super) async fn current_or_new(
    app: &App,
    visit: &Visit,
    network: String,
) -> Result<Held, Fault> {
    if let Some(held) = current(app, visit).await? {
        return Ok(held);
    }
    let opened = app
        .orders
        .open_cart(&CartHolder::default(), network)
        .await?;
    let mut cart = opened.value;
    let token = cart.cart_token.take().unwrap_or_default();
    let value = format!("{}.{token}", cart.id);
    let cookie = app.cookies.set(Name::Cart, &value, COOKIE_SECONDS);
    Ok(Held {
        holder: CartHolder {
            principal: None,
            cart_token: Some(token),
        },
        cart,
        cookies: vec![cookie.map_err(forms::unlucky)?],
    })
}

/// A line as people read it.
pub(super) struct Line {
    pub(super) variant: String,
    pub(super) href: String,
    pub(super) name: String,
    pub(super) sku: String,
    pub(super) quantity: u32,
    pub(super) price: String,
    pub(super) total: String,
    /// What is otherwise than when it was put in.
    pub(super) change: String,
    /// How many there are, where fewer are left than are wanted.
    pub(super) left: Option<i64>,
    /// Whether none is left: then that is what takes it out.
    pub(super) is_gone: bool,
}

impl Line {
    fn new(line: &CartLineView) -> Self {
        let shown = |money: Option<_>| money.map_or_else(String::new, view::money);
        Self {
            variant: line.variant_id.to_string(),
            href: line
                .slug
                .as_ref()
                .map_or_else(String::new, |slug| format!("/p/{}", view::encoded(slug))),
            name: line
                .name
                .clone()
                .unwrap_or_else(|| say("A product that is no longer sold").to_owned()),
            sku: line.sku.clone().unwrap_or_default(),
            quantity: line.quantity.get(),
            price: shown(line.unit_price),
            total: shown(line.line_total),
            change: change(line),
            left: (line.change == Some(CartLineChange::InsufficientStock))
                .then_some(line.available),
            is_gone: line.change == Some(CartLineChange::InsufficientStock) && line.available <= 0,
        }
    }
}

fn change(line: &CartLineView) -> String {
    match line.change {
        None => String::new(),
        Some(CartLineChange::NotPriced) => {
            say("It is not sold in this currency. Take it out, or choose another currency.")
                .to_owned()
        }
        Some(CartLineChange::Unavailable) => {
            say("It is no longer sold. Take it out to go on.").to_owned()
        }
        Some(CartLineChange::InsufficientStock) if line.available > 0 => {
            say!("Only {} left.", line.available)
        }
        Some(CartLineChange::InsufficientStock) => say("It is sold out for now.").to_owned(),
        Some(CartLineChange::PriceChanged) => {
            say!(
                "It was {} when you put it in.",
                view::money(line.unit_price_before)
            )
        }
    }
}

/// A sum beside the lines.
pub(super) struct Part {
    pub(super) title: String,
    pub(super) amount: String,
}

/// What stands below the lines.
pub(super) struct Sums {
    pub(super) lines: Vec<Line>,
    pub(super) subtotal: String,
    pub(super) parts: Vec<Part>,
    pub(super) code: String,
    pub(super) code_refused: String,
    pub(super) total: String,
}

impl Sums {
    pub(super) fn new(cart: &CartView) -> Self {
        let shown = |money: Option<_>| money.map_or_else(String::new, view::money);
        Self {
            lines: cart.items.iter().map(Line::new).collect(),
            subtotal: shown(cart.subtotal),
            parts: cart
                .parts
                .iter()
                .map(|part| Part {
                    title: view::part(part),
                    amount: view::money(part.amount),
                })
                .collect(),
            code: cart
                .discount_code
                .as_ref()
                .map_or_else(String::new, |code| code.as_str().to_owned()),
            code_refused: cart
                .discount_refused
                .as_deref()
                .map(refusal)
                .unwrap_or_default(),
            total: shown(cart.total),
        }
    }
}

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    frame: Frame,
    proof: String,
    sums: Sums,
    methods: Vec<Method>,
    shipping_refused: String,
    /// What is about to be put in.
    adding: Option<Adding>,
    problem: String,
}

/// A variant that somebody came here with. Product pages have no form: they are the same for everybody.
struct Adding {
    variant: VariantId,
    /// Units of it that are in the cart already.
    there: u32,
    /// Units that the product's page was asked for.
    quantity: u32,
    name: String,
    sku: String,
    price: String,
}

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    add: String,
    quantity: String,
}

/// Units that the form begins with: what an address says that means none is as good as nothing said.
fn begun(quantity: &str) -> u32 {
    let units: Option<u32> = quantity.trim().parse().ok();
    units
        .filter(|units| (1..=UNITS_MAX).contains(units))
        .unwrap_or(1)
}

/// GET `/cart`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let shown = async {
        let currency = currency::chosen(&app, &visit).await;
        let (adding, problem) = match adding(&app, &wish.add, currency).await? {
            Some(Ok(adding)) => {
                let quantity = begun(&wish.quantity);
                (Some(Adding { quantity, ..adding }), String::new())
            }
            Some(Err(problem)) => (None, problem),
            None => (None, String::new()),
        };
        page(&app, &visit, adding, (StatusCode::OK, problem)).await
    };
    match shown.await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

/// What somebody came with; or why it cannot be put in, in words.
async fn adding(
    app: &App,
    text: &str,
    currency: Option<Currency>,
) -> Result<Option<Result<Adding, String>>, Fault> {
    let Ok(variant) = text.parse::<VariantId>() else {
        return Ok(None);
    };
    let items = vec![ItemRef::Variant(variant)];
    let offers = app.catalog.offers(items, currency).await;
    let offers = offers.map_err(|cause| Problem::internal(&cause))?;
    let mut offers = offers.into_iter().flatten();
    let offer = offers.find(|offer| offer.on_sale || offer.unpriced);
    Ok(offer.map(|offer| match currency {
        Some(currency) if offer.unpriced => {
            Err(say!("{} is not sold in {}.", offer.name, currency))
        }
        Some(_) | None => Ok(Adding {
            variant,
            there: 0,
            quantity: 1,
            name: offer.name,
            sku: offer.sku,
            price: view::money(offer.unit_price),
        }),
    }))
}

async fn page(
    app: &App,
    visit: &Visit,
    adding: Option<Adding>,
    (status, problem): (StatusCode, String),
) -> Result<Response, Fault> {
    let held = current(app, visit).await?;
    let adding = adding.map(|adding| Adding {
        there: held
            .as_ref()
            .map_or(0, |held| units(&held.cart, adding.variant)),
        ..adding
    });
    let Framed {
        frame,
        proof,
        mut cookies,
    } = frame::with_form(app, visit).await?;
    let (mut methods, mut shipping_refused) = (Vec::new(), String::new());
    let sums = match held {
        Some(held) => {
            methods = shipping::methods(app, &held).await?;
            cookies.extend(held.cookies);
            shipping_refused = held
                .cart
                .shipping_refused
                .as_deref()
                .map(refusal)
                .unwrap_or_default();
            Sums::new(&held.cart)
        }
        None => Sums::nothing(),
    };
    let page = CartPage {
        frame,
        proof,
        sums,
        methods,
        shipping_refused,
        adding,
        problem,
    };
    Ok(html(status, &page, cookies, true))
}

impl Sums {
    fn nothing() -> Self {
        Self {
            lines: Vec::new(),
            subtotal: String::new(),
            parts: Vec::new(),
            code: String::new(),
            code_refused: String::new(),
            total: String::new(),
        }
    }
}

/// The code's form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CodeForm {
    csrf: String,
    code: String,
}

/// POST `/cart/discount`.
pub(super) async fn discount(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    answer(&app, &visit, set_code(&app, &visit, form.code.trim()).await).await
}

async fn set_code(app: &App, visit: &Visit, code: &str) -> Result<Vec<HeaderValue>, Fault> {
    let Some(held) = current(app, visit).await? else {
        return Ok(Vec::new());
    };
    let code = (!code.is_empty())
        .then(|| contracts::orders::DiscountCode::parse(code))
        .transpose()
        .map_err(|error| Problem::from(("/code", error)))?;
    app.orders
        .set_cart_discount(&held.holder, held.cart.id, code)
        .await?;
    Ok(held.cookies)
}

/// Back to the cart; with what was wrong, if something was.
pub(super) async fn answer(
    app: &App,
    visit: &Visit,
    done: Result<Vec<HeaderValue>, Fault>,
) -> Response {
    let Fault(problem) = match done {
        Ok(cookies) => return see_other("/cart", cookies),
        Err(fault) => fault,
    };
    let status = StatusCode::from_u16(problem.code.status());
    let shown = match status {
        Ok(status) if status.is_client_error() && visit.reads_html() => {
            page(
                app,
                visit,
                None,
                (status, problems::sentence(&problem.detail)),
            )
            .await
        }
        Ok(_) | Err(_) => Err(Fault(problem)),
    };
    match shown {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}
