//! A large shop beside one a thousandth its size, in turns: what people and staff ask of both, the p99 of it, memory;
//! and how long the large one takes to be filled, to start and to be verified. Orders go by the shop's own door.

use super::{
    client::{Drive, drive, micros, times},
    count::{Runs, as_mb, as_ms, as_ratio, grouped, percentile, ratio},
    filled::{BUYERS, CUSTOMERS, Made, SETTINGS, Sized, again, category, fill, words},
    goods::verify,
    page::Page,
    plan::Plan,
    plot::{Bar, Bars},
    process::get,
    skew::{Skew, mixed},
};
use crate::parts::{Outcome, Stand};
use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

/// How many times smaller the other one is; a list has 20 nevertheless.
const TIMES: u32 = 1_000;
const PRODUCTS_MIN: u32 = 100;
const ORDERS_MIN: u32 = 1_000;
/// Who asks: few, so that times are of answers and not of waits for a processor.
const ASKING: u32 = 2;
/// The p99 and the memory of the large one may be so many thousandths of the small one's.
const RATIO_MAX: u64 = 1_500;
/// What is asked, and by whom.
#[derive(Debug, Clone, Copy)]
enum What {
    Get,
    List,
    Search,
    Category,
    History,
    AdminOrders,
    AdminPending,
    AdminFigures,
    AdminStock,
    AdminUsers,
}

const WHATS: [What; 10] = [
    What::Get,
    What::List,
    What::Search,
    What::Category,
    What::History,
    What::AdminOrders,
    What::AdminPending,
    What::AdminFigures,
    What::AdminStock,
    What::AdminUsers,
];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let plan = Plan::wished();
    let skew = Skew::wished()?;
    let mut page = Page::new(stand, "scale", "Scale")?;
    let (products, orders) = (plan.products.max(PRODUCTS_MIN), plan.orders.max(ORDERS_MIN));
    let small_size = (
        (products / TIMES).max(PRODUCTS_MIN),
        (orders / TIMES).max(ORDERS_MIN),
    );
    let mut small_made = Made::default();
    let small = fill(stand, "scale-small", small_size, (&skew, &mut small_made))?;
    let mut made = Made::default();
    let large = fill(stand, "scale-large", (products, orders), (&skew, &mut made))?;
    writeln!(
        out,
        "  {products} products, a second: {}; {orders} orders, a second: {}",
        rate(made.imported_per_second),
        rate(made.ordered_per_second)
    )?;
    let mut small = again(stand, small, &mut small_made)?;
    let mut large = again(stand, large, &mut made)?;
    let reached = rounds(&mut small, &mut large, out)?;
    let [of_large, of_small] = [&large, &small].map(|sized| sized.shop.server.memory_kib());
    let (large_orders, small_orders) = (large.orders, small.orders);
    for (sized, made) in [(small, &mut small_made), (large, &mut made)] {
        let (data, orders) = (sized.shop.data.clone(), sized.orders);
        drop(sized);
        let begun = Instant::now();
        let said = verify(stand, &data, SETTINGS)?;
        made.verified = micros(begun.elapsed());
        if !said.contains(&format!(" {orders} orders (")) {
            return Err(io::Error::other(format!("not {orders} orders: {said}")));
        }
    }
    let mut result = told(&mut page, &reached)?;
    let told = [(made, of_large), (small_made, of_small)];
    result.push_str(&shops(&mut page, &told));
    page.setting(format!(
        "large: {products} products and {large_orders} orders of one line; small: {} and {small_orders}; SQLite; \
         {CUSTOMERS} accounts, the first of which has the most; {}",
        small_size.0, skew.source
    ));
    page.setting(format!(
        "{ASKING} clients, each of which asks again as soon as it is answered, {} s for each kind in each round; \
         orders by {BUYERS} clients through the shop's door, unpaid; every answer was a success",
        plan.seconds
    ));
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

/// For each kind the p50 and p99 of the small one and of the large one.
fn rounds(
    small: &mut Sized,
    large: &mut Sized,
    out: &mut dyn Write,
) -> io::Result<Vec<[[Runs; 2]; 2]>> {
    let plan = Plan::wished();
    let mut reached: Vec<[[Runs; 2]; 2]> = WHATS.iter().map(|_| Default::default()).collect();
    for round in 0..plan.rounds {
        small.enter()?;
        large.enter()?;
        for (what, [of_small, of_large]) in WHATS.iter().zip(&mut reached) {
            let mut both = [(&*small, of_small), (&*large, of_large)];
            if !round.is_multiple_of(2) {
                both.reverse();
            }
            for (sized, runs) in both {
                sized.asked(*what, round, runs)?;
            }
        }
        writeln!(
            out,
            "  round {} of {}",
            round.saturating_add(1),
            plan.rounds
        )?;
    }
    Ok(reached)
}

impl Sized {
    fn asked(&self, what: What, round: u32, [p50, p99]: &mut [Runs; 2]) -> io::Result<()> {
        let asking = Drive {
            clients: ASKING,
            per_second: None,
            lasting: Duration::from_secs(Plan::wished().seconds),
            requests_max: u64::MAX,
        };
        let address = &self.shop.server.address;
        let from = u64::from(round) << 32;
        let samples = drive(address, asking, &|number, text| {
            let (path, token) = self.request(what, from | number);
            let line = match token {
                "" => String::new(),
                token => format!("authorization: Bearer {token}\r\n"),
            };
            text.push_str(&get(&path, address, &line));
        })?;
        let times = times(&samples, 200);
        if times.len() != samples.len() {
            let other = samples.iter().find(|sample| sample.status != 200);
            let status = other.map_or(0, |sample| sample.status);
            return Err(io::Error::other(format!(
                "{what:?} was answered with {status}"
            )));
        }
        p50.note(percentile(&times, 500));
        p99.note(percentile(&times, 990));
        Ok(())
    }

    /// The path, and whose token goes with it. No two lists or searches are alike, so that none is answered from what
    /// was kept; pages of categories are, as they are among shoppers.
    fn request(&self, what: What, number: u64) -> (String, &str) {
        let (bits, admin) = (mixed(number), self.admin.as_str());
        let pick = |list: &[String]| {
            let place = bits.checked_rem(u64::try_from(list.len()).unwrap_or(1).max(1));
            usize::try_from(place.unwrap_or_default()).unwrap_or_default()
        };
        let orders = "/api/v1/orders";
        match what {
            What::Get => {
                let product = self
                    .products
                    .get(pick(&self.products))
                    .map_or("", String::as_str);
                (format!("/api/v1/products/{product}"), "")
            }
            What::List => {
                let most = 1_000_000_u64.saturating_add(number & 0xffff_ffff);
                (
                    format!("/api/v1/products?sort=price&limit=20&price_max={most}"),
                    "",
                )
            }
            What::Search => {
                let (first, second) = words(bits);
                let most = 1_000_000_u64.saturating_add(number & 0xffff_ffff);
                (
                    format!("/api/v1/products?q={first}+{second}&limit=20&price_max={most}"),
                    "",
                )
            }
            What::Category => (category(bits), ""),
            What::History => {
                let whose = self
                    .customers
                    .get(pick(&self.customers))
                    .map_or("", String::as_str);
                (format!("{orders}?limit=20"), whose)
            }
            What::AdminOrders => (format!("{orders}?limit=50"), admin),
            What::AdminPending => (format!("{orders}?status=pending&limit=50"), admin),
            What::AdminFigures => (format!("{orders}/figures"), admin),
            What::AdminStock => ("/api/v1/inventory?limit=50".to_owned(), admin),
            What::AdminUsers => ("/api/v1/users?limit=50".to_owned(), admin),
        }
    }
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "one product",
            Self::List => "a list of 20",
            Self::Search => "a search",
            Self::Category => "a category's page",
            Self::History => "own orders",
            Self::AdminOrders => "staff: orders",
            Self::AdminPending => "staff: pending",
            Self::AdminFigures => "staff: figures",
            Self::AdminStock => "staff: stock",
            Self::AdminUsers => "staff: accounts",
        }
    }
}

fn told(page: &mut Page, reached: &[[[Runs; 2]; 2]]) -> io::Result<String> {
    let (mut rows, mut groups, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    for (what, [[small_p50, small], [large_p50, large]]) in WHATS.iter().zip(reached) {
        let times = large.beside(small);
        let is_reached = times.median() <= RATIO_MAX;
        if !is_reached {
            missed.push(format!("{} ({})", what.name(), as_ratio(times.median())));
        }
        rows.push(vec![
            what.name().to_owned(),
            format!("{}, {}", as_ms(small_p50.median()), small.told(as_ms)),
            format!("{}, {}", as_ms(large_p50.median()), large.told(as_ms)),
            times.told(as_ratio),
            (if is_reached {
                "reached"
            } else {
                "**not reached**"
            })
            .to_owned(),
        ]);
        let bars = [small, large].map(|one| Bar {
            median: one.median(),
            least: one.least(),
            most: one.most(),
        });
        groups.push((what.name().to_owned(), bars.to_vec()));
    }
    page.table(
        &[
            "",
            "small: p50, p99, ms",
            "large: p50, p99, ms",
            "p99 of the large beside the small",
            "1.5 wanted",
        ],
        &rows,
    );
    let bars = Bars {
        title: "p99 of answers, in microseconds",
        unit: "µs",
        series: &["small", "large"],
        groups,
    };
    page.picture("p99", &bars.svg())?;
    Ok(match missed.is_empty() {
        true => "p99 within 1.5 times everywhere".to_owned(),
        false => format!("p99 beyond 1.5 times: {}", missed.join(", ")),
    })
}

fn shops(page: &mut Page, [(large, memory), (small, memory_small)]: &[(Made, u64); 2]) -> String {
    let times = as_ratio(ratio(*memory, *memory_small));
    let verified = as_ms(large.verified / 1_000);
    page.table(
        &["", "small", "large", "wanted of the large"],
        &[
            vec![
                "memory after all of that, MB".to_owned(),
                as_mb(*memory_small),
                format!("{} ({times} times)", as_mb(*memory)),
                "1.5 times".to_owned(),
            ],
            vec![
                "products imported a second".to_owned(),
                rate(small.imported_per_second),
                rate(large.imported_per_second),
                "20,000".to_owned(),
            ],
            vec![
                "orders placed a second, the load in another process".to_owned(),
                rate(small.ordered_per_second),
                rate(large.ordered_per_second),
                String::new(),
            ],
            vec![
                "start to first 200, ms".to_owned(),
                small.starts.told(as_ms),
                large.starts.told(as_ms),
                "300 ms".to_owned(),
            ],
            vec![
                "`souk verify`, s".to_owned(),
                as_ms(small.verified / 1_000),
                verified.clone(),
                "60 s".to_owned(),
            ],
        ],
    );
    format!(
        "; memory {times} times; products imported a second: {}; start {} ms; verified in {verified} s",
        rate(large.imported_per_second),
        as_ms(large.starts.median())
    )
}

/// What was done before was not measured now.
fn rate(per_second: u64) -> String {
    match per_second {
        0 => "not measured".to_owned(),
        measured => grouped(measured),
    }
}
