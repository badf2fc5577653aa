//! Requests to a whole shop. Whatever is sent: there is an answer, it is none of the shop's own failures, and a refusal
//! by the API is a problem that can be read (RFC 9457).

use crate::shop::Fuzzed;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use testkit::Answer;

/// Where bodies are read: the addresses of the seeds, and our own.
const WRITTEN: &[(&str, &str)] = &[
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/products"),
    ("PUT", "/api/products/{product}"),
    ("POST", "/orders"),
    ("PUT", "/orders/user/status"),
    ("POST", "/payments"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/password/forgot"),
    ("POST", "/api/v1/products"),
    ("POST", "/api/v1/products/batch"),
    ("PUT", "/api/v1/products/{product}"),
    ("PATCH", "/api/v1/products/{product}"),
    ("POST", "/api/v1/inventory/adjust"),
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/payments"),
    ("PATCH", "/api/v1/me"),
    ("POST", "/api/v1/webhooks"),
];

/// Where queries are read.
const ASKED: &[&str] = &[
    "/api/v1/products",
    "/api/v1/orders",
    "/api/v1/inventory",
    "/api/v1/categories",
    "/api/v1/payments/sagas",
    "/api/v1/events/dead",
    "/api/v1/events",
    "/api/v1/me/sessions",
    "/products",
    "/orders",
    "/",
    "/p/ras-el-hanout",
    "/sign-in",
    "/reset-password",
];

/// A body of JSON: the first byte says where it goes, the second whether the admin sends it. In it `{product}` stands
/// for a product that is there.
pub fn bodies(bytes: &[u8]) {
    let [place, who, body @ ..] = bytes else {
        return;
    };
    let shop = Fuzzed::get();
    let Some((method, path)) = pick(WRITTEN, *place) else {
        return;
    };
    let path = path.replace("{product}", &shop.product);
    let body = match std::str::from_utf8(body) {
        Ok(text) => text.replace("{product}", &shop.product).into_bytes(),
        Err(_) => body.to_vec(),
    };
    let key = URL_SAFE_NO_PAD.encode(hmac_sha256::Hash::hash(bytes));
    let mut lines = format!("content-type: application/json\r\nidempotency-key: {key}\r\n");
    if who % 2 == 0 {
        lines.push_str(&format!("authorization: Bearer {}\r\n", shop.token));
    }
    let answer = send(shop, &format!("{method} {path}"), lines.as_bytes(), &body);
    check(&path, answer.as_ref());
}

/// A callback of the provider. If the first byte is even, the rest is its body, rightly signed; otherwise the rest up
/// to a line's end is the signature of what follows, and must not hold.
pub fn callbacks(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let shop = Fuzzed::get();
    let path = "/api/v1/payments/providers/sandbox/webhook";
    let is_signed = how % 2 == 0;
    let (signature, body) = if is_signed {
        (sign(&shop.callback_secret, rest).into_bytes(), rest)
    } else {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (signature, body) = rest.split_at(end.unwrap_or(rest.len()));
        (signature.to_vec(), body)
    };
    let mut lines = b"content-type: application/json\r\nprovider-signature: ".to_vec();
    // A line's end would begin another header.
    lines.extend(signature.iter().filter(|byte| !b"\r\n".contains(byte)));
    lines.extend_from_slice(b"\r\n");
    let answer = send(shop, &format!("POST {path}"), &lines, body);
    check(path, answer.as_ref());
    let status = answer.map_or(0, |answer| answer.status);
    assert!(
        is_signed || status != 200,
        "a signature that nobody made holds"
    );
}

fn sign(secret: &[u8], body: &[u8]) -> String {
    let seconds = server::shop::now().as_ms().div_euclid(1_000).to_string();
    let signed = [seconds.as_bytes(), b".", body].concat();
    let tag = URL_SAFE_NO_PAD.encode(hmac_sha256::HMAC::mac(signed, secret));
    format!("t={seconds},v1={tag}")
}

/// A query: the first byte says where it goes; what cannot stand in a request's line is escaped.
pub fn queries(bytes: &[u8]) {
    let Some((place, query)) = bytes.split_first() else {
        return;
    };
    let shop = Fuzzed::get();
    let Some(path) = pick(ASKED, *place) else {
        return;
    };
    let mut target = format!("GET {path}?");
    for byte in query {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte) {
            target.push(char::from(*byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    let who = if path.starts_with("/api") {
        format!("authorization: Bearer {}\r\n", shop.token)
    } else {
        "accept: text/html\r\n".to_owned()
    };
    let answer = send(shop, &target, who.as_bytes(), b"");
    check(path, answer.as_ref());
}

/// Lines of a request's head, as they are. What says how long a request is stays away: a request that is cut off waits,
/// and has no answer.
pub fn heads(bytes: &[u8]) {
    let shop = Fuzzed::get();
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(50) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let name = String::from_utf8_lossy(line).to_lowercase();
        let ends_early = line.iter().all(u8::is_ascii_whitespace);
        let frames = [
            "content-length",
            "transfer-encoding",
            "expect",
            "upgrade",
            "connection",
        ];
        if !ends_early && !frames.iter().any(|frame| name.contains(frame)) {
            lines.extend_from_slice(line);
            lines.extend_from_slice(b"\r\n");
        }
    }
    let path = format!("/api/v1/products/{}", shop.product);
    let answer = send(shop, &format!("GET {path}"), &lines, b"");
    check(&path, answer.as_ref());
}

fn pick<T>(of: &[T], which: u8) -> Option<&T> {
    of.get(usize::from(which).checked_rem(of.len())?)
}

fn send(shop: &Fuzzed, target: &str, lines: &[u8], body: &[u8]) -> Option<Answer> {
    let mut request =
        format!("{target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n").into_bytes();
    if !body.is_empty() {
        request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    request.extend_from_slice(lines);
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    shop.raw(&request)
}

fn check(path: &str, answer: Option<&Answer>) {
    let answer = answer.unwrap_or_else(|| panic!("{path} did not answer"));
    assert!(
        answer.status < 500,
        "{path}: {} {}",
        answer.status,
        answer.text
    );
    let is_refused = answer.status >= 400 && path.starts_with("/api/v1");
    // What cannot be read as HTTP at all is refused by the library, without a body.
    if is_refused && !answer.text.is_empty() {
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_ne!(answer.code(), "", "{}", answer.text);
    }
}
