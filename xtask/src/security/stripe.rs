//! Stripe as others have it, in front of a shop of ours: localstripe keeps the books, and Stripe's own client for
//! Python reads there what the shop did. Then somebody pays by card on the shop's pages, in Chromium, where a script of
//! the tests' own stands in for Stripe's.

use super::{
    Outcome, Stand, tools,
    witness::{Settings, Walk},
};
use std::{
    io::{self, Write},
    process::Command,
};

const NAME: &str = "stripe";
const SCRIPT: &str = "tests/security/payments.py";
const VERSION: &str = "1.15.10";
const CLIENT: &str = "stripe==16.1.0";
const BROWSING: &[&str] = &["playwright-core@1.65.1"];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let package = ("localstripe", VERSION);
    let program = match tools::python_with(stand, "localstripe", package, &[CLIENT])? {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let browser = match tools::debian("chromium", "chromium") {
        Ok(browser) => browser,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let packages = match tools::npm(stand, "browsing", BROWSING)? {
        Ok(packages) => packages,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let walk = Walk {
        name: NAME,
        package: "localstripe 1.15.10, stripe 16.1.0",
        opening: "api ",
        settings,
        told: |shop| format!("{} {}", shop.address, shop.setup_token),
    };
    let mut command = Command::new(program.with_file_name("python3"));
    command
        .arg(stand.root.join(SCRIPT))
        .arg(program)
        .arg(packages.join("node_modules"))
        .arg(browser)
        .current_dir(&stand.folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    walk.run(stand, &mut command, out)
}

fn settings(api: &str) -> Settings {
    [
        ("SOUK_PAYMENTS__PROVIDER", "stripe"),
        ("SOUK_PAYMENTS__STRIPE__MODE", "test"),
        ("SOUK_PAYMENTS__STRIPE__SHOP", "tried-out"),
        ("SOUK_PAYMENTS__STRIPE__SECRET_KEY", "sk_test_of_the_shop"),
        ("SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET", "whsec_of_the_shop"),
        ("SOUK_PAYMENTS__STRIPE__API", api),
        (
            "SOUK_PAYMENTS__STRIPE__PUBLISHABLE_KEY",
            "pk_test_of_the_shop",
        ),
        ("SOUK_OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
        ("SOUK_OUTWARD__HTTP", "true"),
        ("SOUK_OUTWARD__PORTS", "[]"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
