//! slowhttptest with a thousand connections, in its three ways, and a client beside it that asks as before: what the
//! client notices of them.

use super::{Outcome, Stand, http::ask, shop, shop::Shop, tools};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const NAME: &str = "slow";
const CONNECTIONS: &str = "1000";
const CONNECTIONS_A_SECOND: &str = "500";
const SECONDS: &str = "15";
/// How long the client asks, without and with the others.
const ASKING: Duration = Duration::from_secs(7);
const WHILE: Duration = Duration::from_secs(1);
const WARMING: Duration = Duration::from_secs(2);
/// How long the others take to be all there.
const ARRIVING: Duration = Duration::from_secs(3);
/// How often it asks: seldom enough that it measures the shop and not itself.
const PAUSE: Duration = Duration::from_millis(2);
/// Its p99 may rise by so many thousandths, or by as much as a clock of the scheduler ticks.
const RISE_MAX: u128 = 100;
const TICK: Duration = Duration::from_micros(200);

/// A way to be slow, and where it is tried: a body is only waited for where one is read.
struct Way {
    name: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
}

const WAYS: &[Way] = &[
    Way {
        name: "head",
        path: LIST,
        arguments: &["-H", "-i", "2"],
    },
    Way {
        name: "body",
        path: "/api/v1/auth/login",
        arguments: &["-B", "-i", "2", "-s", "8192", "-f", "application/json"],
    },
    Way {
        name: "read",
        path: LIST,
        arguments: &["-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1"],
    },
];
const LIST: &str = "/api/v1/products?limit=100";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::debian("slowhttptest", "slowhttptest") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let shop = Shop::open(stand, NAME, &[])?;
    // The first second of a shop is not like the others.
    p99(&shop, WARMING)?;
    let (mut worst, mut failures) = (0, 0_usize);
    for way in WAYS {
        let name = way.name;
        let before = p99(&shop, ASKING)?;
        let said = shop::folder(stand, NAME).join(format!("{name}.txt"));
        let mut others = start(&program, &shop, way, &said)?;
        pause(ARRIVING);
        let during = p99(&shop, ASKING)?;
        others.wait()?;
        // What the machine does by itself is in both: the worse of them is what others may be held against.
        let after = p99(&shop, ASKING)?;
        let alone = before.max(after);
        let rise = during.saturating_sub(alone);
        let thousandths = rise.as_nanos().saturating_mul(1_000);
        let thousandths = thousandths.checked_div(alone.as_nanos()).unwrap_or(0);
        worst = thousandths.max(worst);
        failures = failures.saturating_add(usize::from(thousandths > RISE_MAX && rise > TICK));
        writeln!(
            out,
            "{name}: p99 of others {before:.1?} before, {during:.1?} beside {CONNECTIONS}, {after:.1?} after"
        )?;
        closing_lines(&said, out)?;
    }
    let line =
        format!("others' p99 rose by {worst} thousandths at most, of {RISE_MAX} that may be");
    Ok(if failures == 0 {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

fn start(program: &Path, shop: &Shop, way: &Way, said: &Path) -> io::Result<Child> {
    Command::new(program)
        .args(["-c", CONNECTIONS, "-r", CONNECTIONS_A_SECOND, "-l", SECONDS])
        .args(way.arguments)
        .arg("-u")
        .arg(format!("http://{}{}", shop.address, way.path))
        .stdin(Stdio::null())
        .stdout(File::create(said)?)
        .spawn()
}

/// The 99th of a hundred times that a product list takes, in the middle one of many short whiles: one hiccup of the
/// machine is not the shop's.
fn p99(shop: &Shop, lasting: Duration) -> io::Result<Duration> {
    let begun = Instant::now();
    let mut whiles = Vec::new();
    while begun.elapsed() < lasting {
        let this = Instant::now();
        let mut times = Vec::new();
        while this.elapsed() < WHILE {
            let started = Instant::now();
            let answer = ask(&shop.address, "GET", "/api/v1/products?limit=5", &[], "")?;
            times.push(started.elapsed());
            if answer.status != 200 {
                return Err(io::Error::other(format!("not answered: {}", answer.body)));
            }
            pause(PAUSE);
        }
        whiles.push(part(times, 99));
    }
    Ok(part(whiles, 50))
}

fn part(mut times: Vec<Duration>, of_a_hundred: usize) -> Duration {
    times.sort_unstable();
    let place = times.len().saturating_mul(of_a_hundred) / 100;
    times.get(place).copied().unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client's pace: nothing is waited for but the time itself"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The tool's own last words, without its colours.
fn closing_lines(said: &Path, out: &mut dyn Write) -> io::Result<()> {
    let text = std::fs::read_to_string(said)?;
    let closing = text
        .rsplit_once("slow HTTP test status")
        .map(|(_, last)| last);
    for line in closing.unwrap_or(&text).lines() {
        let plain = plain(line);
        if !plain.trim().is_empty() {
            writeln!(out, "  {}", plain.trim())?;
        }
    }
    Ok(())
}

fn plain(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(plain("\u{1b}[1;34mclosed:\u{1b}[0m  12"), "closed:  12");
    }
}
