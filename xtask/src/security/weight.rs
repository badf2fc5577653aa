//! What the pages that people see most weigh, and how long the shop takes for each: among a thousand products, and
//! among a hundred thousand. They are asked for one after the other, each over a connection of its own, so that what is
//! told is a little more than the shop's own time.

use super::{
    Outcome, Stand,
    http::{Answer, ask},
    shop::Shop,
};
use std::{
    fmt::Write as _,
    io::{self, Write},
    time::{Duration, Instant},
};

const NAME: &str = "weight";
const SIZES: [u32; 2] = [1_000, 100_000];
/// Products that are made in one request.
const BATCH: u32 = 100;
const SHELVES: u32 = 20;
/// How often each page is asked for.
const ROUNDS: usize = 400;
/// Products whose pages are asked for in turns.
const SHOWN: usize = 100;
const TIME_MAX: Duration = Duration::from_millis(5);
/// What a product's page may weigh with its style and scripts, and what the style may, in bytes.
const WEIGHT_MAX: usize = 50_000;
const STYLE_MAX: usize = 20_000;
/// A description as long as people write them.
const WORDS: &str = "Steamed green tea from the first picking in late April. The leaf is dark and like a needle, and \
    the cup tastes of young peas and a little of the sea. Use water at 70 degrees and pour after one minute.";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let (mut slowest, mut heaviest, mut style) = (Duration::ZERO, 0, 0);
    for count in SIZES {
        let shop = Shop::open(stand, NAME, &[("SOUK_SHOP__DEMO", "false")])?;
        let admin = shop.admin(stand, NAME)?;
        let products = fill(&shop, admin.text("access_token"), count)?;
        let visitor = Visitor::with_cart(&shop, products.first().map_or("", String::as_str))?;
        let (home, cart) = (["/".to_owned()], ["/cart".to_owned()]);
        let shelves: Vec<String> = (0..SHELVES).map(|n| format!("/c/shelf-{n}")).collect();
        let searches: Vec<String> = (0..SHELVES).map(|n| format!("/search?q=tea+{n}")).collect();
        for (name, paths) in [
            ("home", home.as_slice()),
            ("category", shelves.as_slice()),
            ("search", searches.as_slice()),
            ("product", products.as_slice()),
            ("cart", cart.as_slice()),
        ] {
            let (times, bytes) = visitor.look(paths)?;
            let (half, most) = (percentile(&times, 50), percentile(&times, 99));
            slowest = slowest.max(half);
            writeln!(
                out,
                "among {count} products, {name}: p50 {half:.2?}, p99 {most:.2?}, {bytes} bytes of HTML"
            )?;
        }
        let weighed = visitor.weigh(products.first().map_or("", String::as_str))?;
        heaviest = heaviest.max(weighed.all);
        style = style.max(weighed.style);
    }
    let line = format!(
        "the slowest page takes {slowest:.2?} at p50, a product's page weighs {heaviest} bytes with its style \
         ({style}) and scripts"
    );
    let is_fine = slowest < TIME_MAX && heaviest < WEIGHT_MAX && style < STYLE_MAX;
    Ok(if is_fine {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

fn must(answer: Answer, status: u16) -> io::Result<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    let body: String = answer.body.chars().take(300).collect();
    Err(io::Error::other(format!(
        "{} instead of {status}: {body}",
        answer.status
    )))
}

/// Makes categories and so many products; gives the pages of some.
fn fill(shop: &Shop, token: &str, count: u32) -> io::Result<Vec<String>> {
    let bearer = format!("Bearer {token}");
    let post = |path: &str, body: &str, status: u16| {
        let headers = [("authorization", bearer.as_str())];
        let made = ask(&shop.address, "POST", path, &headers, body)?;
        must(made, status)
    };
    for number in 0..SHELVES {
        let body = format!("{{\"name\":\"Shelf {number}\"}}");
        post("/api/v1/categories", &body, 201)?;
    }
    let mut pages = Vec::new();
    for first in (0..count).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let mut body = String::new();
        for number in first..count.min(first.saturating_add(BATCH)) {
            let (shelf, price) = (number % SHELVES, (number % 9_000).saturating_add(100));
            let product = format!(
                "{{\"name\":\"Tea {number}\",\"description\":\"{WORDS}\",\"category\":\"shelf-{shelf}\",\
                 \"price\":{{\"amount\":{price},\"currency\":\"USD\"}},\"stock\":9,\
                 \"attributes\":{{\"weight_grams\":{price}}}}}"
            );
            let comma = if body.is_empty() { "" } else { "," };
            write!(body, "{comma}{product}").map_err(io::Error::other)?;
        }
        let body = format!("{{\"products\":[{body}]}}");
        let made = post("/api/v1/products/batch", &body, 200)?;
        let slugs = made.body.split("\"slug\":\"").skip(1);
        let slugs = slugs.filter_map(|rest| rest.split('"').next());
        let left = SHOWN.saturating_sub(pages.len());
        pages.extend(
            slugs
                .filter(|slug| slug.starts_with("tea"))
                .take(left)
                .map(|slug| format!("/p/{slug}")),
        );
    }
    Ok(pages)
}

/// Somebody who has something in their cart.
struct Visitor<'s> {
    shop: &'s Shop,
    cookies: String,
}

/// What a page weighs with all that it needs, in bytes as they are sent uncompressed.
struct Weighed {
    all: usize,
    style: usize,
}

impl<'s> Visitor<'s> {
    fn with_cart(shop: &'s Shop, product: &str) -> io::Result<Self> {
        let mut visitor = Self {
            shop,
            cookies: String::new(),
        };
        let page = visitor.get(product)?;
        let variant = between(&page.body, "name=\"add\" value=\"", "\"")?.to_owned();
        let form = visitor.get(&format!("/cart?add={variant}"))?;
        visitor.keep(&form);
        let csrf = between(&form.body, "name=\"csrf\" value=\"", "\"")?;
        let sent = format!("csrf={csrf}&variant={variant}&quantity=2&more=1");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", visitor.cookies.as_str()),
        ];
        let put = ask(&shop.address, "POST", "/cart/items", &headers, &sent)?;
        visitor.keep(&must(put, 303)?);
        Ok(visitor)
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.head.lines() {
            let cookie = line.strip_prefix("set-cookie: ");
            if let Some(pair) = cookie.and_then(|cookie| cookie.split(';').next()) {
                self.cookies = format!("{}; {pair}", self.cookies)
                    .trim_start_matches("; ")
                    .to_owned();
            }
        }
    }

    fn get(&self, path: &str) -> io::Result<Answer> {
        let headers = [("accept", "text/html"), ("cookie", self.cookies.as_str())];
        must(ask(&self.shop.address, "GET", path, &headers, "")?, 200)
    }

    /// Asks for pages in turns: how long each took, sorted, and what the largest weighs.
    fn look(&self, paths: &[String]) -> io::Result<(Vec<Duration>, usize)> {
        let (mut times, mut most) = (Vec::with_capacity(ROUNDS), 0);
        for path in paths.iter().cycle().take(ROUNDS) {
            let begun = Instant::now();
            let page = self.get(path)?;
            times.push(begun.elapsed());
            most = most.max(page.body.len());
        }
        times.sort_unstable();
        Ok((times, most))
    }

    fn weigh(&self, path: &str) -> io::Result<Weighed> {
        let page = self.get(path)?.body;
        let style = between(&page, "rel=\"stylesheet\" href=\"", "\"")?;
        let style = self.get(style)?.body.len();
        let mut all = page.len().saturating_add(style);
        for rest in page.split("<script").skip(1) {
            let tag = rest.split('>').next().unwrap_or_default();
            if let Ok(script) = between(tag, "src=\"", "\"") {
                all = all.saturating_add(self.get(script)?.body.len());
            }
        }
        Ok(Weighed { all, style })
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> io::Result<&'t str> {
    let rest = text.split_once(start).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split(end).next());
    found.ok_or_else(|| io::Error::other(format!("a page has no {start}")))
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = sorted.len().saturating_mul(percent) / 100;
    let last = sorted.len().saturating_sub(1);
    sorted.get(index.min(last)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_is_found_and_percentiles_are_of_what_is_sorted() {
        assert_eq!(between("a href=\"x\" b", "href=\"", "\"").unwrap(), "x");
        assert!(between("a", "href=\"", "\"").is_err());
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(51));
        assert_eq!(percentile(&times, 100), Duration::from_millis(100));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
