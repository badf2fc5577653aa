//! Where a variant's units are.

use contracts::catalog::StockAudit;

/// What was put on the shelf is there or sold, nothing is below zero, and no more came back than was ever sold.
pub(in crate::audit) fn terms(row: &StockAudit) -> Option<String> {
    let there = row.on_hand.saturating_add(row.sold);
    let possible = row.adjusted >= 0 && row.returned >= 0 && row.sold >= 0 && row.on_hand >= 0;
    (there != row.adjusted || !possible).then(|| {
        format!(
            "stock of {}: {} put there, {} on hand and {} sold, {} came back",
            row.sku, row.adjusted, row.on_hand, row.sold, row.returned
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::VariantId;

    fn row() -> StockAudit {
        StockAudit {
            variant_id: VariantId::from_bytes([1; 16]),
            sku: "TEA".to_owned(),
            on_hand: 7,
            reserved: 2,
            ledger_on_hand: 7,
            ledger_reserved: 2,
            sold: 3,
            adjusted: 10,
            returned: 1,
        }
    }

    #[test]
    fn units_that_are_all_somewhere_are_fine() {
        assert_eq!(terms(&row()), None);
    }

    #[test]
    fn a_unit_that_vanished_or_came_from_nowhere_is_found() {
        for on_hand in [6, 8] {
            assert!(terms(&StockAudit { on_hand, ..row() }).is_some());
        }
    }

    #[test]
    fn more_units_back_than_sold_are_found() {
        let row = StockAudit {
            sold: -1,
            on_hand: 11,
            ..row()
        };
        assert!(terms(&row).is_some(), "the sum alone would balance");
    }
}
