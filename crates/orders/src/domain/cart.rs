//! A cart and what may happen to it: pure. It keeps what was wanted and what was seen, and decides no price.

use contracts::{
    orders::{Address, CartError, CartStatus, DiscountCode},
    request::Precondition,
    values::{
        CartId, Currency, Money, OrderId, ProductId, Quantity, ShippingMethodId, Timestamp, UserId,
        VariantId, Version,
    },
};

/// A cart with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    pub id: CartId,
    pub version: Version,
    pub status: CartStatus,
    pub customer_id: Option<UserId>,
    /// Of a guest's token.
    pub token_hash: Option<[u8; 32]>,
    pub order_id: Option<OrderId>,
    /// What it is bought in; in its lines' own where nobody said.
    pub currency: Option<Currency>,
    pub discount_code: Option<DiscountCode>,
    pub shipping_method: Option<ShippingMethodId>,
    pub shipping_address: Option<Address>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
    /// In the order in which they were put in.
    pub lines: Vec<Line>,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub quantity: Quantity,
    /// The price of one unit when the line was put in.
    pub seen: Money,
}

/// Whose a new cart is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    User(UserId),
    Guest {
        token_hash: [u8; 32],
        /// Tells carts from one address apart from others, and not which address it is.
        address_key: [u8; 32],
    },
}

/// A cart to be opened.
#[derive(Debug, Clone)]
pub struct NewCart {
    pub id: CartId,
    pub owner: Owner,
    /// Open carts that one address may have.
    pub most: u32,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

impl NewCart {
    /// The cart as it is at first.
    pub fn opened(&self) -> Cart {
        let (customer_id, token_hash) = match &self.owner {
            Owner::User(id) => (Some(*id), None),
            Owner::Guest { token_hash, .. } => (None, Some(*token_hash)),
        };
        Cart {
            id: self.id,
            version: Version::FIRST,
            status: CartStatus::Open,
            customer_id,
            token_hash,
            order_id: None,
            currency: None,
            discount_code: None,
            shipping_method: None,
            shipping_address: None,
            created_at: self.at,
            updated_at: self.at,
            expires_at: self.expires_at,
            lines: Vec::new(),
        }
    }
}

/// How much a cart may hold, and how long it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub lines_max: usize,
    pub keep_seconds: i64,
}

/// A line to be set.
#[derive(Debug, Clone)]
pub struct SetLine {
    pub product_id: ProductId,
    pub variant_id: VariantId,
    /// None takes the line out.
    pub quantity: Option<Quantity>,
    pub seen: Money,
    pub sent: Option<Precondition>,
}

/// What a change means to find.
pub fn check(cart: &Cart, sent: Option<Precondition>) -> Result<(), CartError> {
    if cart.status != CartStatus::Open {
        return Err(CartError::Closed {
            order_id: cart.order_id,
        });
    }
    match sent {
        Some(sent) if sent.version().is_some_and(|named| named != cart.version) => {
            Err(CartError::VersionConflict {
                sent,
                current: cart.version,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// The cart with one line as it is wished; the same cart if it is so already.
pub fn set(
    before: &Cart,
    wish: &SetLine,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, CartError> {
    check(before, wish.sent)?;
    let mut lines = before.lines.clone();
    let place = lines
        .iter()
        .position(|line| line.variant_id == wish.variant_id);
    match (place, wish.quantity) {
        (Some(place), None) => {
            lines.remove(place);
        }
        (None, None) => {}
        (Some(place), Some(quantity)) => {
            if let Some(line) = lines.get_mut(place) {
                line.quantity = quantity;
                line.seen = wish.seen;
            }
        }
        (None, Some(quantity)) => lines.push(Line {
            product_id: wish.product_id,
            variant_id: wish.variant_id,
            quantity,
            seen: wish.seen,
        }),
    }
    if lines.len() > bounds.lines_max {
        return Err(CartError::Invalid {
            field: "/quantity".to_owned(),
            reason: format!(
                "makes one line more than the {} that a cart may hold",
                bounds.lines_max
            ),
        });
    }
    Ok(changed(before, lines, bounds, now))
}

/// What is chosen beside the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Currency(Option<Currency>),
    Discount(Option<DiscountCode>),
    Shipping(Option<ShippingMethodId>),
    Address(Option<Box<Address>>),
}

/// The cart with another choice; the same cart if it is so already.
pub fn choose(
    before: &Cart,
    choice: Choice,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, CartError> {
    check(before, None)?;
    let mut after = before.clone();
    match choice {
        Choice::Currency(currency) => after.currency = currency,
        Choice::Discount(code) => after.discount_code = code,
        Choice::Shipping(method) => after.shipping_method = method,
        Choice::Address(address) => after.shipping_address = address.map(|address| *address),
    }
    if after == *before {
        return Ok(after);
    }
    after.version = before.version.next();
    after.updated_at = now;
    after.expires_at = now.plus_seconds(bounds.keep_seconds);
    Ok(after)
}

/// Both carts after the first went into the second: quantities are summed as far as a line and a cart may hold.
pub fn merge(
    from: &Cart,
    into: &Cart,
    bounds: Bounds,
    now: Timestamp,
) -> Result<(Cart, Cart), CartError> {
    check(from, None)?;
    check(into, None)?;
    let mut lines = into.lines.clone();
    for more in &from.lines {
        let has_room = lines.len() < bounds.lines_max;
        let same = lines
            .iter_mut()
            .find(|line| line.variant_id == more.variant_id);
        if let Some(line) = same {
            let most = Quantity::try_from(Quantity::MAX).unwrap_or(line.quantity);
            line.quantity = line.quantity.plus(more.quantity).unwrap_or(most);
        } else if has_room {
            lines.push(more.clone());
        }
    }
    let merged = Cart {
        status: CartStatus::Merged,
        shipping_address: None,
        version: from.version.next(),
        updated_at: now,
        ..from.clone()
    };
    let mut after = changed(into, lines, bounds, now);
    if after.currency.is_none() && from.currency.is_some() {
        after = choose(&after, Choice::Currency(from.currency), bounds, now)?;
    }
    if after.discount_code.is_none() && from.discount_code.is_some() {
        let code = Choice::Discount(from.discount_code.clone());
        after = choose(&after, code, bounds, now)?;
    }
    if after.shipping_method.is_none() && from.shipping_method.is_some() {
        after = choose(&after, Choice::Shipping(from.shipping_method), bounds, now)?;
    }
    if after.shipping_address.is_none() && from.shipping_address.is_some() {
        let address = from.shipping_address.clone().map(Box::new);
        after = choose(&after, Choice::Address(address), bounds, now)?;
    }
    Ok((merged, after))
}

fn changed(before: &Cart, lines: Vec<Line>, bounds: Bounds, now: Timestamp) -> Cart {
    if lines == before.lines {
        return before.clone();
    }
    Cart {
        version: before.version.next(),
        updated_at: now,
        expires_at: now.plus_seconds(bounds.keep_seconds),
        lines,
        ..before.clone()
    }
}

/// The sum of what was seen, if it has one.
pub fn seen_total(lines: &[Line]) -> Option<Money> {
    let mut sums = lines.iter().map(|line| line.seen.times(line.quantity).ok());
    let first = sums.next()??;
    sums.try_fold(first, |total, sum| total.plus(sum?).ok())
}

/// Whether what was seen is in several currencies: nobody has seen a sum then.
pub fn is_mixed(lines: &[Line]) -> bool {
    let mut currencies = lines.iter().map(|line| line.seen.currency);
    let first = currencies.next();
    currencies.any(|currency| Some(currency) != first)
}

/// The version of a cart that its order comes of: becoming one is a change as well.
pub fn bought_version(cart: &Cart) -> i64 {
    match cart.status {
        CartStatus::Ordered => cart.version.get().saturating_sub(1),
        CartStatus::Open | CartStatus::Merged => cart.version.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        lines_max: 4,
        keep_seconds: 60,
    };

    fn cart() -> Cart {
        let new = NewCart {
            id: CartId::from_bytes([1; 16]),
            owner: Owner::User(UserId::from_bytes([2; 16])),
            most: 1,
            at: Timestamp::from_ms(0),
            expires_at: Timestamp::from_ms(60_000),
        };
        new.opened()
    }

    fn wish(thing: u8, quantity: u32) -> SetLine {
        SetLine {
            product_id: ProductId::from_bytes([thing; 16]),
            variant_id: VariantId::from_bytes([thing; 16]),
            quantity: Quantity::try_from(quantity).ok(),
            seen: Money::new(100, "USD".parse().unwrap()),
            sent: None,
        }
    }

    fn with(wishes: &[(u8, u32)]) -> Cart {
        wishes.iter().fold(cart(), |cart, (thing, quantity)| {
            let now = Timestamp::from_ms(1_000);
            set(&cart, &wish(*thing, *quantity), BOUNDS, now).unwrap_or(cart)
        })
    }

    fn units(cart: &Cart) -> Vec<(u8, u32)> {
        let unit = |line: &Line| (line.variant_id.as_bytes()[0], line.quantity.get());
        cart.lines.iter().map(unit).collect()
    }

    #[test]
    fn a_line_is_set_and_not_added_to() {
        let cart = with(&[(1, 2), (2, 1), (1, 5)]);
        assert_eq!(units(&cart), [(1, 5), (2, 1)]);
        assert_eq!((cart.version.get(), cart.expires_at.as_ms()), (4, 61_000));
        assert_eq!(seen_total(&cart.lines).unwrap().minor, 600);
        assert_eq!(units(&with(&[(1, 2), (2, 1), (1, 0)])), [(2, 1)]);
        let same = set(&cart, &wish(1, 5), BOUNDS, Timestamp::from_ms(9_000)).unwrap();
        assert_eq!(same, cart, "what is so already is no change");
    }

    #[test]
    fn a_stale_version_a_closed_cart_and_a_line_too_many_are_refused() {
        let cart = with(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
        let now = Timestamp::from_ms(1_000);
        assert!(matches!(
            set(&cart, &wish(5, 1), BOUNDS, now),
            Err(CartError::Invalid { .. })
        ));
        let stale = SetLine {
            sent: Some(Precondition::Header(Version::FIRST)),
            ..wish(1, 2)
        };
        assert!(matches!(
            set(&cart, &stale, BOUNDS, now),
            Err(CartError::VersionConflict { .. })
        ));
        for status in [CartStatus::Ordered, CartStatus::Merged] {
            let closed = Cart {
                status,
                ..cart.clone()
            };
            let refused = set(&closed, &wish(1, 2), BOUNDS, now);
            assert!(matches!(refused, Err(CartError::Closed { .. })));
            assert!(merge(&closed, &cart, BOUNDS, now).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_merged_cart_holds_the_sums_and_never_more_than_it_may(
            mine in proptest::collection::vec((1_u8..6, 0_u32..=1_000_000), 0..8),
            guests in proptest::collection::vec((1_u8..6, 0_u32..=1_000_000), 0..8),
        ) {
            let (mine, guests) = (with(&mine), with(&guests));
            let now = Timestamp::from_ms(2_000);
            let (from, into) = merge(&guests, &mine, BOUNDS, now).unwrap();
            prop_assert_eq!(from.status, CartStatus::Merged);
            prop_assert!(into.lines.len() <= BOUNDS.lines_max);
            for (thing, quantity) in units(&into) {
                let of = |cart: &Cart| {
                    let found = units(cart).into_iter().find(|(other, _)| *other == thing);
                    found.map_or(0, |(_, quantity)| quantity)
                };
                let both = of(&mine).saturating_add(of(&guests));
                prop_assert_eq!(quantity, both.min(Quantity::MAX));
            }
            prop_assert!(merge(&from, &into, BOUNDS, now).is_err(), "once");
        }
    }
}
