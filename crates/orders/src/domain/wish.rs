//! A wish to buy, checked across its fields.

use super::cart::Line;
use contracts::{
    catalog::{ItemRef, ReserveLine},
    orders::{Address, Buyer, OrderItem, PlaceOrder, PlaceOrderError},
};

/// The lines of a wish, if it can be one at all.
pub(crate) fn lines(
    who: &Buyer,
    wish: &PlaceOrder,
    lines_max: u32,
) -> Result<Vec<ReserveLine>, PlaceOrderError> {
    let invalid = |field: &str, reason: String| PlaceOrderError::Invalid {
        field: field.to_owned(),
        reason,
    };
    if wish.cart_id.is_some() {
        return Err(invalid(
            "/cart_id",
            "is bought by whoever holds it".to_owned(),
        ));
    }
    if wish.items.is_empty() {
        return Err(invalid("/items", "must hold at least one line".to_owned()));
    }
    if wish.items.len() > usize::try_from(lines_max).unwrap_or(usize::MAX) {
        return Err(invalid(
            "/items",
            format!("may hold at most {lines_max} lines"),
        ));
    }
    if *who == Buyer::Guest && wish.email.is_none() {
        return Err(invalid("/email", "is required of guests".to_owned()));
    }
    wish.items
        .iter()
        .enumerate()
        .map(|(index, item)| line(index, item))
        .collect()
}

/// Whether a cart can be bought by this wish.
pub(crate) fn check_cart(
    who: &Buyer,
    wish: &PlaceOrder,
    lines: &[Line],
) -> Result<(), PlaceOrderError> {
    let invalid = |field: &str, reason: &str| {
        Err(PlaceOrderError::Invalid {
            field: field.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if wish.currency.is_some() {
        return invalid("/currency", "is the cart's own: put it there");
    }
    if wish.discount_code.is_some() {
        return invalid("/discount_code", "is the cart's own: put it there");
    }
    if wish.shipping_method.is_some() {
        return invalid("/shipping_method", "is the cart's own: put it there");
    }
    if wish.shipping_address.is_some() {
        return invalid("/shipping_address", "is the cart's own: put it there");
    }
    if !wish.items.is_empty() {
        return invalid("/items", "must be absent where a cart is bought");
    }
    if lines.is_empty() {
        return invalid("/cart_id", "names a cart that is empty");
    }
    if *who == Buyer::Guest && wish.email.is_none() {
        return invalid("/email", "is required of guests");
    }
    Ok(())
}

/// Where it goes, if that is said.
pub(crate) fn address(wish: &PlaceOrder) -> Result<Option<Address>, PlaceOrderError> {
    let address = wish.shipping_address.clone().map(Address::check);
    address.transpose().map_err(PlaceOrderError::Address)
}

fn line(index: usize, item: &OrderItem) -> Result<ReserveLine, PlaceOrderError> {
    let item_ref = match (item.product_id, item.variant_id) {
        (Some(product), None) => ItemRef::Product(product),
        (None, Some(variant)) => ItemRef::Variant(variant),
        (Some(_), Some(_)) | (None, None) => {
            return Err(PlaceOrderError::Invalid {
                field: format!("/items/{index}"),
                reason: "must name a product_id or a variant_id, not both".to_owned(),
            });
        }
    };
    Ok(ReserveLine {
        item: item_ref,
        quantity: item.quantity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{Email, ProductId, Quantity, VariantId};

    fn wish(items: Vec<OrderItem>) -> PlaceOrder {
        PlaceOrder {
            items,
            cart_id: None,
            currency: None,
            discount_code: None,
            shipping_method: None,
            shipping_address: None,
            total: None,
            email: Email::parse("ann@example.com").ok(),
            payment: None,
        }
    }

    fn item(product: bool, variant: bool) -> OrderItem {
        OrderItem {
            product_id: product.then(ProductId::generate),
            variant_id: variant.then(VariantId::generate),
            quantity: Quantity::ONE,
        }
    }

    #[test]
    fn a_line_names_exactly_one_thing() {
        let lines = |items| lines(&Buyer::Guest, &wish(items), 3);
        assert!(lines(vec![item(true, false), item(false, true)]).is_ok());
        for items in [
            vec![],
            vec![item(true, true)],
            vec![item(false, false)],
            vec![item(true, false); 4],
        ] {
            assert!(lines(items.clone()).is_err(), "{items:?}");
        }
    }

    #[test]
    fn keys_of_before_currencies_mean_what_they_meant() {
        let wish = wish(vec![item(true, false)]);
        let text = serde_json::to_string(&wish).unwrap();
        assert!(
            !text.contains("currency"),
            "fingerprints are of this: {text}"
        );
    }

    #[test]
    fn a_guest_leaves_an_address() {
        let nameless = PlaceOrder {
            email: None,
            ..wish(vec![item(true, false)])
        };
        assert!(lines(&Buyer::Guest, &nameless, 3).is_err());
    }
}
