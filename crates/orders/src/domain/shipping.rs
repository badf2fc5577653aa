//! A way of shipping as people make and change it: pure.

use super::tariff;
use contracts::{
    orders::{NewShippingMethod, ShippingError, ShippingMethodView},
    request::Precondition,
    values::{ShippingMethodId, Timestamp, Version, one_line},
};

/// A method that is made now.
pub fn made(
    id: ShippingMethodId,
    wish: NewShippingMethod,
    now: Timestamp,
) -> Result<ShippingMethodView, ShippingError> {
    let invalid = |field: &str, reason: String| ShippingError::Invalid {
        field: field.to_owned(),
        reason,
    };
    let name = one_line(&wish.name, 1, 80);
    let name = name.map_err(|error| invalid("/name", error.0))?;
    if wish.price.minor < 0 {
        return Err(invalid(
            "/price",
            "must not be less than nothing".to_owned(),
        ));
    }
    if let Some(from) = wish.free_from
        && (from.minor < 0 || from.currency != wish.price.currency)
    {
        let reason = "must not be less than nothing, in the price's currency";
        return Err(invalid("/free_from", reason.to_owned()));
    }
    let bands = tariff::bands("", &wish.price, wish.bands)?;
    let zones = tariff::zones("", &wish.price, wish.zones)?;
    let currencies = tariff::currencies(&wish.price, wish.currencies)?;
    Ok(ShippingMethodView {
        id,
        name,
        price: wish.price,
        free_from: wish.free_from,
        weight_max_grams: wish.weight_max_grams,
        bands,
        zones,
        currencies,
        active: wish.active.unwrap_or(true),
        version: Version::FIRST,
        created_at: now,
        updated_at: now,
    })
}

/// A method as it is wished.
pub fn replaced(
    before: &ShippingMethodView,
    sent: Precondition,
    wish: NewShippingMethod,
    now: Timestamp,
) -> Result<ShippingMethodView, ShippingError> {
    if sent.version().is_some_and(|named| named != before.version) {
        return Err(ShippingError::VersionConflict {
            sent,
            current: before.version,
        });
    }
    Ok(ShippingMethodView {
        version: before.version.next(),
        created_at: before.created_at,
        ..made(before.id, wish, now)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::Money;

    #[test]
    fn a_method_has_a_name_and_a_price_and_changes_by_its_version() {
        let money = |minor, unit: &str| Money::new(minor, unit.parse().unwrap());
        let wish = NewShippingMethod {
            name: "Post".to_owned(),
            price: money(500, "USD"),
            free_from: Some(money(5_000, "USD")),
            weight_max_grams: None,
            bands: Vec::new(),
            zones: Vec::new(),
            currencies: Vec::new(),
            active: None,
            version: None,
        };
        let make = |wish| made(ShippingMethodId::generate(), wish, Timestamp::from_ms(0));
        let post = make(wish.clone()).unwrap();
        let wrong = [
            NewShippingMethod {
                name: String::new(),
                ..wish.clone()
            },
            NewShippingMethod {
                price: money(-1, "USD"),
                ..wish.clone()
            },
            NewShippingMethod {
                free_from: Some(money(1, "EUR")),
                ..wish.clone()
            },
            NewShippingMethod {
                free_from: Some(money(-1, "USD")),
                ..wish.clone()
            },
        ];
        assert!(wrong.into_iter().all(|wish| make(wish).is_err()));
        let now = Timestamp::from_ms(9);
        let sent = Precondition::Body(Version::FIRST);
        let after = replaced(&post, sent, wish.clone(), now).unwrap();
        assert_eq!(
            (after.version.get(), after.created_at),
            (2, post.created_at)
        );
        assert!(replaced(&after, sent, wish, now).is_err());
    }
}
