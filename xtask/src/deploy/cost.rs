//! What it costs to be watched: the same reads from a shop that nobody watches and from one whose logs are JSON,
//! whose metrics are asked for each second and whose spans go to a collector, in turns, in this one go. The collector
//! works on the same processors.

use crate::parts::{Outcome, Stand};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// Of each kind, so many pairs of runs.
const PAIRS: usize = 7;
/// Of each kind, in each of three rounds of a run.
const READS: &str = "30000";
/// What it may cost, in thousandths of the rate.
const COST_MAX: u64 = 50;
const KINDS: [&str; 3] = ["one product", "many products", "a list of 20"];
/// Limits as shops have them.
const STAND: &str = "limits in this process";

/// Reads a second, of each kind.
type Rates = [u64; 3];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let collector = Collector::open()?;
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Whoever comes second may find a warmer or a busier machine.
        let mut order = [false, true];
        order.rotate_left(pair % 2);
        for is_watched in order {
            let rates = read(stand, is_watched.then_some(&collector), out)?;
            match is_watched {
                true => watched.push(rates),
                false => alone.push(rates),
            }
        }
    }
    let (batches, bytes) = collector.heard();
    if batches == 0 {
        return Ok(Outcome::Failed("no span was told of".to_owned()));
    }
    let (mut all_alone, mut all_watched) = (0_u64, 0_u64);
    let mut told = Vec::new();
    for (index, kind) in KINDS.iter().enumerate() {
        let (one, other) = (middle(&alone, index), middle(&watched, index));
        told.push(format!("{kind} {one} and {other} a second"));
        all_alone = all_alone.saturating_add(one);
        all_watched = all_watched.saturating_add(other);
    }
    let share = all_watched
        .saturating_mul(1_000)
        .checked_div(all_alone)
        .unwrap_or(0);
    let said = format!(
        "medians of {PAIRS}, alone and watched: {}; watched, {}.{} % of alone; {batches} batches of spans, {bytes} \
         bytes",
        told.join(", "),
        share / 10,
        share % 10
    );
    Ok(match share.saturating_add(COST_MAX) >= 1_000 {
        true => Outcome::Passed(said),
        false => Outcome::Failed(said),
    })
}

/// One run of the shop's own benchmark, which also looks whether every answer is as new as it must be.
fn read(stand: &Stand, collector: Option<&Collector>, out: &mut dyn Write) -> io::Result<Rates> {
    let mut command = stand.souk();
    command
        .args(["bench", "reads", "--reads", READS])
        .stdin(Stdio::null());
    if let Some(collector) = collector {
        let address = format!("http://{}", collector.address);
        command
            .arg("--watched")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", address);
    }
    let ran = command.output()?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let rates = rates(&said).filter(|_| ran.status.success());
    let Some(rates) = rates else {
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        return Err(io::Error::other(format!("souk bench reads: {said}{why}")));
    };
    let seen = said.lines().find(|line| line.starts_with("watched: "));
    let seen = seen.unwrap_or("alone");
    let [one, many, list] = rates;
    writeln!(out, "  {one}, {many}, {list} a second; {seen}")?;
    Ok(rates)
}

/// What the benchmark said of the stand that is like a shop.
fn rates(said: &str) -> Option<Rates> {
    let rate = |kind: &str| {
        let start = format!("{kind}, {STAND}: ");
        let rest = said.lines().find_map(|line| line.strip_prefix(&start))?;
        rest.split(' ').next()?.parse().ok()
    };
    let [one, many, list] = KINDS;
    Some([rate(one)?, rate(many)?, rate(list)?])
}

fn middle(runs: &[Rates], kind: usize) -> u64 {
    let mut rates: Vec<u64> = runs
        .iter()
        .filter_map(|run| run.get(kind))
        .copied()
        .collect();
    rates.sort_unstable();
    rates.get(rates.len() / 2).copied().unwrap_or(0)
}

/// Takes spans and forgets them.
struct Collector {
    address: String,
    batches: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Collector {
    fn open() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let collector = Self {
            address: listener.local_addr()?.to_string(),
            batches: Arc::default(),
            bytes: Arc::default(),
        };
        let (batches, bytes) = (Arc::clone(&collector.batches), Arc::clone(&collector.bytes));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (batches, bytes) = (Arc::clone(&batches), Arc::clone(&bytes));
                // Whoever tells goes when everything is told.
                thread::spawn(move || drop(take(stream, &batches, &bytes)));
            }
        });
        Ok(collector)
    }

    fn heard(&self) -> (u64, u64) {
        (self.batches.load(SeqCst), self.bytes.load(SeqCst))
    }
}

/// Takes whatever comes on a connection.
fn take(stream: TcpStream, batches: &AtomicU64, bytes: &AtomicU64) -> io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut questions = BufReader::new(stream);
    loop {
        let mut length = 0_u64;
        loop {
            let mut line = String::new();
            if questions.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let lower = line.to_ascii_lowercase();
            if let Some(number) = lower.strip_prefix("content-length:") {
                length = number.trim().parse().map_err(io::Error::other)?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        io::copy(&mut (&mut questions).take(length), &mut io::sink())?;
        answers.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        )?;
        batches.fetch_add(1, SeqCst);
        bytes.fetch_add(length, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_the_stand_that_is_like_a_shop_are_read_and_the_middle_run_counts() {
        let said = "one product, no limits: 9 a second (100.0 % of no limits)\n\
                    one product, limits in this process: 7 a second (77.7 % of no limits)\n\
                    many products, limits in this process: 5 a second (\n\
                    a list of 20, limits in this process: 3 a second (\n";
        assert_eq!(rates(said), Some([7, 5, 3]));
        assert_eq!(
            rates("one product, limits in this process: 7 a second"),
            None
        );
        let runs = [[1, 9, 0], [3, 7, 0], [2, 8, 0]];
        assert_eq!((middle(&runs, 0), middle(&runs, 1)), (2, 8));
    }
}
