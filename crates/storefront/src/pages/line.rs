//! A line of the cart, as a form of a page sets it or adds to it.

use super::{
    cart::{answer, current_or_new},
    currency, forms,
    frame::Visit,
    problems,
};
use crate::App;
use axum::{Form, extract::State, http::HeaderValue, response::Response};
use contracts::{
    catalog::ItemRef,
    orders::{CartView, SetCartItem},
    problem::{Code, Problem},
    values::VariantId,
};
use platform::http::{Fault, auth::ClientNetwork};
use serde::Deserialize;

/// A line's form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LineForm {
    csrf: String,
    variant: String,
    quantity: String,
    /// Present where the quantity comes on top of what is there: the units that were there when the form was drawn.
    there: String,
}

/// Units of a variant in a cart.
pub(super) fn units(cart: &CartView, variant: VariantId) -> u32 {
    let line = cart.items.iter().find(|line| line.variant_id == variant);
    line.map_or(0, |line| line.quantity.get())
}

/// How many units a form means. One that adds and was sent already adds nothing more: a double click puts in once.
fn wanted(quantity: u32, drawn: Option<u32>, there: u32) -> u32 {
    match drawn {
        None => quantity,
        Some(drawn) if there == drawn.saturating_add(quantity) => there,
        Some(_) => there.saturating_add(quantity),
    }
}

/// POST `/cart/items`.
pub(super) async fn set(
    State(app): State<App>,
    visit: Visit,
    network: ClientNetwork,
    Form(form): Form<LineForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    answer(&app, &visit, put(&app, &visit, network, &form).await).await
}

async fn put(
    app: &App,
    visit: &Visit,
    ClientNetwork(network): ClientNetwork,
    form: &LineForm,
) -> Result<Vec<HeaderValue>, Fault> {
    let number = |field: &str, text: &str| {
        let number = text.trim().parse::<u32>();
        number.map_err(|_| Problem::invalid(field, "must be a whole number"))
    };
    let variant: VariantId = form.variant.parse().map_err(Fault::from)?;
    let quantity = number("/quantity", &form.quantity)?;
    let drawn = match form.there.as_str() {
        "" => None,
        text => Some(number("/there", text)?),
    };
    let held = current_or_new(app, visit, network).await?;
    let held = currency::settled(app, visit, held).await?;
    let there = units(&held.cart, variant);
    let wish = SetCartItem {
        item: ItemRef::Variant(variant),
        quantity: wanted(quantity, drawn, there),
        sent: None,
    };
    app.orders
        .set_cart_item(&held.holder, held.cart.id, wish)
        .await?;
    Ok(held.cookies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_adds_does_so_once_and_one_that_sets_sets() {
        assert_eq!(wanted(3, None, 7), 3);
        assert_eq!(wanted(1, Some(0), 0), 1);
        assert_eq!(wanted(1, Some(0), 1), 1, "sent twice");
        assert_eq!(wanted(2, Some(3), 3), 5);
        assert_eq!(wanted(2, Some(3), 0), 2, "the cart was bought meanwhile");
        assert_eq!(wanted(1, Some(u32::MAX), u32::MAX), u32::MAX);
    }
}
