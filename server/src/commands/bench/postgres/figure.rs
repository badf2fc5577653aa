//! What was reached: a figure a run, and how their medians stand to one another.

use super::{
    super::report::{each, hundredths, per_second, percentile, tenths},
    What,
};
use crate::{commands::bench::load::Ran, console::say, ops::Counted};
use std::time::Duration;

/// Who took the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    Shop,
    Pgbench,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) taker: Taker,
    pub(super) what: What,
    pub(super) clients: u32,
    pub(super) per_second: u64,
    /// How long orders took, and of the shop how many shared a batch.
    pub(super) told: String,
}

impl Figure {
    pub(super) fn of_shop(
        (what, clients): (What, u32),
        ran: &Ran,
        batches: Counted,
        processor: Duration,
    ) -> Self {
        let count = ran.placed.count;
        let (p50, p99) = (percentile(&ran.times, 50), percentile(&ran.times, 99));
        let batch = tenths(batches.wishes, batches.batches);
        let processor = each(processor, count);
        Self {
            taker: Taker::Shop,
            what,
            clients,
            per_second: per_second(count, ran.elapsed),
            told: format!(
                "p50 {p50:.2?}, p99 {p99:.2?}; {batch} a batch; {processor:.1?} of all processors an order"
            ),
        }
    }

    fn say(&self) {
        let Self {
            clients,
            per_second,
            told,
            ..
        } = self;
        let (what, taker) = (self.what.name(), self.taker.name());
        say(format!(
            "  {what}: {taker}, {clients} clients: {per_second} a second, {told}"
        ));
    }
}

impl Taker {
    const fn name(self) -> &'static str {
        match self {
            Self::Shop => "souk",
            Self::Pgbench => "pgbench",
        }
    }
}

/// All runs so far.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

impl Figures {
    pub(super) fn note(&mut self, figure: Figure) {
        figure.say();
        self.0.push(figure);
    }

    pub(super) fn tell(&self, nodes: u32) {
        for what in [What::Uniform, What::Hot] {
            let (shop, pgbench) = (
                self.best(Taker::Shop, what),
                self.best(Taker::Pgbench, what),
            );
            if let (Some(shop), Some(pgbench)) = (shop, pgbench) {
                say(format!(
                    "{}: souk {} a second, pgbench at best {} (with {} clients): {} times as many",
                    what.name(),
                    shop.per_second,
                    pgbench.per_second,
                    pgbench.clients,
                    hundredths(shop.per_second, pgbench.per_second),
                ));
            }
        }
        let alone = self.best(Taker::Shop, What::Hot);
        let together = self.best(Taker::Shop, What::Fought);
        if let (Some(alone), Some(together)) = (alone, together) {
            say(format!(
                "hot: {nodes} nodes together {} a second, one alone {}: {} times as many",
                together.per_second,
                alone.per_second,
                hundredths(together.per_second, alone.per_second),
            ));
        }
    }

    /// The median of the number of clients that has the best one.
    fn best(&self, taker: Taker, what: What) -> Option<&Figure> {
        let of_this = |figure: &&Figure| figure.taker == taker && figure.what == what;
        let mut counts: Vec<u32> = self
            .0
            .iter()
            .filter(of_this)
            .map(|figure| figure.clients)
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let medians = counts.into_iter().filter_map(|clients| {
            let of_these = |figure: &&Figure| of_this(figure) && figure.clients == clients;
            let mut runs: Vec<&Figure> = self.0.iter().filter(of_these).collect();
            runs.sort_unstable_by_key(|figure| figure.per_second);
            runs.get(runs.len() / 2).copied()
        });
        medians.max_by_key(|figure| figure.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_number_of_clients_is_told_by_its_median_not_by_its_luckiest_run() {
        let mut figures = Figures::default();
        for (clients, per_second) in [(8, 10), (8, 99), (8, 11), (16, 20), (16, 21), (16, 5)] {
            let told = String::new();
            let (taker, what) = (Taker::Pgbench, What::Hot);
            figures.note(Figure {
                taker,
                what,
                clients,
                per_second,
                told,
            });
        }
        let best = figures.best(Taker::Pgbench, What::Hot).unwrap();
        assert_eq!((best.clients, best.per_second), (16, 20));
        assert!(figures.best(Taker::Shop, What::Hot).is_none());
    }
}
