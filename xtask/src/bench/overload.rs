//! Three times as many orders as the shop can take, at a pace that does not wait for it: what still gets through, how
//! long that takes, how soon the rest is refused, and how soon all is well again. The shop has one processor and those
//! who ask the other; afterwards its books are verified and every acknowledged order is counted.

use super::{
    client::{Drive, Sample, drive, times},
    count::{Runs, as_ms, as_ratio, grouped, per_second, percentile, ratio},
    goods::{Shop, order, serve},
    page::Page,
    plan::Plan,
    plot::Lines,
    process::{Server, emptied, free_address},
    skew::mixed,
};
use crate::{
    parts::{self, Outcome, Stand},
    security::{http::ask, tools},
};
use std::{
    io::{self, Write},
    path::Path,
    process::Command,
    time::Duration,
};

const PRODUCTS: u32 = 1_000;
/// Clients with which the peak is looked for.
const PEAK_CLIENTS: u32 = 64;
/// Clients of the storm: many more than the shop lets wait.
const STORM_CLIENTS: u32 = 1_500;
const TIMES: u64 = 3;
/// Orders that may wait to be written: a few of the batches that the peak is made of; and work that may be late: as
/// much as a refusal may take. All clients come from one address, as behind a proxy, and connect before their turn.
const SETTINGS: &[(&str, &str)] = &[
    ("SOUK_ORDERS__PLACE_QUEUE_MAX", "256"),
    ("SOUK_HTTP__LATE_MS_MAX", "10"),
    ("SOUK_HTTP__HESITANT_PER_ADDRESS_MAX", "8192"),
];
const GOODPUT_MIN: u64 = 800;
const P99_TIMES_MAX: u64 = 2_000;
const REFUSAL_MICROS_MAX: u64 = 10_000;
const RECOVERY_MICROS_MAX: u64 = 5_000_000;
const BIN: u64 = 250_000;

#[derive(Default)]
struct Reached {
    peak: Runs,
    peak_p99: Runs,
    goodput: Runs,
    accepted_p99: Runs,
    refused: Runs,
    refused_p99: Runs,
    recovery: Runs,
    acknowledged: u64,
}

struct Field<'s> {
    server: &'s Server,
    token: String,
    products: Vec<String>,
    /// No key comes twice.
    next: u64,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let taskset = match tools::debian("taskset", "util-linux") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let mut page = Page::new(stand, "overload", "Overload")?;
    let folder = emptied(stand.folder.join("overload"))?;
    let shop = on_one_processor(stand, &taskset, &folder)?;
    let goods = shop.goods(stand, PRODUCTS, SETTINGS)?;
    let mut field = Field {
        server: &shop.server,
        token: shop.enter("buyer@souk.example", "register")?,
        products: goods.products,
        next: 0,
    };
    // Those who ask stay off the shop's processor; this process and what it starts from here on.
    let last_one = std::thread::available_parallelism()?
        .get()
        .saturating_sub(1);
    let (everywhere, own) = (format!("0-{last_one}"), std::process::id().to_string());
    pinned(&taskset, "1", &own)?;
    let (mut reached, mut last) = (Reached::default(), Vec::new());
    for round in 1..=Plan::wished().rounds {
        last = field.round(&mut reached)?;
        writeln!(out, "  round {round} of {}", Plan::wished().rounds)?;
    }
    pinned(&taskset, &everywhere, &own)?;
    let there = orders(&shop, &goods.token)?;
    if there < reached.acknowledged {
        let acknowledged = reached.acknowledged;
        return Err(io::Error::other(format!(
            "{acknowledged} acknowledged, {there} there"
        )));
    }
    let result = told(&mut page, &reached);
    picture(&mut page, &last)?;
    page.setting(format!(
        "the shop on one processor, those who ask on the other; at most 256 orders wait (`orders.place_queue_max`), \
         work that is ready for 10 ms (`http.late_ms_max`), and connections may be there before their first request \
         (`http.hesitant_per_address_max`), as behind a proxy; \
         {PRODUCTS} products, SQLite; {there} orders there, {} acknowledged; the books balance",
        reached.acknowledged
    ));
    page.setting(format!(
        "peak: {PEAK_CLIENTS} clients, each of which orders again as soon as it is answered; then {STORM_CLIENTS} at \
         {TIMES} times that pace for {} s, whether or not they are answered, and then half of the peak. Times count \
         from when an order was due",
        Plan::wished().seconds
    ));
    shop.close(stand, SETTINGS)?;
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

fn on_one_processor(stand: &Stand, taskset: &Path, folder: &Path) -> io::Result<Shop> {
    let (address, data) = (free_address()?, folder.join("data"));
    let shop_alone = serve(stand, &address, &data, SETTINGS);
    let mut command = parts::around(taskset, &["--cpu-list", "0"], &shop_alone);
    let server = Server::start(
        &mut command,
        address,
        super::goods::FIRST_READ,
        &folder.join("log"),
    )?;
    Ok(Shop { server, data })
}

fn pinned(taskset: &Path, processors: &str, process: &str) -> io::Result<()> {
    let mut command = Command::new(taskset);
    command.args(["--all-tasks", "--pid", "--cpu-list", processors, process]);
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    }
}

/// How many orders the shop says there are.
fn orders(shop: &Shop, token: &str) -> io::Result<u64> {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let newest = ask(
        &shop.server.address,
        "GET",
        "/api/v1/orders?limit=1",
        &headers,
        "",
    )?;
    let number = newest.body.split("\"number\":").nth(1);
    let digits = number.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let last: u64 = digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    // The first order of a shop has the number 10001.
    Ok(last.saturating_sub(10_000))
}

impl Field<'_> {
    fn order(&mut self, clients: u32, pace: Option<u64>, seconds: u64) -> io::Result<Vec<Sample>> {
        let driven = Drive {
            clients,
            per_second: pace,
            lasting: Duration::from_secs(seconds),
            requests_max: u64::MAX,
        };
        let (first, address) = (self.next, &self.server.address);
        let count = u64::try_from(self.products.len()).unwrap_or(1).max(1);
        let samples = drive(address, driven, &|number, text| {
            let number = first.saturating_add(number);
            let place = mixed(number)
                .checked_rem(count)
                .and_then(|place| usize::try_from(place).ok());
            let product = place
                .and_then(|place| self.products.get(place))
                .map_or("", String::as_str);
            order(text, address, (&self.token, product), number);
        })?;
        self.next = first
            .saturating_add(u64::try_from(samples.len()).unwrap_or_default())
            .saturating_add(1 << 20);
        Ok(samples)
    }

    /// The peak, the storm and the time after it; answers the last two, one after the other.
    fn round(&mut self, reached: &mut Reached) -> io::Result<Vec<Sample>> {
        let seconds = Plan::wished().seconds;
        let peak = self.order(PEAK_CLIENTS, None, seconds)?;
        let peak_times = times(&peak, 201);
        let lasting = seconds.saturating_mul(1_000_000);
        let rate = per_second(len(&peak_times), lasting);
        let peak_p99 = percentile(&peak_times, 990);
        let storm = self.order(STORM_CLIENTS, Some(rate.saturating_mul(TIMES)), seconds)?;
        let after = self.order(STORM_CLIENTS, Some(rate / 2), seconds.max(2))?;
        let (accepted, refused) = (times(&storm, 201), times(&storm, 503));
        let strange = storm.iter().chain(&peak).chain(&after);
        if let Some(other) = strange
            .clone()
            .find(|sample| ![201, 503].contains(&sample.status))
        {
            return Err(io::Error::other(format!(
                "an order was answered with {}",
                other.status
            )));
        }
        reached.peak.note(rate);
        reached.peak_p99.note(peak_p99);
        reached
            .goodput
            .note(per_second(len(&accepted), lasted(&storm, lasting)));
        reached.accepted_p99.note(percentile(&accepted, 990));
        reached.refused.note(ratio(
            len(&refused),
            len(&accepted).saturating_add(len(&refused)),
        ));
        reached.refused_p99.note(percentile(&refused, 990));
        reached.recovery.note(recovered(&after, peak_p99));
        let placed = strange.filter(|sample| sample.status == 201).count();
        reached.acknowledged = reached
            .acknowledged
            .saturating_add(u64::try_from(placed).unwrap_or_default());
        Ok(storm
            .into_iter()
            .chain(after.into_iter().map(|sample| Sample {
                due: sample.due.saturating_add(lasting),
                ..sample
            }))
            .collect())
    }
}

fn len(times: &[u64]) -> u64 {
    u64::try_from(times.len()).unwrap_or_default()
}

/// Until the last one was answered, but not less than they came for.
fn lasted(samples: &[Sample], lasting: u64) -> u64 {
    let last = samples
        .iter()
        .map(|sample| sample.due.saturating_add(sample.took))
        .max();
    last.unwrap_or_default().max(lasting)
}

/// From the end of the storm to the last order that was refused or took more than twice the p99 of the peak.
fn recovered(after: &[Sample], p99: u64) -> u64 {
    let is_ill = |sample: &&Sample| sample.status != 201 || sample.took > p99.saturating_mul(2);
    after
        .iter()
        .filter(is_ill)
        .map(|sample| sample.due)
        .max()
        .unwrap_or_default()
}

fn told(page: &mut Page, reached: &Reached) -> String {
    let goodput = reached.goodput.beside(&reached.peak);
    let p99 = reached.accepted_p99.beside(&reached.peak_p99);
    let plain =
        |name: &str, figure: String| vec![name.to_owned(), figure, String::new(), String::new()];
    let judged = |name: &str, figure: String, wanted: &str, is_reached: bool| {
        let word = if is_reached {
            "reached"
        } else {
            "**not reached**"
        };
        vec![name.to_owned(), figure, wanted.to_owned(), word.to_owned()]
    };
    let accepted = format!(
        "{}: {} of the peak's",
        reached.accepted_p99.told(as_ms),
        p99.told(as_ratio)
    );
    let (refused, recovery) = (&reached.refused_p99, &reached.recovery);
    let rows = [
        plain("peak, orders a second", reached.peak.told(grouped)),
        plain("p99 at the peak, ms", reached.peak_p99.told(as_ms)),
        plain(
            "orders a second at three times the peak",
            reached.goodput.told(grouped),
        ),
        judged(
            "of the peak",
            goodput.told(as_ratio),
            "0.80",
            goodput.median() >= GOODPUT_MIN,
        ),
        judged(
            "p99 of those, ms",
            accepted,
            "2.00",
            p99.median() <= P99_TIMES_MAX,
        ),
        plain("refused (503), of all", reached.refused.told(as_ratio)),
        judged(
            "p99 of refusals, ms",
            refused.told(as_ms),
            "10 ms",
            refused.median() <= REFUSAL_MICROS_MAX,
        ),
        judged(
            "until all is well again, ms",
            recovery.told(as_ms),
            "5,000 ms",
            recovery.median() <= RECOVERY_MICROS_MAX,
        ),
    ];
    page.table(&["", "", "wanted", ""], &rows);
    page.paragraph(
        "All is well again from the last order on that was refused, or took more than twice the p99 of the peak, after \
         the storm had ended.",
    );
    format!(
        "at three times the peak {} of it gets through, p99 {} times, refusals {} ms, well again after {} ms",
        as_ratio(goodput.median()),
        as_ratio(p99.median()),
        as_ms(refused.median()),
        as_ms(recovery.median())
    )
}

/// The last round: orders accepted and refused over time.
fn picture(page: &mut Page, samples: &[Sample]) -> io::Result<()> {
    let line = |status: u16| {
        let mut bins: Vec<u64> = Vec::new();
        for sample in samples.iter().filter(|sample| sample.status == status) {
            let bin = usize::try_from(sample.due / BIN).unwrap_or_default();
            if bins.len() <= bin {
                bins.resize(bin.saturating_add(1), 0);
            }
            if let Some(count) = bins.get_mut(bin) {
                *count = count.saturating_add(1);
            }
        }
        let points = (0_u64..).zip(bins);
        points
            .map(|(bin, count)| (bin.saturating_mul(BIN) / 1_000, per_second(count, BIN)))
            .collect()
    };
    let lines = Lines {
        title: "Orders a second by when they were due, last round",
        unit: "/s",
        below: "milliseconds",
        lines: vec![
            ("accepted".to_owned(), line(201)),
            ("refused".to_owned(), line(503)),
        ],
    };
    page.picture("accepted and refused over time", &lines.svg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_again_is_after_the_last_that_was_ill() {
        let sample = |due, took, status| Sample { due, took, status };
        let after = [sample(0, 9, 503), sample(10, 50, 201), sample(20, 5, 201)];
        assert_eq!(recovered(&after, 10), 10);
        assert_eq!(recovered(&after[2..], 10), 0);
        assert_eq!(lasted(&after, 10), 60);
    }
}
