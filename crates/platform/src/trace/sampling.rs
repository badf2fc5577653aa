//! Which traces are told of: decided where a trace begins, by its id alone, so that all nodes decide alike.

use contracts::trace::TraceParent;
use std::time::Duration;

/// A billion: ratios are counted in parts of it.
const WHOLE: u128 = 1_000_000_000;

/// Which traces are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampler {
    /// Whether whoever began the trace decides, where somebody else did.
    heeds_parent: bool,
    /// Of 2^63 traces so many are told of.
    share: u64,
}

impl Sampler {
    /// The standard's `parentbased_always_on`.
    pub(super) const DEFAULT: Self = Self {
        heeds_parent: true,
        share: 1 << 63,
    };

    /// A sampler by its standard name, and its argument, if they are any.
    pub(super) fn named(name: &str, argument: Option<&str>) -> Option<Self> {
        let (heeds_parent, kind) = match name.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, name),
        };
        let share = match kind {
            "always_on" => Self::DEFAULT.share,
            "always_off" => 0,
            "traceidratio" => share_of(argument.unwrap_or("1"))?,
            _ => return None,
        };
        Some(Self {
            heeds_parent,
            share,
        })
    }

    pub(super) fn takes(&self, parent: Option<TraceParent>, trace: [u8; 16]) -> bool {
        match parent {
            Some(parent) if self.heeds_parent => parent.sampled,
            _ => {
                // The standard has the end of an id random, whoever made it.
                let [.., a, b, c, d, e, f, g, h] = trace;
                u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1 < self.share
            }
        }
    }
}

fn share_of(text: &str) -> Option<u64> {
    let ratio: f64 = text.trim().parse().ok()?;
    let parts = Duration::try_from_secs_f64(ratio).ok()?.as_nanos();
    let share = parts
        .checked_mul(u128::from(Sampler::DEFAULT.share))?
        .checked_div(WHOLE)?;
    u64::try_from(share)
        .ok()
        .filter(|share| *share <= Sampler::DEFAULT.share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending_in(end: u64) -> [u8; 16] {
        u128::from(end).to_be_bytes()
    }

    #[test]
    fn a_ratio_takes_its_share_of_ids_and_all_nodes_take_the_same() {
        let quarter = Sampler::named("traceidratio", Some("0.25")).unwrap();
        assert!(quarter.takes(None, ending_in(u64::MAX / 4 - 8)));
        assert!(!quarter.takes(None, ending_in(u64::MAX / 4 + 8)));
        for (name, argument, takes) in [
            ("always_on", None, true),
            ("always_off", None, false),
            ("traceidratio", None, true),
            ("traceidratio", Some("0"), false),
            ("parentbased_traceidratio", Some("1.0"), true),
        ] {
            let sampler = Sampler::named(name, argument).unwrap();
            for end in [0, 1 << 40, u64::MAX] {
                assert_eq!(sampler.takes(None, ending_in(end)), takes, "{name} {end}");
            }
        }
    }

    #[test]
    fn whoever_began_a_trace_decides_where_the_name_says_so() {
        let parent = |sampled| TraceParent {
            trace: ending_in(7),
            span: [1; 8],
            sampled,
        };
        let heeding = Sampler::named("parentbased_always_off", None).unwrap();
        assert!(heeding.takes(Some(parent(true)), ending_in(7)));
        assert!(!Sampler::DEFAULT.takes(Some(parent(false)), ending_in(7)));
        let own = Sampler::named("always_on", None).unwrap();
        assert!(own.takes(Some(parent(false)), ending_in(7)));
    }

    #[test]
    fn what_is_no_sampler_is_none() {
        for (name, argument) in [
            ("sometimes", None),
            ("", None),
            ("traceidratio", Some("most")),
            ("traceidratio", Some("1.5")),
            ("traceidratio", Some("-0.1")),
            ("traceidratio", Some("NaN")),
        ] {
            assert_eq!(Sampler::named(name, argument), None, "{name} {argument:?}");
        }
    }
}
