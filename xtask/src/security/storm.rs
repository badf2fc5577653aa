//! A storm of sign-ins, with right passwords and with wrong ones, and somebody who buys beside it: what the buyer
//! notices of it. Limits are off, as if those who come had addresses enough, so that all of them get as far as hashing.

use super::{
    Outcome, Stand,
    http::ask,
    rounds::{Asking, RISE_MAX, median, pause, rise},
    shop::{self, Shop},
};
use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

const NAME: &str = "storm";
/// More than the shop lets wait: some are refused, and come again.
const CALLERS: usize = 96;
const ACCOUNTS: usize = 8;
/// How soon those come again who were refused.
const AGAIN: Duration = Duration::from_millis(100);
/// How long the storm takes to rise.
const RISING: Duration = Duration::from_secs(1);
const ROUNDS: usize = 8;
const BUYING: Asking = Asking {
    every: Duration::from_millis(10),
    lasting: Duration::from_secs(6),
};

/// What came of the storm.
#[derive(Default)]
struct Storm {
    stop: AtomicBool,
    hashed: AtomicU64,
    refused: AtomicU64,
    strange: AtomicU64,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    // What is looked at is the work, not the waits that many wrong passwords earn.
    let patience = [("SOUK_IDENTITY__LOGIN_FAILURES_MAX", "1000000")];
    let shop = Shop::open(stand, NAME, &patience)?;
    let admin = shop.admin(stand, NAME)?;
    let product = product(&shop, admin.text("access_token"))?;
    for number in 0..ACCOUNTS {
        shop.register(&known(number))?;
    }
    let buyer = shop.register("buyer@souk.example")?;
    let buyer = format!("Bearer {}", buyer.text("access_token"));
    let mut orders = 0_u64;
    let mut time = || {
        BUYING.p99(|| {
            orders = orders.saturating_add(1);
            buy(&shop, &buyer, &product, orders)
        })
    };
    // The first seconds of a shop are not like the others.
    time()?;
    let storm = Storm::default();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(time()?);
        storm.stop.store(false, Ordering::Relaxed);
        let time = thread::scope(|scope| {
            for number in 0..CALLERS {
                let (storm, address) = (&storm, &shop.address);
                scope.spawn(move || call(address, number, storm));
            }
            pause(RISING);
            let time = time();
            storm.stop.store(true, Ordering::Relaxed);
            time
        });
        beside.push(time?);
    }
    writeln!(out, "rounds: alone {alone:.1?}, beside {beside:.1?}")?;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (hashed, refused, strange) = (
        count(&storm.hashed),
        count(&storm.refused),
        count(&storm.strange),
    );
    writeln!(
        out,
        "{CALLERS} callers: {hashed} passwords hashed, {refused} refused (503), {strange} answered otherwise"
    )?;
    let (alone, beside) = (median(alone), median(beside));
    let (thousandths, too_much) = rise(alone, beside);
    let line = format!(
        "p99 of orders with their payments, medians of {ROUNDS} rounds: {alone:.1?} alone, {beside:.1?} beside the \
         storm: \
         {thousandths} thousandths more, of {RISE_MAX} that may be"
    );
    let was_a_storm = hashed > 0 && refused > 0 && strange == 0;
    Ok(if too_much || !was_a_storm {
        Outcome::Failed(line)
    } else {
        Outcome::Passed(line)
    })
}

fn known(number: usize) -> String {
    let account = number.checked_rem(ACCOUNTS).unwrap_or_default();
    format!("known{account}@souk.example")
}

/// Signs in again and again, every other caller with a wrong password.
fn call(address: &str, number: usize, storm: &Storm) {
    let right = shop::credentials(&known(number));
    let body = if number.is_multiple_of(2) {
        right
    } else {
        right.replace(shop::PASSWORD, "not this one")
    };
    while !storm.stop.load(Ordering::Relaxed) {
        let status = ask(address, "POST", "/api/v1/auth/login", &[], &body);
        let (counter, rest) = match status.map(|answer| answer.status) {
            Ok(200 | 401) => (&storm.hashed, Duration::ZERO),
            Ok(503) => (&storm.refused, AGAIN),
            Ok(_) | Err(_) => (&storm.strange, AGAIN),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        pause(rest);
    }
}

/// Something that there is enough of.
fn product(shop: &Shop, token: &str) -> io::Result<String> {
    let body =
        r#"{"name":"Tea","sku":"storm","price":{"amount":100,"currency":"USD"},"stock":1000000}"#;
    let token = format!("Bearer {token}");
    let made = ask(
        &shop.address,
        "POST",
        "/api/v1/products",
        &[("authorization", &token)],
        body,
    )?;
    match made.status {
        201 => Ok(made.text("id").to_owned()),
        _ => Err(io::Error::other(format!("no product: {}", made.body))),
    }
}

fn buy(shop: &Shop, buyer: &str, product: &str, number: u64) -> io::Result<()> {
    let key = format!("storm-{number}");
    let body = format!(
        r#"{{"items":[{{"product_id":"{product}","quantity":1}}],"payment":{{"method":"tok_ok"}}}}"#
    );
    let headers = [("authorization", buyer), ("idempotency-key", key.as_str())];
    let answer = ask(&shop.address, "POST", "/api/v1/orders", &headers, &body)?;
    match answer.status {
        201 => Ok(()),
        _ => Err(io::Error::other(format!("not bought: {}", answer.body))),
    }
}
