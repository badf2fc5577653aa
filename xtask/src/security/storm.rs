//! A storm of sign-ins, with right passwords and with wrong ones, and somebody who buys beside it: what the buyer
//! notices of it. Limits are off, as if those who come had addresses enough, so that all of them get as far as hashing.
//! The callers are a process of their own that gives way to everybody: elsewhere they would have machines of their own.
//! They come to another shop on this machine in one round and to the buyer's in the next: two processors that hash all
//! the time serve everybody more slowly, whoever makes them hash, and what is different is what the shop does.

use super::{
    Outcome, Stand,
    http::ask,
    rounds::{Asking, RISE_MAX, median, middle, pause, rise},
    shop::{self, Shop},
};
use std::{
    env,
    io::{self, Read, Write},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

const NAME: &str = "storm";
/// What starts the callers' process; nobody else needs it.
pub(crate) const CALLERS_WORD: &str = "storm-callers";
/// More than the shop lets wait: some are refused, and come again.
const CALLERS: usize = 96;
const ACCOUNTS: usize = 8;
/// How soon those come again who were refused.
const AGAIN: Duration = Duration::from_millis(100);
/// How long the storm takes to rise.
const RISING: Duration = Duration::from_secs(1);
const OTHER: &str = "storm-elsewhere";
/// Odd, so that one of them is the middle; many, for a p99 of five seconds is the fifth worst of five hundred, and on a
/// small machine one sync of the disk makes it.
const ROUNDS: usize = 15;
const BUYING: Asking = Asking {
    every: Duration::from_millis(10),
    lasting: Duration::from_secs(5),
};

/// What the callers have seen.
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
    let other = Shop::open(stand, OTHER, &patience)?;
    let admin = shop.admin(stand, NAME)?;
    let product = product(&shop, admin.text("access_token"))?;
    for number in 0..ACCOUNTS {
        shop.register(&known(number))?;
        other.register(&known(number))?;
    }
    let buyer = shop.register("buyer@souk.example")?;
    let buyer = format!("Bearer {}", buyer.text("access_token"));
    let orders = AtomicU64::new(0);
    let mut time = || {
        BUYING.p99(|| {
            let number = orders.fetch_add(1, Ordering::Relaxed);
            buy(&shop, &buyer, &product, number)
        })
    };
    // The first seconds of a shop are not like the others.
    time()?;
    let mut seen = [0_u64; 3];
    let mut beside = |address: &str, time: &mut dyn FnMut() -> io::Result<Duration>| {
        let mut callers = start(address)?;
        pause(RISING);
        let time = time()?;
        for (sum, count) in seen.iter_mut().zip(end(&mut callers)?) {
            *sum = sum.saturating_add(count);
        }
        io::Result::Ok(time)
    };
    let (mut alone, mut rounds) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(time()?);
        // In turns which is first: what the machine's mood does in the meantime comes to both.
        rounds.push(if round.is_multiple_of(2) {
            let at_other = beside(&other.address, &mut time)?;
            (at_other, beside(&shop.address, &mut time)?)
        } else {
            let at_shop = beside(&shop.address, &mut time)?;
            (beside(&other.address, &mut time)?, at_shop)
        });
    }
    writeln!(
        out,
        "rounds: alone {alone:.1?}, storm elsewhere and here {rounds:.1?}"
    )?;
    let [hashed, refused, strange] = seen;
    writeln!(
        out,
        "{CALLERS} callers: {hashed} passwords hashed, {refused} refused (503), {strange} answered otherwise"
    )?;
    let alone = median(alone);
    let (at_other, at_shop) = middle(rounds);
    let (thousandths, too_much) = rise(at_other, at_shop);
    let line = format!(
        "p99 of orders with their payments, in the middle of {ROUNDS} rounds: {alone:.1?} alone, {at_other:.1?} while \
         the storm is another's, {at_shop:.1?} while it is the shop's: {thousandths} thousandths more, of {RISE_MAX} \
         that may be"
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

fn start(address: &str) -> io::Result<Child> {
    Command::new("chrt")
        .args(["--idle", "0"])
        .arg(env::current_exe()?)
        .args([CALLERS_WORD, address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

/// Ends the storm; what the callers have seen.
fn end(callers: &mut Child) -> io::Result<Vec<u64>> {
    drop(callers.stdin.take());
    let mut said = String::new();
    if let Some(mut stdout) = callers.stdout.take() {
        stdout.read_to_string(&mut said)?;
    }
    callers.wait()?;
    let counts = said.split_whitespace().map(str::parse);
    counts.collect::<Result<_, _>>().map_err(io::Error::other)
}

/// The callers' own process: they call until nobody holds their standard input any more, and say what they have seen.
pub(crate) fn callers(address: &str, out: &mut dyn Write) -> io::Result<bool> {
    let storm = Storm::default();
    thread::scope(|scope| {
        for number in 0..CALLERS {
            let storm = &storm;
            scope.spawn(move || call(address, number, storm));
        }
        let held = io::stdin().read_to_end(&mut Vec::new());
        storm.stop.store(true, Ordering::Relaxed);
        held
    })?;
    let counts = [&storm.hashed, &storm.refused, &storm.strange];
    let [hashed, refused, strange] = counts.map(|count| count.load(Ordering::Relaxed));
    writeln!(out, "{hashed} {refused} {strange}")?;
    Ok(true)
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
