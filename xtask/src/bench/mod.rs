//! `cargo xtask bench`: how fast the shop is, and how small, measured side by side with named peers in one run. Every
//! part checks what it measures, judges correctness only and never speed, and writes a page of the report with its
//! tables and pictures. It must run optimised: a client that is slow makes a shop look slow.

mod client;
mod count;
mod day;
mod filled;
mod footprint;
mod goods;
mod instructions;
mod orders;
mod overload;
mod page;
mod peers;
mod plan;
mod plot;
mod process;
mod reads;
mod scale;
mod shops;
mod skew;
mod wrk;

use crate::{
    ci,
    parts::{self, Part},
};
use plan::{Plan, WORDS};
use std::{
    io::{self, Write},
    path::Path,
};

const PARTS: &[Part] = &[
    Part {
        name: "reads",
        what: "one product, a list, a 304 and one's own order, beside nginx and the smallest program with axum",
        asks_a_shop: true,
        run: reads::run,
    },
    Part {
        name: "shops",
        what: "reads and orders beside shops on Express and on Flask, as seeds describe them",
        asks_a_shop: true,
        run: shops::run,
    },
    Part {
        name: "orders",
        what: "orders on SQLite beside a bare loop that writes the same rows",
        asks_a_shop: true,
        run: orders::on_sqlite,
    },
    Part {
        name: "postgres",
        what: "orders on PostgreSQL beside pgbench",
        asks_a_shop: true,
        run: orders::on_postgres,
    },
    Part {
        name: "footprint",
        what: "the binary's size, memory of a shop that nobody asks, the time from a start to the first answer",
        asks_a_shop: true,
        run: footprint::run,
    },
    Part {
        name: "scale",
        what: "a large shop beside one a thousandth its size: what people and staff ask, memory, import, start, verify",
        asks_a_shop: true,
        run: scale::run,
    },
    Part {
        name: "overload",
        what: "three times as many orders as it can take, and how soon it is well again",
        asks_a_shop: true,
        run: overload::run,
    },
    Part {
        name: "day",
        what: "ten minutes of 90 reads, 8 carts and 2 orders of a hundred: whether anything grows",
        asks_a_shop: true,
        run: day::run,
    },
    Part {
        name: "instructions",
        what: "instructions of a read and of an order, held against what was noted",
        asks_a_shop: true,
        run: instructions::run,
    },
];

/// The same command, as optimised as what it measures.
const OPTIMISED: &[&str] = &[
    "run",
    "--quiet",
    "--release",
    "--package",
    "xtask",
    "--",
    "bench",
];

/// Runs the parts that are wished for, or all; answers whether all passed.
pub(crate) fn run(root: &Path, words: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    if words.contains(&"--help") {
        for part in PARTS {
            writeln!(out, "  {:<19} {}", part.name, part.what)?;
        }
        return writeln!(out, "{WORDS}").map(|()| true);
    }
    let (plan, names) = Plan::read(words)?;
    if cfg!(debug_assertions) {
        let words: Vec<&str> = OPTIMISED.iter().chain(words).copied().collect();
        return Ok(ci::cargo(root, &words).status()?.success());
    }
    plan.set();
    parts::run("bench", PARTS, root, &names, out)
}
