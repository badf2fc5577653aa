//! Requests written byte by byte, for what no well-behaved client would send. Never retries, never corrects.

use crate::client::Answer;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Longer than any answer takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends these bytes as they are and reads until the other side closes; `None` when no answer came. Ask for
/// `connection: close`, or it will be waited for in vain.
pub async fn raw(url: &str, request: &[u8]) -> Option<Answer> {
    let address = url.strip_prefix("http://").expect("a plain address");
    let stream = TcpStream::connect(address).await.expect("the shop listens");
    let (mut from, mut to) = stream.into_split();
    let mut bytes = Vec::new();
    // Both at once: the answer may come before the request has been taken whole, and the rest is then refused.
    let writing = async {
        drop(to.write_all(request).await);
        to
    };
    let both = async { tokio::join!(writing, from.read_to_end(&mut bytes)) };
    let (_open, ended) = timeout(PATIENCE, both).await.expect("an answer in time");
    drop(ended);
    parse(&bytes)
}

/// Sends these bytes, reads their answer, and sends the next on the same connection; what is answered to the last.
/// Each must be answered without closing the connection.
pub async fn raw_in_turn(url: &str, requests: &[&[u8]]) -> Option<Answer> {
    let address = url.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).await.expect("the shop listens");
    let mut last = None;
    for request in requests {
        stream.write_all(request).await.expect("an open connection");
        last = timeout(PATIENCE, one(&mut stream))
            .await
            .expect("an answer in time");
    }
    last
}

/// Sends a head, and a body only when that has long been read; what is answered, and what is answered to the next
/// request on the same connection, unless that was closed.
pub async fn raw_in_pieces(
    url: &str,
    [head, body]: [&[u8]; 2],
    next: &[u8],
) -> (Option<Answer>, Option<Answer>) {
    let address = url.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).await.expect("the shop listens");
    stream.write_all(head).await.expect("an open connection");
    sleep(Duration::from_millis(100)).await;
    // Whoever has been answered and cut off sees it below.
    drop(stream.write_all(body).await);
    let in_time = async |stream: &mut TcpStream| {
        let answer = timeout(PATIENCE, one(stream)).await;
        answer.expect("an answer in time")
    };
    let first = in_time(&mut stream).await;
    if stream.write_all(next).await.is_err() {
        return (first, None);
    }
    (first, in_time(&mut stream).await)
}

/// Reads one answer.
async fn one(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    loop {
        let answer = parse(&bytes);
        let is_whole = |answer: &Answer| match answer.headers.get("content-length") {
            Some(length) => length.to_str().ok()?.parse::<usize>().ok().map(|length| {
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                end.is_some_and(|end| bytes.len() >= end.saturating_add(length).saturating_add(4))
            }),
            None if answer.headers.contains_key("transfer-encoding") => {
                Some(bytes.ends_with(b"\r\n0\r\n\r\n"))
            }
            None => Some(true),
        };
        if answer.as_ref().and_then(is_whole) == Some(true) {
            return answer;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return answer;
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = bytes.split_at(end);
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = name.parse::<HeaderName>().ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let body = body.strip_prefix(b"\r\n\r\n")?;
    let chunked = headers.get("transfer-encoding").is_some();
    let body = if chunked { joined(body) } else { body.to_vec() };
    let text = String::from_utf8_lossy(&body).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_default();
    Some(Answer {
        status,
        headers,
        text,
        json,
    })
}

/// The content of a chunked body, as far as it came.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let size = end.and_then(|end| std::str::from_utf8(rest.get(..end)?).ok());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let (Some(end), Some(size)) = (end, size.filter(|size| *size > 0)) else {
            return whole;
        };
        let start = end.saturating_add(2);
        let stop = start.saturating_add(size).min(rest.len());
        whole.extend_from_slice(rest.get(start..stop).unwrap_or_default());
        rest = rest.get(stop.saturating_add(2)..).unwrap_or_default();
    }
}
