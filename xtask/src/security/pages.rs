//! axe in Chromium on every page that a visitor, a customer and an admin can reach by links: what somebody could not
//! read, reach or understand there. Then what people do on the pages, from its first click to its end, with and without
//! scripts. The ways through the pages are in `tests/security/axe.mjs` and `journeys.mjs`.

use super::{Outcome, Stand, http::ask, shop, shop::Shop, tools};
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
    // A journey has a webhook; nobody answers there.
    let inside = ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]");
    let shop = Shop::open(stand, NAME, &[inside])?;
    let admin = shop.admin(stand, NAME)?;
    shop.register("ann@souk.example")?;
    furnish(&shop, admin.text("access_token"))?;
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

/// What the demo catalog lacks, so that every page for staff has something to show.
fn furnish(shop: &Shop, token: &str) -> io::Result<()> {
    let bearer = format!("Bearer {token}");
    for (path, body) in [
        (
            "products",
            r#"{"name":"Shirt","price":{"amount":2000,"currency":"USD"},
                "options":[{"name":"Size","values":["S","M"]},{"name":"Colour","values":["red"]}],
                "variants":[{"options":{"Size":"S","Colour":"red"},"stock":9},
                            {"options":{"Size":"M","Colour":"red"},"stock":9}]}"#,
        ),
        (
            "discounts",
            r#"{"code":"SHIRTS","basis_points":1000,"buy":{"quantity":2,"get":1},"uses_max":9}"#,
        ),
        (
            "shipping-methods",
            r#"{"name":"Far away","price":{"amount":900,"currency":"USD"},"active":false,
                "zones":[{"countries":["JP"],"price":{"amount":2900,"currency":"USD"},
                          "bands":[{"weight_max_grams":500,"price":{"amount":1900,"currency":"USD"}}]}]}"#,
        ),
        (
            "tax-rates",
            r#"{"name":"VAT 19%","country":"DE","millionths":190000}"#,
        ),
    ] {
        let headers = [("authorization", bearer.as_str())];
        let made = ask(
            &shop.address,
            "POST",
            &format!("/api/v1/{path}"),
            &headers,
            body,
        )?;
        if made.status != 201 {
            return Err(io::Error::other(format!(
                "{path}: {} {}",
                made.status, made.body
            )));
        }
    }
    Ok(())
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
