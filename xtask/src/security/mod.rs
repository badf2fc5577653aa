//! `cargo xtask security`: what takes longer than tests may, mostly other people's tools against a shop of our own on
//! loopback. Each tool's own closing lines are printed; what could not be had is said, and is no success.

mod contract;
mod fuzz;
pub(crate) mod http;
mod injections;
mod lighthouse;
mod login;
mod openid;
mod pages;
mod pictures;
mod rounds;
mod secrets;
pub(crate) mod shop;
mod slow;
pub(crate) mod storm;
mod stripe;
pub(crate) mod tools;
mod updates;
mod weight;
mod witness;

use crate::parts::{self, Outcome, Part, Stand};
use std::{
    io::{self, Write},
    path::Path,
};

const PARTS: &[Part] = &[
    Part {
        name: "updates-compatible",
        what: "no locked library has a newer release that fits, or was withdrawn, as the registry says",
        asks_a_shop: false,
        run: updates::compatible,
    },
    Part {
        name: "updates-advisories",
        what: "no locked library has a published weakness, as cargo-audit and the RustSec database say",
        asks_a_shop: false,
        run: updates::advisories,
    },
    Part {
        name: "contract",
        what: "schemathesis asks everything that the document says, and what it does not say",
        asks_a_shop: true,
        run: contract::run,
    },
    Part {
        name: "secrets",
        what: "no secret of that run is in its logs, its database or its answers",
        asks_a_shop: true,
        run: secrets::run,
    },
    Part {
        name: "login",
        what: "an unknown user takes as long as a wrong password",
        asks_a_shop: true,
        run: login::run,
    },
    Part {
        name: "openid",
        what: "a certified provider of identities signs people in",
        asks_a_shop: true,
        run: openid::run,
    },
    Part {
        name: "stripe",
        what: "localstripe is paid by, refunded by and heard of, and Stripe's own client reads what was done",
        asks_a_shop: true,
        run: stripe::run,
    },
    Part {
        name: "pictures",
        what: "moto keeps pictures as S3 does, checks who signed, and AWS's own client reads what is there",
        asks_a_shop: true,
        run: pictures::run,
    },
    Part {
        name: "slow-head",
        what: "a thousand connections whose heads do not come, by slowhttptest, and what others notice of them",
        asks_a_shop: true,
        run: slow::head,
    },
    Part {
        name: "slow-body",
        what: "the same with bodies that do not come",
        asks_a_shop: true,
        run: slow::body,
    },
    Part {
        name: "slow-read",
        what: "the same with answers that are not read",
        asks_a_shop: true,
        run: slow::read,
    },
    Part {
        name: "storm",
        what: "a storm of sign-ins, and what somebody notices of it who buys",
        asks_a_shop: true,
        run: storm::run,
    },
    Part {
        name: "injections",
        what: "sqlmap at level 2 against every parameter and field of the document",
        asks_a_shop: true,
        run: injections::run,
    },
    Part {
        name: "pages",
        what: "axe on every page in a real browser, light and dark, wide and narrow",
        asks_a_shop: true,
        run: pages::run,
    },
    Part {
        name: "lighthouse",
        what: "Lighthouse on the pages that people see most: speed, accessibility, good practice, being found",
        asks_a_shop: true,
        run: lighthouse::run,
    },
    Part {
        name: "weight",
        what: "what the pages that people see most weigh, and how long the shop takes for each, among 100,000 products",
        asks_a_shop: true,
        run: weight::run,
    },
    Part {
        name: "fuzz",
        what: "libFuzzer at every parser of ours, ten minutes each (SOUK_FUZZ_SECONDS)",
        asks_a_shop: false,
        run: fuzz::run,
    },
];

/// Runs the parts that are wished for, or all; answers whether all passed.
pub(crate) fn run(root: &Path, wish: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    parts::run("security", PARTS, root, wish, out)
}
