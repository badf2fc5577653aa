//! Times that are compared in turns: requests that are sent at a steady pace, whether or not those before were
//! answered, in one state of the world and in the other, again and again. What the machine does by itself comes to
//! both.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A p99 may rise by so many thousandths...
pub(super) const RISE_MAX: u128 = 100;
/// ...or by as much as a clock of the scheduler ticks.
const TICK: Duration = Duration::from_micros(200);

/// Who asks: several, as people do, so that one slow answer does not make the next ones wait for their turn.
const ASKERS: usize = 8;

/// How often is asked, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    pub(super) every: Duration,
    pub(super) lasting: Duration,
}

impl Asking {
    /// The 99th of a hundred times.
    pub(super) fn p99(self, ask: impl Fn() -> io::Result<()> + Sync) -> io::Result<Duration> {
        self.times(ask).map(p99)
    }

    /// All times. Each is counted from the moment at which it was due, also if all who ask were waiting for an answer
    /// then.
    pub(super) fn times(
        self,
        ask: impl Fn() -> io::Result<()> + Sync,
    ) -> io::Result<Vec<Duration>> {
        let begun = Instant::now();
        let next = AtomicU32::new(0);
        let one = || {
            let mut times = Vec::new();
            loop {
                let due = self
                    .every
                    .saturating_mul(next.fetch_add(1, Ordering::Relaxed));
                if due >= self.lasting {
                    return io::Result::Ok(times);
                }
                pause(due.saturating_sub(begun.elapsed()));
                ask()?;
                times.push(begun.elapsed().saturating_sub(due));
            }
        };
        let times = thread::scope(|scope| {
            let askers: Vec<_> = (0..ASKERS).map(|_| scope.spawn(one)).collect();
            askers
                .into_iter()
                .map(|asker| asker.join())
                .collect::<Vec<_>>()
        });
        let mut all = Vec::new();
        for asked in times {
            all.extend(asked.map_err(|_| io::Error::other("somebody who asks gave up"))??);
        }
        Ok(all)
    }
}

/// By how many thousandths the second is more than the first, and whether that is too much.
pub(super) fn rise(alone: Duration, beside: Duration) -> (u128, bool) {
    let rise = beside.saturating_sub(alone);
    let thousandths = rise.as_nanos().saturating_mul(1_000);
    let thousandths = thousandths.checked_div(alone.as_nanos()).unwrap_or(0);
    (thousandths, thousandths > RISE_MAX && rise > TICK)
}

/// What was seen in one state of the world and, right after or before it, in the other.
pub(super) type Pair = (Duration, Duration);

/// The round in the middle, by how much more its second is than its first. What the machine does in a round comes to
/// both, and a round that it spoils is one at an end: the two middles of all firsts and all seconds may be of rounds
/// that have nothing to do with each other.
pub(super) fn middle(mut rounds: Vec<Pair>) -> Pair {
    let crosswise = |one: &Pair, other: &Pair| one.1.as_nanos().saturating_mul(other.0.as_nanos());
    rounds.sort_by(|one, other| crosswise(one, other).cmp(&crosswise(other, one)));
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

/// The 99th of a hundred.
pub(super) fn p99(times: Vec<Duration>) -> Duration {
    part(times, 99)
}

/// The one in the middle.
pub(super) fn median(times: Vec<Duration>) -> Duration {
    part(times, 50)
}

fn part(mut times: Vec<Duration>, of_a_hundred: usize) -> Duration {
    times.sort_unstable();
    let place = times.len().saturating_mul(of_a_hundred) / 100;
    times.get(place).copied().unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client's pace: nothing is waited for but the time itself"
)]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_counted_from_when_it_was_due() {
        let asking = Asking {
            every: Duration::from_millis(1),
            lasting: Duration::from_millis(40),
        };
        let asked = AtomicU32::new(0);
        let all_slow_once = || {
            // The first of each of those who ask: nobody is left who could ask in time.
            if asked.fetch_add(1, Ordering::Relaxed) < 8 {
                pause(Duration::from_millis(30));
            }
            Ok(())
        };
        let p99 = asking.p99(all_slow_once).unwrap();
        assert_eq!(asked.into_inner(), 40);
        assert!(p99 >= Duration::from_millis(30), "{p99:?}");
    }

    #[test]
    fn the_round_in_the_middle_is_found_by_what_its_two_times_are_to_each_other() {
        let pair = |first, second| (Duration::from_millis(first), Duration::from_millis(second));
        let rounds = vec![
            pair(100, 105),
            pair(10, 30),
            pair(20, 20),
            pair(40, 44),
            pair(1, 9),
        ];
        assert_eq!(middle(rounds), pair(40, 44));
        assert_eq!(middle(Vec::new()), pair(0, 0));
    }

    #[test]
    fn a_rise_is_too_much_when_it_is_more_than_a_tenth_and_a_tick() {
        let ms = Duration::from_micros;
        assert_eq!(rise(ms(10_000), ms(9_000)), (0, false));
        assert_eq!(rise(ms(10_000), ms(11_000)), (100, false));
        assert_eq!(rise(ms(10_000), ms(12_000)), (200, true));
        assert_eq!(rise(ms(500), ms(600)), (200, false));
    }
}
