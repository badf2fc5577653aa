//! How much of a machine the shop takes while nobody asks: the binary on the disk, memory, and the time from its start
//! to its first answer, in an empty folder and in one that has a shop; and the same of the others.

use super::{
    count::{Runs, as_mb, as_ms, grouped},
    goods::{FIRST_READ, serve},
    page::Page,
    peers,
    plan::Plan,
    process::{Server, emptied, free_address},
};
use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
    time::Duration,
};

const BINARY_BYTES_MAX: u64 = 30_000_000;
/// 40 MB, in KiB.
const IDLE_KIB_MAX: u64 = 39_062;
const START_MICROS_MAX: u64 = 100_000;
/// What a shop does by itself after it opened is done by then.
const SETTLING: Duration = Duration::from_secs(3);
const STARTS: u32 = 20;
const STARTS_QUICK: u32 = 5;

#[derive(Default)]
struct Taken {
    first: Runs,
    again: Runs,
    memory: Runs,
}

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let mut page = Page::new(stand, "footprint", "Footprint")?;
    let folder = emptied(stand.folder.join("footprint"))?;
    let plan = Plan::wished();
    let starts = if plan.quick { STARTS_QUICK } else { STARTS };
    let looks = starts.min(plan.rounds);
    let mut souk = Taken::default();
    for number in 0..starts {
        let data = folder.join(format!("shop-{number}"));
        souk.first.note(ours(stand, &data, &folder)?.started);
        let server = ours(stand, &data, &folder)?;
        souk.again.note(server.started);
        if number < looks {
            super::client::pause(SETTLING);
            souk.memory.note(server.memory_kib());
        }
        drop(server);
        tools::remove(&data)?;
    }
    page.setting(format!(
        "{starts} starts each way, one after the other; memory is what /proc/PID/status calls VmRSS, {SETTLING:?} \
         after a start, {looks} times; without the demo's goods"
    ));
    let result = told(&mut page, fs::metadata(&stand.binary)?.len(), &souk);
    sections(&mut page, &stand.binary);
    others(stand, &mut page, &folder)?;
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

fn told(page: &mut Page, binary: u64, souk: &Taken) -> String {
    let mut missed = Vec::new();
    let mut judged = |name: &str, number: u64, most: u64| match number <= most {
        true => "reached".to_owned(),
        false => {
            missed.push(name.to_owned());
            "**not reached**".to_owned()
        }
    };
    let size = format!("{}.{} MB", binary / 1_000_000, binary / 100_000 % 10);
    let row = |name: &str, taken: String, wanted: &str, word: String| {
        vec![name.to_owned(), taken, wanted.to_owned(), word]
    };
    let small = judged("binary", binary, BINARY_BYTES_MAX);
    let light = judged("memory", souk.memory.median(), IDLE_KIB_MAX);
    let quick = judged("start", souk.again.median(), START_MICROS_MAX);
    let (again, first) = (souk.again.told(as_ms), souk.first.told(as_ms));
    let rows = [
        row("binary", size.clone(), "30 MB", small),
        row(
            "memory, idle, in MB",
            souk.memory.told(as_mb),
            "40 MB",
            light,
        ),
        row(
            "start to first 200, ms, a shop that is there",
            again,
            "100 ms",
            quick,
        ),
        row(
            "start to first 200, ms, an empty folder",
            first,
            "",
            String::new(),
        ),
    ];
    page.table(&["", "souk", "wanted", ""], &rows);
    let missed = match missed.is_empty() {
        true => "nothing".to_owned(),
        false => missed.join(", "),
    };
    format!(
        "binary {size}, {} MB idle, {} ms to the first answer; not reached: {missed}",
        as_mb(souk.memory.median()),
        as_ms(souk.again.median())
    )
}

fn ours(stand: &Stand, data: &Path, folder: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let mut command = serve(stand, &address, data, &[]);
    Server::start(&mut command, address, FIRST_READ, &folder.join("souk.log"))
}

/// What the binary is made of, as `size` tells it.
fn sections(page: &mut Page, binary: &Path) {
    let output = Command::new("size").arg("-A").arg(binary).output();
    let Ok(output) = output else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts: Vec<(u64, String)> = said.lines().filter_map(section).collect();
    parts.sort_unstable_by(|one, other| other.cmp(one));
    let rows: Vec<Vec<String>> = parts
        .into_iter()
        .take(8)
        .map(|(bytes, name)| vec![format!("`{name}`"), grouped(bytes)])
        .collect();
    if !rows.is_empty() {
        page.paragraph("## What the binary is made of");
        page.table(&["section", "bytes"], &rows);
    }
}

fn section(line: &str) -> Option<(u64, String)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let bytes: u64 = words.next()?.parse().ok()?;
    (name.starts_with('.') && bytes > 100_000).then(|| (bytes, name.to_owned()))
}

/// The same of those who are measured beside it elsewhere; who is not here is left out, and that is said.
fn others(stand: &Stand, page: &mut Page, folder: &Path) -> io::Result<()> {
    let mut rows = Vec::new();
    fs::write(folder.join("product.json"), "{}")?;
    for name in ["list.json", "order.json"] {
        fs::write(folder.join(name), "{}")?;
    }
    let smallest = peers::smallest(stand)?;
    rows.push(measured("axum, the smallest program", || {
        peers::smallest_server(&smallest, folder)
    })?);
    match tools::debian("nginx", "nginx") {
        Ok(nginx) => rows.push(measured("nginx, two processes", || {
            peers::nginx(&nginx, folder)
        })?),
        Err(missing) => page.paragraph(&format!("Not run: {missing}")),
    }
    page.paragraph("## Others");
    page.table(
        &["", "start to first 200, ms", "memory, idle, in MB"],
        &rows,
    );
    Ok(())
}

fn measured(name: &str, start: impl Fn() -> io::Result<Server>) -> io::Result<Vec<String>> {
    let mut taken = Taken::default();
    for _ in 0..Plan::wished().rounds {
        let server = start()?;
        taken.again.note(server.started);
        taken.memory.note(server.memory_kib());
    }
    Ok(vec![
        name.to_owned(),
        taken.again.told(as_ms),
        taken.memory.told(as_mb),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_sections_are_read() {
        assert_eq!(
            section(".text   12345678   4096"),
            Some((12_345_678, ".text".to_owned()))
        );
        assert_eq!(section(".init   27   4096"), None);
        assert_eq!(section("section   size   addr"), None);
    }
}
