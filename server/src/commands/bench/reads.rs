//! `souk bench reads`: reads of one product, of many, and of a list, without limits, with the limits of this process
//! and with those in a Redis, in turns. Somebody edits meanwhile, and every answer must be as new as the last edit
//! that was acknowledged before it was asked for. Judges correctness only, never speed.

use super::{
    load::{Connection, Heard},
    prepare, report,
    watched::Watch,
};
use crate::{
    args::{BenchArgs, BenchMode, ReadsArgs},
    commands::api::{Api, Body, Call},
    config::{Config, Flags, HttpFlags},
    console::say,
    ops,
    shop::Shop,
};
use contracts::BoxError;
use reqwest::Method;
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Each figure is the median of these.
const ROUNDS: u32 = 3;
/// Reads that come from one address before the next takes over: fewer than the limits let through at once.
const READS_OF_AN_ADDRESS: u32 = 500;
/// An edit costs two units of what comes back by ten a second.
const EDIT_EVERY: Duration = Duration::from_millis(200);
/// Oldest first, so that the product that is edited is the first.
const LIST: &str = "/api/v1/products?sort=created_at&limit=20";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limits {
    Off,
    Here,
    Redis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Product,
    Products,
    List,
}

/// A shop that is read, and its product that is edited.
struct Stand {
    limits: Limits,
    shop: Shop,
    products: Arc<[String]>,
    acknowledged: Arc<AtomicI64>,
    // Whoever edits, and whoever watches; they end with the stand.
    _beside: JoinSet<Result<(), BoxError>>,
    addresses: AtomicU32,
}

#[derive(Debug, Clone, Copy)]
struct Figure {
    what: What,
    limits: Limits,
    per_second: u64,
    p50: Duration,
    p99: Duration,
    processor: Duration,
    asked: u64,
}

pub(in crate::commands) async fn reads(plan: &ReadsArgs) -> Result<(), BoxError> {
    let watch = plan.watched.then(Watch::begin).transpose()?;
    let mut kinds = vec![Limits::Off, Limits::Here];
    kinds.extend(plan.redis.iter().map(|_| Limits::Redis));
    let mut stands = Vec::new();
    for limits in kinds {
        stands.push(Stand::open(limits, plan, watch.as_ref()).await?);
    }
    let mut figures = Vec::new();
    for what in [What::Product, What::Products, What::List] {
        for _ in 0..ROUNDS {
            for stand in &stands {
                figures.push(stand.read(what, plan).await?);
            }
        }
    }
    for what in [What::Product, What::Products, What::List] {
        tell(&figures, what, &stands);
    }
    for stand in stands {
        let edits = stand.acknowledged.load(SeqCst).saturating_sub(1);
        if edits == 0 {
            return Err("nothing was edited while it was read".into());
        }
        say(format!(
            "{}: {edits} edits, each seen by whoever asked after it",
            stand.limits.name()
        ));
        stand.shop.close().await;
    }
    match watch {
        Some(watch) => watch.end().await,
        None => Ok(()),
    }
}

impl Limits {
    const fn name(self) -> &'static str {
        match self {
            Self::Off => "no limits",
            Self::Here => "limits in this process",
            Self::Redis => "limits in Redis",
        }
    }
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Product => "one product",
            Self::Products => "many products",
            Self::List => "a list of 20",
        }
    }
}

impl Stand {
    async fn open(
        limits: Limits,
        plan: &ReadsArgs,
        watch: Option<&Watch>,
    ) -> Result<Self, BoxError> {
        let flags = Flags {
            http: HttpFlags {
                listen: Some(([127, 0, 0, 1], 0).into()),
                ..HttpFlags::default()
            },
            ..Flags::default()
        };
        let mut config = Config::load(None, true, &flags)?;
        config.shop.demo = false;
        config.http.public_url = String::new();
        config.http.ops_listen = match watch {
            Some(_) => "127.0.0.1:0".to_owned(),
            None => String::new(),
        };
        config.limits.enabled = limits != Limits::Off;
        config.http.late_ms_max = 0;
        // Clients come from many addresses, as in front of a shop they do.
        config.gateway.trusted_proxies = vec!["127.0.0.1/32".parse()?];
        if let (Limits::Redis, Some(url)) = (limits, &plan.redis) {
            config.cache.clone_from(url);
            // What a run before this one used up there is not this one's.
            config.redis.prefix = platform::digest::base64url(&platform::digest::random::<9>()?);
        }
        let shop = Shop::open(config, true).await?;
        let goods = BenchArgs {
            orders: 1_000,
            clients: plan.clients,
            products: plan.products,
            mode: BenchMode::All,
        };
        let prepared = prepare::products(&shop, &goods).await?;
        let api = Api::new(&shop.public_url)?;
        let list = api.send(&Call::get(LIST)).await?.expect_status(200)?;
        let edited = list.pointer("/data/0/id").and_then(|id| id.as_str());
        let edited = edited.ok_or("there is no product")?.to_owned();
        let products: Vec<String> = [edited.clone()]
            .into_iter()
            .chain(prepared.products)
            .collect();
        let acknowledged = Arc::new(AtomicI64::new(1));
        let mut beside = JoinSet::new();
        if let (Some(watch), Some(ops)) = (watch, shop.ops_address) {
            beside.spawn(watch.scrape(ops));
        }
        beside.spawn(edit(api, prepared.token, edited, Arc::clone(&acknowledged)));
        Ok(Self {
            limits,
            shop,
            products: products.into(),
            acknowledged,
            _beside: beside,
            addresses: AtomicU32::new(0),
        })
    }

    async fn read(&self, what: What, plan: &ReadsArgs) -> Result<Figure, BoxError> {
        let next = Arc::new(AtomicU32::new(0));
        let mut readers = JoinSet::new();
        let (asked, started) = (ops::limits_asked()?, Instant::now());
        let before = report::processor_time();
        for _ in 0..plan.clients.max(1) {
            let reader = Reader {
                connection: Connection::open(self.shop.address).await?,
                address: self.shop.address,
                what,
                products: Arc::clone(&self.products),
                acknowledged: Arc::clone(&self.acknowledged),
            };
            // No address comes twice: each has all its units yet.
            let of_each = plan.reads / READS_OF_AN_ADDRESS;
            let first = self.addresses.fetch_add(of_each.saturating_add(2), SeqCst);
            readers.spawn(reader.read(Arc::clone(&next), plan.reads, first));
        }
        let mut times = Vec::new();
        while let Some(reader) = readers.join_next().await {
            times.extend(reader??);
        }
        let elapsed = started.elapsed();
        let processor = report::processor_time().saturating_sub(before);
        times.sort_unstable();
        let count = u64::try_from(times.len())?;
        Ok(Figure {
            what,
            limits: self.limits,
            per_second: report::per_second(count, elapsed),
            p50: report::percentile(&times, 50),
            p99: report::percentile(&times, 99),
            processor: report::each(processor, count),
            asked: ops::limits_asked()?.saturating_sub(asked),
        })
    }
}

/// Edits one product for as long as it is let.
async fn edit(
    api: Api,
    token: String,
    product: String,
    acknowledged: Arc<AtomicI64>,
) -> Result<(), BoxError> {
    let path = format!("/api/v1/products/{product}");
    loop {
        tokio::time::sleep(EDIT_EVERY).await;
        let version = acknowledged.load(SeqCst);
        let body = json!({"description": format!("edited {version} times"), "version": version});
        let call = Call {
            method: Method::PATCH,
            path: &path,
            token: Some(&token),
            key: None,
            body: Body::Value(&body),
        };
        api.send(&call).await?.expect_status(200)?;
        acknowledged.store(version.saturating_add(1), SeqCst);
    }
}

struct Reader {
    connection: Connection,
    address: SocketAddr,
    what: What,
    products: Arc<[String]>,
    acknowledged: Arc<AtomicI64>,
}

impl Reader {
    async fn read(
        mut self,
        next: Arc<AtomicU32>,
        end: u32,
        first_address: u32,
    ) -> Result<Vec<Duration>, BoxError> {
        let (mut times, mut mine) = (Vec::new(), 0_u32);
        loop {
            let number = next.fetch_add(1, SeqCst);
            if number >= end {
                return Ok(times);
            }
            let from = first_address.saturating_add(mine / READS_OF_AN_ADDRESS);
            mine = mine.saturating_add(1);
            let (request, is_edited) = self.request(number, from)?;
            let least = if is_edited {
                self.acknowledged.load(SeqCst)
            } else {
                1
            };
            let started = Instant::now();
            let heard = self.connection.ask(request.as_bytes()).await?;
            times.push(started.elapsed());
            check(&heard, self.what, least)?;
        }
    }

    /// The request, and whether it is about the product that is edited.
    fn request(&self, number: u32, from: u32) -> Result<(String, bool), BoxError> {
        let index = match self.what {
            What::Product | What::List => 0,
            What::Products => usize::try_from(number)?
                .checked_rem(self.products.len())
                .unwrap_or(0),
        };
        let path = match self.what {
            What::List => LIST.to_owned(),
            What::Product | What::Products => {
                let product = self.products.get(index).ok_or("there is no product")?;
                format!("/api/v1/products/{product}")
            }
        };
        let [_, b, c, d] = from.to_be_bytes();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nx-forwarded-for: 100.{b}.{c}.{d}\r\n\r\n",
            self.address
        );
        Ok((request, index == 0))
    }
}

/// The version is no older than what was acknowledged, and of a product the entity tag names the same one.
fn check(heard: &Heard<'_>, what: What, least: i64) -> Result<(), BoxError> {
    if heard.status != 200 {
        return Err(heard.refusal("a read"));
    }
    let body = std::str::from_utf8(heard.body)?;
    let version = number_after(body, "\"version\":").ok_or("an answer has no version")?;
    if version < least {
        return Err(format!("version {version} was shown after {least} was acknowledged").into());
    }
    let tagged = number_after(heard.head, "etag: \"");
    if what != What::List && tagged != Some(version) {
        return Err(format!("version {version} has the tag of {tagged:?}").into());
    }
    Ok(())
}

fn number_after(text: &str, name: &str) -> Option<i64> {
    let (_, rest) = text.split_once(name)?;
    let digits = rest.split(|byte: char| !byte.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn tell(figures: &[Figure], what: What, stands: &[Stand]) {
    let mut unlimited = 0;
    for stand in stands {
        let mut runs: Vec<&Figure> = figures
            .iter()
            .filter(|figure| figure.what == what && figure.limits == stand.limits)
            .collect();
        runs.sort_unstable_by_key(|figure| figure.per_second);
        let Some(figure) = runs.get(runs.len() / 2) else {
            continue;
        };
        if stand.limits == Limits::Off {
            unlimited = figure.per_second;
        }
        let share = figure
            .per_second
            .saturating_mul(1_000)
            .checked_div(unlimited)
            .unwrap_or(0);
        let asked: u64 = runs.iter().map(|figure| figure.asked).sum();
        say(format!(
            "{}, {}: {} a second ({}.{} % of no limits), p50 {:.2?}, p99 {:.2?}; {:.1?} of processors a read; \
             {asked} questions to Redis",
            what.name(),
            stand.limits.name(),
            figure.per_second,
            share / 10,
            share % 10,
            figure.p50,
            figure.p99,
            figure.processor,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard<'a>(head: &'a str, body: &'a str) -> Heard<'a> {
        Heard {
            status: 200,
            head,
            body: body.as_bytes(),
        }
    }

    #[test]
    fn an_answer_that_is_too_old_or_has_another_s_tag_is_found() {
        let good = heard("HTTP/1.1 200 OK\r\netag: \"7-9\"", "{\"version\":7}");
        assert!(check(&good, What::Product, 7).is_ok());
        assert!(check(&good, What::Product, 8).is_err());
        let other = heard("HTTP/1.1 200 OK\r\netag: \"6-9\"", "{\"version\":7}");
        assert!(check(&other, What::Product, 7).is_err());
        assert!(check(&other, What::List, 7).is_ok());
    }
}
