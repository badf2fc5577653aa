//! A shop of ours for a run, as shops run: limits, metrics and request ids are on. It stands behind a proxy, so that
//! clients come from as many addresses as they say. What is in it comes through its API.

use super::{
    client::Client,
    process::{Server, emptied, free_address},
};
use crate::{
    parts::Stand,
    security::http::{Answer, ask},
};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub(super) const PASSWORD: &str = "bench-password-8Zq4vW";
pub(super) const ADMIN: &str = "admin@souk.example";
/// Where a shop shows that it is there.
pub(super) const FIRST_READ: &str = "/api/v1/products?limit=1";
const PRODUCTS_AT_A_TIME: u32 = 100;
/// Enough for whatever is ordered.
const STOCK: u32 = 100_000_000;
/// Clients are few here and ask much: limits count all that they do, and refuse nothing of it.
pub(super) const LIMITS: &[(&str, &str)] = &[
    ("SOUK_LIMITS__DEFAULT__UNITS", "1000000000"),
    ("SOUK_LIMITS__CHECKOUT__UNITS", "1000000000"),
    ("SOUK_LIMITS__LOGIN__UNITS", "1000000"),
    ("SOUK_LIMITS__LOGIN_NETWORK__UNITS", "1000000"),
];

pub(super) struct Shop {
    pub(super) server: Server,
    pub(super) data: PathBuf,
}

/// Products that were made, and somebody who may do everything.
pub(super) struct Goods {
    pub(super) token: String,
    pub(super) products: Vec<String>,
}

/// Where everything is, unless the settings of a run name a database.
fn kept_in(data: &Path) -> String {
    format!("sqlite:{}", data.display())
}

/// The command that opens a shop on this folder.
pub(super) fn serve(
    stand: &Stand,
    address: &str,
    data: &Path,
    settings: &[(&str, &str)],
) -> Command {
    let mut command = stand.souk();
    command
        .args(["serve", "--listen", address])
        .env("SOUK_DB", kept_in(data))
        .env("SOUK_SHOP__DEMO", "false")
        .env("SOUK_GATEWAY__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]")
        .envs(LIMITS.iter().copied())
        .envs(settings.iter().copied());
    command
}

impl Shop {
    /// Opens one in an empty folder of this name.
    pub(super) fn open(stand: &Stand, name: &str, settings: &[(&str, &str)]) -> io::Result<Self> {
        let folder = emptied(stand.folder.join(name))?;
        Self::on(stand, folder, settings)
    }

    /// Opens one on a folder as it is.
    pub(super) fn on(
        stand: &Stand,
        folder: PathBuf,
        settings: &[(&str, &str)],
    ) -> io::Result<Self> {
        let (address, data) = (free_address()?, folder.join("data"));
        let mut command = serve(stand, &address, &data, settings);
        let server = Server::start(&mut command, address, FIRST_READ, &folder.join("log"))?;
        Ok(Self { server, data })
    }

    pub(super) fn post(&self, path: &str, token: &str, body: &str) -> io::Result<Answer> {
        let bearer = format!("Bearer {token}");
        let key = format!("{path}-{}", body.len());
        let mut headers = vec![("idempotency-key", key.as_str())];
        if !token.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        let answer = ask(&self.server.address, "POST", path, &headers, body)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let Answer { status, body, .. } = answer;
        Err(io::Error::other(format!("{path}: {status}: {body}")))
    }

    /// Opens an account, or signs in to it; answers its token.
    pub(super) fn enter(&self, email: &str, word: &str) -> io::Result<String> {
        let body = format!("{{\"email\":\"{email}\",\"password\":\"{PASSWORD}\"}}");
        let answer = self.post(&format!("/api/v1/auth/{word}"), "", &body)?;
        Ok(answer.text("access_token").to_owned())
    }

    /// Makes an admin, and signs them in.
    pub(super) fn admin(&self, stand: &Stand, settings: &[(&str, &str)]) -> io::Result<String> {
        let mut command = stand
            .souk()
            .args(["admin", "create", "--email", ADMIN])
            .env("SOUK_DB", kept_in(&self.data))
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = command.stdin.take() {
            writeln!(stdin, "{PASSWORD}")?;
        }
        if !command.wait()?.success() {
            return Err(io::Error::other("no admin could be made"));
        }
        self.enter(ADMIN, "login")
    }

    /// Makes so many products.
    pub(super) fn goods(
        &self,
        stand: &Stand,
        count: u32,
        settings: &[(&str, &str)],
    ) -> io::Result<Goods> {
        let token = self.admin(stand, settings)?;
        let mut products = Vec::new();
        let mut next = 0;
        while next < count {
            let end = next.saturating_add(PRODUCTS_AT_A_TIME).min(count);
            let wishes: Vec<String> = (next..end).map(wish).collect();
            let body = format!("{{\"products\":[{}]}}", wishes.join(","));
            // Its length alone would make two batches one.
            let path = "/api/v1/products/batch";
            let bearer = format!("Bearer {token}");
            let key = format!("batch-{next}");
            let headers = [
                ("authorization", bearer.as_str()),
                ("idempotency-key", &key),
            ];
            let answer = ask(&self.server.address, "POST", path, &headers, &body)?;
            products.extend(ids(&answer.body));
            next = end;
        }
        if products.len() == usize::try_from(count).unwrap_or_default() {
            return Ok(Goods { token, products });
        }
        let made = products.len();
        Err(io::Error::other(format!(
            "{made} of {count} products were made"
        )))
    }

    /// Places an order of one unit; answers its id.
    pub(super) fn order(&self, token: &str, product: &str) -> io::Result<String> {
        let body = format!("{{\"items\":[{{\"product_id\":\"{product}\",\"quantity\":1}}]}}");
        let answer = self.post("/api/v1/orders", token, &body)?;
        Ok(answer.text("id").to_owned())
    }

    /// Ends it, and recomputes its books.
    pub(super) fn close(self, stand: &Stand, settings: &[(&str, &str)]) -> io::Result<()> {
        let Self { server, data } = self;
        drop(server);
        verify(stand, &data, settings).map(drop)
    }
}

/// Recomputes the books of a shop that is closed; gives what is said of them.
pub(super) fn verify(stand: &Stand, data: &Path, settings: &[(&str, &str)]) -> io::Result<String> {
    let mut command = stand.souk();
    command
        .arg("verify")
        .env("SOUK_DB", kept_in(data))
        .envs(settings.iter().copied());
    let output = command.output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(io::Error::other(format!(
        "the books do not balance: {said}"
    )))
}

/// An order of one unit, with a key of its own.
pub(super) fn order(text: &mut String, address: &str, (token, product): (&str, &str), number: u64) {
    let body = format!("{{\"items\":[{{\"product_id\":\"{product}\",\"quantity\":1}}]}}");
    text.push_str(&format!(
        "POST /api/v1/orders HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: order-{number}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
}

fn wish(number: u32) -> String {
    format!(
        "{{\"name\":\"Green tea {number}\",\"description\":\"From the slopes of hill {number}, picked by hand in \
         spring, dried in the shade and packed on the day it is ready.\",\"price\":\"9.99\",\"stock\":{STOCK}}}"
    )
}

/// The products' ids in the answer to a batch.
fn ids(body: &str) -> Vec<String> {
    let products = body.split("\"product\":{").skip(1);
    let ids = products.filter_map(|rest| {
        let (_, rest) = rest.split_once("\"id\":\"")?;
        rest.split('"').next().map(str::to_owned)
    });
    ids.collect()
}

/// One whole answer: its status, its entity tag and its body.
pub(super) fn hear(address: &str, request: &str) -> io::Result<(u16, String, Vec<u8>)> {
    let mut client = Client::open(address)?;
    let heard = client.ask(request.as_bytes())?;
    let tag = heard.field("etag").to_owned();
    Ok((heard.status, tag, heard.body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_batch_are_read() {
        let body = "{\"results\":[{\"product\":{\"id\":\"prd_1\",\"x\":{\"id\":\"no\"}}},\
                    {\"product\":{\"id\":\"prd_2\"}}]}";
        assert_eq!(ids(body), ["prd_1", "prd_2"]);
    }
}
