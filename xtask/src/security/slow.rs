//! slowhttptest with a thousand connections, in its three ways, and a client beside it that asks as before: what the
//! client notices of them. The tool itself works on this machine too, and more when its connections are closed. So they
//! are aimed at the shop in one round and at another shop in the next: what is different is what one shop's clients
//! notice of each other. What both shops spend on it would not be seen so; that is counted, and has a bound of its own.

use super::{
    Outcome, Stand,
    http::ask,
    rounds::{Asking, RISE_MAX, middle, p99, pause, rise},
    shop,
    shop::Shop,
    tools,
};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const CONNECTIONS: &str = "1000";
const CONNECTIONS_A_SECOND: &str = "500";
/// How long the tool goes on; the shop lets go of a head that does not come after five seconds of them.
const SECONDS: &str = "7";
/// How long its connections take to be all there.
const ARRIVING: Duration = Duration::from_millis(2_200);
/// Odd, so that one of them is the middle; many, for the p99 of one round is the machine's mood.
const ROUNDS: u32 = 15;
/// Ordinary requests, each with a connection of its own, that as many slow ones are held against: in milliseconds the
/// same code took 275 on one day and 584 on another.
const ORDINARY: u32 = 1_000;
/// How much more a slow connection may cost a shop than an ordinary request: two of these a second, while it may stay,
/// are nobody's attack.
const TIMES_MAX: u32 = 10;
/// How often the client asks: seldom enough that it measures the shop and not itself.
const ASKING: Asking = Asking {
    every: Duration::from_millis(5),
    lasting: Duration::from_secs(4),
};

/// A way to be slow, and where it is tried: a body is only waited for where one is read.
struct Way {
    name: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
}

const LIST: &str = "/api/v1/products?limit=100";
const HEAD: Way = Way {
    name: "head",
    path: LIST,
    arguments: &["-H", "-i", "2"],
};
const BODY: Way = Way {
    name: "body",
    path: "/api/v1/auth/login",
    arguments: &["-B", "-i", "2", "-s", "8192", "-f", "application/json"],
};
const READ: Way = Way {
    name: "read",
    path: LIST,
    arguments: &["-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1"],
};

pub(super) fn head(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    run(&HEAD, stand, out)
}

pub(super) fn body(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    run(&BODY, stand, out)
}

pub(super) fn read(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    run(&READ, stand, out)
}

fn run(way: &Way, stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::debian("slowhttptest", "slowhttptest") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let name = format!("slow-{}", way.name);
    let shop = Shop::open(stand, &name, &[])?;
    let other = Shop::open(stand, &format!("{name}-elsewhere"), &[])?;
    let said = shop::folder(stand, &name).join("said.txt");
    let time = || {
        ASKING.times(|| {
            let answer = ask(&shop.address, "GET", "/api/v1/products?limit=5", &[], "")?;
            match answer.status {
                200 => Ok(()),
                _ => Err(io::Error::other(format!("not answered: {}", answer.body))),
            }
        })
    };
    let beside = |address: &str| {
        let mut tool = start(&program, address, way, &said)?;
        pause(ARRIVING);
        let time = time();
        tool.wait()?;
        time
    };
    // The first seconds of a shop are not like the others.
    time()?;
    let (mut alone, mut rounds) = (Vec::new(), Vec::new());
    let mut spent = Duration::ZERO;
    for round in 0..ROUNDS {
        alone.extend(time()?);
        // In turns which is first: what the machine's mood does in the meantime comes to both.
        let here_first = (!round.is_multiple_of(2)).then(|| beside(&shop.address));
        // The other one is asked by nobody else; what it does by itself in the rest of a round is not the tool's.
        let before = other.processor_time()?;
        let elsewhere = p99(beside(&other.address)?);
        spent = spent.saturating_add(other.processor_time()?.saturating_sub(before));
        let here = p99(here_first.unwrap_or_else(|| beside(&shop.address))?);
        rounds.push((elsewhere, here));
    }
    let ordinary = ordinary(&other)?;
    closing_lines(&said, out)?;
    writeln!(out, "  rounds, slow ones elsewhere and here: {rounds:.1?}")?;
    let alone = p99(alone);
    let (elsewhere, here) = middle(rounds);
    let (thousandths, too_much) = rise(elsewhere, here);
    let a_round = spent.checked_div(ROUNDS).unwrap_or_default();
    let line = format!(
        "others' p99: {alone:.1?} alone, and in the middle of {ROUNDS} rounds {elsewhere:.1?} while {CONNECTIONS} slow \
         connections are another shop's, {here:.1?} while they are theirs: {thousandths} thousandths more, of \
         {RISE_MAX} that may be; a shop spent {a_round:.0?} of a processor on them, and {ordinary:.0?} on as many \
         ordinary ones, of which {TIMES_MAX} times as much may be"
    );
    Ok(
        if too_much || a_round > ordinary.saturating_mul(TIMES_MAX) {
            Outcome::Failed(line)
        } else {
            Outcome::Passed(line)
        },
    )
}

/// What a shop spends on ordinary requests that come with connections of their own.
fn ordinary(shop: &Shop) -> io::Result<Duration> {
    let before = shop.processor_time()?;
    for _ in 0..ORDINARY {
        let answer = ask(&shop.address, "GET", LIST, &[], "")?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("not answered: {}", answer.body)));
        }
    }
    Ok(shop.processor_time()?.saturating_sub(before))
}

fn start(program: &Path, address: &str, way: &Way, said: &Path) -> io::Result<Child> {
    // It gives way to everybody: elsewhere it would have a machine of its own.
    Command::new("chrt")
        .args(["--idle", "0"])
        .arg(program)
        .args(["-c", CONNECTIONS, "-r", CONNECTIONS_A_SECOND, "-l", SECONDS])
        .args(way.arguments)
        .arg("-u")
        .arg(format!("http://{address}{}", way.path))
        .stdin(Stdio::null())
        .stdout(File::create(said)?)
        .spawn()
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
