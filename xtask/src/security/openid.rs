//! A certified provider of identities that none of us wrote, in front of a shop of ours: whether the two understand
//! each other, and whether what must be refused is.

use super::{
    Outcome, Stand, tools,
    witness::{Settings, Walk},
};
use std::{
    io::{self, Write},
    process::Command,
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
    let walk = Walk {
        name: NAME,
        package: PACKAGE,
        opening: "issuer ",
        settings,
        told: |shop| shop.address.clone(),
    };
    let mut command = Command::new("node");
    walk.run(stand, command.arg(stand.root.join(SCRIPT)).arg(folder), out)
}

/// The provider once for each algorithm, as a client of its own.
fn settings(issuer: &str) -> Settings {
    let mut settings: Settings = [
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
