//! Numbers of several runs: the middle one, how far they lie apart, how they stand to another's, and how all of it is
//! written. Whole numbers only: times are in microseconds, ratios in thousandths.

/// One number of each run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs(Vec<u64>);

impl Runs {
    pub(super) fn note(&mut self, number: u64) {
        self.0.push(number);
    }

    /// The one in the middle.
    pub(super) fn median(&self) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    pub(super) fn least(&self) -> u64 {
        self.0.iter().copied().min().unwrap_or_default()
    }

    pub(super) fn most(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// Each beside the other's of the same round: what the machine did meanwhile came to both.
    pub(super) fn beside(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(own, other)| ratio(*own, *other)).collect())
    }

    /// The middle one, and in brackets the least and the most.
    pub(super) fn told(&self, write: fn(u64) -> String) -> String {
        let [median, least, most] = [self.median(), self.least(), self.most()].map(write);
        format!("{median} ({least}; {most})")
    }
}

/// In thousandths; 0 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> u64 {
    let thousandths = part.saturating_mul(1_000);
    thousandths.checked_div(whole).unwrap_or_default()
}

/// So many in so many microseconds, a second.
pub(super) fn per_second(count: u64, micros: u64) -> u64 {
    let millions = count.saturating_mul(1_000_000);
    millions.checked_div(micros).unwrap_or_default()
}

/// The one below which so many thousandths of them lie; they must be sorted.
pub(super) fn percentile(sorted: &[u64], thousandths: usize) -> u64 {
    let place = sorted.len().saturating_mul(thousandths) / 1_000;
    let last = sorted.len().saturating_sub(1);
    sorted.get(place.min(last)).copied().unwrap_or_default()
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.81`, of thousandths.
pub(super) fn as_ratio(thousandths: u64) -> String {
    hundredths(thousandths.saturating_add(5) / 10)
}

/// `1.25`, of microseconds.
pub(super) fn as_ms(micros: u64) -> String {
    hundredths(micros.saturating_add(5) / 10)
}

/// `37.2`, of KiB.
pub(super) fn as_mb(kib: u64) -> String {
    let tenths = kib.saturating_mul(1_024) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn hundredths(number: u64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(numbers: &[u64]) -> Runs {
        Runs(numbers.to_vec())
    }

    #[test]
    fn the_middle_and_the_spread_are_told() {
        let three = runs(&[70_200, 66_100, 68_900]);
        assert_eq!(three.told(grouped), "68,900 (66,100; 70,200)");
        assert_eq!(Runs::default().told(grouped), "0 (0; 0)");
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // A machine that was half as quick in the second round changes nothing.
        let (own, other) = (runs(&[80, 40, 81]), runs(&[100, 50, 100]));
        assert_eq!(own.beside(&other).told(as_ratio), "0.80 (0.80; 0.81)");
        assert_eq!(ratio(5, 0), 0);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([1_254, 9, 0].map(as_ms), ["1.25", "0.01", "0.00"]);
        assert_eq!(as_mb(97_656), "99.9");
        assert_eq!(per_second(5, 250_000), 20);
    }

    #[test]
    fn a_percentile_is_one_of_them() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 990), 100);
        assert_eq!(percentile(&hundred, 500), 51);
        assert_eq!((percentile(&[7], 999), percentile(&[], 500)), (7, 0));
    }
}
