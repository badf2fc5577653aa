//! When a product goes on sale, and when it comes off it again. The clock decides whenever somebody looks, so nothing
//! has to be carried out, and nothing is late.

use contracts::{
    catalog::{EditError, ProductStatus, ProductView},
    values::Timestamp,
};

/// Moments that a seller named; those that have passed have had their effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) publish_at: Option<Timestamp>,
    pub(crate) unpublish_at: Option<Timestamp>,
}

impl Schedule {
    /// What comes off sale was on sale before.
    pub(crate) fn check(self) -> Result<Self, EditError> {
        match (self.publish_at, self.unpublish_at) {
            (Some(from), Some(until)) if until <= from => Err(EditError::Invalid {
                field: "/unpublish_at".to_owned(),
                reason: "must come after publish_at".to_owned(),
            }),
            (Some(_) | None, _) => Ok(self),
        }
    }

    /// Where a product stands at a moment of which this status and these moments are kept, and what is yet to come.
    pub(crate) fn at(self, kept: ProductStatus, now: Timestamp) -> (ProductStatus, Self) {
        let passed = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
        if kept == ProductStatus::Archived {
            (kept, Self::default())
        } else if passed(self.unpublish_at) {
            (ProductStatus::Draft, Self::default())
        } else if passed(self.publish_at) {
            let publish_at = None;
            (ProductStatus::Active, Self { publish_at, ..self })
        } else if self.publish_at.is_some() {
            (ProductStatus::Draft, self)
        } else {
            (kept, self)
        }
    }

    /// The status that is kept: what waits for its moment is kept as on sale, so that whoever lists what is on sale
    /// finds it in one place.
    pub(crate) fn kept(self, status: ProductStatus) -> ProductStatus {
        match status {
            ProductStatus::Draft if self.publish_at.is_some() => ProductStatus::Active,
            ProductStatus::Draft | ProductStatus::Active | ProductStatus::Archived => status,
        }
    }

    /// Whether it can be bought at a moment.
    pub(crate) fn on_sale(self, kept: ProductStatus, now: Timestamp) -> bool {
        self.at(kept, now).0 == ProductStatus::Active
    }

    fn to_come(self) -> i64 {
        i64::from(self.publish_at.is_some()).saturating_add(self.unpublish_at.is_some().into())
    }
}

/// A product that was read as it is kept, as it is seen at a moment. Its entity tag counts the moments that passed.
pub(crate) fn seen(mut view: ProductView, now: Timestamp) -> ProductView {
    let kept = Schedule {
        publish_at: view.publish_at,
        unpublish_at: view.unpublish_at,
    };
    let (status, left) = kept.at(view.status, now);
    let passed = kept.to_come().saturating_sub(left.to_come());
    view.status = status;
    view.publish_at = left.publish_at;
    view.unpublish_at = left.unpublish_at;
    view.stock_version = view.stock_version.saturating_add(passed);
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProductStatus::{Active, Archived, Draft};

    fn between(from: Option<i64>, until: Option<i64>) -> Schedule {
        Schedule {
            publish_at: from.map(Timestamp::from_ms),
            unpublish_at: until.map(Timestamp::from_ms),
        }
    }

    #[test]
    fn the_clock_alone_decides() {
        for (kept, from, until, now, seen, left) in [
            (Active, None, None, 5, Active, (None, None)),
            (Draft, None, None, 5, Draft, (None, None)),
            (Active, Some(10), None, 9, Draft, (Some(10), None)),
            (Active, Some(10), None, 10, Active, (None, None)),
            (Active, Some(10), Some(20), 9, Draft, (Some(10), Some(20))),
            (Active, Some(10), Some(20), 19, Active, (None, Some(20))),
            (Active, Some(10), Some(20), 20, Draft, (None, None)),
            (Active, None, Some(20), 19, Active, (None, Some(20))),
            (Draft, None, Some(20), 19, Draft, (None, Some(20))),
            (Draft, None, Some(20), 20, Draft, (None, None)),
            (Archived, Some(10), None, 15, Archived, (None, None)),
        ] {
            let schedule = between(from, until);
            let now = Timestamp::from_ms(now);
            let (status, rest) = schedule.at(kept, now);
            assert_eq!(
                (status, rest),
                (seen, between(left.0, left.1)),
                "{kept:?} {schedule:?} {now:?}"
            );
            assert_eq!(schedule.on_sale(kept, now), seen == Active);
            let again = rest.at(rest.kept(status), now);
            assert_eq!(again, (status, rest), "what was written back is the same");
        }
    }

    #[test]
    fn nothing_comes_off_sale_before_it_is_on() {
        assert!(between(Some(10), Some(10)).check().is_err());
        assert!(between(Some(10), Some(11)).check().is_ok());
        assert!(between(None, Some(1)).check().is_ok());
    }
}
