//! How long a shop of 100,000 orders takes to be copied, brought back and verified, and how large it is: numbers of
//! this machine, on a shop whose orders were placed and paid through its own API.

use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

const ORDERS: u32 = 100_000;
const PRODUCTS: u32 = 1_000;
const CUSTOMERS: u32 = 200;
/// Another number of orders, for a machine that has no time.
const FEWER: &str = "SOUK_BACKUP_ORDERS";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let fewer = std::env::var(FEWER).ok().and_then(|text| text.parse().ok());
    let orders: u32 = fewer.unwrap_or(ORDERS);
    let folder = stand.folder.join("backup");
    tools::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let (trace, catalog) = (folder.join("orders.jsonl"), folder.join("catalog.jsonl"));
    write_trace(&trace, &catalog, orders)?;
    let [shop, copy, back] = ["shop", "copy", "back"].map(|name| folder.join(name));
    let at = |path: &Path| path.display().to_string();
    let souk = |words: &[&str]| timed(stand, words);
    let placing = souk(&[
        "replay",
        &at(&trace),
        "--catalog",
        &at(&catalog),
        "--data",
        &at(&shop),
    ])?;
    let size = weight(&shop)?;
    writeln!(
        out,
        "  {orders} orders placed and paid in {:.1} s; {} MB",
        placing.as_secs_f32(),
        megabytes(size)
    )?;
    let mut told = Vec::new();
    for (what, words) in [
        ("backup, verified", vec!["backup", "COPY", "--data", "SHOP"]),
        (
            "restore, verified",
            vec!["restore", "COPY", "--data", "BACK"],
        ),
        ("verify", vec!["verify", "--data", "BACK"]),
    ] {
        let (from, to, other) = (at(&shop), at(&copy), at(&back));
        let words: Vec<&str> = words
            .into_iter()
            .map(|word| match word {
                "SHOP" => from.as_str(),
                "COPY" => to.as_str(),
                "BACK" => other.as_str(),
                word => word,
            })
            .collect();
        let took = souk(&words)?;
        told.push(format!("{what} {:.1} s", took.as_secs_f32()));
    }
    told.push(format!("the copy {} MB", megabytes(weight(&copy)?)));
    // It is large, and nobody looks at it again.
    tools::remove(&folder)?;
    Ok(Outcome::Passed(format!(
        "{orders} orders: {}",
        told.join(", ")
    )))
}

/// Orders of one to three lines, by customers who come again, none of whose numbers are random.
fn write_trace(orders: &Path, catalog: &Path, count: u32) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(catalog)?);
    for number in 0..PRODUCTS {
        let price = number.saturating_mul(7).saturating_add(100);
        writeln!(
            file,
            "{{\"sku\":\"S-{number}\",\"name\":\"Thing {number}\",\"price_minor\":{price},\"currency\":\"GBP\"}}"
        )?;
    }
    file.flush()?;
    let mut file = BufWriter::new(File::create(orders)?);
    for number in 0..count {
        let lines: Vec<String> = (0..=number.checked_rem(3).unwrap_or(0))
            .map(|line| {
                let product = number
                    .wrapping_mul(31)
                    .wrapping_add(line)
                    .checked_rem(PRODUCTS)
                    .unwrap_or(0);
                let price = product.saturating_mul(7).saturating_add(100);
                format!("{{\"sku\":\"S-{product}\",\"qty\":1,\"unit_price_minor\":{price}}}")
            })
            .collect();
        writeln!(
            file,
            "{{\"order_ref\":\"r{number}\",\"customer_ref\":\"c{}\",\"currency\":\"GBP\",\"lines\":[{}]}}",
            number.checked_rem(CUSTOMERS).unwrap_or(0),
            lines.join(",")
        )?;
    }
    file.flush()
}

/// Runs the shop's binary; what it says is told only where it fails.
fn timed(stand: &Stand, words: &[&str]) -> io::Result<Duration> {
    let mut command = stand.souk();
    command.args(words).stdin(Stdio::null());
    let begun = Instant::now();
    let ran = command.output()?;
    let took = begun.elapsed();
    if ran.status.success() {
        return Ok(took);
    }
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(io::Error::other(format!(
        "souk {}: {said}",
        words.join(" ")
    )))
}

fn weight(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes = bytes.saturating_add(match entry.file_type()?.is_dir() {
            true => weight(&entry.path())?,
            false => entry.metadata()?.len(),
        });
    }
    Ok(bytes)
}

fn megabytes(bytes: u64) -> u64 {
    bytes.checked_div(1_000_000).unwrap_or(0)
}
