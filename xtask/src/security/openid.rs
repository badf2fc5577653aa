//! A certified provider of identities that none of us wrote, in front of a shop of ours: whether the two understand
//! each other, and whether what must be refused is.

use super::{Outcome, Stand, shop::Shop, tools};
use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

const NAME: &str = "openid";
const SCRIPT: &str = "tests/security/openid.mjs";
const PACKAGE: &str = "oidc-provider@9.13.3";
const ALGORITHMS: &[&str] = &["RS256", "ES256", "EdDSA"];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let folder = match tools::npm(stand, NAME, &[PACKAGE])? {
        Ok(folder) => folder,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let mut witness = Command::new("node")
        .arg(stand.root.join(SCRIPT))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = walk(stand, &mut witness, out);
    // It may have ended by itself.
    drop(witness.kill());
    drop(witness.wait());
    outcome
}

fn walk(stand: &Stand, witness: &mut Child, out: &mut dyn Write) -> io::Result<Outcome> {
    let gone = || io::Error::other("the witness has no way to be spoken to");
    let said = witness.stdout.take().ok_or_else(gone)?;
    let mut lines = BufReader::new(said).lines();
    let mut issuer = None;
    for line in lines.by_ref() {
        if let Some(address) = line?.strip_prefix("issuer ") {
            issuer = Some(address.to_owned());
            break;
        }
    }
    let issuer = issuer.ok_or_else(|| io::Error::other("the provider did not open"))?;
    let settings = settings(&issuer);
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let shop = Shop::open(stand, NAME, &settings)?;
    let mut asking = witness.stdin.take().ok_or_else(gone)?;
    writeln!(asking, "{}", shop.address)?;
    let (mut seen, mut not_seen) = (0_u32, 0_u32);
    for line in lines {
        let line = line?;
        if line.starts_with("seen: ") {
            seen = seen.saturating_add(1);
        } else if line.starts_with("NOT SEEN: ") {
            not_seen = not_seen.saturating_add(1);
        }
        writeln!(out, "{line}")?;
    }
    let line = format!("{PACKAGE}: {seen} things seen, {not_seen} not");
    let passed = witness.wait()?.success() && not_seen == 0;
    Ok(if passed {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

/// The provider once for each algorithm, as a client of its own.
fn settings(issuer: &str) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = [
        ("SOUK_OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
        ("SOUK_OUTWARD__HTTP", "true"),
        ("SOUK_OUTWARD__PORTS", "[]"),
        ("SOUK_HTTP__PUBLIC_URL", "http://shop.souk.example"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for algorithm in ALGORITHMS {
        let of = |key: &str| format!("SOUK_IDENTITY__OPENID__{}__{key}", algorithm.to_uppercase());
        settings.push((of("ISSUER"), issuer.to_owned()));
        settings.push((of("CLIENT_ID"), format!("shop {algorithm}")));
        settings.push((of("CLIENT_SECRET"), format!("secret: of {algorithm}")));
    }
    settings
}
