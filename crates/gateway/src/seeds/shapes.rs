//! Products and orders as the seeds' clients read them: flat, money as a plain number, versions from 0.

use contracts::{
    catalog::{ProductStatus, ProductView},
    orders::{OrderStatus, OrderView},
    problem::{Code, Problem},
    values::{Currency, Money, OrderId, ProductId, Timestamp, UserId, VariantId, Version},
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

/// A version as the seeds count: from 0.
pub(super) fn version_out(version: Version) -> i64 {
    version.get().saturating_sub(1)
}

/// A version that a client of the seeds' names.
///
/// # Errors
/// 422 below 0.
pub(super) fn version_in(number: i64) -> Result<Version, Problem> {
    Version::try_from(number.saturating_add(1))
        .map_err(|_| Problem::invalid("/version", "must be a whole number from 0"))
}

/// A refusal for a stale version, in the seeds' counting: whichever way the version was named, it is 409.
pub(super) fn stale(mut problem: Problem, sent_in_body: bool) -> Problem {
    if !matches!(
        problem.code,
        Code::VersionConflict | Code::PreconditionFailed
    ) {
        return problem;
    }
    for fact in ["current_version", "sent_version"] {
        let counted = problem.facts.get(fact).and_then(Value::as_i64);
        if let Some(counted) = counted {
            let number = Value::from(counted.saturating_sub(1));
            problem.facts.insert(fact.to_owned(), number);
        }
    }
    let named = |fact: &str| {
        problem
            .facts
            .get(fact)
            .map_or_else(String::new, Value::to_string)
    };
    let detail = format!(
        "version {} was sent, version {} is current",
        named("sent_version"),
        named("current_version")
    );
    let code = if sent_in_body {
        Code::VersionConflict
    } else {
        problem.code
    };
    Problem {
        code,
        detail,
        ..problem
    }
}

/// An amount as a plain number, exactly: its text is never a float on the way.
fn number(money: Money) -> Box<RawValue> {
    let text = money.decimal();
    let short = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    RawValue::from_string(short.to_owned()).unwrap_or_default()
}

/// A product.
#[derive(Debug, Serialize)]
pub(super) struct Product {
    #[serde(rename = "_id")]
    seed_id: ProductId,
    id: ProductId,
    name: String,
    slug: String,
    sku: String,
    description: String,
    price: Box<RawValue>,
    currency: Currency,
    stock: i64,
    quantity: i64,
    version: i64,
    category: Option<String>,
    status: ProductStatus,
    image_url: Option<String>,
    attributes: Map<String, Value>,
    owner_id: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ProductView> for Product {
    fn from(view: ProductView) -> Self {
        Self {
            seed_id: view.id,
            id: view.id,
            name: view.name,
            slug: view.slug,
            sku: view.sku,
            description: view.description,
            price: number(view.price),
            currency: view.price.currency,
            stock: view.stock.available,
            quantity: view.stock.available,
            version: version_out(view.version),
            category: view.category,
            status: view.status,
            image_url: view.image_url,
            attributes: view.attributes,
            owner_id: view.owner_id,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// An order, with what was sent in each way in which it may have been sent.
#[derive(Debug, Serialize)]
pub(super) struct Order {
    #[serde(rename = "_id")]
    seed_id: OrderId,
    id: OrderId,
    number: i64,
    status: OrderStatus,
    user_id: Option<UserId>,
    #[serde(rename = "userId")]
    user_id_camel: Option<UserId>,
    /// The one product, when there is only one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    #[serde(rename = "productIds")]
    product_ids: Vec<ProductId>,
    quantities: Vec<u32>,
    items: Vec<Line>,
    total: Box<RawValue>,
    total_price: Box<RawValue>,
    #[serde(rename = "totalAmount")]
    total_amount: Box<RawValue>,
    currency: Currency,
    version: i64,
    payment_due_at: Timestamp,
    tracking: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    product_id: ProductId,
    variant_id: VariantId,
    sku: String,
    name: String,
    quantity: u32,
    price: Box<RawValue>,
    total: Box<RawValue>,
}

impl From<OrderView> for Order {
    fn from(view: OrderView) -> Self {
        let total = number(view.total);
        let only = match view.items.as_slice() {
            [line] => Some((line.product_id, line.quantity.get())),
            _ => None,
        };
        Self {
            seed_id: view.id,
            id: view.id,
            number: view.number,
            status: view.status,
            user_id: view.customer_id,
            user_id_camel: view.customer_id,
            product_id: only.map(|(product_id, _)| product_id),
            quantity: only.map(|(_, quantity)| quantity),
            product_ids: view.items.iter().map(|line| line.product_id).collect(),
            quantities: view.items.iter().map(|line| line.quantity.get()).collect(),
            items: view
                .items
                .into_iter()
                .map(|line| Line {
                    product_id: line.product_id,
                    variant_id: line.variant_id,
                    sku: line.sku,
                    name: line.name,
                    quantity: line.quantity.get(),
                    price: number(line.unit_price),
                    total: number(line.line_total),
                })
                .collect(),
            total: total.clone(),
            total_price: total.clone(),
            total_amount: total,
            currency: view.total.currency,
            version: version_out(view.version),
            payment_due_at: view.payment_due_at,
            tracking: view.tracking,
            created_at: view.created_at,
            updated_at: view.updated_at,
            order_token: view.order_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::request::Precondition;

    #[test]
    fn prices_are_plain_numbers_to_the_last_digit() {
        let written = |minor: i64, currency: &str| {
            let money = Money::new(minor, currency.parse().unwrap());
            number(money).get().to_owned()
        };
        assert_eq!(written(1999, "USD"), "19.99");
        assert_eq!(written(1990, "USD"), "19.9");
        assert_eq!(written(2000, "USD"), "20");
        assert_eq!(written(0, "USD"), "0");
        assert_eq!(written(100, "JPY"), "100");
        assert_eq!(written(i64::MAX, "USD"), "92233720368547758.07");
    }

    #[test]
    fn a_stale_version_is_told_in_the_seeds_counting() {
        let version = |number| Version::try_from(number).unwrap();
        let refused = Precondition::Header(version(1)).stale(version(3));
        let told = stale(refused, true);
        assert_eq!(told.code, Code::VersionConflict);
        assert_eq!(told.detail, "version 0 was sent, version 2 is current");
        assert_eq!(told.facts["current_version"], 2);
        assert_eq!(told.facts["sent_version"], 0);
        assert_eq!(
            stale(Problem::new(Code::NotFound), true).code,
            Code::NotFound
        );
    }
}
