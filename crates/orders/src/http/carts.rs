//! Carts over HTTP. A guest's cart is opened by its token (`Cart-Token`), a user's by who they are.

use super::App;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use contracts::{
    catalog::ItemRef,
    orders::{CartError, CartView, DiscountCode, NewAddress, SetCartItem, ShippingChoice},
    problem::{Problem, ProblemBody, ToProblem},
    values::{CartId, Currency, Page, ShippingMethodId, Version},
};
use platform::{
    digest,
    http::{
        Fault, Id, Json, NoQuery,
        auth::{CartUser, ClientNetwork},
        created,
        etag::{self, IfMatch},
    },
};
use serde::Deserialize;

/// A line as it is to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetItem {
    /// How many from now on, up to 1,000,000; 0 takes the line out.
    #[schema(maximum = 1_000_000)]
    quantity: u32,
    /// The version of the cart that this changes, where that matters (or `If-Match`).
    version: Option<Version>,
}

/// The currency that a cart is to be bought in.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetCurrency {
    /// One that the shop sells in (`currencies`), or nothing: its products' own.
    currency: Option<Currency>,
}

/// The code that a cart is to have.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetDiscount {
    /// The code, or nothing.
    code: Option<DiscountCode>,
}

/// The way of shipping that a cart is to have.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetShipping {
    /// Its id, or nothing.
    method: Option<ShippingMethodId>,
}

/// Where a cart is to go.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAddress {
    /// The address, or nothing.
    address: Option<NewAddress>,
}

/// Open a cart
///
/// A user has one cart at a time and finds it again (200). A guest gets a new one and, in this answer only, its
/// `cart_token`. A cart holds no stock, and its prices are those of the moment.
#[utoipa::path(
    post, path = "/api/v1/carts", operation_id = "open_cart", tag = "carts",
    responses(
        (status = 200, body = CartView, description = "The user's open cart"),
        (status = 201, body = CartView, description = "A new cart"),
        (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
pub(super) async fn open(
    State(app): State<App>,
    CartUser(who): CartUser,
    ClientNetwork(network): ClientNetwork,
    _: NoQuery,
) -> Result<Response, Fault> {
    let opened = app.orders.open_cart(&who, network).await?;
    let location = format!("/api/v1/carts/{}", opened.value.id);
    if opened.replayed {
        return tagged(opened.value);
    }
    Ok(created(&location, opened))
}

/// Read a cart
///
/// With what its lines cost now, and what is otherwise than when they were put in.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}", operation_id = "find_cart", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    responses(
        (status = 200, body = CartView), (status = 304, description = "Not modified"),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn find(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response, Fault> {
    let cart = app.orders.cart(&who, id).await?;
    let (tag, body) = body_of(&cart)?;
    Ok(etag::conditional_json(&headers, &tag, body.into()))
}

/// Set a line of a cart
///
/// Puts so many of a product (its default variant) or a variant into the cart, whatever there was; 0 takes it out. The
/// price of this moment counts as seen.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/items/{item}", operation_id = "set_cart_item", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("item" = String, Path, description = "A product's or a variant's id",
            pattern = "^(prd|var)_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("If-Match" = Option<String>, Header, description = "The cart's ETag, where that matters"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    request_body = SetItem,
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 412, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn set_item(
    State(app): State<App>,
    CartUser(who): CartUser,
    Path((id, item)): Path<(String, String)>,
    sent: IfMatch,
    Json(wish): Json<SetItem>,
) -> Result<Response, Fault> {
    let id: CartId = id.parse().map_err(problem)?;
    let item = if item.starts_with("prd_") {
        ItemRef::Product(item.parse().map_err(problem)?)
    } else {
        ItemRef::Variant(item.parse().map_err(problem)?)
    };
    let named = sent.0.is_some() || wish.version.is_some();
    let sent = named
        .then(|| etag::precondition(sent, wish.version))
        .transpose()?;
    let quantity = wish.quantity;
    let wish = SetCartItem {
        item,
        quantity,
        sent,
    };
    tagged(app.orders.set_cart_item(&who, id, wish).await?)
}

/// Say which currency a cart is bought in
///
/// All of it is then in this currency: what has no price there cannot be bought so, and says it. What was seen before
/// shows beside what it costs now; `null` goes back to the products' own.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/currency", operation_id = "set_cart_currency", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    request_body = SetCurrency,
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn set_currency(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    Json(wish): Json<SetCurrency>,
) -> Result<Response, Fault> {
    tagged(
        app.orders
            .set_cart_currency(&who, id, wish.currency)
            .await?,
    )
}

/// Give a cart a discount code
///
/// One that can be given now; `null` takes it away. What it takes off shows in the cart, or why it does not.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/discount", operation_id = "set_cart_discount", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    request_body = SetDiscount,
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn set_discount(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    Json(wish): Json<SetDiscount>,
) -> Result<Response, Fault> {
    tagged(app.orders.set_cart_discount(&who, id, wish.code).await?)
}

/// Say how a cart is to be shipped
///
/// What that costs shows in the cart; `null` takes it back.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/shipping", operation_id = "set_cart_shipping", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    request_body = SetShipping,
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn set_shipping(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    Json(wish): Json<SetShipping>,
) -> Result<Response, Fault> {
    tagged(app.orders.set_cart_shipping(&who, id, wish.method).await?)
}

/// Say where a cart is to go
///
/// Its order has that address (`shipping_address`); `null` takes it back.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/address", operation_id = "set_cart_address", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    request_body = SetAddress,
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn set_address(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    Json(wish): Json<SetAddress>,
) -> Result<Response, Fault> {
    tagged(app.orders.set_cart_address(&who, id, wish.address).await?)
}

/// List ways of shipping of a cart
///
/// Those that go to its address with its weight and sum, by name, and what each costs.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}/shipping-methods", operation_id = "list_cart_shipping_methods", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The cart's id"),
        ("Cart-Token" = Option<String>, Header, description = "For guests: what came with the cart"),
    ),
    responses(
        (status = 200, body = Page<ShippingChoice>), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("cart_token" = []))
)]
pub(super) async fn shipping_methods(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    _: NoQuery,
) -> Result<Json<Page<ShippingChoice>>, Fault> {
    let data = app.orders.cart_shipping_methods(&who, id).await?;
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}

/// Merge a guest's cart into one's own
///
/// After signing in: the guest's lines go into the user's open cart, quantities summed as far as a cart may hold. Made
/// again it changes nothing. Answers the user's cart.
#[utoipa::path(
    post, path = "/api/v1/carts/{id}/merge", operation_id = "merge_cart", tag = "carts",
    params(
        ("id" = CartId, Path, description = "The guest's cart"),
        ("Cart-Token" = Option<String>, Header, description = "What came with the guest's cart"),
    ),
    responses(
        (status = 200, body = CartView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn merge(
    State(app): State<App>,
    CartUser(who): CartUser,
    Id(id): Id<CartId>,
    _: NoQuery,
) -> Result<Response, Fault> {
    tagged(app.orders.merge_cart(&who, id).await?)
}

fn problem(error: impl ToProblem) -> Problem {
    error.to_problem()
}

fn tagged(cart: CartView) -> Result<Response, Fault> {
    let (tag, body) = body_of(&cart)?;
    Ok(etag::conditional_json(&HeaderMap::new(), &tag, body.into()))
}

/// A cart shows prices that its version does not count: the tag follows from all of it.
fn body_of(cart: &CartView) -> Result<(String, Vec<u8>), Fault> {
    let body = serde_json::to_vec(cart).map_err(|error| CartError::Internal(error.into()))?;
    let [one, two, three, four, ..] = digest::sha256(&[&body]);
    let more = u32::from_be_bytes([one, two, three, four]);
    Ok((etag::tag_with(cart.version, i64::from(more)), body))
}
