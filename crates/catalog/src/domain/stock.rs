//! Changes of stock by hand: what may be asked, and what comes of it. Orders have their own rules.

use super::document::STOCK_MAX;
use contracts::{
    catalog::{AdjustError, AdjustStock, StockChange},
    values::{ValueError, VariantId, fold, one_line},
};

/// What is called low.
pub(crate) const LOW_STOCK_MAX: i64 = 5;
const CHANGES_MAX: usize = 500;
const REASON_CHARS_MAX: usize = 200;

/// Whose stock changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The variant with this folded SKU.
    Sku(String),
    /// A variant.
    Variant(VariantId),
}

/// By how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// Units more or fewer.
    By(i64),
    /// So many from now on, if there are as many as expected.
    To { set: i64, expected: i64 },
}

/// One change that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Adjustment {
    pub(crate) target: Target,
    pub(crate) change: Move,
    pub(crate) reason: String,
}

/// What a variant has before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) sku: String,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

/// Checks all changes of a request.
pub(crate) fn check(wish: AdjustStock) -> Result<Vec<Adjustment>, AdjustError> {
    if wish.changes.is_empty() || wish.changes.len() > CHANGES_MAX {
        let reason = format!("must have 1 to {CHANGES_MAX} changes");
        return Err(AdjustError::Invalid {
            field: "/changes".to_owned(),
            reason,
        });
    }
    wish.changes
        .into_iter()
        .enumerate()
        .map(|(index, change)| {
            check_one(change).map_err(|(name, error)| AdjustError::Invalid {
                field: format!("/changes/{index}{name}"),
                reason: error.0,
            })
        })
        .collect()
}

fn check_one(change: StockChange) -> Result<Adjustment, (&'static str, ValueError)> {
    let target = match (change.sku, change.variant_id) {
        (Some(sku), None) => Target::Sku(fold(sku.trim())),
        (None, Some(variant)) => Target::Variant(variant),
        (Some(_), Some(_)) | (None, None) => {
            return Err(("", ValueError::new("must have either sku or variant_id")));
        }
    };
    let bounded = |name, units: i64| match units {
        0..=STOCK_MAX => Ok(units),
        _ => Err((name, ValueError::new(format!("must be 0 to {STOCK_MAX}")))),
    };
    let change_by = match (change.delta, change.set, change.expected) {
        (Some(0), None, None) => return Err(("/delta", ValueError::new("must not be 0"))),
        (Some(delta), None, None) if delta.unsigned_abs() > STOCK_MAX.unsigned_abs() => {
            let error = ValueError::new(format!("must be at most {STOCK_MAX} either way"));
            return Err(("/delta", error));
        }
        (Some(delta), None, None) => Move::By(delta),
        (None, Some(set), Some(expected)) => Move::To {
            set: bounded("/set", set)?,
            expected: bounded("/expected", expected)?,
        },
        (_, _, _) => {
            let error = ValueError::new("must have either delta, or set with expected");
            return Err(("", error));
        }
    };
    let reason =
        one_line(&change.reason, 1, REASON_CHARS_MAX).map_err(|error| ("/reason", error))?;
    Ok(Adjustment {
        target,
        change: change_by,
        reason,
    })
}

impl Adjustment {
    /// Units on hand after the change; `index` is its place in the request.
    pub(crate) fn result(&self, present: &Present, index: usize) -> Result<i64, AdjustError> {
        let sku = || present.sku.clone();
        let after = match self.change {
            Move::To { expected, .. } if expected != present.on_hand => {
                return Err(AdjustError::StockChanged {
                    sku: sku(),
                    on_hand: present.on_hand,
                });
            }
            Move::To { set, .. } => set,
            Move::By(delta) => present.on_hand.saturating_add(delta),
        };
        if after > STOCK_MAX {
            return Err(AdjustError::Invalid {
                field: format!("/changes/{index}"),
                reason: format!("would leave more than {STOCK_MAX} on hand"),
            });
        }
        if after < present.reserved {
            return Err(AdjustError::InsufficientStock {
                sku: sku(),
                available: present.on_hand.saturating_sub(present.reserved),
            });
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(changes: Value) -> Result<Vec<Adjustment>, AdjustError> {
        check(serde_json::from_value(json!({ "changes": changes })).unwrap())
    }

    fn outcome(change: Move) -> String {
        let adjustment = Adjustment {
            target: Target::Sku("tea".to_owned()),
            change,
            reason: "count".to_owned(),
        };
        let present = Present {
            sku: "TEA".to_owned(),
            on_hand: 10,
            reserved: 4,
        };
        match adjustment.result(&present, 3) {
            Ok(after) => after.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_broken_rule_is_named_by_its_pointer() {
        for (change, pointer) in [
            (json!({"sku": "a", "reason": "x"}), "/changes/0"),
            (json!({"delta": 1, "reason": "x"}), "/changes/0"),
            (
                json!({"sku": "a", "delta": 0, "reason": "x"}),
                "/changes/0/delta",
            ),
            (
                json!({"sku": "a", "delta": i64::MIN, "reason": "x"}),
                "/changes/0/delta",
            ),
            (
                json!({"sku": "a", "delta": 1, "reason": " "}),
                "/changes/0/reason",
            ),
            (
                json!({"sku": "a", "delta": 1, "reason": "x".repeat(201)}),
                "/changes/0/reason",
            ),
            (json!({"sku": "a", "set": 1, "reason": "x"}), "/changes/0"),
            (
                json!({"sku": "a", "expected": 1, "reason": "x"}),
                "/changes/0",
            ),
            (
                json!({"sku": "a", "set": -1, "expected": 1, "reason": "x"}),
                "/changes/0/set",
            ),
            (
                json!({"sku": "a", "set": 1, "expected": 1, "delta": 1, "reason": "x"}),
                "/changes/0",
            ),
        ] {
            let refused = checked(json!([change.clone()]));
            match refused {
                Err(AdjustError::Invalid { field, .. }) => assert_eq!(field, pointer, "{change}"),
                other => panic!("{change}: {other:?}"),
            }
        }
        assert!(checked(json!([])).is_err());
        let fine = json!({"sku": "a", "delta": 1, "reason": "x"});
        assert!(checked(json!(vec![fine.clone(); 500])).is_ok());
        assert!(checked(json!(vec![fine; 501])).is_err());
    }

    #[test]
    fn what_is_promised_stays() {
        assert_eq!(outcome(Move::By(-6)), "4");
        assert_eq!(outcome(Move::By(-7)), "TEA has only 6 available");
        assert_eq!(
            outcome(Move::To {
                set: 40,
                expected: 10
            }),
            "40"
        );
        assert_eq!(
            outcome(Move::To {
                set: 3,
                expected: 10
            }),
            "TEA has only 6 available"
        );
        assert_eq!(
            outcome(Move::To {
                set: 40,
                expected: 9
            }),
            "TEA has 10 on hand"
        );
        assert_eq!(
            outcome(Move::By(STOCK_MAX)),
            "/changes/3 would leave more than 1000000000 on hand"
        );
    }
}
