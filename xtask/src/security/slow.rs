//! slowhttptest with a thousand connections, in its three ways, and a client beside it that asks as before: what the
//! client notices of them. The tool itself works on this machine too, so its connections are aimed at the shop in one
//! round and at somebody who does nothing with them in the next: what is different is what the shop does.

use super::{
    Outcome, Stand,
    http::ask,
    rounds::{Asking, RISE_MAX, median, pause, rise},
    shop,
    shop::Shop,
    tools,
};
use std::{
    fs::File,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const CONNECTIONS: &str = "1000";
const CONNECTIONS_A_SECOND: &str = "500";
/// How long the tool goes on; the shop lets go of a head that does not come after five seconds of them.
const SECONDS: &str = "7";
/// How long its connections take to be all there.
const ARRIVING: Duration = Duration::from_millis(2_200);
/// How the tool gives way, as `nice` counts: it is not the one that is looked at.
const NICENESS: &str = "10";
const ROUNDS: usize = 6;
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
    let nobody = Idler::start()?;
    let said = shop::folder(stand, &name).join("said.txt");
    let time = || {
        ASKING.p99(|| {
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
    let (mut alone, mut at_nobody, mut at_shop) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(time()?);
        at_nobody.push(beside(&nobody.address.to_string())?);
        at_shop.push(beside(&shop.address)?);
    }
    closing_lines(&said, out)?;
    writeln!(
        out,
        "rounds: alone {alone:.1?}, tool at nobody {at_nobody:.1?}, tool at the shop {at_shop:.1?}"
    )?;
    let (alone, at_nobody, at_shop) = (median(alone), median(at_nobody), median(at_shop));
    let (thousandths, too_much) = rise(at_nobody, at_shop);
    let line = format!(
        "others' p99, medians of {ROUNDS} rounds: {alone:.1?} alone, {at_nobody:.1?} while {CONNECTIONS} slow \
         connections are another's, {at_shop:.1?} while they are the shop's: {thousandths} thousandths more, of \
         {RISE_MAX} that may be"
    );
    Ok(if too_much {
        Outcome::Failed(line)
    } else {
        Outcome::Passed(line)
    })
}

fn start(program: &Path, address: &str, way: &Way, said: &Path) -> io::Result<Child> {
    Command::new("nice")
        .args(["-n", NICENESS])
        .arg(program)
        .args(["-c", CONNECTIONS, "-r", CONNECTIONS_A_SECOND, "-l", SECONDS])
        .args(way.arguments)
        .arg("-u")
        .arg(format!("http://{address}{}", way.path))
        .stdin(Stdio::null())
        .stdout(File::create(said)?)
        .spawn()
}

/// Somebody who takes connections and does nothing with them.
struct Idler {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Idler {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            let mut taken = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                taken.extend(stream);
                // Those of the round before have gone.
                if taken.len() > 2_000 {
                    taken.drain(..1_000);
                }
            }
        });
        Ok(Self { address, stop })
    }
}

impl Drop for Idler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // So that it looks.
        drop(std::net::TcpStream::connect(self.address));
    }
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
