//! Reads of a shop with everything on, beside nginx that serves a file of the same bytes and beside the smallest
//! program with axum that has them in memory; the three take turns. Every answer of a run must be one of success, and
//! before and after each the bytes are compared.

use super::{
    client::{Drive, Sample, drive, times},
    count::{Runs, as_ms, as_ratio, grouped, percentile},
    goods::{Shop, hear},
    page::{Page, said},
    peers,
    plan::Plan,
    plot::{Bar, Bars},
    process::{Server, emptied, get},
    wrk::{Asking, CONNECTIONS, Wrk},
};
use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::Duration,
};

const PRODUCTS: u32 = 1_000;
const LIST: &str = "/api/v1/products?limit=20";
/// What half of the load may take, in microseconds.
const P99_MAX: u64 = 2_000;
/// More than are needed at half load: none waits for another.
const PACED_CLIENTS: u32 = 32;
const TAKERS: [&str; 3] = ["souk", "nginx", "axum"];

/// What is read, where it is at each of the three, and how much of nginx's rate is wanted.
struct What {
    name: &'static str,
    wanted: u64,
    paths: [String; 3],
    /// Whether the reader has it already.
    has_tag: bool,
    is_own: bool,
}

/// What one of them reached with one of those.
#[derive(Default)]
struct Reached {
    rate: Runs,
    p99: Runs,
}

struct Field<'s> {
    servers: [&'s Server; 3],
    shop: &'s Shop,
    wrk: Wrk,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let wrk = match tools::debian("wrk", "wrk") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let nginx = match tools::debian("nginx", "nginx") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let smallest = peers::smallest(stand)?;
    let mut page = Page::new(stand, "reads", "Reads")?;
    let folder = emptied(stand.folder.join("reads"))?;
    let shop = Shop::open(stand, "reads-shop", &[])?;
    let goods = shop.goods(stand, PRODUCTS, &[])?;
    let product = goods.products.first().cloned().unwrap_or_default();
    let token = shop.enter("reader@souk.example", "register")?;
    let order = shop.order(&token, &product)?;
    let whats = whats(&product, &order);
    keep(&shop, &whats, &token, &folder)?;
    let (nginx_server, smallest_server) = (
        peers::nginx(&nginx, &folder)?,
        peers::smallest_server(&smallest, &folder)?,
    );
    let mut field = Field {
        servers: [&shop.server, &nginx_server, &smallest_server],
        shop: &shop,
        wrk: Wrk::new(wrk, &folder),
    };
    let reached = field.rounds(&whats, out)?;
    let mut result = told(&mut page, &whats, &reached)?;
    result.push_str(&field.half_load(&mut page, &whats, &reached)?);
    for line in settings(&field.wrk, &nginx) {
        page.setting(line);
    }
    drop((nginx_server, smallest_server));
    shop.close(stand, &[])?;
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

fn whats(product: &str, order: &str) -> [What; 4] {
    let what = |name, wanted, path: String, file: &str| What {
        name,
        wanted,
        paths: [path, format!("/{file}"), format!("/{file}")],
        has_tag: false,
        is_own: false,
    };
    let one = format!("/api/v1/products/{product}");
    [
        what("one product", 800, one.clone(), "product.json"),
        what("a list of 20", 700, LIST.to_owned(), "list.json"),
        What {
            has_tag: true,
            ..what("unchanged (304)", 800, one, "product.json")
        },
        What {
            is_own: true,
            ..what(
                "one's own order",
                400,
                format!("/api/v1/orders/{order}"),
                "order.json",
            )
        },
    ]
}

impl What {
    /// The field of the head that says who asks, where somebody has to.
    fn whose(&self, token: &str) -> String {
        match self.is_own {
            true => format!("authorization: Bearer {token}\r\n"),
            false => String::new(),
        }
    }
}

/// The shop's bytes into files, for those who serve files.
fn keep(shop: &Shop, whats: &[What; 4], token: &str, folder: &Path) -> io::Result<()> {
    for what in whats {
        let [path, file, _] = &what.paths;
        let line = what.whose(token);
        let address = &shop.server.address;
        let (status, _, body) = hear(address, &get(path, address, &line))?;
        if status != 200 || body.is_empty() {
            return Err(io::Error::other(format!(
                "{path} was answered with {status}"
            )));
        }
        fs::write(folder.join(file.trim_start_matches('/')), body)?;
    }
    Ok(())
}

impl Field<'_> {
    fn rounds(&mut self, whats: &[What; 4], out: &mut dyn Write) -> io::Result<Vec<[Reached; 3]>> {
        let plan = Plan::wished();
        let mut reached: Vec<[Reached; 3]> = whats.iter().map(|_| Default::default()).collect();
        for round in 0..plan.rounds {
            // Tokens end before a long run does.
            let token = self.shop.enter("reader@souk.example", "login")?;
            for (what, reached) in whats.iter().zip(&mut reached) {
                for turn in 0..3_u32 {
                    // Nobody is always first.
                    let place = round.wrapping_add(turn) % 3;
                    self.one(what, &token, usize::try_from(place).unwrap_or(0), reached)?;
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

    fn one(
        &mut self,
        what: &What,
        token: &str,
        place: usize,
        reached: &mut [Reached; 3],
    ) -> io::Result<()> {
        let (Some(server), Some(path), Some(reached)) = (
            self.servers.get(place),
            what.paths.get(place),
            reached.get_mut(place),
        ) else {
            return Ok(());
        };
        let line = what.whose(token);
        let whole = get(path, &server.address, &line);
        let (_, tag, before) = hear(&server.address, &whole)?;
        let mut fields = Vec::new();
        if what.is_own {
            fields.push(("authorization", format!("Bearer {token}")));
        }
        if what.has_tag {
            let unchanged = format!("{line}if-none-match: {tag}\r\n");
            let (status, ..) = hear(&server.address, &get(path, &server.address, &unchanged))?;
            if status != 304 {
                return Err(io::Error::other(format!(
                    "{path} did not see its own tag: {status}"
                )));
            }
            fields.push(("if-none-match", tag));
        }
        let asking = Asking::Read {
            path: path.clone(),
            fields,
        };
        let ran = self
            .wrk
            .run(&server.address, &asking, Plan::wished().seconds)?;
        let (_, _, after) = hear(&server.address, &whole)?;
        if ran.failed > 0 || before != after || before.is_empty() {
            let failed = ran.failed;
            return Err(io::Error::other(format!(
                "{path}: {failed} of {} failed",
                ran.requests
            )));
        }
        reached.rate.note(ran.per_second);
        reached.p99.note(ran.p99);
        Ok(())
    }

    /// One product at half of what each reached, at a pace: the time from when a read was due.
    fn half_load(
        &self,
        page: &mut Page,
        whats: &[What; 4],
        reached: &[[Reached; 3]],
    ) -> io::Result<String> {
        let plan = Plan::wished();
        let (Some(what), Some(reached)) = (whats.first(), reached.first()) else {
            return Ok(String::new());
        };
        let mut paced: [[Runs; 2]; 3] = Default::default();
        for _ in 0..plan.rounds {
            for (((server, path), reached), paced) in self
                .servers
                .iter()
                .zip(&what.paths)
                .zip(reached)
                .zip(&mut paced)
            {
                let samples = self.paced(server, path, reached.rate.median() / 2)?;
                let times = times(&samples, 200);
                if times.len() != samples.len() {
                    return Err(io::Error::other(format!("{path}: not all were answered")));
                }
                let [p50, p99] = paced;
                p50.note(percentile(&times, 500));
                p99.note(percentile(&times, 990));
            }
        }
        let rows: Vec<Vec<String>> = TAKERS
            .iter()
            .zip(reached)
            .zip(&paced)
            .map(|((taker, reached), [p50, p99])| {
                let half = grouped(reached.rate.median() / 2);
                vec![(*taker).to_owned(), half, p50.told(as_ms), p99.told(as_ms)]
            })
            .collect();
        page.paragraph("## At half load\n\nOne product, at half of each one's own rate above, at a pace that does not \
                        wait for answers; from when a read was due. The clock of the pace is up to 0.1 ms late, and \
                        that counts as well.");
        page.table(&["", "reads a second", "p50, ms", "p99, ms"], &rows);
        let [[_, p99], ..] = &paced;
        let word = if p99.median() <= P99_MAX {
            "reached"
        } else {
            "not reached"
        };
        Ok(format!(
            "; p99 at half load {} ms ({} wanted: {word})",
            as_ms(p99.median()),
            as_ms(P99_MAX)
        ))
    }

    fn paced(&self, server: &Server, path: &str, per_second: u64) -> io::Result<Vec<Sample>> {
        let pace = Drive {
            clients: PACED_CLIENTS,
            per_second: Some(per_second.max(1)),
            lasting: Duration::from_secs(Plan::wished().seconds),
            requests_max: u64::MAX,
        };
        let request = get(path, &server.address, "x-forwarded-for: 198.51.100.7\r\n");
        drive(&server.address, pace, &|_, text| text.push_str(&request))
    }
}

fn told(page: &mut Page, whats: &[What; 4], reached: &[[Reached; 3]]) -> io::Result<String> {
    let (mut rows, mut groups, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for (what, [souk, nginx, smallest]) in whats.iter().zip(reached) {
        let share = souk.rate.beside(&nginx.rate);
        let word = if share.median() >= what.wanted {
            "reached"
        } else {
            "not reached"
        };
        let wanted = as_ratio(what.wanted);
        rows.push(vec![
            what.name.to_owned(),
            souk.rate.told(grouped),
            nginx.rate.told(grouped),
            smallest.rate.told(grouped),
            format!("**{}**; {wanted} wanted: {word}", share.told(as_ratio)),
            souk.rate.beside(&smallest.rate).told(as_ratio),
            [souk, nginx, smallest]
                .map(|one| as_ms(one.p99.median()))
                .join(", "),
        ]);
        let bars = [souk, nginx, smallest].map(|one| Bar {
            median: one.rate.median(),
            least: one.rate.least(),
            most: one.rate.most(),
        });
        groups.push((what.name.to_owned(), bars.to_vec()));
        results.push(format!(
            "{} {} of nginx",
            what.name,
            as_ratio(share.median())
        ));
    }
    page.paragraph(&format!(
        "Reads a second with {CONNECTIONS} connections, each of which asks again as soon as it is answered."
    ));
    page.table(
        &[
            "",
            "souk",
            "nginx",
            "axum",
            "souk beside nginx",
            "beside axum",
            "p99 of the three, ms",
        ],
        &rows,
    );
    let bars = Bars {
        title: "Reads a second, 64 connections",
        unit: "",
        series: &TAKERS,
        groups,
    };
    page.picture("reads a second", &bars.svg())?;
    Ok(results.join(", "))
}

fn settings(wrk: &Wrk, nginx: &Path) -> Vec<String> {
    let program = wrk.program.display().to_string();
    vec![
        format!(
            "souk: as it runs, with limits (which count, but at numbers that nobody reaches), metrics, request ids, \
             entity tags; {PRODUCTS} products, SQLite"
        ),
        format!(
            "{}: a static file of the same bytes, two processes, no log, files kept open",
            said(&nginx.display().to_string(), &["-v"])
        ),
        "axum 0.8: the same bytes from memory, nothing else (`bench/peers/axum`)".to_owned(),
        format!(
            "{}: 2 threads, {CONNECTIONS} connections; each 200 reads come from another address (`x-forwarded-for`), \
             whoever is asked",
            said(&program, &["-v"])
        ),
        "load and servers share the processors".to_owned(),
    ]
}
