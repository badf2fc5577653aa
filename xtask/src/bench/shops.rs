//! Shops of the kind that seeds describe, beside ours, on the same work: reads, and orders that have to be on the disk.
//! Afterwards orders and stock are counted where they are kept: what was acknowledged must be there.

use super::{
    count::{Runs, as_ms, as_ratio, grouped},
    goods::{Goods, Shop},
    page::{Page, said},
    peers,
    plan::Plan,
    plot::{Bar, Bars},
    process::{Server, emptied},
    wrk::{Asking, CONNECTIONS, Ran, Wrk},
};
use crate::{
    deploy::postgres::Database,
    parts::{Outcome, Stand},
    security::{http::ask, tools},
};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
};

const PRODUCTS: u32 = 1_000;
const STOCK: u32 = 100_000_000;
const WHATS: [&str; 4] = [
    "one product",
    "a list of 20",
    "one's own order",
    "placing an order",
];
const TAKERS: [&str; 5] = [
    "souk, SQLite",
    "souk, PostgreSQL",
    "Express, PostgreSQL",
    "Flask, PostgreSQL",
    "Vendure, PostgreSQL",
];
/// It takes long to fill; and whoever reads one product or 20 does not notice how many there are.
const VENDURE_PRODUCTS: u32 = 200;
const PASSWORD: &str = "bench-password-8Zq4vW";

/// One of the shops: where it is, and what is asked of it.
struct Taker<'s> {
    server: &'s Server,
    /// For each kind of work, if it does that at all here.
    asking: [Option<Asking>; 4],
}

#[derive(Default, Clone)]
struct Reached {
    rate: Runs,
    p99: Runs,
    acknowledged: u64,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let (wrk, initdb) = match (
        tools::debian("wrk", "wrk"),
        tools::debian("initdb", "postgresql"),
    ) {
        (Ok(wrk), Ok(initdb)) => (wrk, initdb),
        (Err(missing), _) | (_, Err(missing)) => return Ok(Outcome::NotRun(missing)),
    };
    let mut page = Page::new(stand, "shops", "Beside shops on Express and on Flask")?;
    let folder = emptied(stand.folder.join("shops"))?;
    // Whoever serves the databases is another user.
    let databases =
        ["ours", "express", "flask", "vendure"].map(|name| database(&folder, name, &initdb));
    let [ours, express_data, flask_data, vendure_data] = databases;
    let (ours, express_data) = (ours?, express_data?);
    let (flask_data, vendure_data) = (flask_data?, vendure_data?);
    let psql = initdb.canonicalize()?.with_file_name("psql");
    for database in [&express_data, &flask_data] {
        fill(stand, &psql, &database.url())?;
    }
    let express = match peers::express(stand, &express_data.url(), &folder)? {
        Ok(server) => server,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let flask = match peers::flask(stand, &flask_data.url(), &folder)? {
        Ok(server) => server,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let vendure = vendure(stand, &vendure_data.url(), &folder, &mut page)?;
    let url = ours.url();
    let on_postgres = [
        ("SOUK_DB", url.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let (near, far) = (
        Shop::open(stand, "shops-sqlite", &[])?,
        Shop::open(stand, "shops-postgres", &on_postgres)?,
    );
    let mut takers = vec![
        ours_as_taker(stand, &near, &[])?,
        ours_as_taker(stand, &far, &on_postgres)?,
        seed_as_taker(&express)?,
        seed_as_taker(&flask)?,
    ];
    takers.extend(vendure.as_ref().map(vendure_as_taker));
    let mut wrk = Wrk::new(wrk, &folder);
    let reached = rounds(&takers, &mut wrk, out)?;
    drop(takers);
    drop((express, flask, vendure));
    near.close(stand, &[])?;
    far.close(stand, &on_postgres)?;
    for (database, place) in [(&express_data, 2), (&flask_data, 3)] {
        let placed = reached.last().and_then(|row| row.get(place));
        count(
            &psql,
            &database.url(),
            placed.map_or(0, |one| one.acknowledged),
        )?;
    }
    let result = told(&mut page, &reached)?;
    settings(&mut page, &psql, &wrk);
    drop((ours, express_data, flask_data, vendure_data));
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

impl Reached {
    fn told(&self) -> String {
        match self.acknowledged {
            0 => String::new(),
            _ => format!(
                "{}; p99 {} ms",
                self.rate.told(grouped),
                as_ms(self.p99.median())
            ),
        }
    }
}

fn database(folder: &Path, name: &str, initdb: &Path) -> io::Result<Database> {
    Database::make(&emptied(folder.join(name))?, initdb, &[])
}

fn query(psql: &Path, url: &str, words: &[&str]) -> io::Result<String> {
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
    let output = command
        .args(["-v", "ON_ERROR_STOP=1", "-d", url])
        .args(words)
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("psql: {why}")))
}

fn fill(stand: &Stand, psql: &Path, url: &str) -> io::Result<()> {
    let schema = fs::read_to_string(stand.root.join("bench/peers/shop.sql"))?;
    query(psql, url, &["-c", &schema])?;
    let products = format!(
        "INSERT INTO products (product_id, name, description, price_minor, stock)
         SELECT n, 'Green tea ' || n, 'From the slopes of hill ' || n || ', picked by hand in spring, dried in the \
         shade and packed on the day it is ready.', 999, {STOCK} FROM generate_series(1, {PRODUCTS}) n"
    );
    query(psql, url, &["-c", &products, "-c", "ANALYZE"]).map(drop)
}

/// All that was acknowledged is there, with its line, and stock went down by as much. What was on its way when a run
/// ended may be there as well.
fn count(psql: &Path, url: &str, acknowledged: u64) -> io::Result<()> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT sum(quantity) FROM order_lines) || ' ' || \
         (SELECT sum({STOCK} - stock) FROM products)"
    );
    let said = query(psql, url, &["-c", &sql])?;
    let numbers: Vec<u64> = said
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers.as_slice() {
        [orders, lines, taken] if lines == orders && taken == orders && *orders >= acknowledged => {
            Ok(())
        }
        _ => Err(io::Error::other(format!(
            "{acknowledged} acknowledged, {said} there"
        ))),
    }
}

fn ours_as_taker<'s>(
    stand: &Stand,
    shop: &'s Shop,
    settings: &[(&str, &str)],
) -> io::Result<Taker<'s>> {
    let Goods { products, .. } = shop.goods(stand, PRODUCTS, settings)?;
    let product = products.first().cloned().unwrap_or_default();
    let token = shop.enter("buyer@souk.example", "register")?;
    let order = shop.order(&token, &product)?;
    let fields = vec![("authorization", format!("Bearer {token}"))];
    Ok(Taker {
        server: &shop.server,
        asking: [
            Some(read(format!("/api/v1/products/{product}"), &[])),
            Some(read("/api/v1/products?limit=20".to_owned(), &[])),
            Some(read(format!("/api/v1/orders/{order}"), &fields)),
            Some(Asking::Order {
                path: "/api/v1/orders".to_owned(),
                fields,
                products,
                body: (
                    "{\"items\":[{\"product_id\":\"".to_owned(),
                    "\",\"quantity\":1}]}".to_owned(),
                ),
                name: String::new(),
            }),
        ],
    })
}

fn read(path: String, fields: &[(&'static str, String)]) -> Asking {
    Asking::Read {
        path,
        fields: fields.to_vec(),
    }
}

/// Express and Flask speak alike.
fn seed_as_taker(server: &Server) -> io::Result<Taker<'_>> {
    let body = format!("{{\"username\":\"buyer\",\"password\":\"{PASSWORD}\"}}");
    ask(&server.address, "POST", "/register", &[], &body)?;
    let signed_in = ask(&server.address, "POST", "/login", &[], &body)?;
    let bearer = format!("Bearer {}", signed_in.text("access_token"));
    let headers = [("authorization", bearer.as_str())];
    let wish = "{\"product_id\":1,\"quantity\":1}";
    let placed = ask(&server.address, "POST", "/orders", &headers, wish)?;
    // The first order of a new shop.
    let found = ask(&server.address, "GET", "/orders/1", &headers, "")?;
    if placed.status != 201 || found.status != 200 {
        return Err(io::Error::other(format!(
            "an order: {}, {}",
            placed.body, found.body
        )));
    }
    let fields = vec![("authorization", bearer)];
    Ok(Taker {
        server,
        asking: [
            Some(read("/products/1".to_owned(), &[])),
            Some(read("/products?limit=20".to_owned(), &[])),
            Some(read("/orders/1".to_owned(), &fields)),
            Some(Asking::Order {
                path: "/orders".to_owned(),
                fields,
                products: (1..=PRODUCTS).map(|number| number.to_string()).collect(),
                body: ("{\"product_id\":".to_owned(), ",\"quantity\":1}".to_owned()),
                name: String::new(),
            }),
        ],
    })
}

/// Vendure, if it can be had and opens; if not, the page says why.
fn vendure(stand: &Stand, url: &str, folder: &Path, page: &mut Page) -> io::Result<Option<Server>> {
    let own = emptied(folder.join("vendure-own"))?;
    match peers::vendure(stand, url, (&own, VENDURE_PRODUCTS)) {
        Ok(Ok(server)) => {
            // What fails there is answered with 200 as well.
            let query =
                format!("{{\"query\":\"{{ product(id: {VENDURE_PRODUCTS}) {{ name }} }}\"}}");
            let answer = ask(&server.address, "POST", "/shop-api", &[], &query)?;
            match answer.body.contains("Green tea") {
                true => Ok(Some(server)),
                false => Err(io::Error::other(format!("Vendure: {}", answer.body))),
            }
        }
        Ok(Err(missing)) => {
            page.paragraph(&format!("Not run: Vendure: {missing}"));
            Ok(None)
        }
        Err(error) => {
            page.paragraph(&format!("Not run: Vendure: {error}"));
            Ok(None)
        }
    }
}

/// Only its reads: an order there is half a dozen requests.
fn vendure_as_taker(server: &Server) -> Taker<'_> {
    let fields = "id name slug description variants { id name sku priceWithTax stockLevel }";
    let query = |body: (&str, &str), products: u32| {
        Some(Asking::Order {
            path: "/shop-api".to_owned(),
            fields: Vec::new(),
            products: (1..=products).map(|number| number.to_string()).collect(),
            body: (body.0.to_owned(), body.1.to_owned()),
            name: String::new(),
        })
    };
    let one = (
        "{\"query\":\"{ product(id: ",
        &*format!(") {{ {fields} }} }}\"}}"),
    );
    let list = (
        "{\"query\":\"{ products(options: { take: ",
        &*format!("}}) {{ totalItems items {{ {fields} }} }} }}\"}}"),
    );
    Taker {
        server,
        asking: [query(one, VENDURE_PRODUCTS), query(list, 20), None, None],
    }
}

/// For each kind of work a row, for each taker what it reached.
fn rounds(
    takers: &[Taker<'_>],
    wrk: &mut Wrk,
    out: &mut dyn Write,
) -> io::Result<Vec<Vec<Reached>>> {
    let plan = Plan::wished();
    let mut reached = vec![vec![Reached::default(); takers.len()]; WHATS.len()];
    for round in 0..plan.rounds {
        for (number, row) in reached.iter_mut().enumerate() {
            let mut turns: Vec<_> = takers.iter().zip(row).collect();
            // Whoever was first comes last the next time.
            if !round.is_multiple_of(2) {
                turns.reverse();
            }
            for (taker, reached) in turns {
                let Some(asking) = taker.asking.get(number).cloned().flatten() else {
                    continue;
                };
                let ran = one(taker.server, asking, round, wrk)?;
                reached.rate.note(ran.per_second);
                reached.p99.note(ran.p99);
                reached.acknowledged = reached.acknowledged.saturating_add(ran.requests);
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

fn one(server: &Server, mut asking: Asking, round: u32, wrk: &mut Wrk) -> io::Result<Ran> {
    if let Asking::Order { name, .. } = &mut asking {
        *name = format!("round-{round}-");
    }
    let ran = wrk.run(&server.address, &asking, Plan::wished().seconds)?;
    let Ran {
        failed, requests, ..
    } = ran;
    // Whoever is very slow has answered none in a short run.
    if failed == 0 {
        return Ok(ran);
    }
    let path = asking.path();
    Err(io::Error::other(format!(
        "{path}: {failed} of {requests} failed"
    )))
}

fn told(page: &mut Page, reached: &[Vec<Reached>]) -> io::Result<String> {
    let (mut rows, mut groups, mut result) = (Vec::new(), Vec::new(), Vec::new());
    for (what, row) in WHATS.iter().zip(reached) {
        let [near, far, express, flask, rest @ ..] = row.as_slice() else {
            continue;
        };
        let mut cells = vec![(*what).to_owned()];
        cells.extend(row.iter().map(Reached::told));
        // Where it could not be had.
        cells.resize(TAKERS.len().saturating_add(1), String::new());
        let [near_times, far_times] =
            [near, far].map(|ours| ours.rate.beside(&express.rate).median());
        cells.push(format!(
            "{} and {}",
            as_ratio(near_times),
            as_ratio(far_times)
        ));
        cells.push(as_ratio(near.rate.beside(&flask.rate).median()));
        let beside_vendure = rest.first().filter(|one| one.acknowledged > 0);
        cells.push(beside_vendure.map_or_else(String::new, |one| {
            as_ratio(near.rate.beside(&one.rate).median())
        }));
        rows.push(cells);
        groups.push((
            (*what).to_owned(),
            row.iter()
                .map(|one| Bar {
                    median: one.rate.median(),
                    least: one.rate.least(),
                    most: one.rate.most(),
                })
                .collect(),
        ));
        result.push(format!("{what} {} times Express", as_ratio(near_times)));
    }
    page.paragraph(&format!(
        "A second, with {CONNECTIONS} connections, each of which asks again as soon as it is answered."
    ));
    let mut head = vec![""];
    head.extend(TAKERS);
    head.extend([
        "souk beside Express: on SQLite, on PostgreSQL",
        "on SQLite beside Flask",
        "on SQLite beside Vendure",
    ]);
    page.table(&head, &rows);
    let bars = Bars {
        title: "A second, 64 connections",
        unit: "",
        series: &TAKERS,
        groups,
    };
    page.picture("a second", &bars.svg())?;
    page.paragraph(
        "Every order was acknowledged after it was on the disk, by all of them. Ours also has a key that makes a \
         second try the same order, holds stock for a while, writes a timeline and events; the others do not. \
         Afterwards orders, lines and stock were counted in the databases of the others, and our books verified.",
    );
    Ok(result.join(", "))
}

fn settings(page: &mut Page, psql: &Path, wrk: &Wrk) {
    page.setting("souk: as it runs, with limits (at numbers that nobody reaches), metrics, request ids, entity tags");
    for version in peers::versions() {
        page.setting(version);
    }
    page.setting(format!(
        "{}, one for each shop, with default settings (fsync and synchronous_commit on)",
        said(
            &psql.with_file_name("postgres").display().to_string(),
            &["--version"]
        )
    ));
    page.setting(format!(
        "{}, 2 threads",
        said(&wrk.program.display().to_string(), &["-v"])
    ));
    page.setting(format!(
        "{PRODUCTS} products; load, shops and databases share the processors"
    ));
    page.setting(format!(
        "Vendure has {VENDURE_PRODUCTS} products, filled in by its own import; no orders, for one is half a dozen \
         requests there"
    ));
}
