//! `cargo xtask asvs`: makes `docs/security/asvs.md` of the table beside it, and refuses a table that names a test or a
//! document that is not there. It judges nothing: what an item means, people say.

use crate::tidy::{self, File};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

const TABLE: &str = "docs/security/asvs.txt";
const PAGE: &str = "docs/security/asvs.md";

/// The kinds of what stands in the last column, and how they are shown.
const KINDS: &[(&str, &str)] = &[
    ("test", "shown by tests"),
    ("proof", "shown by `cargo xtask security`"),
    ("text", "written down"),
    ("operator", "up to whoever runs the shop"),
    ("none", "does not apply"),
    ("open", "**not done, or not shown**"),
];

const HEAD: &str = "\
# OWASP ASVS 5.0, levels 1 and 2

Made by `cargo xtask asvs` of [asvs.txt](asvs.txt); a test holds the two together, and sees that every test and document
that is named is there. Numbers are those of the standard; the words are ours, and short.
";

struct Item<'t> {
    number: &'t str,
    level: &'t str,
    asks: &'t str,
    /// Kind, and what stands behind it.
    stands: Vec<(&'t str, &'t str)>,
}

/// Writes the page; answers whether the table holds.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let table = fs::read_to_string(root.join(TABLE))?;
    let items = read(&table).map_err(io::Error::other)?;
    let faults = faults(&items, root)?;
    for fault in &faults {
        writeln!(out, "asvs: {fault}")?;
    }
    fs::write(root.join(PAGE), page(&items))?;
    writeln!(out, "asvs: {} items, {} faults", items.len(), faults.len())?;
    Ok(faults.is_empty())
}

fn read(table: &str) -> Result<Vec<Item<'_>>, String> {
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(read_line).collect()
}

fn read_line(line: &str) -> Result<Item<'_>, String> {
    let wrong = || format!("not an item: {line}");
    let mut columns = line.splitn(4, '|').map(str::trim);
    let mut next = || columns.next().filter(|column| !column.is_empty());
    let (Some(number), Some(level), Some(asks), Some(stands)) = (next(), next(), next(), next())
    else {
        return Err(wrong());
    };
    let is_known = |kind: &str| KINDS.iter().any(|(name, _)| *name == kind);
    let starts = |part: &str| {
        part.split_once(": ")
            .is_some_and(|(kind, _)| is_known(kind))
    };
    // A reason may hold a semicolon of its own.
    let mut parts: Vec<(usize, usize)> = Vec::new();
    let mut place = 0_usize;
    for part in stands.split("; ") {
        let end = place.saturating_add(part.len());
        match parts.last_mut() {
            Some(last) if !starts(part) => last.1 = end,
            _ => parts.push((place, end)),
        }
        place = end.saturating_add(2);
    }
    let texts = parts.iter().filter_map(|(from, to)| stands.get(*from..*to));
    let stands: Option<Vec<_>> = texts
        .map(|text| text.split_once(": ").filter(|(kind, _)| is_known(kind)))
        .collect();
    Ok(Item {
        number,
        level,
        asks,
        stands: stands.ok_or_else(wrong)?,
    })
}

/// Tests and documents that are named and not there.
fn faults(items: &[Item<'_>], root: &Path) -> io::Result<Vec<String>> {
    let files = tidy::read(root)?;
    let mut faults = Vec::new();
    for Item { number, stands, .. } in items {
        for (kind, named) in stands {
            for name in named.split(", ") {
                let is_there = match *kind {
                    "test" => has_test(&files, name),
                    "text" => root.join(name).is_file(),
                    _ => true,
                };
                if !is_there {
                    faults.push(format!("{number}: there is no {kind} {name}"));
                }
            }
        }
    }
    Ok(faults)
}

fn has_test(files: &[File], name: &str) -> bool {
    let mark = format!("fn {name}(");
    files
        .iter()
        .any(|file| file.is_rust() && file.text.contains(&mark))
}

fn page(items: &[Item<'_>]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, _) in items.iter().filter_map(|item| item.stands.first()) {
        let count = counts.entry(kind).or_default();
        *count = count.saturating_add(1);
    }
    let count = |kind| counts.get(kind).copied().unwrap_or_default();
    let rows = KINDS
        .iter()
        .map(|(kind, shown)| format!("| {shown} | {} |", count(kind)));
    let mut lines = vec![
        HEAD.to_owned(),
        "| how it stands | items |\n|---|---|".to_owned(),
    ];
    lines.extend(rows);
    let mut chapter = "";
    for item in items {
        let of = item.number.split('.').next().unwrap_or_default();
        if of != chapter {
            chapter = of;
            let head = "| item | level | asks for | |\n|---|---|---|---|";
            lines.push(format!("\n## Chapter {of}\n\n{head}"));
        }
        let stands: Vec<String> = item.stands.iter().map(shown).collect();
        let (number, level, asks, stands) = (item.number, item.level, item.asks, stands.join("; "));
        lines.push(format!("| {number} | {level} | {asks} | {stands} |"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn shown((kind, named): &(&str, &str)) -> String {
    let in_code = |named: &str| format!("`{}`", named.replace(", ", "`, `"));
    match *kind {
        "test" | "text" => in_code(named),
        "proof" => format!("`cargo xtask security {named}`"),
        "none" => format!("does not apply: {named}"),
        "open" => format!("**open**: {named}"),
        _ => format!("{kind}: {named}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn every_test_and_document_that_the_table_names_is_there() {
        let table = fs::read_to_string(root().join(TABLE)).unwrap();
        let items = read(&table).unwrap();
        assert_eq!(faults(&items, root()).unwrap(), Vec::<String>::new());
        let page_now = fs::read_to_string(root().join(PAGE)).unwrap();
        assert_eq!(page_now, page(&items), "run `cargo xtask asvs`");
    }

    #[test]
    fn a_line_has_reasons_with_semicolons_and_names_with_commas() {
        let line = "1.2 | 2 | a thing | none: it is not; really; proof: slow";
        let item = read_line(line).unwrap();
        assert_eq!(
            item.stands,
            [("none", "it is not; really"), ("proof", "slow")]
        );
        assert!(read_line("1.2 | 2 | a thing | maybe: so").is_err());
        assert!(read_line("1.2 | 2 | a thing").is_err());
        assert!(!has_test(&[], "nothing"));
    }
}
