//! Whether a stranger can tell by the clock which accounts there are: an unknown user and a wrong password, in turns.

use super::{Outcome, Stand, shop::Shop};
use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

const NAME: &str = "login";
const TRIES: usize = 200;
const ACCOUNTS: usize = 20;
/// The two medians may differ by so many thousandths.
const APART_MAX: u128 = 100;

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    // What is measured is the work, not the waits that many wrong passwords earn.
    let patience = [("SOUK_IDENTITY__LOGIN_FAILURES_MAX", "1000000")];
    let shop = Shop::open(stand, NAME, &patience)?;
    for number in 0..ACCOUNTS {
        let made = shop.register(&format!("known{number}@souk.example"))?;
        if made.status != 201 {
            return Err(io::Error::other(format!("no account: {}", made.body)));
        }
    }
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        let account = number.checked_rem(ACCOUNTS).unwrap_or_default();
        wrong.push(time(&shop, &format!("known{account}@souk.example"))?);
        unknown.push(time(&shop, &format!("nobody{number}@souk.example"))?);
    }
    let (wrong, unknown) = (median(wrong), median(unknown));
    writeln!(
        out,
        "p50 of {TRIES} tries: wrong password {wrong:.1?}, unknown user {unknown:.1?}"
    )?;
    let apart = wrong.abs_diff(unknown).as_nanos().saturating_mul(1_000);
    let apart = apart.checked_div(wrong.as_nanos()).unwrap_or(u128::MAX);
    let line = format!("{apart} thousandths apart, of {APART_MAX} that may be");
    Ok(if apart < APART_MAX {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

fn time(shop: &Shop, email: &str) -> io::Result<Duration> {
    let body = format!("{{\"email\":\"{email}\",\"password\":\"not this one\"}}");
    let started = Instant::now();
    let answer = shop.post("/api/v1/auth/login", &body)?;
    let took = started.elapsed();
    if answer.status != 401 {
        return Err(io::Error::other(format!("not refused: {}", answer.body)));
    }
    Ok(took)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
