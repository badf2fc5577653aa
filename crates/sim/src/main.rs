//! Runs seeds one after the other and says which of them broke a promise, and how to see it again.

use sim::{Plan, run};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    thread,
    time::Instant,
};

const USAGE: &str = "usage: souk-sim [--seeds N] [--first S] [--trace]";

fn main() -> ExitCode {
    match asked(env::args().skip(1)).and_then(|wish| all(&wish)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell if this fails too; the exit code still says it.
            drop(writeln!(io::stderr(), "souk-sim: {error}"));
            ExitCode::FAILURE
        }
    }
}

struct Wish {
    first: u64,
    seeds: u64,
    trace: bool,
}

fn asked(mut words: impl Iterator<Item = String>) -> io::Result<Wish> {
    let mut wish = Wish {
        first: 1,
        seeds: 200,
        trace: false,
    };
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse().ok());
        match word.as_str() {
            "--seeds" => wish.seeds = number().ok_or_else(usage)?,
            "--first" => wish.first = number().ok_or_else(usage)?,
            "--trace" => wish.trace = true,
            _ => return Err(usage()),
        }
    }
    Ok(wish)
}

fn usage() -> io::Error {
    io::Error::other(USAGE)
}

/// What all seeds of a thread came to.
#[derive(Default)]
struct Sum {
    broken: Vec<u64>,
    operations: usize,
    orders: usize,
    payments: usize,
}

/// Every seed, on as many threads as there are cores.
fn all(wish: &Wish) -> io::Result<bool> {
    let began = Instant::now();
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let sums: Vec<Sum> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|offset| scope.spawn(move || every(wish, offset, threads)))
            .collect();
        started
            .into_iter()
            .map(|one| {
                one.join()
                    .unwrap_or_else(|_| Err(io::Error::other("a run fell over")))
            })
            .collect::<io::Result<_>>()
    })?;
    let mut broken: Vec<u64> = sums
        .iter()
        .flat_map(|sum| sum.broken.iter().copied())
        .collect();
    broken.sort_unstable();
    let total = |part: fn(&Sum) -> usize| sums.iter().map(part).fold(0, usize::saturating_add);
    writeln!(
        io::stdout(),
        "{} seeds from {} on, {} operations, {} orders, {} payments in {:.1?}: {} seeds broke a promise {broken:?}",
        wish.seeds,
        wish.first,
        total(|sum| sum.operations),
        total(|sum| sum.orders),
        total(|sum| sum.payments),
        began.elapsed(),
        broken.len(),
    )?;
    Ok(broken.is_empty())
}

fn every(wish: &Wish, offset: usize, threads: usize) -> io::Result<Sum> {
    let mut sum = Sum::default();
    let seeds = wish.first..wish.first.saturating_add(wish.seeds);
    for seed in seeds.skip(offset).step_by(threads) {
        let run = run(&Plan::of(seed))
            .map_err(|error| io::Error::other(format!("seed {seed}: {error}")))?;
        sum.operations = sum.operations.saturating_add(run.history.operations.len());
        sum.orders = sum.orders.saturating_add(run.state.orders.len());
        sum.payments = sum.payments.saturating_add(run.state.payments.len());
        let mut out = io::stdout().lock();
        if wish.trace {
            for line in &run.trace {
                writeln!(out, "{line}")?;
            }
            writeln!(out, "seed {seed}: {}", run.digest)?;
        }
        if !run.violations.is_empty() {
            sum.broken.push(seed);
            for violation in &run.violations {
                writeln!(out, "seed {seed}: {violation}")?;
            }
            writeln!(
                out,
                "again: cargo xtask simulate --first {seed} --seeds 1 --trace"
            )?;
        }
    }
    Ok(sum)
}
