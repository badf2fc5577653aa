//! axe in Chromium on every page that a visitor, a customer and an admin can reach by links: what somebody could not
//! read, reach or understand there. The way through the pages is in `tests/security/axe.mjs`.

use super::{Outcome, Stand, shop, shop::Shop, tools};
use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

const NAME: &str = "pages";
const PACKAGES: &[&str] = &["axe-core@4.14.1", "playwright-core@1.65.1"];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let browser = match tools::debian("chromium", "chromium") {
        Ok(browser) => browser,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let packages = match tools::npm(stand, "axe", PACKAGES)? {
        Ok(packages) => packages,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let shop = Shop::open(stand, NAME, &[])?;
    shop.admin(stand, NAME)?;
    shop.register("ann@souk.example")?;
    let said = Command::new("node")
        .arg(stand.root.join("tests/security/axe.mjs"))
        .arg(format!("http://{}", shop.address))
        .arg(packages.join("node_modules"))
        .arg(browser)
        .arg(shop::PASSWORD)
        .args([shop::ADMIN, "ann@souk.example"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    let closing = text.lines().last().unwrap_or_default();
    for line in text.lines().filter(|line| *line != closing) {
        writeln!(out, "{line}")?;
    }
    Ok(if said.status.success() {
        Outcome::Passed(closing.to_owned())
    } else {
        Outcome::Failed(closing.to_owned())
    })
}
