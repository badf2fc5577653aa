//! A discount as people make and change it: pure.

use contracts::{
    orders::{DiscountError, DiscountView, NewDiscount, Selection, TakesOff},
    request::Precondition,
    values::{Currency, DiscountId, Money, Quantity, Timestamp, Version, one_line},
};

/// The longest name, in characters.
const NAME_MAX: usize = 100;

/// The most products, and the most categories, that a selection names.
const SELECTED_MAX: usize = 100;

/// A discount that is made now.
pub fn made(
    id: DiscountId,
    wish: NewDiscount,
    now: Timestamp,
) -> Result<DiscountView, DiscountError> {
    check(&wish)?;
    check_what(&wish)?;
    let name = wish.name.map(|name| one_line(&name, 1, NAME_MAX));
    let name = name.transpose();
    Ok(DiscountView {
        id,
        code: wish.code,
        name: name.map_err(|error| invalid("/name", &error.0))?,
        automatic: wish.automatic.unwrap_or_default(),
        basis_points: wish.basis_points,
        amount: wish.amount,
        takes_off: wish.takes_off.unwrap_or_default(),
        only: wish.only,
        buy: wish.buy,
        minimum: wish.minimum,
        starts_at: wish.starts_at,
        ends_at: wish.ends_at,
        uses_max: wish.uses_max,
        customer_uses_max: wish.customer_uses_max,
        uses: wish.uses_max.map(|_| 0),
        active: wish.active.unwrap_or(true),
        version: Version::FIRST,
        created_at: now,
        updated_at: now,
    })
}

/// A discount as it is wished. Whether something is counted stays as it is: what was not counted is not known.
pub fn replaced(
    before: &DiscountView,
    sent: Precondition,
    wish: NewDiscount,
    now: Timestamp,
) -> Result<DiscountView, DiscountError> {
    if sent.version().is_some_and(|named| named != before.version) {
        return Err(DiscountError::VersionConflict {
            sent,
            current: before.version,
        });
    }
    if wish.code != before.code {
        return Err(invalid("/code", "stays what it is"));
    }
    if wish.uses_max.is_some() != before.uses_max.is_some() {
        return Err(invalid(
            "/uses_max",
            "can be changed, but neither added nor taken away",
        ));
    }
    if wish.customer_uses_max.is_some() != before.customer_uses_max.is_some() {
        return Err(invalid(
            "/customer_uses_max",
            "can be changed, but neither added nor taken away",
        ));
    }
    let used = before.uses.unwrap_or_default();
    if wish.uses_max.is_some_and(|most| i64::from(most) < used) {
        return Err(invalid("/uses_max", "is less than it was used already"));
    }
    let anew = made(before.id, wish, now)?;
    Ok(DiscountView {
        uses: before.uses,
        version: before.version.next(),
        created_at: before.created_at,
        ..anew
    })
}

fn check(wish: &NewDiscount) -> Result<(), DiscountError> {
    match (wish.basis_points, wish.amount) {
        (Some(points), None) if !(1..=10_000).contains(&points) => {
            return Err(invalid("/basis_points", "must be from 1 to 10000"));
        }
        (None, Some(amount)) if amount.minor < 1 => {
            return Err(invalid("/amount", "must be more than nothing"));
        }
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("/amount", "or basis_points: one of both is needed"));
        }
    }
    if wish.minimum.is_some_and(|minimum| minimum.minor < 0) {
        return Err(invalid("/minimum", "must not be less than nothing"));
    }
    if let (Some(amount), Some(minimum)) = (wish.amount, wish.minimum)
        && amount.currency != minimum.currency
    {
        return Err(invalid("/minimum", "must be in the amount's currency"));
    }
    if wish.uses_max == Some(0) {
        return Err(invalid("/uses_max", "must be 1 at least"));
    }
    if wish.customer_uses_max == Some(0) {
        return Err(invalid("/customer_uses_max", "must be 1 at least"));
    }
    match (wish.starts_at, wish.ends_at) {
        (Some(start), Some(end)) if end <= start => {
            Err(invalid("/ends_at", "must be after the start"))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Whether what it takes off, and from what, goes together.
fn check_what(wish: &NewDiscount) -> Result<(), DiscountError> {
    if wish.takes_off == Some(TakesOff::Shipping) {
        if wish.basis_points.is_none() {
            let reason = "is needed where something is taken off the shipping";
            return Err(invalid("/basis_points", reason));
        }
        if wish.only.is_some() || wish.buy.is_some() {
            return Err(invalid(
                "/takes_off",
                "shipping goes with neither only nor buy",
            ));
        }
    }
    if let Some(only) = &wish.only {
        check_selection("/only", only)?;
    }
    let Some(buy) = &wish.buy else {
        return Ok(());
    };
    if wish.basis_points.is_none() {
        return Err(invalid(
            "/basis_points",
            "is needed where something must be bought",
        ));
    }
    check_selection("/buy/of", &buy.of)?;
    let numbers = [
        ("/buy/quantity", Some(buy.quantity)),
        ("/buy/get", Some(buy.get)),
        ("/buy/times_max", buy.times_max),
    ];
    for (field, number) in numbers {
        if number.is_some_and(|number| Quantity::try_from(number).is_err()) {
            return Err(invalid(field, "must be from 1 to 1000000"));
        }
    }
    Ok(())
}

fn check_selection(field: &str, selection: &Selection) -> Result<(), DiscountError> {
    if selection.products.len().max(selection.categories.len()) > SELECTED_MAX {
        let reason = format!("may name at most {SELECTED_MAX} products and as many categories");
        return Err(invalid(field, &reason));
    }
    Ok(())
}

/// The one currency of what it says in money.
pub fn currency(discount: &DiscountView) -> Option<Currency> {
    let money: Option<Money> = discount.amount.or(discount.minimum);
    money.map(|money| money.currency)
}

fn invalid(field: &str, reason: &str) -> DiscountError {
    DiscountError::Invalid {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        orders::{BuyGet, DiscountCode},
        values::ProductId,
    };

    fn wish() -> NewDiscount {
        NewDiscount {
            code: DiscountCode::parse("tea-10").unwrap(),
            name: None,
            automatic: None,
            basis_points: Some(1_000),
            amount: None,
            takes_off: None,
            only: None,
            buy: None,
            minimum: None,
            starts_at: None,
            ends_at: None,
            uses_max: Some(10),
            customer_uses_max: None,
            active: None,
            version: None,
        }
    }

    fn buy(quantity: u32, get: u32, times_max: Option<u32>) -> Option<BuyGet> {
        Some(BuyGet {
            quantity,
            of: Selection::default(),
            get,
            times_max,
        })
    }

    #[test]
    fn a_discount_takes_one_thing_off_within_bounds() {
        let usd = |minor| Some(Money::new(minor, "USD".parse().unwrap()));
        let euros = Some(Money::new(5, "EUR".parse().unwrap()));
        let at = |ms| Some(Timestamp::from_ms(ms));
        let make = |wish| made(DiscountId::generate(), wish, Timestamp::from_ms(0));
        assert!(make(wish()).is_ok());
        for wrong in [
            NewDiscount {
                basis_points: None,
                ..wish()
            },
            NewDiscount {
                amount: usd(5),
                ..wish()
            },
            NewDiscount {
                basis_points: Some(0),
                ..wish()
            },
            NewDiscount {
                basis_points: Some(10_001),
                ..wish()
            },
            NewDiscount {
                basis_points: None,
                amount: usd(0),
                ..wish()
            },
            NewDiscount {
                basis_points: None,
                amount: usd(5),
                minimum: euros,
                ..wish()
            },
            NewDiscount {
                minimum: usd(-1),
                ..wish()
            },
            NewDiscount {
                uses_max: Some(0),
                ..wish()
            },
            NewDiscount {
                customer_uses_max: Some(0),
                ..wish()
            },
            NewDiscount {
                starts_at: at(5),
                ends_at: at(5),
                ..wish()
            },
        ] {
            assert!(make(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_it_takes_off_and_from_what_goes_together() {
        let amount = Some(Money::new(5, "USD".parse().unwrap()));
        let make = |wish| made(DiscountId::generate(), wish, Timestamp::from_ms(0));
        let three_for_two = NewDiscount {
            buy: buy(2, 1, Some(1)),
            ..wish()
        };
        assert!(make(three_for_two).is_ok());
        for wrong in [
            NewDiscount {
                name: Some(" ".to_owned()),
                ..wish()
            },
            NewDiscount {
                takes_off: Some(TakesOff::Shipping),
                buy: buy(2, 1, None),
                ..wish()
            },
            NewDiscount {
                takes_off: Some(TakesOff::Shipping),
                basis_points: None,
                amount,
                ..wish()
            },
            NewDiscount {
                basis_points: None,
                amount,
                buy: buy(2, 1, None),
                ..wish()
            },
            NewDiscount {
                buy: buy(0, 1, None),
                ..wish()
            },
            NewDiscount {
                buy: buy(1, 1_000_001, None),
                ..wish()
            },
            NewDiscount {
                buy: buy(1, 1, Some(0)),
                ..wish()
            },
            NewDiscount {
                only: Some(Selection {
                    products: vec![ProductId::from_bytes([1; 16]); 101],
                    categories: Vec::new(),
                }),
                ..wish()
            },
        ] {
            assert!(make(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_change_names_its_version_and_leaves_what_is_counted() {
        let now = Timestamp::from_ms(9);
        let before = DiscountView {
            uses: Some(4),
            ..made(DiscountId::generate(), wish(), Timestamp::from_ms(0)).unwrap()
        };
        let sent = Precondition::Body(Version::FIRST);
        let off = NewDiscount {
            active: Some(false),
            ..wish()
        };
        let after = replaced(&before, sent, off, now).unwrap();
        assert_eq!(
            (after.uses, after.version.get(), after.active),
            (Some(4), 2, false)
        );
        for wrong in [
            NewDiscount {
                uses_max: None,
                ..wish()
            },
            NewDiscount {
                uses_max: Some(3),
                ..wish()
            },
            NewDiscount {
                customer_uses_max: Some(1),
                ..wish()
            },
            NewDiscount {
                code: DiscountCode::parse("other").unwrap(),
                ..wish()
            },
        ] {
            assert!(
                replaced(&before, sent, wrong.clone(), now).is_err(),
                "{wrong:?}"
            );
        }
        let stale = Precondition::Body(Version::FIRST.next());
        assert!(replaced(&before, stale, wish(), now).is_err());
    }
}
