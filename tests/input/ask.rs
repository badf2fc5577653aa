//! One request as bytes, and what every refusal must look like whoever wrote it and wherever it fell.

use contracts::problem::Code;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use std::fmt::Write as _;
use testkit::{Answer, Client, raw};

/// Requests under way at a time.
const AT_A_TIME: usize = 8;

/// What no answer may hold: our insides.
const INSIDES: &[&str] = &[
    "panicked",
    "backtrace",
    "rusqlite",
    "sqlite",
    "SQLITE",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "constraint failed",
    "FOREIGN KEY",
    "/root/",
    // where this was built
    env!("CARGO_MANIFEST_DIR"),
    "/tmp/",
    "/home/",
    ".rs:",
    "src/",
    "serde",
    "axum",
    "hyper",
    "tokio",
    "$argon2",
    "struct ",
    "Error(",
    "Some(",
    "None,",
];

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    line: String,
    headers: Vec<u8>,
    body: Option<Vec<u8>>,
    chunked: bool,
    claims_length: bool,
}

impl Ask {
    /// `GET /path`.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            ..Self::default()
        }
    }

    pub(crate) fn by(self, who: &Client) -> Self {
        let bearer = format!("Bearer {}", who.token());
        if who.token().is_empty() {
            self
        } else {
            self.header("authorization", bearer)
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.extend_from_slice(name.as_bytes());
        self.headers.extend_from_slice(b": ");
        self.headers.extend_from_slice(value.as_ref());
        self.headers.extend_from_slice(b"\r\n");
        self.claims_length |= name == "content-length";
        self
    }

    pub(crate) fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = Some(bytes.as_ref().to_vec());
        self
    }

    pub(crate) fn json(self, text: impl AsRef<[u8]>) -> Self {
        self.header("content-type", "application/json").body(text)
    }

    /// Without a length, in pieces.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "{} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n",
            self.line
        )
        .into_bytes();
        bytes.extend_from_slice(&self.headers);
        match &self.body {
            Some(body) if self.chunked => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for piece in body.chunks(8 * 1_024) {
                    bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    bytes.extend_from_slice(piece);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
            Some(body) => {
                if !self.claims_length {
                    bytes.extend_from_slice(
                        format!("content-length: {}\r\n", body.len()).as_bytes(),
                    );
                }
                bytes.extend_from_slice(b"\r\n");
                bytes.extend_from_slice(body);
            }
            None => bytes.extend_from_slice(b"\r\n"),
        }
        bytes
    }

    pub(crate) async fn send(&self, url: &str) -> Option<Answer> {
        raw(url, &self.bytes()).await
    }

    /// The request as a person reads it.
    fn shown(&self) -> String {
        let mut shown = self.line.chars().take(200).collect::<String>();
        let cut = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .chars()
                .take(300)
                .collect::<String>()
        };
        let headers = cut(&self.headers).replace("\r\n", "; ");
        let headers = headers
            .split("; ")
            .filter(|header| !header.starts_with("authorization"))
            .collect::<Vec<_>>();
        let body = self.body.as_deref().map(cut).unwrap_or_default();
        write!(
            shown,
            " [{}] {}",
            headers.join("; "),
            body.replace('\n', " ")
        )
        .unwrap();
        shown
    }
}

/// A request and how it must be refused.
pub(crate) struct Case {
    pub(crate) ask: Ask,
    /// One of these codes.
    pub(crate) codes: &'static [Code],
    /// The pointer of the field at fault, if one is.
    pub(crate) field: Option<String>,
}

impl Case {
    pub(crate) fn new(ask: Ask, codes: &'static [Code]) -> Self {
        Self {
            ask,
            codes,
            field: None,
        }
    }

    pub(crate) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    async fn complaint(&self, url: &str) -> Option<String> {
        let wrong = match self.ask.send(url).await {
            None => "no answer".to_owned(),
            Some(answer) => {
                let wrong = wrong_shape(url, self.ask.target(), &answer)
                    .or_else(|| self.wrong_refusal(&answer));
                format!("{}: {} {}", wrong?, answer.status, answer.text)
            }
        };
        Some(format!("{}\n    {wrong}", self.ask.shown()))
    }

    fn wrong_refusal(&self, answer: &Answer) -> Option<String> {
        if !self.codes.iter().any(|code| code.slug() == answer.code()) {
            return Some(format!("not {:?}", self.codes));
        }
        let named = answer.str("/errors/0/field");
        let fits = |field: &String| named == field || named.starts_with(&format!("{field}/"));
        self.field
            .as_ref()
            .filter(|field| !fits(field))
            .map(|field| format!("does not name {field}"))
    }
}

/// What is wrong with a refusal as such, whatever it refuses.
pub(crate) fn wrong_shape(url: &str, target: &str, answer: &Answer) -> Option<String> {
    let text = |name: &str| {
        answer
            .json
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let code = Code::from_slug(answer.code());
    let path = target.split('?').next().unwrap_or_default();
    let inside = tells_inside(target, answer);
    let rules = [
        ((400..500).contains(&answer.status), "not refused"),
        (
            answer.header("content-type") == "application/problem+json",
            "no problem+json",
        ),
        (
            code.is_some_and(|code| code.status() == answer.status),
            "no code of ours, or not its status",
        ),
        (
            answer.json.get("status").and_then(Value::as_u64) == Some(u64::from(answer.status)),
            "another status",
        ),
        (
            text("type") == format!("{url}/problems/{}", answer.code()),
            "another type",
        ),
        (
            code.is_some_and(|code| text("title") == code.title()),
            "another title",
        ),
        (!text("detail").is_empty(), "no detail"),
        (text("instance") == path, "another instance"),
        (!text("request_id").is_empty(), "no request_id"),
        (
            text("request_id") == answer.header("x-request-id"),
            "two request ids",
        ),
        (
            answer.header("cache-control") == "no-store",
            "may be stored",
        ),
        (
            answer.header("x-content-type-options") == "nosniff",
            "may be sniffed",
        ),
    ];
    let broken = rules
        .iter()
        .find(|(holds, _)| !holds)
        .map(|(_, rule)| (*rule).to_owned());
    broken.or(inside)
}

/// What an answer tells of our insides that it was not told itself.
pub(crate) fn tells_inside(target: &str, answer: &Answer) -> Option<String> {
    let told = |inside: &&&str| answer.text.contains(**inside) && !target.contains(**inside);
    INSIDES
        .iter()
        .find(told)
        .map(|inside| format!("tells {inside:?}"))
}

/// Sends all of them, some at a time, and fails with every one that was not refused as it must be.
pub(crate) async fn all_refused(url: &str, cases: Vec<Case>) {
    let count = cases.len();
    let asked = stream::iter(&cases)
        .map(|case| case.complaint(url))
        .buffer_unordered(AT_A_TIME);
    let wrong: Vec<String> = asked
        .filter_map(|complaint| async { complaint })
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
