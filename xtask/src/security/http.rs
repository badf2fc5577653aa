//! Requests of HTTP/1.1, one a connection, just as far as our own commands need them. It reads no JSON but single
//! texts by name.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longer than the shop takes for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The first text of this name in the body; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mark = format!("\"{name}\":\"");
        let rest = self.body.split_once(&mark).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
    }
}

/// Asks, and reads until the other side closes. A body is JSON unless a header says otherwise.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let kind = match headers.iter().any(|(name, _)| *name == "content-type") {
        true => "",
        false => "content-type: application/json\r\n",
    };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{kind}{more}content-length: {length}\r\n\
         \r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&String::from_utf8_lossy(&bytes)).ok_or_else(|| io::Error::other("no answer of HTTP"))
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let (head, body) = (head.to_owned(), body.to_owned());
    Some(Answer { status, head, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_text_are_read() {
        let answer = read("HTTP/1.1 200 OK\r\nx: 1\r\n\r\n{\"a\":1,\"token\":\"t\"}").unwrap();
        assert_eq!((answer.status, answer.text("token")), (200, "t"));
        assert_eq!(answer.text("other"), "");
    }
}
