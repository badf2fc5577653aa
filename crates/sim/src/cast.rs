//! Who is there in a simulated shop, by number, and what is on its shelves when they come. Nothing of it moves.

use crate::{client::price, plan::Plan, process::Services, random::Random, record::Good};
use contracts::{
    BoxError,
    access::{Principal, Role},
    catalog::{NewProduct, NewVariant, ProductOption},
    orders::{DiscountCode, NewDiscount},
    values::{SessionId, ShippingMethodId, UserId},
};
use serde_json::json;
use std::collections::BTreeMap;

/// The number of the first buyer.
const FIRST_BUYER: u8 = 10;
/// The numbers of those who run the shop.
const ADMINS: [u8; 2] = [250, 251];
/// A code that is in few orders only, and in fewer of one person's.
pub(crate) const CODE: &str = "FEW";
/// Where orders are taxed.
pub(crate) const COUNTRY: &str = "DE";
/// The stream of the seed that the goods are drawn from.
const GOODS: u64 = 2;

/// Somebody, by number.
fn person(number: u8, role: Role) -> Principal {
    Principal {
        user_id: UserId::from_bytes([number; 16]),
        session_id: SessionId::from_bytes([number; 16]),
        roles: vec![role],
        key: None,
    }
}

pub(crate) fn customer(number: u64) -> Principal {
    let number = FIRST_BUYER.saturating_add(u8::try_from(number).unwrap_or(0));
    person(number, Role::Customer)
}

/// Those who run the shop.
pub(crate) fn admins() -> [Principal; 2] {
    ADMINS.map(|number| person(number, Role::Admin))
}

/// The one that products are made by, and that the books are shown to.
pub(crate) fn admin() -> Principal {
    let [one, _] = admins();
    one
}

/// What a shop has when people come.
pub(crate) struct Stocked {
    pub(crate) goods: Vec<Good>,
    pub(crate) shipping: Option<ShippingMethodId>,
}

/// How a shop has taxes: by its seed, off, in its prices, or on top of them.
pub(crate) fn tax(plan: &Plan) -> &'static str {
    match plan.seed.checked_rem(3) {
        Some(0) => "off",
        Some(1) => "included",
        _ => "added",
    }
}

/// Puts the goods on the shelves, and makes discounts, and in some shops a way of shipping and a rate of tax. The last
/// of the goods comes in two variants, in every other shop.
pub(crate) async fn stocked(services: &Services, plan: &Plan) -> Result<Stocked, BoxError> {
    let mut random = Random::new(plan.seed, GOODS);
    let mut goods = Vec::new();
    for number in 0..plan.sizes.products {
        let is_last = number.saturating_add(1) == plan.sizes.products;
        let product = NewProduct {
            name: format!("Thing {number}"),
            sku: Some(format!("G{number}")),
            slug: None,
            description: String::new(),
            price: price(random.between(100, 9_999)).into(),
            prices: Vec::new(),
            stock: Some(u32::try_from(random.between(0, 14)).unwrap_or(0)),
            category: None,
            status: None,
            publish_at: None,
            unpublish_at: None,
            related: Vec::new(),
            image_url: None,
            attributes: serde_json::Map::new(),
            options: Vec::new(),
            variants: Vec::new(),
            version: None,
        };
        let made = services
            .catalog
            .create_product(
                &admin(),
                None,
                of_sizes(product, is_last && plan.seed.is_multiple_of(2)),
            )
            .await?;
        goods.extend(Good::of(&made.value));
    }
    discounts(services, plan).await?;
    let shipping = beside(services, plan).await?;
    Ok(Stocked { goods, shipping })
}

/// In two sizes, with a stock of their own.
fn of_sizes(product: NewProduct, wanted: bool) -> NewProduct {
    if !wanted {
        return product;
    }
    let size = |value: &str| NewVariant {
        options: BTreeMap::from([("Size".to_owned(), value.to_owned())]),
        sku: Some(format!("{}-{value}", product.name.replace(' ', "-"))),
        price: None,
        prices: Vec::new(),
        stock: product.stock,
    };
    let (small, large) = (size("S"), size("L"));
    let option = ProductOption {
        name: "Size".to_owned(),
        values: vec!["S".to_owned(), "L".to_owned()],
    };
    NewProduct {
        options: vec![option],
        variants: vec![small, large],
        sku: None,
        stock: None,
        ..product
    }
}

/// A way of shipping that some orders have, and a rate of tax, each where the seed says so.
async fn beside(services: &Services, plan: &Plan) -> Result<Option<ShippingMethodId>, BoxError> {
    if tax(plan) != "off" {
        let rate = json!({ "name": "Tax", "country": COUNTRY, "millionths": 190_000 });
        services.made("/api/v1/tax-rates", rate).await?;
    }
    if plan.seed.is_multiple_of(2) {
        return Ok(None);
    }
    let (cost, free) = (price(490), price(10_000));
    let way = json!({ "name": "Parcel", "price": cost, "free_from": free });
    let made = services.made("/api/v1/shipping-methods", way).await?;
    Ok(Some(serde_json::from_value(
        made.get("id").cloned().unwrap_or_default(),
    )?))
}

async fn discounts(services: &Services, plan: &Plan) -> Result<(), BoxError> {
    let few = NewDiscount {
        code: DiscountCode::parse(CODE)?,
        name: None,
        automatic: None,
        basis_points: Some(1_250),
        amount: None,
        takes_off: None,
        only: None,
        buy: None,
        minimum: None,
        starts_at: None,
        ends_at: None,
        uses_max: Some(4),
        customer_uses_max: Some(2),
        active: None,
        version: None,
    };
    // In half of the shops one more is given by itself.
    if plan.seed.is_multiple_of(2) {
        let some = NewDiscount {
            code: DiscountCode::parse("SOME")?,
            name: Some("Some for all".to_owned()),
            automatic: Some(true),
            uses_max: Some(5),
            ..few.clone()
        };
        services.orders.make_discount(&admin(), None, some).await?;
    }
    services.orders.make_discount(&admin(), None, few).await?;
    Ok(())
}
