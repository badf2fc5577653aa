//! Lighthouse on the pages that people see most, as a slow telephone on a slow line sees them: how fast they come,
//! whether everybody can use them, and whether they are found. How it goes about it is in
//! `tests/security/lighthouse.mjs`.

use super::{Outcome, Stand, pages::Walk, shop, shop::Shop, tools};
use std::io::{self, Write};

const NAME: &str = "lighthouse";
const PACKAGES: &[&str] = &["lighthouse@13.5.0"];

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let browser = match tools::debian("chromium", "chromium") {
        Ok(browser) => browser,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let packages = match tools::npm(stand, NAME, PACKAGES)? {
        Ok(packages) => packages,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let shop = Shop::open(stand, NAME, &[])?;
    shop.admin(stand, NAME)?;
    let walk = Walk {
        script: "lighthouse.mjs",
        people: &[shop::ADMIN],
    };
    let (passed, closing) = walk.take(stand, (&shop, &packages, &browser), out)?;
    Ok(if passed {
        Outcome::Passed(closing)
    } else {
        Outcome::Failed(closing)
    })
}
