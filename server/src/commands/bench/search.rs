//! `souk bench search`: searches over HTTP in a catalog that is made up, of many products, with a list of 20 behind
//! each, counts and suggestions; and searches that are meant to hurt. What they find is held against what was made.
//! Judges correctness only, never speed.

use super::{goods::Goods, load::Connection, report};
use crate::{commands::replay::own_shop, console::say, shop::Shop};
use clap::Args;
use contracts::{
    BoxError,
    catalog::{Catalog, FacetsQuery, ProductQuery},
    values::UserId,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Products in one commit.
const BATCH: u32 = 1_000;
/// Searches whose answers are held against the products themselves.
const CHECKED: u32 = 300;
/// How often each of the searches that are meant to hurt is made.
const HOSTILE_ROUNDS: usize = 50;

/// Flags of `bench search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Products there are
    #[arg(long, default_value_t = 100_000)]
    pub products: u32,
    /// Searches of each kind
    #[arg(long, default_value_t = 10_000)]
    pub searches: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 2)]
    pub clients: u32,
}

#[derive(Debug, Clone, Copy)]
enum What {
    List,
    Mistyped,
    Facets,
    Suggestions,
}

pub(in crate::commands) async fn search(plan: &SearchArgs) -> Result<(), BoxError> {
    let shop = own_shop(None).await?;
    let goods = Arc::new(Goods::new(plan.products)?);
    let catalog: &dyn Catalog = &*shop.services.catalog;
    let started = Instant::now();
    fill(catalog, &goods).await?;
    say(format!(
        "{} products made in {} ms",
        goods.count(),
        started.elapsed().as_millis()
    ));
    let (started, before) = (Instant::now(), report::memory_mib());
    catalog.facets(FacetsQuery::default()).await?;
    say(format!(
        "the index filled in {} ms, {} MiB more in memory",
        started.elapsed().as_millis(),
        report::memory_mib().saturating_sub(before)
    ));
    check(catalog, &goods).await?;
    for what in [What::List, What::Mistyped, What::Facets, What::Suggestions] {
        let times = run(&shop, what, &goods, plan).await?;
        tell(what.name(), &times);
    }
    hostile(&shop, &goods).await?;
    shop.close().await;
    Ok(())
}

async fn fill(catalog: &dyn Catalog, goods: &Goods) -> Result<(), BoxError> {
    let owner = UserId::generate();
    let mut next = 0;
    while next < goods.count() {
        let end = next.saturating_add(BATCH).min(goods.count());
        let batch = (next..end).map(|number| goods.product(number)).collect();
        for outcome in catalog.import_products(owner, batch, true).await? {
            outcome?;
        }
        next = end;
    }
    Ok(())
}

/// Two words of a product find all that have both, and whoever mistypes a rare one finds it all the same.
async fn check(catalog: &dyn Catalog, goods: &Goods) -> Result<(), BoxError> {
    for number in 0..CHECKED {
        let words = goods.words_of(number.wrapping_mul(7_919));
        let expected = goods.with_all(&words);
        let q = Some(words.join(" "));
        let query = FacetsQuery {
            q: q.clone(),
            ..FacetsQuery::default()
        };
        let total = catalog.facets(query).await?.total;
        if total != expected {
            return Err(format!("{words:?}: {total} found, {expected} made").into());
        }
        let page = catalog
            .products(
                None,
                ProductQuery {
                    q,
                    ..ProductQuery::default()
                },
            )
            .await?;
        for product in &page.data {
            let text = format!("{} {}", product.name, product.description);
            let has = |word: &String| {
                text.split([' ', '-'])
                    .any(|one| one.starts_with(word.as_str()))
            };
            let beside = product.category.as_deref().unwrap_or("");
            if !words
                .iter()
                .all(|word| has(word) || beside.contains(word.as_str()))
            {
                return Err(format!("{words:?} found {text:?}").into());
            }
        }
        let Some((rare, mistyped)) = goods.mistyped(number) else {
            continue;
        };
        let query = ProductQuery {
            q: Some(mistyped.clone()),
            ..ProductQuery::default()
        };
        let page = catalog.products(None, query).await?;
        if !page.data.iter().any(|product| product.name.contains(&rare)) {
            return Err(format!("{mistyped} did not find {rare}").into());
        }
    }
    say(format!(
        "{CHECKED} searches found what was made, mistyped ones too"
    ));
    Ok(())
}

async fn run(
    shop: &Shop,
    what: What,
    goods: &Arc<Goods>,
    plan: &SearchArgs,
) -> Result<Vec<Duration>, BoxError> {
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..plan.clients.max(1) {
        let mut connection = Connection::open(shop.address).await?;
        let (next, goods, end) = (Arc::clone(&next), Arc::clone(goods), plan.searches);
        let host = shop.address;
        clients.spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= end {
                    return Ok::<_, BoxError>(times);
                }
                let request = format!(
                    "GET {} HTTP/1.1\r\nhost: {host}\r\n\r\n",
                    what.path(&goods, number)
                );
                times.push(ask(&mut connection, &request).await?);
            }
        });
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client??);
    }
    times.sort_unstable();
    Ok(times)
}

/// Searches that make the index work: beginnings of one letter, words that are nearly right, long ones, none.
async fn hostile(shop: &Shop, goods: &Goods) -> Result<(), BoxError> {
    let mut connection = Connection::open(shop.address).await?;
    let nearly: Vec<String> = (0..8)
        .filter_map(|number| Some(goods.mistyped(number)?.1))
        .collect();
    let mut worst: Vec<(Duration, String)> = Vec::new();
    for q in [
        "a b c d e f g h".to_owned(),
        "ba ka ma ra sa ta na la".to_owned(),
        nearly.join("+"),
        ["z", "y", "x", "w", "v", "u", "q", "j"]
            .map(|letter| letter.repeat(12))
            .join("+"),
        "%C3%A9".repeat(900),
        "%25".repeat(1_000),
        "a+".repeat(1_000),
    ] {
        let q = q.replace(' ', "+");
        for path in [
            "/api/v1/products?limit=50&sort=name&q=",
            "/api/v1/products/facets?q=",
            "/api/v1/products/suggestions?q=",
        ] {
            let mut times = Vec::new();
            for _ in 0..HOSTILE_ROUNDS {
                let request = format!("GET {path}{q} HTTP/1.1\r\nhost: {}\r\n\r\n", shop.address);
                times.push(ask(&mut connection, &request).await?);
            }
            times.sort_unstable();
            let shown: String = q.chars().take(24).collect();
            worst.push((report::percentile(&times, 99), format!("{path}{shown}")));
        }
    }
    worst.sort_unstable();
    for (time, path) in worst.iter().rev().take(3) {
        say(format!("hostile, p99 {} ms: {path}", milliseconds(*time)));
    }
    Ok(())
}

async fn ask(connection: &mut Connection, request: &str) -> Result<Duration, BoxError> {
    let started = Instant::now();
    let heard = connection.ask(request.as_bytes()).await?;
    let time = started.elapsed();
    if heard.status == 200 {
        Ok(time)
    } else {
        Err(heard.refusal("a search"))
    }
}

fn tell(name: &str, times: &[Duration]) {
    say(format!(
        "{name}: {} asked, p50 {} ms, p99 {} ms, longest {} ms",
        times.len(),
        milliseconds(report::percentile(times, 50)),
        milliseconds(report::percentile(times, 99)),
        milliseconds(times.last().copied().unwrap_or_default()),
    ));
}

fn milliseconds(time: Duration) -> String {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    report::hundredths(micros, 1_000)
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::List => "lists of 20",
            Self::Mistyped => "lists of 20 for mistyped words",
            Self::Facets => "counts",
            Self::Suggestions => "suggestions",
        }
    }

    /// No two are alike, so that none is answered from what was kept.
    fn path(self, goods: &Goods, number: u32) -> String {
        let words = goods.words_of(number.wrapping_mul(104_729));
        let word = |index: usize| words.get(index).map_or("", String::as_str);
        // Of every four: two words, one word, a beginning, a filter.
        let q = match number % 4 {
            0 => format!("{}+{}", word(0), word(1)),
            1 => word(0).to_owned(),
            2 => word(1).chars().take(3).collect(),
            _ => format!("{}&in_stock=true&price_min=1000&price_max=50000", word(1)),
        };
        match self {
            Self::List => format!(
                "/api/v1/products?price_max={}&q={q}",
                10_000_000_u32.saturating_add(number)
            )
            .replace(
                "&in_stock=true&price_min=1000&price_max=50000",
                "&in_stock=true&price_min=1000",
            ),
            Self::Mistyped => {
                let typed = goods
                    .mistyped(number)
                    .map_or_else(String::new, |(_, typed)| typed);
                format!(
                    "/api/v1/products?price_max={}&q={typed}",
                    10_000_000_u32.saturating_add(number)
                )
            }
            Self::Facets => format!("/api/v1/products/facets?q={q}"),
            Self::Suggestions => {
                let typed: String = q
                    .chars()
                    .take(4)
                    .filter(|letter| letter.is_alphabetic())
                    .collect();
                format!("/api/v1/products/suggestions?q={typed}")
            }
        }
    }
}
