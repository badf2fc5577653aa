//! schemathesis against the whole document: examples, the edges of every schema, thousands of made-up requests right
//! and wrong, and ways of several steps. What it may expect is said in `tests/security/schemathesis.toml`.

use super::{Outcome, Stand, secrets::Planted, shop, shop::Shop, tools};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    process::Command,
};

pub(super) const NAME: &str = "contract";
/// Requests that are made up for each operation in the longest phase; with the others, over 10,000 in all.
const EXAMPLES: &str = "160";
const CASES_MIN: u64 = 10_000;
const VERSION: &str = "4.32.5";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::python(stand, "schemathesis", "schemathesis", VERSION)? {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    // At this level it says the most that it ever says; the next part looks through it.
    let shop = Shop::open(stand, NAME, &[("SOUK_LOG_LEVEL", "debug")])?;
    let admin = shop.admin(stand, NAME)?;
    let leaving = shop.register("leaving@souk.example")?;
    let planted = super::secrets::plant(&shop, &[&admin, &leaving])?;
    let report = shop::folder(stand, NAME).join("report.txt");
    let status = Command::new(program)
        .arg("--config-file")
        .arg(configured(stand, &planted)?)
        .arg("run")
        .arg(format!("http://{}/openapi.json", shop.address))
        // One: Python's parser fails where two threads use it at once (cpython#106905), and one lock lets them in turn.
        .args(["--workers", "1", "--no-color"])
        .args([
            "--max-examples",
            EXAMPLES,
            "--report",
            "ndjson",
            "--report-ndjson-path",
        ])
        .arg(shop::folder(stand, NAME).join("report.ndjson"))
        .env("SOUK_ADMIN_TOKEN", admin.text("access_token"))
        .env("SOUK_LEAVING_TOKEN", leaving.text("access_token"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(File::create(&report)?)
        .status()?;
    let said = std::fs::read_to_string(&report)?;
    let closing = said.split("= SUMMARY =").last().unwrap_or_default();
    writeln!(out, "{}", closing.trim_matches(['=', '\n']))?;
    let cases = cases(closing);
    let line = format!("{cases} cases; all of it: {}", report.display());
    Ok(if status.success() && cases >= CASES_MIN {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

/// Its settings with what is there in this shop: it reads variables of the environment in headers, in dictionaries it
/// takes their names for values.
fn configured(stand: &Stand, planted: &Planted) -> io::Result<PathBuf> {
    let folder = stand.root.join("tests/security");
    let text = fs::read_to_string(folder.join("schemathesis.toml"))?;
    let hooks = folder.join("hooks.py");
    let text = text
        .replace("hooks.py", &hooks.display().to_string())
        .replace("${SOUK_PRODUCT_ID}", &planted.product)
        .replace("${SOUK_VARIANT_ID}", &planted.variant)
        .replace("${SOUK_ORDER_ID}", &planted.order);
    let path = shop::folder(stand, NAME).join("schemathesis.toml");
    fs::write(&path, text)?;
    Ok(path)
}

/// How many requests it says to have made up.
fn cases(closing: &str) -> u64 {
    let line = closing.lines().find(|line| line.contains(" generated,"));
    let count = line.and_then(|line| line.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_tool_s_own_words() {
        assert_eq!(
            cases("mostly rejected generated data\nTest cases:\n  3492 generated, 3492 passed\n"),
            3_492
        );
        assert_eq!(cases("nothing"), 0);
    }
}
