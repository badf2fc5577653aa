//! Clients over connections that stay open: as soon as they are answered, or at a pace that does not ask whether those
//! before were answered. At a pace each time counts from the moment at which the request was due, so that a shop that
//! stops for a while is not asked less for it. A thread each, and prepared bytes.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Longer than anybody takes for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a client's thread needs.
const STACK_BYTES: usize = 256 * 1_024;

/// One client's connection.
pub(super) struct Client {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard<'c> {
    pub(super) status: u16,
    pub(super) head: &'c str,
    pub(super) body: &'c [u8],
}

impl Heard<'_> {
    /// The value of a field of the head; empty when there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        field(self.head, name).unwrap_or_default()
    }

    /// Whether nothing more comes on this connection.
    fn is_last(&self) -> bool {
        self.field("connection").eq_ignore_ascii_case("close")
    }
}

impl Client {
    pub(super) fn open(address: &str) -> io::Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            stream: connect(address)?,
            buffer: vec![0; 16 * 1_024],
        })
    }

    /// Sends what is prepared and reads one whole answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<Heard<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0_usize;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(room)?;
            if count == 0 {
                return Err(io::Error::other("the other side hung up"));
            }
            filled = filled.saturating_add(count);
            let bytes = self.buffer.get(..filled).unwrap_or_default();
            if let Some(answer) = whole(bytes) {
                let head = self.buffer.get(..answer.head).unwrap_or_default();
                let body = self.buffer.get(answer.body..answer.end).unwrap_or_default();
                return Ok(Heard {
                    status: answer.status,
                    head: std::str::from_utf8(head).map_err(io::Error::other)?,
                    body,
                });
            }
            if filled == self.buffer.len() {
                if filled >= ANSWER_BYTES_MAX {
                    return Err(io::Error::other("an answer is too large"));
                }
                self.buffer.resize(filled.saturating_mul(2), 0);
            }
        }
    }

    fn again(&mut self) -> io::Result<()> {
        self.stream = connect(&self.address)?;
        Ok(())
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: usize,
    body: usize,
    end: usize,
}

/// The answer in these bytes, once it is all there. What tells no length has no body.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length: usize = match field(text, "content-length") {
        Some(value) if status != 304 => value.parse().ok()?,
        Some(_) | None => 0,
    };
    let body = head.saturating_add(4);
    let end = body.saturating_add(length);
    (bytes.len() >= end).then_some(Answer {
        status,
        head,
        body,
        end,
    })
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.split("\r\n").skip(1);
    let mut pairs = fields.filter_map(|field| field.split_once(':'));
    let found = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

/// How clients come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    /// At most so many at a time.
    pub(super) clients: u32,
    /// So many requests a second, however they are answered; none: each as soon as its last was answered.
    pub(super) per_second: Option<u64>,
    /// Until that, or until there were so many requests.
    pub(super) lasting: Duration,
    pub(super) requests_max: u64,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it was due, in microseconds from the beginning.
    pub(super) due: u64,
    /// What it took from then on, in microseconds.
    pub(super) took: u64,
    /// What it was answered with; 0: not at all.
    pub(super) status: u16,
}

/// Writes the request of this number into the empty text.
pub(super) type Write1<'w> = &'w (dyn Fn(u64, &mut String) + Sync);

/// Drives clients, and answers what each request took, in the order in which they were due.
pub(super) fn drive(address: &str, drive: Drive, write: Write1<'_>) -> io::Result<Vec<Sample>> {
    let mut clients = Vec::new();
    for _ in 0..drive.clients.max(1) {
        clients.push(Client::open(address)?);
    }
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let (begun, next) = (&begun, &next);
    let samples = thread::scope(|scope| {
        let mut threads = Vec::new();
        for client in clients {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            let work = move || one(client, drive, *begun, next, write);
            threads.push(thread.spawn_scoped(scope, work)?);
        }
        let ended = threads.into_iter().map(thread::ScopedJoinHandle::join);
        io::Result::Ok(ended.collect::<Vec<_>>())
    })?;
    let mut all = Vec::new();
    for samples in samples {
        all.extend(samples.map_err(|_| io::Error::other("a client gave up"))??);
    }
    all.sort_unstable_by_key(|sample| sample.due);
    Ok(all)
}

fn one(
    mut client: Client,
    drive: Drive,
    begun: Instant,
    next: &AtomicU64,
    write: Write1<'_>,
) -> io::Result<Vec<Sample>> {
    let (mut samples, mut request) = (Vec::new(), String::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = match drive.per_second {
            Some(pace) => Duration::from_nanos(
                number
                    .saturating_mul(1_000_000_000)
                    .checked_div(pace)
                    .unwrap_or_default(),
            ),
            None => begun.elapsed(),
        };
        if due >= drive.lasting || number >= drive.requests_max {
            return Ok(samples);
        }
        pause(due.saturating_sub(begun.elapsed()));
        request.clear();
        write(number, &mut request);
        let heard = client.ask(request.as_bytes());
        let took = micros(begun.elapsed().saturating_sub(due));
        // Some say good-bye with a refusal.
        let is_over = heard.is_err() || heard.as_ref().is_ok_and(Heard::is_last);
        let status = heard.map(|heard| heard.status);
        if is_over {
            client.again()?;
        }
        samples.push(Sample {
            due: micros(due),
            took,
            status: status.unwrap_or(0),
        });
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client's pace: nothing is waited for but the time itself"
)]
pub(super) fn pause(time: Duration) {
    thread::sleep(time);
}

/// What the answers of this status took, sorted.
pub(super) fn times(samples: &[Sample], status: u16) -> Vec<u64> {
    let of_status = samples.iter().filter(|sample| sample.status == status);
    let mut times: Vec<u64> = of_status.map(|sample| sample.took).collect();
    times.sort_unstable();
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        for end in 0..text.len() {
            assert_eq!(whole(&text[..end]), None, "{end}");
        }
        let answer = whole(text).unwrap();
        assert_eq!(
            (answer.status, &text[answer.body..answer.end]),
            (201, b"hello" as &[u8])
        );
        let unchanged = b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n";
        assert_eq!(whole(unchanged).unwrap().end, unchanged.len());
    }

    #[test]
    fn what_is_late_counts_from_when_it_was_due() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let slow_once = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 64];
            let mut first = true;
            while stream.read(&mut bytes).unwrap_or(0) > 0 {
                if first {
                    pause(Duration::from_millis(30));
                }
                first = false;
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
            }
        });
        let paced = Drive {
            clients: 1,
            per_second: Some(500),
            lasting: Duration::from_millis(40),
            requests_max: u64::MAX,
        };
        let write = |_: u64, text: &mut String| text.push_str("GET / HTTP/1.1\r\n\r\n");
        let samples = drive(&address, paced, &write).unwrap();
        slow_once.join().unwrap();
        let times = times(&samples, 200);
        assert_eq!((samples.len(), times.len()), (20, 20));
        // Those behind the slow one waited as well, though it was not they who took long.
        assert!(times[10] > 5_000, "{times:?}");
    }
}
