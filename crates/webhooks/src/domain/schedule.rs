//! When a delivery that was not taken is tried again: soon at first, then ever more rarely, over three days.

use contracts::values::Timestamp;

/// How long is waited after each try that failed, in seconds: together 71 hours and 36 minutes.
const WAITS: [i64; 10] = [
    5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 57_600, 86_400,
];

/// When the next try is after so many that failed, if there is one.
pub(crate) fn next_try(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(tries.checked_sub(1)?).ok()?;
    WAITS.get(place).map(|wait| now.plus_seconds(*wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_go_on_for_three_days_and_then_end() {
        let mut now = Timestamp::from_ms(0);
        let mut tries = 1;
        while let Some(next) = next_try(tries, now) {
            assert!(next > now);
            (now, tries) = (next, tries + 1);
        }
        assert_eq!(tries, 11, "so many tries in all");
        let hours = now.as_ms() / 3_600_000;
        assert!((70..=72).contains(&hours), "{hours}");
        assert_eq!(next_try(0, now), None);
    }
}
