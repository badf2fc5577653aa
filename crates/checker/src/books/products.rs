//! A product's versions.

use crate::violation::{Invariant, Violation};
use contracts::catalog::ProductAudit;

/// Versions are kept from the first to the product's own, none left out, and the last says what is true now.
#[must_use]
pub fn product(row: &ProductAudit) -> Option<Violation> {
    let (version, known) = (row.version.get(), row.known);
    let whole = row.last.saturating_sub(row.first).saturating_add(1) == known && known > 0;
    let begins = row.first == 1 || row.opened_late;
    let wrong = if !whole || !begins {
        format!(
            "of its versions {} to {} only {known} are kept",
            row.first, row.last
        )
    } else if row.last != version {
        format!(
            "it is at version {version}, and the last that is kept is {}",
            row.last
        )
    } else if !row.is_current {
        format!("its version {version} was kept with another price or status")
    } else {
        return None;
    };
    let what = format!("product {} ({}): {wrong}", row.product_id, row.sku);
    Some(Violation::new(Invariant::Versions, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{ProductId, VariantId, Version};

    fn row() -> ProductAudit {
        ProductAudit {
            variant_id: VariantId::from_bytes([1; 16]),
            product_id: ProductId::from_bytes([2; 16]),
            sku: "TEA".to_owned(),
            version: Version::try_from(3).unwrap(),
            known: 3,
            first: 1,
            last: 3,
            opened_late: false,
            is_current: true,
        }
    }

    #[test]
    fn versions_without_gaps_are_fine_also_if_the_oldest_were_never_kept() {
        assert_eq!(product(&row()), None);
        let late = ProductAudit {
            first: 2,
            known: 2,
            opened_late: true,
            ..row()
        };
        assert_eq!(product(&late), None);
    }

    #[test]
    fn a_version_that_is_missing_is_found_wherever_it_is() {
        let missing = [
            ("in the middle", ProductAudit { known: 2, ..row() }),
            (
                "the first",
                ProductAudit {
                    first: 2,
                    known: 2,
                    ..row()
                },
            ),
            (
                "the last",
                ProductAudit {
                    last: 2,
                    known: 2,
                    ..row()
                },
            ),
            (
                "all",
                ProductAudit {
                    first: 0,
                    last: 0,
                    known: 0,
                    ..row()
                },
            ),
        ];
        for (which, row) in missing {
            assert!(product(&row).is_some(), "{which}");
        }
    }

    #[test]
    fn a_price_that_was_changed_without_a_version_is_found() {
        assert!(
            product(&ProductAudit {
                is_current: false,
                ..row()
            })
            .is_some()
        );
    }
}
