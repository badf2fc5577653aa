//! Orders, by the shop's own commands, again and again: `souk bench orders` beside a bare loop of SQLite, and `souk
//! bench postgres` beside pgbench. Both look for every acknowledged order and verify the books; both fail if they do
//! not balance. What they print is read here.

use super::{
    count::{Runs, as_ratio, grouped},
    page::Page,
    plan::Plan,
};
use crate::parts::{Outcome, Stand};
use std::{
    io::{self, Write},
    process::Stdio,
};

/// Orders of each run.
const ORDERS: &str = "40000";
const ORDERS_QUICK: &str = "4000";
const MODES: [&str; 3] = ["uniform", "hot", "single"];

/// What one mode reached.
#[derive(Debug, Default)]
struct Reached {
    rate: Runs,
    p50: Runs,
    p99: Runs,
    bare: Runs,
}

pub(super) fn on_sqlite(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let plan = Plan::wished();
    let mut page = Page::new(stand, "orders", "Orders on SQLite")?;
    let orders = if plan.quick { ORDERS_QUICK } else { ORDERS };
    let mut reached: [Reached; 3] = Default::default();
    for round in 1..=plan.rounds {
        let said = souk(stand, &["bench", "orders", "--orders", orders])?;
        for (mode, reached) in MODES.iter().zip(&mut reached) {
            note(&said, mode, reached)
                .ok_or_else(|| io::Error::other(format!("{mode} is missing in: {said}")))?;
        }
        writeln!(out, "  round {round} of {}", plan.rounds)?;
    }
    let rows: Vec<Vec<String>> = MODES.iter().zip(&reached).map(row).collect();
    page.paragraph(
        "Orders of one line over HTTP, each acknowledged after both of its commits were on the disk, by 256 clients; \
         `single` is one client who waits for each. The bare loop writes the same rows with SQLite alone, in groups of \
         256, in the same run; beside `single` it is a pair of commits for one order.",
    );
    page.table(
        &[
            "",
            "orders a second",
            "p50, ms",
            "p99, ms",
            "bare loop, orders a second",
            "souk beside it",
        ],
        &rows,
    );
    page.setting(format!(
        "`souk bench orders --orders {orders}` in each round; load and shop are one process"
    ));
    let [uniform, hot, _] = &reached;
    let result = format!(
        "uniform {} a second, {} of the bare loop; hot {}",
        grouped(uniform.rate.median()),
        as_ratio(uniform.rate.beside(&uniform.bare).median()),
        grouped(hot.rate.median())
    );
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

fn row((mode, reached): (&&str, &Reached)) -> Vec<String> {
    let Reached {
        rate,
        p50,
        p99,
        bare,
    } = reached;
    let beside = match *mode {
        "single" => String::new(),
        _ => rate.beside(bare).told(as_ratio),
    };
    vec![
        (*mode).to_owned(),
        rate.told(grouped),
        p50.told(super::count::as_ms),
        p99.told(super::count::as_ms),
        bare.told(grouped),
        beside,
    ]
}

/// What was said of one mode, in two lines: the bare loop's and the shop's.
fn note(said: &str, mode: &str, reached: &mut Reached) -> Option<()> {
    let line = |mark: String| {
        said.lines()
            .find_map(|line| line.strip_prefix(mark.as_str()))
    };
    let bare = line(format!("bare loop beside {mode}: "))?;
    let own = line(format!("{mode}, "))?;
    reached.bare.note(number_before(bare, " orders a second")?);
    reached.rate.note(number_before(own, " a second")?);
    reached.p50.note(time_after(own, "p50 ")?);
    reached.p99.note(time_after(own, "p99 ")?);
    Some(())
}

fn number_before(text: &str, mark: &str) -> Option<u64> {
    let (before, _) = text.split_once(mark)?;
    before.rsplit(' ').next()?.parse().ok()
}

/// A time as it is printed, `1.25ms` or `380.12µs`, in microseconds.
fn time_after(text: &str, mark: &str) -> Option<u64> {
    let (_, rest) = text.split_once(mark)?;
    let word = rest.split([',', ';', ' ']).next()?;
    let digits = word.trim_end_matches(char::is_alphabetic);
    let micros = match word.get(digits.len()..)? {
        "s" => 1_000_000,
        "ms" => 1_000,
        "µs" => 1,
        _ => return None,
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let scale = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part: u64 = part.parse().ok()?;
    let part = part.saturating_mul(micros).checked_div(scale)?;
    let whole: u64 = whole.parse().ok()?;
    Some(whole.saturating_mul(micros).saturating_add(part))
}

pub(super) fn on_postgres(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let plan = Plan::wished();
    let mut page = Page::new(stand, "postgres", "Orders on PostgreSQL beside pgbench")?;
    let (rounds, seconds) = (plan.rounds.to_string(), plan.seconds.min(3).to_string());
    let orders = if plan.quick { ORDERS_QUICK } else { "30000" };
    let words = [
        "bench",
        "postgres",
        "--rounds",
        &rounds,
        "--seconds",
        &seconds,
        "--orders",
        orders,
    ];
    let said = souk(stand, &words)?;
    let (mut lines, mut result) = (String::new(), Vec::new());
    for line in said.lines().filter(|line| line.contains("times as many")) {
        lines.push_str(&format!("- {line}\n"));
        let (what, times) = (line.split(':').next(), line.rsplit(": ").next());
        result.push(format!(
            "{} {}",
            what.unwrap_or_default(),
            times.unwrap_or_default()
        ));
    }
    if result.is_empty() {
        return Err(io::Error::other(format!("nothing was compared in: {said}")));
    }
    page.paragraph(
        "Orders over HTTP with 64 clients, beside pgbench that writes the same rows into a copy of the same database \
         by one function call and one commit an order. Medians of the rounds; pgbench at its best of five numbers of \
         clients.",
    );
    page.paragraph(lines.trim_end());
    page.paragraph(&format!(
        "All that was said:\n\n```text\n{}\n```",
        said.trim_end()
    ));
    page.setting(format!("`souk {}`", words.join(" ")));
    let result = result.join("; ");
    page.write(stand, &result, out)?;
    Ok(Outcome::Passed(result))
}

/// Runs the shop's binary to its end; answers what it said.
fn souk(stand: &Stand, words: &[&str]) -> io::Result<String> {
    let mut command = stand.souk();
    command.args(words).stdin(Stdio::null());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!(
        "souk {}: {why}{said}",
        words.join(" ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
bare loop beside uniform: 57300 orders a second in groups of 256, 19.0µs of processors an order; one order in two \
commits 250µs
uniform, 256 clients: 40000 orders, 23100 a second, p50 11.02ms, p99 22.50ms; 55.1 a batch; 60.0µs of processors an \
order; 120 MiB
uniform: 0.40 of the bare loop
";

    #[test]
    fn what_the_shop_s_own_command_says_is_read() {
        let mut reached = Reached::default();
        note(SAID, "uniform", &mut reached).unwrap();
        assert_eq!(
            (reached.rate.median(), reached.bare.median()),
            (23_100, 57_300)
        );
        assert_eq!(
            (reached.p50.median(), reached.p99.median()),
            (11_020, 22_500)
        );
        assert!(note(SAID, "hot", &mut reached).is_none());
    }

    #[test]
    fn times_are_read_in_every_unit() {
        assert_eq!(time_after("p50 380.12µs, p99", "p50 "), Some(380));
        assert_eq!(time_after("p50 1.25s; x", "p50 "), Some(1_250_000));
        assert_eq!(time_after("p50 7ns", "p50 "), None);
    }
}
