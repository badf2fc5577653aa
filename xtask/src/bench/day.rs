//! A mixed day: of a hundred requests 90 reads, 8 changes of carts and 2 orders, of products as they are wanted, at a
//! steady pace, for minutes. Whether anything grows or slows down on the way: memory, open handles, the p99.

use super::{
    client::{Drive, Sample, drive},
    count::{Runs, as_mb, as_ms, as_ratio, grouped, percentile, ratio},
    goods::{Shop, order},
    page::Page,
    plan::Plan,
    plot::Lines,
    process::get,
    skew::{Skew, mixed},
};
use crate::parts::{Outcome, Stand};
use std::{
    io::{self, Write},
    time::Duration,
};

const PRODUCTS: u32 = 5_000;
const CUSTOMERS: u32 = 32;
const CLIENTS: u32 = 32;
/// A tenth or so of what two processors can do: a shop on a busy day, not a race.
const PER_SECOND: u64 = 2_000;
/// Products that are put into carts.
const CART_LINES_MAX: usize = 100;
/// How many looks there are at it.
const LOOKS: u64 = 30;
/// The last third may be so many thousandths of the first.
const DRIFT_MAX: u64 = 1_100;

/// Who buys: a token, and the cart that belongs to it.
struct Customer {
    token: String,
    cart: String,
}

/// One look.
struct Look {
    second: u64,
    memory_kib: u64,
    handles: u64,
    p50: u64,
    p99: u64,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let skew = Skew::wished()?;
    let mut page = Page::new(stand, "day", "A mixed day")?;
    let shop = Shop::open(stand, "day", &[])?;
    let goods = shop.goods(stand, PRODUCTS, &[])?;
    let mut looks: Vec<Look> = Vec::new();
    let each = (Plan::wished().day_seconds / LOOKS).max(1);
    let (mut next, mut counted) = (0_u64, [0_u64; 3]);
    let mut customers = Vec::new();
    let mut second = 0_u64;
    while second < Plan::wished().day_seconds {
        // Tokens end within the quarter of an hour; whoever comes back signs in again.
        if second.is_multiple_of(each.saturating_mul(10)) {
            customers = entered(&shop, second == 0)?;
        }
        let samples = asked(&shop, (&goods.products, &customers), &skew, (next, each))?;
        next = next.saturating_add(u64::try_from(samples.len()).unwrap_or_default());
        count(&samples, next, &mut counted)?;
        second = second.saturating_add(each);
        looks.push(look(&shop, second, samples));
    }
    writeln!(out, "  {} requests", grouped(next))?;
    let result = told(&mut page, &looks)?;
    let [reads, carts, orders] = counted;
    page.setting(format!(
        "{} requests a second for {} s at a pace that does not wait for answers, from {CLIENTS} clients: {} reads, {} \
         changes of carts, {} orders, all of them answered with success; {PRODUCTS} products, {}; SQLite; times count \
         from when a request was due",
        grouped(PER_SECOND),
        Plan::wished().day_seconds,
        grouped(reads),
        grouped(carts),
        grouped(orders),
        skew.source
    ));
    shop.close(stand, &[])?;
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

fn entered(shop: &Shop, is_new: bool) -> io::Result<Vec<Customer>> {
    let word = if is_new { "register" } else { "login" };
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        let token = shop.enter(&format!("day{number}@souk.example"), word)?;
        let cart = shop
            .post("/api/v1/carts", &token, "")?
            .text("id")
            .to_owned();
        customers.push(Customer { token, cart });
    }
    Ok(customers)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Cart,
    Order,
}

const fn kind(number: u64) -> Kind {
    match number % 100 {
        13 | 63 => Kind::Order,
        rest if rest % 12 == 5 => Kind::Cart,
        _ => Kind::Read,
    }
}

fn asked(
    shop: &Shop,
    (products, customers): (&[String], &[Customer]),
    skew: &Skew,
    (first, seconds): (u64, u64),
) -> io::Result<Vec<Sample>> {
    let pace = Drive {
        clients: CLIENTS,
        per_second: Some(PER_SECOND),
        lasting: Duration::from_secs(seconds),
        requests_max: u64::MAX,
    };
    let address = &shop.server.address;
    drive(address, pace, &|number, text| {
        let number = first.saturating_add(number);
        let place = skew.place(number, products.len());
        // A cart may have 200 lines.
        let place = match kind(number) {
            Kind::Cart => place % CART_LINES_MAX,
            Kind::Read | Kind::Order => place,
        };
        let product = products.get(place).map_or("", String::as_str);
        let whose = mixed(number)
            .checked_rem(u64::from(CUSTOMERS))
            .unwrap_or_default();
        let whose = usize::try_from(whose).unwrap_or_default();
        let Some(Customer { token, cart }) = customers.get(whose) else {
            return;
        };
        match kind(number) {
            Kind::Order => order(text, address, (token, product), number),
            Kind::Cart => {
                let body = format!("{{\"quantity\":{}}}", (number / 7) % 2);
                text.push_str(&format!(
                    "PUT /api/v1/carts/{cart}/items/{product} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer \
                     {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                ));
            }
            Kind::Read => {
                let path = match number % 10 {
                    0 => "/api/v1/products?limit=20".to_owned(),
                    1 => format!(
                        "/api/v1/products?limit=20&price_max={}",
                        1_000_u64.saturating_add(number % 5_000)
                    ),
                    _ => format!("/api/v1/products/{product}"),
                };
                text.push_str(&get(&path, address, ""));
            }
        }
    })
}

/// All succeeded; how many of each kind there were.
fn count(samples: &[Sample], next: u64, counted: &mut [u64; 3]) -> io::Result<()> {
    let [reads, carts, orders] = counted;
    let first = next.saturating_sub(u64::try_from(samples.len()).unwrap_or_default());
    // At a pace they are in the order of their numbers.
    for (number, sample) in (first..).zip(samples) {
        let (sum, wanted) = match kind(number) {
            Kind::Read => (&mut *reads, 200),
            Kind::Cart => (&mut *carts, 200),
            Kind::Order => (&mut *orders, 201),
        };
        if sample.status != wanted {
            let (kind, status) = (kind(number), sample.status);
            return Err(io::Error::other(format!(
                "{kind:?} was answered with {status}"
            )));
        }
        *sum = sum.saturating_add(1);
    }
    Ok(())
}

fn look(shop: &Shop, second: u64, samples: Vec<Sample>) -> Look {
    let mut times: Vec<u64> = samples.into_iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    Look {
        second,
        memory_kib: shop.server.memory_kib(),
        handles: shop.server.handles(),
        p50: percentile(&times, 500),
        p99: percentile(&times, 990),
    }
}

fn told(page: &mut Page, looks: &[Look]) -> io::Result<String> {
    let third = (looks.len() / 3).max(1);
    let runs = |looks: &[Look], of: fn(&Look) -> u64| {
        let mut runs = Runs::default();
        looks.iter().for_each(|look| runs.note(of(look)));
        runs
    };
    let (mut rows, mut drifted) = (Vec::new(), Vec::new());
    for (name, of, write) in [
        (
            "memory, MB",
            (|look| look.memory_kib) as fn(&Look) -> u64,
            as_mb as fn(u64) -> String,
        ),
        ("open handles", |look| look.handles, grouped),
        ("p50, ms", |look| look.p50, as_ms),
        ("p99, ms", |look| look.p99, as_ms),
    ] {
        let first = runs(looks.get(..third).unwrap_or_default(), of);
        let last = runs(
            looks
                .get(looks.len().saturating_sub(third)..)
                .unwrap_or_default(),
            of,
        );
        let drift = ratio(last.median(), first.median());
        if drift > DRIFT_MAX {
            drifted.push(format!("{name} {} times", as_ratio(drift)));
        }
        rows.push(vec![
            name.to_owned(),
            first.told(write),
            last.told(write),
            as_ratio(drift),
        ]);
    }
    page.table(
        &["", "first third", "last third", "the last beside the first"],
        &rows,
    );
    let line = |of: fn(&Look) -> u64| looks.iter().map(|look| (look.second, of(look))).collect();
    let memory = Lines {
        title: "Memory over the day",
        unit: "KiB",
        below: "seconds",
        lines: vec![("memory".to_owned(), line(|look| look.memory_kib))],
    };
    page.picture("memory", &memory.svg())?;
    let times = Lines {
        title: "Times over the day, in microseconds",
        unit: "µs",
        below: "seconds",
        lines: vec![
            ("p50".to_owned(), line(|look| look.p50)),
            ("p99".to_owned(), line(|look| look.p99)),
        ],
    };
    page.picture("times", &times.svg())?;
    Ok(match drifted.is_empty() {
        true => "nothing grew by more than a tenth".to_owned(),
        false => format!("grew by more than a tenth: {}", drifted.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_90_read_8_change_carts_and_2_order() {
        let of = |wanted| (0..100).filter(|number| kind(*number) == wanted).count();
        assert_eq!(
            (of(Kind::Read), of(Kind::Cart), of(Kind::Order)),
            (90, 8, 2)
        );
    }
}
