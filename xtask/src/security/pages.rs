//! axe in Chromium on every page that a visitor, a customer and an admin can reach by links: what somebody could not
//! read, reach or understand there. Then what people do on the pages, from its first click to its end, with and without
//! scripts. The ways through the pages are in `tests/security/axe.mjs` and `journeys.mjs`.

use super::{Outcome, Stand, shop, shop::Shop, tools};
use std::{
    io::{self, Write},
    path::Path,
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
    let looks = Walk {
        script: "axe.mjs",
        people: &[shop::ADMIN, "ann@souk.example"],
    };
    let journeys = Walk {
        script: "journeys.mjs",
        people: &[shop::ADMIN],
    };
    let mut closings = Vec::new();
    let mut passed = true;
    for walk in [looks, journeys] {
        let (fine, closing) = walk.take(stand, (&shop, &packages, &browser), out)?;
        passed &= fine;
        closings.push(closing);
    }
    let closing = closings.join("; ");
    Ok(if passed {
        Outcome::Passed(closing)
    } else {
        Outcome::Failed(closing)
    })
}

/// A way through the pages, and who goes it.
pub(super) struct Walk {
    pub(super) script: &'static str,
    pub(super) people: &'static [&'static str],
}

impl Walk {
    /// Goes it; whether all was as it should be, and its last line.
    pub(super) fn take(
        &self,
        stand: &Stand,
        (shop, packages, browser): (&Shop, &Path, &Path),
        out: &mut dyn Write,
    ) -> io::Result<(bool, String)> {
        let said = Command::new("node")
            .arg(stand.root.join("tests/security").join(self.script))
            .arg(format!("http://{}", shop.address))
            .arg(packages.join("node_modules"))
            .arg(browser)
            .arg(shop::PASSWORD)
            .args(self.people)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8_lossy(&said.stdout);
        let closing = text.lines().last().unwrap_or_default();
        for line in text.lines().filter(|line| *line != closing) {
            writeln!(out, "{line}")?;
        }
        Ok((said.status.success(), closing.to_owned()))
    }
}
