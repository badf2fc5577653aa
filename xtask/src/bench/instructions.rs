//! How many instructions a request takes, counted by valgrind's callgrind: a number that does not depend on what else
//! the machine does, so that a test can hold it against what was noted. What is counted is a run with more requests
//! less a run with fewer.

use super::{
    client::{Drive, drive, times},
    count::{as_ratio, grouped, ratio},
    goods::{FIRST_READ, Shop, order, serve},
    page::{Page, said},
    process::{Server, emptied, free_address, get},
};
use crate::{
    parts::{self, Outcome, Stand},
    security::tools,
};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::Duration,
};

/// What was counted when somebody last noted it; a file that is not there is written.
const NOTED: &str = "bench/instructions.txt";
const FEW: u64 = 100;
/// So many thousandths of what was noted are no regression: what the shop does by itself meanwhile is in it.
const MOST: u64 = 1_100;
const PRODUCTS: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Product,
    Order,
}

impl What {
    /// How many more are asked for than a few: what a start takes differs by some millions from one to the next, and a
    /// read is small beside that.
    const fn more(self) -> u64 {
        match self {
            Self::Product => 20_000,
            Self::Order => 500,
        }
    }
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let valgrind = match tools::debian("valgrind", "valgrind") {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let mut page = Page::new(stand, "instructions", "Instructions a request")?;
    let (mut rows, mut lines, mut grown, mut told) =
        (Vec::new(), String::new(), Vec::new(), Vec::new());
    let file = stand.root.join(NOTED);
    let noted = fs::read_to_string(&file).unwrap_or_default();
    for (what, name) in [(What::Product, "product"), (What::Order, "order")] {
        let few = counted(stand, &valgrind, what, FEW)?;
        let more = counted(stand, &valgrind, what, FEW.saturating_add(what.more()))?;
        let each = more
            .saturating_sub(few)
            .checked_div(what.more())
            .unwrap_or_default();
        writeln!(out, "  {name}: {} instructions", grouped(each))?;
        let before = number(&noted, name);
        let share = before.map(|before| ratio(each, before));
        if share.is_some_and(|share| share > MOST) {
            grown.push(name);
        }
        rows.push(vec![
            name.to_owned(),
            grouped(each),
            before.map_or_else(String::new, grouped),
            share.map_or_else(String::new, as_ratio),
        ]);
        lines.push_str(&format!("{name} {each}\n"));
        told.push(format!("{name} {}", grouped(each)));
    }
    if noted.is_empty() {
        fs::write(&file, lines)?;
    }
    page.table(&["", "instructions", "noted", "of what was noted"], &rows);
    page.setting(format!(
        "{}: a run of {FEW} requests and {} more (orders: {}) less one of {FEW}, one client, {PRODUCTS} products, \
         SQLite; a read out of memory, an order of one line with both of its commits; the kernel's work is not in it. \
         Noted in `{NOTED}`: remove it to note anew",
        said(&valgrind.display().to_string(), &["--version"]),
        grouped(What::Product.more()),
        grouped(What::Order.more())
    ));
    let result = told.join(", ");
    page.write(stand, &result, out)?;
    Ok(match grown.is_empty() {
        true => Outcome::Passed(result),
        false => Outcome::Failed(format!(
            "{result}; more than was noted: {}",
            grown.join(", ")
        )),
    })
}

/// What was noted under this name.
fn number(noted: &str, name: &str) -> Option<u64> {
    let mut lines = noted.lines().filter_map(|line| line.split_once(' '));
    let (_, count) = lines.find(|(noted, _)| *noted == name)?;
    count.parse().ok()
}

/// All instructions of a shop that is asked so often, from its start to its end.
fn counted(stand: &Stand, valgrind: &Path, what: What, requests: u64) -> io::Result<u64> {
    // It is filled by a shop that is not looked at.
    let shop = Shop::open(stand, "instructions", &[])?;
    let goods = shop.goods(stand, PRODUCTS, &[])?;
    let Shop { server, data } = shop;
    drop(server);
    let folder = emptied(stand.folder.join("instructions-out"))?;
    let (address, counts) = (free_address()?, folder.join("callgrind.out"));
    let ours = serve(stand, &address, &data, &[]);
    let into = format!("--callgrind-out-file={}", counts.display());
    let mut command = parts::around(valgrind, &["--tool=callgrind", &into], &ours);
    let server = Server::start(&mut command, address, FIRST_READ, &folder.join("log"))?;
    let asking = Drive {
        clients: 1,
        per_second: None,
        lasting: Duration::MAX,
        requests_max: requests,
    };
    let (address, product) = (
        &server.address,
        goods.products.first().map_or("", String::as_str),
    );
    let samples = drive(address, asking, &|number, text| match what {
        What::Product => text.push_str(&get(&format!("/api/v1/products/{product}"), address, "")),
        What::Order => order(text, address, (&goods.token, product), number),
    })?;
    let wanted = if what == What::Product { 200 } else { 201 };
    if times(&samples, wanted).len() != samples.len() {
        let status = samples
            .iter()
            .find(|sample| sample.status != wanted)
            .map_or(0, |sample| sample.status);
        return Err(io::Error::other(format!(
            "{what:?} was answered with {status}"
        )));
    }
    // It writes what it counted when it ends.
    drop(server);
    total(&counts)
}

fn total(file: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| {
        line.strip_prefix("totals: ")
            .or_else(|| line.strip_prefix("summary: "))
    });
    let count = line.and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other("callgrind counted nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_found_by_its_name() {
        let noted = "product 61000\norder 420000\n";
        assert_eq!(number(noted, "order"), Some(420_000));
        assert_eq!(number(noted, "cart"), None);
    }
}
