//! How a cart is to be shipped: what there is to choose from, and the form that chooses.

use super::{
    cart::{Held, answer, current},
    forms,
    frame::Visit,
    problems,
};
use crate::{App, view};
use axum::{Form, extract::State, http::HeaderValue, response::Response};
use contracts::{
    problem::{Code, Problem},
    values::ShippingMethodId,
};
use platform::http::Fault;
use serde::Deserialize;

/// A way of shipping as people choose it.
pub(super) struct Method {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) price: String,
    pub(super) is_chosen: bool,
}

/// What a cart can be shipped with as it is now, and what that costs.
pub(super) async fn methods(app: &App, held: &Held) -> Result<Vec<Method>, Fault> {
    let choices = app
        .orders
        .cart_shipping_methods(&held.holder, held.cart.id)
        .await?;
    let method = |one: contracts::orders::ShippingChoice| Method {
        id: one.method.to_string(),
        is_chosen: held.cart.shipping_method == Some(one.method),
        price: view::money(one.price),
        name: one.name,
    };
    Ok(choices.into_iter().map(method).collect())
}

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ShippingForm {
    csrf: String,
    method: String,
}

/// POST `/cart/shipping`.
pub(super) async fn choose(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ShippingForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    answer(&app, &visit, set(&app, &visit, &form.method).await).await
}

async fn set(app: &App, visit: &Visit, method: &str) -> Result<Vec<HeaderValue>, Fault> {
    let Some(held) = current(app, visit).await? else {
        return Ok(Vec::new());
    };
    let wrong = |_| Problem::invalid("/method", "is no way of shipping");
    let method: Option<ShippingMethodId> = (!method.is_empty())
        .then(|| method.parse().map_err(wrong))
        .transpose()?;
    app.orders
        .set_cart_shipping(&held.holder, held.cart.id, method)
        .await?;
    Ok(held.cookies)
}
