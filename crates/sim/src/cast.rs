//! Who is there in a simulated shop, by number, and what is on its shelves when they come. Nothing of it moves.

use crate::{client::price, plan::Plan, process::Services, random::Random, record::Good};
use contracts::{
    BoxError,
    access::{Principal, Role},
    catalog::NewProduct,
    orders::{DiscountCode, NewDiscount},
    values::{SessionId, UserId},
};

/// The number of the first buyer.
const FIRST_BUYER: u8 = 10;
/// The numbers of those who run the shop.
const ADMINS: [u8; 2] = [250, 251];
/// A code that is in few orders only, and in fewer of one person's.
pub(crate) const CODE: &str = "FEW";
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

/// Puts the goods on the shelves, and makes the discounts.
pub(crate) async fn stocked(services: &Services, plan: &Plan) -> Result<Vec<Good>, BoxError> {
    let mut random = Random::new(plan.seed, GOODS);
    let mut goods = Vec::new();
    for number in 0..plan.sizes.products {
        let product = NewProduct {
            name: format!("Thing {number}"),
            sku: Some(format!("G{number}")),
            slug: None,
            description: String::new(),
            price: price(random.between(100, 9_999)).into(),
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
            .create_product(&admin(), None, product)
            .await?;
        goods.extend(Good::of(&made.value));
    }
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
    Ok(goods)
}
