//! The head of an answer as bytes of HTTP/1 (RFC 9112, 4 and 5): what is alike in all of them is written once, and each
//! says of itself where its caller stands, which request it answers and when.

use super::stack::X_REQUEST_ID;
use crate::clock::Clock;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, DATE},
};
use contracts::values::Timestamp;
use std::{
    cell::RefCell,
    time::{Duration, SystemTime},
};

/// A head that can still be told something.
pub trait Told {
    /// Says so in it, instead of what it said under this name. The value, in pieces, is text without a line's end.
    fn tell(&mut self, name: &HeaderName, value: &[&str]);
}

impl Told for HeaderMap {
    fn tell(&mut self, name: &HeaderName, value: &[&str]) {
        if let Ok(value) = HeaderValue::try_from(value.concat()) {
            self.insert(name, value);
        }
    }
}

/// What was kept says nothing under a name that answers tell anew.
impl Told for Vec<u8> {
    fn tell(&mut self, name: &HeaderName, value: &[&str]) {
        self.extend_from_slice(name.as_str().as_bytes());
        self.extend_from_slice(b": ");
        for piece in value {
            self.extend_from_slice(piece.as_bytes());
        }
        self.extend_from_slice(b"\r\n");
    }
}

/// The first line and the headers that are alike in every answer, with the length of its body, if they have that in
/// common and it is told.
pub(super) fn written(status: StatusCode, head: &HeaderMap, length: Option<usize>) -> Vec<u8> {
    let mut out = b"HTTP/1.1 ".to_vec();
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in head {
        if ![X_REQUEST_ID, DATE, CONTENT_LENGTH].contains(name) {
            line(name, value.as_bytes(), &mut out);
        }
    }
    if let Some(length) = length {
        out.tell(&CONTENT_LENGTH, &[itoa::Buffer::new().format(length)]);
    }
    out
}

/// What an answer says of itself, and the end of its head.
pub(super) fn own(request_id: &str, out: &mut Vec<u8>) {
    line(&X_REQUEST_ID, request_id.as_bytes(), out);
    TODAY.with_borrow_mut(|today| line(&DATE, today.text(Clock::System.now()), out));
    out.extend_from_slice(b"\r\n");
}

fn line(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

thread_local! {
    static TODAY: RefCell<Today> = const { RefCell::new(Today { second: None, text: String::new() }) };
}

/// The date as answers have it, which is another once a second.
struct Today {
    second: Option<u64>,
    text: String,
}

impl Today {
    fn text(&mut self, now: Timestamp) -> &[u8] {
        let second = u64::try_from(now.as_ms()).unwrap_or_default() / 1_000;
        if self.second != Some(second) {
            self.second = Some(second);
            let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(second));
            self.text = httpdate::fmt_http_date(since.unwrap_or(SystemTime::UNIX_EPOCH));
        }
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::ETAG;

    #[test]
    fn a_head_is_written_but_for_what_each_answer_says_of_itself() {
        let mut head = HeaderMap::new();
        head.insert(ETAG, HeaderValue::from_static("\"1\""));
        head.insert(X_REQUEST_ID, HeaderValue::from_static("of the first"));
        assert_eq!(
            String::from_utf8(written(StatusCode::OK, &head, Some(3))).unwrap(),
            "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 3\r\n"
        );
        let mut out = written(StatusCode::NOT_MODIFIED, &head, None);
        out.tell(&ETAG, &["7"]);
        own("mine", &mut out);
        let text = String::from_utf8(out).unwrap();
        let (told, date) = text.split_once("date: ").unwrap();
        assert_eq!(
            told,
            "HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\netag: 7\r\nx-request-id: mine\r\n"
        );
        let date = date.strip_suffix("\r\n\r\n").unwrap();
        let date = httpdate::parse_http_date(date).unwrap();
        let age = Clock::System.now().as_ms() / 1_000
            - i64::try_from(
                date.duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_secs(),
            )
            .unwrap();
        assert!((0..60).contains(&age), "{age}");
    }

    #[test]
    fn each_second_has_its_date() {
        let mut today = Today {
            second: None,
            text: String::new(),
        };
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (86_400, "Fri, 02 Jan 1970 00:00:00 GMT"),
        ] {
            for ms in [0, 999] {
                let now = Timestamp::from_ms(seconds * 1_000 + ms);
                assert_eq!(today.text(now), text.as_bytes());
            }
        }
    }
}
