//! Which product is wanted how often: as in a trace of real orders, or, without one, as Zipf says. The same numbers
//! give the same choices in every run.

use super::plan::Plan;
use std::{collections::BTreeMap, fs, io, path::Path, process::Command};

/// Products of Zipf's, as many as the trace has.
const RANKS: u64 = 4_738;
const WEIGHT: u64 = 1_000_000_000;

/// Weights by rank, summed up to each.
pub(super) struct Skew {
    sums: Vec<u64>,
    /// Where they are from.
    pub(super) source: String,
}

impl Skew {
    /// Of the trace that was named, or of none.
    pub(super) fn wished() -> io::Result<Self> {
        match &Plan::wished().trace {
            Some(file) => Self::of_trace(file),
            None => Ok(Self::zipf()),
        }
    }

    fn zipf() -> Self {
        let weights = (1..=RANKS).map(|rank| WEIGHT.checked_div(rank).unwrap_or(1));
        Self::new(
            weights,
            format!("Zipf over {RANKS} ranks, for no trace was named"),
        )
    }

    fn of_trace(file: &Path) -> io::Result<Self> {
        let is_zipped = file.extension().is_some_and(|ending| ending == "gz");
        let bytes = match is_zipped {
            true => unzipped(file)?,
            false => fs::read(file)?,
        };
        let counts = counted(&String::from_utf8_lossy(&bytes));
        if counts.is_empty() {
            let file = file.display();
            return Err(io::Error::other(format!(
                "{file}: no order has a line with a sku"
            )));
        }
        let (lines, products) = (counts.iter().sum::<u64>(), counts.len());
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let source = format!("as often as in {name}: {lines} lines of {products} products");
        Ok(Self::new(counts.into_iter(), source))
    }

    fn new(weights: impl Iterator<Item = u64>, source: String) -> Self {
        let mut sum = 0_u64;
        let sums = weights.map(|weight| {
            sum = sum.saturating_add(weight);
            sum
        });
        Self {
            sums: sums.collect(),
            source,
        }
    }

    /// The place, among so many, of what is wanted with this number. Each rank stands for as many neighbours as
    /// there are for it; within them all are alike.
    pub(super) fn place(&self, number: u64, of: usize) -> usize {
        let all = self.sums.last().copied().unwrap_or(1).max(1);
        let drawn = mixed(number).checked_rem(all).unwrap_or_default();
        let rank = self.sums.partition_point(|sum| *sum <= drawn);
        let (ranks, of) = (
            u64::try_from(self.sums.len()).unwrap_or(1).max(1),
            u64::try_from(of).unwrap_or(1).max(1),
        );
        let rank = u64::try_from(rank).unwrap_or_default();
        let edge = |rank: u64| {
            rank.saturating_mul(of)
                .checked_div(ranks)
                .unwrap_or_default()
        };
        let (from, to) = (edge(rank), edge(rank.saturating_add(1)));
        let wide = to.saturating_sub(from).max(1);
        let within = mixed(!number).checked_rem(wide).unwrap_or_default();
        let place = from.saturating_add(within).min(of.saturating_sub(1));
        usize::try_from(place).unwrap_or_default()
    }
}

/// A number without a pattern, of one with any (`SplitMix64`'s mixer).
pub(super) fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn unzipped(file: &Path) -> io::Result<Vec<u8>> {
    let output = Command::new("gzip").args(["-dc"]).arg(file).output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    }
}

/// How often each product stands on a line, the most wanted first.
fn counted(trace: &str) -> Vec<u64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for rest in trace.split("\"sku\":\"").skip(1) {
        if let Some((sku, _)) = rest.split_once('"') {
            let count = counts.entry(sku).or_insert(0);
            *count = count.saturating_add(1);
        }
    }
    let mut counts: Vec<u64> = counts.into_values().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(skew: &Skew, of: usize, times: u64) -> Vec<u64> {
        let mut counts = vec![0; of];
        for number in 0..times {
            let place = &mut counts[skew.place(number, of)];
            *place = u64::saturating_add(*place, 1);
        }
        counts
    }

    #[test]
    fn what_is_wanted_more_is_drawn_more() {
        let trace = "{\"sku\":\"A\"}{\"sku\":\"B\"},{\"sku\":\"A\"},{\"sku\":\"A\"}";
        assert_eq!(counted(trace), [3, 1]);
        let skew = Skew::new([3, 1].into_iter(), String::new());
        let counts = drawn(&skew, 2, 40_000);
        assert!((29_000..31_000).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn every_product_has_its_part_of_a_rank_and_none_is_outside() {
        let skew = Skew::new([3, 1].into_iter(), String::new());
        let counts = drawn(&skew, 10, 40_000);
        assert!(
            counts[..5]
                .iter()
                .all(|count| (5_500..6_500).contains(count)),
            "{counts:?}"
        );
        assert!(
            counts[5..]
                .iter()
                .all(|count| (1_700..2_300).contains(count)),
            "{counts:?}"
        );
        assert_eq!(drawn(&Skew::zipf(), 1, 100), [100]);
    }
}
