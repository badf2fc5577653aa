//! The load: so many clients, each with one connection, each sending its next order when the last was answered.
//! As light as can be, for it works on the processors that it measures. It knows HTTP/1.1 as our door speaks it.

use super::report::processor_time;
use contracts::{BoxError, values::OrderId};
use std::{
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

/// The largest answer that is read: a page of products needs a third.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// What to send, and to whom.
pub(super) struct Load<'a> {
    pub(super) address: SocketAddr,
    pub(super) token: &'a str,
    pub(super) products: &'a [String],
    pub(super) clients: u32,
    pub(super) name: &'static str,
}

/// Orders as a count and the sum of their ids: equal for the same orders in whatever order, and of one size
/// however many they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) count: u64,
    ids: u128,
}

impl Placed {
    pub(super) fn note(&mut self, id: OrderId) {
        self.count = self.count.saturating_add(1);
        self.ids = self.ids.wrapping_add(u128::from_be_bytes(*id.as_bytes()));
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.count = self.count.saturating_add(more.count);
        self.ids = self.ids.wrapping_add(more.ids);
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) placed: Placed,
    /// Sorted.
    pub(super) times: Vec<Duration>,
    pub(super) elapsed: Duration,
    pub(super) processor: Duration,
}

impl Load<'_> {
    /// Places the orders of these numbers; every one must be acknowledged.
    pub(super) async fn run(&self, numbers: Range<u32>) -> Result<Ran, BoxError> {
        let next = Arc::new(AtomicU32::new(numbers.start));
        let products: Arc<[String]> = self.products.into();
        let mut clients = JoinSet::new();
        let mut connections = Vec::new();
        for _ in 0..self.clients.max(1) {
            connections.push(Connection::open(self.address).await?);
        }
        let (started, before) = (Instant::now(), processor_time());
        for connection in connections {
            let client = Client {
                connection,
                head: self.head(),
                name: self.name,
                products: Arc::clone(&products),
            };
            clients.spawn(client.order(Arc::clone(&next), numbers.end));
        }
        let mut ran = Ran::default();
        while let Some(client) = clients.join_next().await {
            let (placed, times) = client??;
            ran.placed.add(&placed);
            ran.times.extend(times);
        }
        ran.elapsed = started.elapsed();
        ran.processor = processor_time().saturating_sub(before);
        ran.times.sort_unstable();
        Ok(ran)
    }

    fn head(&self) -> String {
        format!(
            "POST /api/v1/orders HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\n",
            self.address, self.token
        )
    }
}

struct Client {
    connection: Connection,
    head: String,
    name: &'static str,
    products: Arc<[String]>,
}

impl Client {
    async fn order(
        mut self,
        next: Arc<AtomicU32>,
        end: u32,
    ) -> Result<(Placed, Vec<Duration>), BoxError> {
        let (mut placed, mut times) = (Placed::default(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                return Ok((placed, times));
            }
            let request = self.request(number)?;
            let started = Instant::now();
            let heard = self.connection.ask(request.as_bytes()).await?;
            times.push(started.elapsed());
            if heard.status != 201 {
                return Err(heard.refusal("an order"));
            }
            placed.note(order_id(heard.body).ok_or("an order has no id")?);
        }
    }

    fn request(&self, number: u32) -> Result<String, BoxError> {
        let index = usize::try_from(number)?
            .checked_rem(self.products.len())
            .unwrap_or(0);
        let product = self.products.get(index).ok_or("no product was made")?;
        let body = format!("{{\"items\":[{{\"product_id\":\"{product}\",\"quantity\":1}}]}}");
        let (head, name, length) = (&self.head, self.name, body.len());
        Ok(format!(
            "{head}idempotency-key: {name}-{number}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }
}

/// The id, which is the first member of an order.
fn order_id(body: &[u8]) -> Option<OrderId> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"id\":\"")?;
    let (id, _) = rest.split_once('"')?;
    id.parse().ok()
}

/// What came back.
#[derive(Debug)]
pub(super) struct Heard<'c> {
    pub(super) status: u16,
    pub(super) head: &'c str,
    pub(super) body: &'c [u8],
}

impl Heard<'_> {
    pub(super) fn refusal(&self, what: &str) -> BoxError {
        let body = String::from_utf8_lossy(self.body);
        format!("{what} was answered with {}: {body}", self.status).into()
    }
}

/// A connection that stays open. An answer has a length, as all of ours do that are neither huge nor compressed.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(ANSWER_BYTES_MAX),
        })
    }

    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Heard<'_>, BoxError> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the shop hung up".into());
            }
            if let Some(answer) = whole(&self.buffer) {
                let head = self.buffer.get(answer.head).unwrap_or_default();
                return Ok(Heard {
                    status: answer.status,
                    head: std::str::from_utf8(head)?,
                    body: self.buffer.get(answer.body).unwrap_or_default(),
                });
            }
            if self.buffer.len() >= ANSWER_BYTES_MAX {
                return Err("an answer is too large".into());
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: Range<usize>,
    body: Range<usize>,
}

/// The answer in these bytes, once it is all there.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (first, fields) = head.split_once("\r\n")?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let length: usize = fields
        .split("\r\n")
        .filter_map(|field| field.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())?;
    let from = end.saturating_add(4);
    let to = from.saturating_add(length);
    (bytes.len() >= to).then_some(Answer {
        status,
        head: 0..end,
        body: from..to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let text = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        for end in 0..text.len() {
            assert_eq!(whole(&text.as_bytes()[..end]), None, "{end}");
        }
        let answer = whole(text.as_bytes()).unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(text.get(answer.body), Some("hello"));
    }

    #[test]
    fn the_same_orders_are_equal_in_whatever_order_and_one_too_few_is_seen() {
        let ids = [1, 2, 3].map(|n| OrderId::from_bytes([n; 16]));
        let sum = |ids: &[OrderId]| {
            let mut placed = Placed::default();
            ids.iter().for_each(|id| placed.note(*id));
            placed
        };
        let (mut one, other) = (sum(&ids[..1]), sum(&ids[1..]));
        one.add(&other);
        assert_eq!(one, sum(&[ids[2], ids[0], ids[1]]));
        assert_ne!(one, sum(&ids[1..]));
        assert_ne!(one, sum(&[ids[0], ids[0], ids[1]]));
    }
}
