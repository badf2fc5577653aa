//! What may be sent of an order: of each line no more than was sold and not put back on sale, over all parcels.

use contracts::{
    catalog::ReturnedItem,
    orders::{OrderError, ShipLine},
    values::{Quantity, VariantId},
};

/// A line of an order, and what became of its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentLine {
    pub(crate) line: u32,
    pub(crate) variant: VariantId,
    pub(crate) sold: u32,
    pub(crate) sent: u32,
    /// Given back before they were sent: on sale again.
    pub(crate) withheld: u32,
}

impl SentLine {
    const fn left(&self) -> u32 {
        self.sold
            .saturating_sub(self.sent)
            .saturating_sub(self.withheld)
    }
}

/// Whether parcels went, and nothing is left for another.
pub(crate) fn is_over(lines: &[SentLine]) -> bool {
    lines.iter().any(|line| line.sent > 0) && lines.iter().all(|line| line.left() == 0)
}

/// Which units a refund that brings things back withholds from parcels: those that were not sent yet come first, for
/// their money is not the shop's any more. What is beyond them was sent, and has come back.
pub(crate) fn withheld(lines: &[SentLine], items: &[ReturnedItem]) -> Vec<ShipLine> {
    let mut held = Vec::new();
    for item in items {
        let mut wanted = item.quantity.get();
        for line in lines.iter().filter(|line| line.variant == item.variant_id) {
            let units = wanted.min(line.left());
            if let Ok(quantity) = Quantity::try_from(units) {
                let line = line.line;
                held.push(ShipLine { line, quantity });
                wanted = wanted.saturating_sub(units);
            }
        }
    }
    held
}

/// What goes into a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) lines: Vec<ShipLine>,
    /// Whether nothing is left to be sent afterwards.
    pub(crate) is_last: bool,
}

/// The parcel that somebody wishes for; all that is left, if they name nothing.
pub(crate) fn parcel(lines: &[SentLine], wish: Option<&[ShipLine]>) -> Result<Parcel, OrderError> {
    let left: u64 = lines.iter().map(|line| u64::from(line.left())).sum();
    let chosen = match wish {
        Some(wish) => checked(lines, wish)?,
        None => rest(lines),
    };
    if chosen.is_empty() {
        return Err(invalid("/lines".to_owned(), "names nothing".to_owned()));
    }
    let units: u64 = chosen
        .iter()
        .map(|line| u64::from(line.quantity.get()))
        .sum();
    Ok(Parcel {
        lines: chosen,
        is_last: units == left,
    })
}

fn rest(lines: &[SentLine]) -> Vec<ShipLine> {
    let left = |line: &SentLine| {
        let quantity = Quantity::try_from(line.left()).ok()?;
        Some(ShipLine {
            line: line.line,
            quantity,
        })
    };
    lines.iter().filter_map(left).collect()
}

fn checked(lines: &[SentLine], wish: &[ShipLine]) -> Result<Vec<ShipLine>, OrderError> {
    for (index, wished) in wish.iter().enumerate() {
        let earlier = wish.iter().take(index);
        if earlier.into_iter().any(|other| other.line == wished.line) {
            let field = format!("/lines/{index}/line");
            return Err(invalid(field, "was named before".to_owned()));
        }
        let known = lines.iter().find(|line| line.line == wished.line);
        let Some(known) = known else {
            let field = format!("/lines/{index}/line");
            return Err(invalid(field, "is no line of the order".to_owned()));
        };
        if wished.quantity.get() > known.left() {
            let field = format!("/lines/{index}/quantity");
            let left = known.left();
            return Err(invalid(
                field,
                format!("is more than the {left} that were not sent yet"),
            ));
        }
    }
    Ok(wish.to_vec())
}

fn invalid(field: String, reason: String) -> OrderError {
    OrderError::Invalid {
        field: field.into(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each line is of a variant of its own, but for the third, which is of the second's.
    fn line(line: u32, sold: u32, sent: u32) -> SentLine {
        SentLine {
            line,
            variant: variant(if line == 3 { 2 } else { line }),
            sold,
            sent,
            withheld: 0,
        }
    }

    fn variant(number: u32) -> VariantId {
        VariantId::from_bytes(u128::from(number).to_be_bytes())
    }

    fn wish(line: u32, quantity: u32) -> ShipLine {
        ShipLine {
            line,
            quantity: Quantity::try_from(quantity).unwrap(),
        }
    }

    #[test]
    fn all_that_is_left_goes_unless_somebody_names_what() {
        let lines = [line(1, 2, 2), line(2, 3, 1), line(3, 1, 0)];
        let all = parcel(&lines, None).unwrap();
        assert_eq!(all.lines, [wish(2, 2), wish(3, 1)]);
        assert!(all.is_last);
        let some = parcel(&lines, Some(&[wish(2, 1)])).unwrap();
        assert!(!some.is_last);
        for refused in [
            &[][..],
            &[wish(1, 1)],
            &[wish(4, 1)],
            &[wish(2, 1), wish(2, 1)],
        ] {
            assert!(parcel(&lines, Some(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn what_is_given_back_is_taken_from_what_was_not_sent_first() {
        let lines = [line(1, 2, 2), line(2, 3, 1), line(3, 2, 0)];
        let held = |units: &[(u32, u32)]| {
            let item = |(number, units): &(u32, u32)| ReturnedItem {
                variant_id: variant(*number),
                quantity: Quantity::try_from(*units).unwrap(),
            };
            withheld(&lines, &units.iter().map(item).collect::<Vec<_>>())
        };
        assert_eq!(held(&[(1, 2)]), [], "all of it was sent, and came back");
        assert_eq!(held(&[(2, 1)]), [wish(2, 1)]);
        assert_eq!(held(&[(2, 3)]), [wish(2, 2), wish(3, 1)]);
        assert_eq!(held(&[(2, 5), (1, 1)]), [wish(2, 2), wish(3, 2)]);
    }

    #[test]
    fn units_that_are_withheld_go_into_no_parcel() {
        let all = |sent, withheld| SentLine {
            withheld,
            ..line(1, 3, sent)
        };
        assert_eq!(parcel(&[all(0, 1)], None).unwrap().lines, [wish(1, 2)]);
        assert!(parcel(&[all(0, 1)], Some(&[wish(1, 2)])).unwrap().is_last);
        assert!(parcel(&[all(0, 1)], Some(&[wish(1, 3)])).is_err());
        assert!(parcel(&[all(0, 3)], None).is_err());
        assert!(is_over(&[all(1, 2)]) && is_over(&[all(3, 0)]));
        assert!(!is_over(&[all(0, 3)]) && !is_over(&[all(1, 1)]));
    }

    proptest! {
        #[test]
        fn no_line_is_sent_more_often_than_it_was_sold(
            sold in proptest::collection::vec(1_u32..5, 1..4),
            wishes in proptest::collection::vec((1_u32..5, 1_u32..5), 0..40),
        ) {
            let mut lines: Vec<SentLine> = (1_u32..).zip(&sold).map(|(place, sold)| line(place, *sold, 0)).collect();
            let mut over = false;
            for (place, quantity) in wishes {
                if let Ok(sent) = parcel(&lines, Some(&[wish(place, quantity)])) {
                    prop_assert!(!over, "nothing follows the last parcel");
                    for one in sent.lines {
                        let at = usize::try_from(one.line.saturating_sub(1)).unwrap();
                        lines[at].sent = lines[at].sent.saturating_add(one.quantity.get());
                    }
                    over = sent.is_last;
                }
                prop_assert!(lines.iter().all(|line| line.sent <= line.sold));
                prop_assert_eq!(over, lines.iter().all(|line| line.sent == line.sold));
            }
        }
    }
}
