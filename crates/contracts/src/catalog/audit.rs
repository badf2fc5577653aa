//! The catalog as verification reads it, beside stock and reservations.

use crate::values::{ProductId, VariantId, Version};
use serde::{Deserialize, Serialize};

/// A variant with the versions that its product went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductAudit {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: String,
    /// The product's version, as kept.
    pub version: Version,
    /// How many versions are known.
    pub known: i64,
    /// The oldest of them.
    pub first: i64,
    /// The newest of them.
    pub last: i64,
    /// Whether the oldest is what an earlier release left, so that those before it were never kept.
    pub opened_late: bool,
    /// Whether price and status of the newest are those that the product has now.
    pub is_current: bool,
}

/// A line as a number: of which variant, at which price, how many. The sum over an order's lines (wrapping) is the
/// same whatever their order, and however equal lines are put together.
#[must_use]
pub fn line_mark(variant_id: VariantId, unit_price_minor: i64, units: i64) -> u64 {
    let [high, low] = halves(*variant_id.as_bytes());
    let price = u64::from_be_bytes(unit_price_minor.to_be_bytes());
    let units = u64::from_be_bytes(units.to_be_bytes());
    mix(high ^ mix(low ^ mix(price))).wrapping_mul(units)
}

fn halves(bytes: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(bytes);
    [whole >> 64, whole & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0))
}

/// Spreads each bit over all others (the finalizer of `SplitMix64`).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_by_variant_price_and_units_but_not_by_their_order() {
        let (tea, cup) = (
            VariantId::from_bytes([1; 16]),
            VariantId::from_bytes([2; 16]),
        );
        let mark = |variant, price, units| line_mark(variant, price, units);
        assert_eq!(
            mark(tea, 5, 2).wrapping_add(mark(tea, 5, 1)),
            mark(tea, 5, 3)
        );
        assert_ne!(mark(tea, 5, 1), mark(cup, 5, 1));
        assert_ne!(mark(tea, 5, 1), mark(tea, 6, 1));
        assert_ne!(
            mark(tea, 5, 1).wrapping_add(mark(cup, 6, 1)),
            mark(tea, 6, 1).wrapping_add(mark(cup, 5, 1))
        );
    }
}
