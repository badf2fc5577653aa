//! What a run says: figures, and how they stand to the bare loop. It judges nothing.

use super::{
    bare::Reached,
    load::{Load, Ran},
};
use crate::{console::say, ops::Counted};
use std::time::Duration;

/// One run, or one part of a long one.
#[derive(Debug, Clone)]
pub(super) struct Line {
    name: &'static str,
    clients: u32,
    orders: u64,
    per_second: u64,
    p50: Duration,
    p99: Duration,
    batches: Counted,
    processor: Duration,
    memory_mib: u64,
}

impl Line {
    pub(super) fn new(load: &Load<'_>, ran: &Ran, batches: Counted) -> Self {
        Self {
            processor: each(ran.processor, ran.placed.count),
            name: load.name,
            clients: load.clients,
            orders: ran.placed.count,
            per_second: per_second(ran.placed.count, ran.elapsed),
            p50: percentile(&ran.times, 50),
            p99: percentile(&ran.times, 99),
            batches,
            memory_mib: memory_mib(),
        }
    }

    pub(super) fn told(&self) -> String {
        format!(
            "{}, {} clients: {} orders, {} a second, p50 {:.2?}, p99 {:.2?}; {} a batch; \
             {:.1?} of processors an order; {} MiB",
            self.name,
            self.clients,
            self.orders,
            self.per_second,
            self.p50,
            self.p99,
            tenths(self.batches.wishes, self.batches.batches),
            self.processor,
            self.memory_mib
        )
    }
}

/// How much a shop slows down, and grows, in the course of a long run.
pub(super) fn first_and_last(first: &Line, last: &Line) -> String {
    format!(
        "the last tenth beside the first: {} of its orders a second; {} MiB after it, {} MiB then",
        hundredths(last.per_second, first.per_second),
        last.memory_mib,
        first.memory_mib
    )
}

/// What it costs that a shop has taken very many orders: the middle turn of each.
pub(super) fn large_beside_small(large: &[Line], small: &[Line]) -> String {
    let (large_orders, large_processor) = middle(large);
    let (small_orders, small_processor) = middle(small);
    format!(
        "large: {large_orders} orders a second and {large_processor:.1?} of processors an order in the middle turn, \
         small: {small_orders} and {small_processor:.1?}; large: {} of small",
        hundredths(large_orders, small_orders)
    )
}

/// Orders a second, and what an order took of the processors, each in the middle of these runs.
fn middle(lines: &[Line]) -> (u64, Duration) {
    let mut orders: Vec<u64> = lines.iter().map(|line| line.per_second).collect();
    let mut processor: Vec<Duration> = lines.iter().map(|line| line.processor).collect();
    orders.sort_unstable();
    processor.sort_unstable();
    let index = lines.len() / 2;
    (
        orders.get(index).copied().unwrap_or_default(),
        processor.get(index).copied().unwrap_or_default(),
    )
}

/// A run beside the bare loop over as many orders, from where the shop stood.
pub(super) fn ratio(line: &Line, bare: &Reached) {
    if line.clients > 1 {
        let share = hundredths(line.per_second, bare.per_second);
        say(format!("{}: {share} of the bare loop", line.name));
    } else {
        let pair = u64::try_from(bare.pair.as_micros()).unwrap_or(u64::MAX);
        let p50 = u64::try_from(line.p50.as_micros()).unwrap_or(u64::MAX);
        let times = hundredths(p50, pair);
        say(format!(
            "{}: p50 is {times} of the bare loop's pair of commits",
            line.name
        ));
    }
}

/// What it costs that all want the same.
pub(super) fn hot_beside_uniform(lines: &[Line]) {
    let of = |name| lines.iter().find(|line| line.name == name);
    if let (Some(uniform), Some(hot)) = (of("uniform"), of("hot")) {
        let share = hundredths(hot.per_second, uniform.per_second);
        say(format!("hot: {share} of uniform"));
    }
}

/// So many in that time, in whole ones a second.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    count
        .saturating_mul(1_000_000)
        .checked_div(micros)
        .unwrap_or(0)
}

/// What each of so many took.
pub(super) fn each(all: Duration, count: u64) -> Duration {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    all.checked_div(count).unwrap_or_default()
}

/// The point below which this share (in hundredths) of the times lies; they must be sorted.
pub(super) fn percentile(sorted: &[Duration], share: usize) -> Duration {
    crate::commands::replay::percentile(sorted, share)
}

pub(super) fn hundredths(part: u64, whole: u64) -> String {
    let share = part.saturating_mul(100).checked_div(whole).unwrap_or(0);
    format!("{}.{:02}", share / 100, share % 100)
}

pub(super) fn tenths(part: u64, whole: u64) -> String {
    let share = part.saturating_mul(10).checked_div(whole).unwrap_or(0);
    format!("{}.{}", share / 10, share % 10)
}

/// What this process has had of the processors so far, its own work and the system's for it: a measure that is
/// steady even beside other programs. 0 where the system does not tell.
pub(super) fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    // utime and stime, in ticks of a hundredth of a second (proc(5)).
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks = ticks
        .filter_map(|field| field.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(ticks.saturating_mul(10))
}

/// What this process has in memory, load and bare loop included; 0 where the system does not tell.
pub(super) fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_in_hundredths_and_never_divide_by_nothing() {
        assert_eq!(hundredths(81, 100), "0.81");
        assert_eq!(hundredths(130, 100), "1.30");
        assert_eq!(hundredths(5, 0), "0.00");
        assert_eq!(tenths(255, 2), "127.5");
        assert_eq!(per_second(5, Duration::ZERO), 0);
        assert_eq!(per_second(5, Duration::from_millis(250)), 20);
    }
}
