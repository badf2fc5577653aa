//! The one page on which a cart is bought, and what pays an order afterwards: at once with one of the sandbox's means,
//! or on a page of its own by card. No page has a field of ours for a card's number.

use super::{
    address::{AddressFields, AddressForm, Wanted, deliver},
    book,
    card::{self, Means, means},
    cart::{self, Sums},
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    order::reader,
    problems, shipping,
};
use crate::{
    App, view,
    words::{refusal, say},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderValue, StatusCode},
    response::Response,
};
use contracts::{
    orders::{AddressError, CartError, CartHolder, PlaceOrder, PlaceOrderError, Reader},
    payments::{PayError, PayOrder, PaymentStatus},
    problem::{Code, ToProblem},
    request::IdempotencyKey,
    values::{CartId, Email, Money, OrderId, PaymentId},
};
use platform::http::{Fault, Query, cookies::Name};
use serde::Deserialize;

/// How long a guest's browser opens the order.
pub(super) const COOKIE_SECONDS: i64 = 30 * 24 * 3_600;

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
    frame: Frame,
    proof: String,
    sums: Sums,
    is_guest: bool,
    /// How it can be paid here.
    means: Means,
    email: String,
    email_error: String,
    address: AddressFields,
    /// The addresses to choose from.
    kept: Vec<book::Line>,
    /// How it can be sent there.
    ways: Vec<shipping::Method>,
    /// What is bought: sent twice, it is bought once.
    cart: String,
    /// What is shown, as it is asserted when it is sent: minor units and a currency.
    total: String,
    problem: String,
}

/// The form of the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CheckoutForm {
    csrf: String,
    cart: String,
    email: String,
    method: String,
    total: String,
    /// How it is to be sent.
    way: Option<String>,
    /// `look` where it is not to be bought yet.
    step: String,
    /// Whether the address is kept for the next order.
    keep: String,
    #[serde(flatten)]
    address: AddressForm,
}

impl CheckoutForm {
    fn wanted(&self, cart: CartId) -> Wanted<'_> {
        Wanted {
            cart,
            address: &self.address,
            way: self.way.as_deref(),
        }
    }
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed {
    status: StatusCode,
    email: String,
    email_error: String,
    /// Where there is none, the cart's own is shown.
    address: Option<AddressForm>,
    /// The one of those that are kept, if one was chosen.
    chosen: String,
    address_error: Option<AddressError>,
    problem: String,
}

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    /// An address that is kept.
    address: String,
}

/// GET `/checkout`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let typed = Typed {
        chosen: wish.address,
        ..Typed::default()
    };
    answer(&app, &visit, page(&app, &visit, typed).await).await
}

pub(super) async fn answer(app: &App, visit: &Visit, shown: Result<Response, Fault>) -> Response {
    match shown {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn page(app: &App, visit: &Visit, typed: Typed) -> Result<Response, Fault> {
    let held = cart::current(app, visit).await?;
    let Some(held) = held.filter(|held| !held.cart.items.is_empty()) else {
        return Ok(see_other("/cart", Vec::new()));
    };
    let Framed {
        frame,
        proof,
        mut cookies,
    } = frame::with_form(app, visit).await?;
    let ways = shipping::methods(app, &held).await?;
    cookies.extend(held.cookies);
    let kept = book::choices(app, visit).await;
    let chosen = kept.iter().find(|one| one.id.to_string() == typed.chosen);
    let chosen = chosen.map(|one| one.address.clone());
    let known = || chosen.or_else(|| held.cart.shipping_address.clone());
    let address = typed.address.or_else(|| known().map(AddressForm::of));
    let address = address.unwrap_or_default();
    let is_shipped = held.cart.shipping_method.is_some();
    let asserted = |total: Money| format!("{} {}", total.minor, total.currency);
    let page = CheckoutPage {
        frame,
        proof,
        sums: Sums::new(&held.cart),
        is_guest: visit.principal.is_none(),
        means: means(app).await?,
        email: typed.email,
        email_error: typed.email_error,
        address: address.fields(typed.address_error.as_ref(), is_shipped),
        kept: book::links(&kept),
        ways,
        cart: held.cart.id.to_string(),
        total: held.cart.total.map(asserted).unwrap_or_default(),
        problem: typed.problem,
    };
    Ok(html(typed.status, &page, cookies, true))
}

/// POST `/checkout`.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<CheckoutForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    if form.step != "look" && !form.keep.is_empty() {
        book::remember(&app, &visit, &form.address).await;
    }
    let shown = buy(&app, &visit, form).await;
    answer(&app, &visit, shown).await
}

async fn buy(app: &App, visit: &Visit, form: CheckoutForm) -> Result<Response, Fault> {
    let Ok(cart_id) = form.cart.parse::<CartId>() else {
        return Ok(see_other("/cart", Vec::new()));
    };
    let holder = cart::holder(app, visit);
    if form.step == "look" {
        return look(app, visit, (&holder, cart_id), form).await;
    }
    let email = match (&visit.principal, Email::parse(&form.email)) {
        (Some(_), _) => None,
        (None, Ok(email)) => Some(email),
        (None, Err(error)) => {
            let typed = Typed {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                email: form.email,
                address: Some(form.address),
                email_error: say!("The address {}.", refusal(&error.0)),
                ..Typed::default()
            };
            return page(app, visit, typed).await;
        }
    };
    let means = means(app).await?;
    // A card is asked for when the order is in.
    if means != Means::Card && !card::is_known(app, &form.method).await? {
        let typed = Typed {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            email: form.email,
            address: Some(form.address),
            problem: say("That means of payment is not known here. Nothing was ordered.")
                .to_owned(),
            ..Typed::default()
        };
        return page(app, visit, typed).await;
    }
    if let Err(error) = deliver(app, &holder, form.wanted(cart_id)).await {
        return refused(app, visit, (error, form)).await;
    }
    let wish = PlaceOrder {
        items: Vec::new(),
        cart_id: Some(cart_id),
        currency: None,
        discount_code: None,
        shipping_method: None,
        shipping_address: None,
        total: asserted(&form.total).map(Into::into),
        email,
        payment: None,
    };
    let placed = app.orders.check_out(&holder, cart_id, wish).await;
    let order = match placed {
        Ok(placed) => placed.value,
        Err(error) => return refused(app, visit, (error, form)).await,
    };
    let mut cookies = Vec::new();
    if let Some(token) = &order.order_token {
        let value = format!("{}.{token}", order.id);
        let cookie = app.cookies.set(Name::Order, &value, COOKIE_SECONDS);
        // The cart's cookie stays: a form that is sent twice finds its order by it.
        cookies.push(cookie.map_err(forms::unlucky)?);
    }
    if means == Means::Card {
        return Ok(see_other(&card::address(order.id), cookies));
    }
    let reader = Reader {
        principal: visit.principal.clone(),
        order_token: order.order_token.clone(),
    };
    // The order's own key, as where it is placed and paid in one request: sent twice, it is paid once.
    let key = format!("order:{}", order.id);
    let said = pay(app, &reader, (order.id, &key), form.method).await;
    Ok(see_other(&said.address(order.id), cookies))
}

/// What it costs there, and nothing is bought.
async fn look(
    app: &App,
    visit: &Visit,
    (holder, cart): (&CartHolder, CartId),
    form: CheckoutForm,
) -> Result<Response, Fault> {
    if let Err(error) = deliver(app, holder, form.wanted(cart)).await {
        return refused(app, visit, (error, form)).await;
    }
    let typed = Typed {
        email: form.email,
        ..Typed::default()
    };
    page(app, visit, typed).await
}

fn asserted(text: &str) -> Option<Money> {
    let (minor, currency) = text.split_once(' ')?;
    Some(Money::new(minor.parse().ok()?, currency.parse().ok()?))
}

/// What the buyer can do something about is said on the page, with the cart as it is now.
async fn refused(
    app: &App,
    visit: &Visit,
    (error, form): (PlaceOrderError, CheckoutForm),
) -> Result<Response, Fault> {
    let problem = error.to_problem();
    let detail = match &error {
        PlaceOrderError::Cart(CartError::Differs { .. }) | PlaceOrderError::Stock(_) => {
            say("Something has changed since you looked: see the lines below. Nothing was ordered.")
                .to_owned()
        }
        PlaceOrderError::Internal(_) | PlaceOrderError::Overloaded => return Err(Fault(problem)),
        PlaceOrderError::Address(_) => {
            say("Nothing was ordered: see the address below.").to_owned()
        }
        PlaceOrderError::Invalid { .. }
        | PlaceOrderError::KeyReused
        | PlaceOrderError::Cart(_)
        | PlaceOrderError::Discount(_)
        | PlaceOrderError::Shipping(_)
        | PlaceOrderError::GivenUp => problems::sentence(&problem.detail),
    };
    let address_error = if let PlaceOrderError::Address(error) = error {
        Some(error)
    } else {
        None
    };
    let typed = Typed {
        status: StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::CONFLICT),
        email: form.email,
        email_error: String::new(),
        address: Some(form.address),
        chosen: String::new(),
        address_error,
        problem: detail,
    };
    page(app, visit, typed).await
}

/// Pays, and names what the order's page says of it. The order is in whatever comes of this: it is paid now or later.
async fn pay(app: &App, reader: &Reader, (order_id, key): (OrderId, &str), method: String) -> Said {
    let Ok(key) = IdempotencyKey::parse(key) else {
        return Said::of("later");
    };
    let wish = PayOrder { order_id, method };
    match app.payments.pay(reader, key, wish).await {
        Ok(paid) if paid.value.status == PaymentStatus::RequiresAction => Said {
            payment: Some(paid.value.id),
            ..Said::of("prove")
        },
        Ok(_) => Said::of("thanks"),
        Err(PayError::Declined { .. }) => Said::of("declined"),
        Err(PayError::UnknownMethod) => Said::of("method"),
        Err(PayError::NotFound) => Said::of(""),
        // It was tried before, by this form or another one.
        Err(error) if error.to_problem().code.status() < 500 => Said::of("before"),
        Err(error) => {
            tracing::warn!(order.id = %order_id, error = ?error, "a payment could not be begun from its page");
            Said::of("later")
        }
    }
}

/// What the order's page says of a payment.
pub(super) struct Said {
    flash: &'static str,
    /// Which one, where it waits for its buyer.
    payment: Option<PaymentId>,
}

impl Said {
    const fn of(flash: &'static str) -> Self {
        Self {
            flash,
            payment: None,
        }
    }

    /// Whoever was at their bank's page has come back.
    pub(super) const fn back_from(payment: PaymentId) -> Self {
        Self {
            flash: "back",
            payment: Some(payment),
        }
    }

    pub(super) fn address(&self, id: OrderId) -> String {
        let payment = self.payment.map(|id| id.to_string()).unwrap_or_default();
        let said = [("flash", self.flash), ("payment", &payment)];
        view::address(&format!("/order/{id}"), &said)
    }
}

/// The form that pays an order.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PayForm {
    csrf: String,
    method: String,
    attempt: String,
}

/// POST `/order/{id}/pay`.
pub(super) async fn pay_again(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<PayForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    let shown = pay_order(&app, &visit, (&id, form)).await;
    answer(&app, &visit, shown).await
}

async fn pay_order(
    app: &App,
    visit: &Visit,
    (id, form): (&str, PayForm),
) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let reader = reader(app, visit, id);
    // Whose order it is not is told so, and not how a payment went.
    app.orders.order(&reader, id).await?;
    let key = format!("page:{}", form.attempt);
    let said = pay(app, &reader, (id, &key), form.method).await;
    let none: Vec<HeaderValue> = Vec::new();
    Ok(see_other(&said.address(id), none))
}
