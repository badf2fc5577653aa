//! Secrets where none may be: in logs at the level that says most, in the databases as bytes, in every answer. The
//! shop is the one that `contract` asked; it was planted with secrets that are known.

use super::{
    Outcome, Stand, contract,
    http::{Answer, ask},
    shop,
    shop::Shop,
};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Where the known secrets are written down, one a line: its name, a space, the secret.
const KNOWN: &str = "planted.txt";
/// A card number that passes its own check, and means no card.
const CARD: &str = "4242424242424242";
/// How a token of ours begins: `{"` in base64url.
const TOKEN: &str = "eyJ";
/// How an API key of ours begins, and how long each is.
const KEY: &str = "souk_";
const KEY_LENGTH: usize = 89;
/// A line of a report is looked at by pieces of JSON texts; shorter ones are no token.
const TOKEN_LENGTH_MIN: usize = 100;

/// What is in the shop since, for whoever asks it more.
pub(super) struct Planted {
    pub(super) product: String,
    pub(super) variant: String,
    pub(super) order: String,
}

/// Does with a shop what brings secrets into it, and writes them down in its folder.
pub(super) fn plant(shop: &Shop, signed_in: &[&Answer]) -> io::Result<Planted> {
    let mut known = vec![
        ("password", shop::PASSWORD.to_owned()),
        ("setup-token", shop.setup_token.clone()),
        ("card", CARD.to_owned()),
    ];
    for answer in signed_in {
        for name in ["access_token", "refresh_token"] {
            known.push((name, answer.text(name).to_owned()));
        }
    }
    known.extend(api_key(shop, signed_in)?);
    let wrong = "wrong-canary-password-5Tk9";
    let body = format!("{{\"email\":\"leaving@souk.example\",\"password\":\"{wrong}\"}}");
    expect(&shop.post("/api/v1/auth/login", &body)?, 401)?;
    known.push(("wrong-password", wrong.to_owned()));
    // A guest's order: its token opens it, so it is a secret as well.
    let products = ask(
        &shop.address,
        "GET",
        "/api/v1/products?in_stock=true&limit=1",
        &[],
        "",
    )?;
    let product = products.text("id");
    let items = format!("\"items\":[{{\"product_id\":\"{product}\",\"quantity\":1}}]");
    let body = format!("{{\"email\":\"guest@souk.example\",{items}}}");
    let key = [("idempotency-key", "a-guest-s-order")];
    let order = ask(&shop.address, "POST", "/api/v1/orders", &key, &body)?;
    expect(&order, 201)?;
    known.push(("order_token", order.text("order_token").to_owned()));
    // Somebody who misunderstands sends a card number where a token belongs; it is refused, and kept nowhere.
    let body = format!(
        "{{\"email\":\"guest@souk.example\",{items},\"payment\":{{\"method\":\"{CARD}\"}}}}"
    );
    let key = [("idempotency-key", "a-card-s-order")];
    let refused = ask(&shop.address, "POST", "/api/v1/orders", &key, &body)?;
    expect(&refused, 422)?;
    let lines: String = known
        .iter()
        .map(|(name, secret)| format!("{name} {secret}\n"))
        .collect();
    fs::write(shop.folder.join(KNOWN), lines)?;
    Ok(Planted {
        product: product.to_owned(),
        variant: order.text("variant_id").to_owned(),
        order: order.text("id").to_owned(),
    })
}

/// An API key of whoever signed in first.
fn api_key(shop: &Shop, signed_in: &[&Answer]) -> io::Result<Option<(&'static str, String)>> {
    let Some(owner) = signed_in.first() else {
        return Ok(None);
    };
    let bearer = format!("Bearer {}", owner.text("access_token"));
    let password = shop::PASSWORD;
    let body =
        format!("{{\"name\":\"till\",\"scopes\":[\"orders:read\"],\"password\":\"{password}\"}}");
    let headers = [("authorization", bearer.as_str())];
    let made = ask(&shop.address, "POST", "/api/v1/api-keys", &headers, &body)?;
    expect(&made, 201)?;
    let secret = made.text("secret").to_owned();
    // It is used, so that every way that it goes is looked at.
    let bearer = format!("Bearer {secret}");
    let headers = [("authorization", bearer.as_str())];
    expect(
        &ask(&shop.address, "GET", "/api/v1/orders", &headers, "")?,
        200,
    )?;
    Ok(Some(("api-key", secret)))
}

fn expect(answer: &Answer, status: u16) -> io::Result<()> {
    let Answer {
        status: came, body, ..
    } = answer;
    if *came == status {
        return Ok(());
    }
    Err(io::Error::other(format!("not {status} but {came}: {body}")))
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let folder = shop::folder(stand, contract::NAME);
    let Ok(known) = fs::read_to_string(folder.join(KNOWN)) else {
        return Ok(Outcome::NotRun(
            "`contract` has to run before it".to_owned(),
        ));
    };
    let known: Vec<(&str, &str)> = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, secret)| !secret.is_empty())
        .collect();
    let mut files = vec![shop::log(&folder)];
    let databases = fs::read_dir(shop::data(&folder))?;
    files.extend(databases.flatten().map(|entry| entry.path()));
    let mut hits = Vec::new();
    let mut bytes = 0_usize;
    for path in files.iter().filter(|path| path.is_file()) {
        let text = fs::read(path)?;
        bytes = bytes.saturating_add(text.len());
        look(path, &text, &known, &mut hits);
    }
    let problems = problems(&folder.join("report.ndjson"))?;
    bytes = bytes.saturating_add(problems.len());
    look(Path::new("problems"), &problems, &known, &mut hits);
    for hit in &hits {
        writeln!(out, "  {hit}")?;
    }
    let (hits, secrets) = (hits.len(), known.len());
    let line =
        format!("{hits} hits; {secrets} known secrets and tokens of any kind, in {bytes} bytes");
    Ok(if hits == 0 && bytes > 0 {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

fn look(path: &Path, text: &[u8], known: &[(&str, &str)], hits: &mut Vec<String>) {
    let shown = path.display();
    for (name, secret) in known {
        let secret = secret.as_bytes();
        let found = text.windows(secret.len()).filter(|piece| *piece == secret);
        match found.count() {
            0 => {}
            times => hits.push(format!("{shown}: {name}, {times} times")),
        }
    }
    let begins = |piece: &&[u8]| piece.starts_with(TOKEN.as_bytes());
    let is_token = |piece: &&[u8]| {
        let dots = piece.iter().filter(|byte| **byte == b'.').count();
        piece.len() >= TOKEN_LENGTH_MIN && dots == 2
    };
    let outside = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    let is_key = |piece: &&[u8]| piece.len() == KEY_LENGTH && piece.starts_with(KEY.as_bytes());
    for _ in text.split(outside).filter(is_key) {
        hits.push(format!("{shown}: an API key"));
    }
    let pieces = text.split(outside);
    for _ in pieces.filter(begins).filter(is_token) {
        hits.push(format!("{shown}: a token"));
    }
}

/// The bodies of all refusals in a report of schemathesis.
fn problems(report: &Path) -> io::Result<Vec<u8>> {
    let text = fs::read_to_string(report)?;
    let mut bodies = Vec::new();
    for response in text.split("\"status_code\"").skip(1) {
        let status = response.trim_start_matches([':', ' ']);
        let body = response
            .split_once("\"content\"")
            .and_then(|(_, rest)| rest.split_once("\"$base64\""))
            .and_then(|(_, rest)| rest.split('"').nth(1));
        if status.starts_with(['4', '5'])
            && let Some(body) = body
        {
            bodies.extend(from_base64(body));
            bodies.push(b'\n');
        }
    }
    Ok(bodies)
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte.wrapping_sub(b'A'))),
        b'a'..=b'z' => Some(u32::from(byte.wrapping_sub(b'a')).wrapping_add(26)),
        b'0'..=b'9' => Some(u32::from(byte.wrapping_sub(b'0')).wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).collect();
    digits
        .chunks(4)
        .flat_map(|four| {
            let bits = (0..4).fold(0_u32, |bits, place| {
                (bits << 6) | four.get(place).copied().unwrap_or(0)
            });
            let [_, bytes @ ..] = bits.to_be_bytes();
            bytes.into_iter().take(four.len().saturating_sub(1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(from_base64("aGFsbG8="), b"hallo");
        assert_eq!(from_base64("aGFsbA=="), b"hall");
        assert_eq!(from_base64(""), b"");
    }

    #[test]
    fn a_secret_and_a_token_are_found() {
        let token = format!("eyJ{}.{}.x", "a".repeat(60), "b".repeat(60));
        let text = format!("one sesame two {token} eyJ.short");
        let mut hits = Vec::new();
        let path = Path::new("log");
        look(path, text.as_bytes(), &[("word", "sesame")], &mut hits);
        assert_eq!(hits, ["log: word, 1 times", "log: a token"]);
    }
}
