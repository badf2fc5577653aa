//! What documents say of the code must be so: tests that the pages about the seeds name are there, and the page of the
//! data has every table that the schemas make, and no other. What a test shows, people say.

use crate::{
    headers,
    tidy::{File, Violation},
};
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: &str = "docs/seeds/";
const DATA: &str = "docs/data-model.md";
/// Names in code marks with as many underscores are sentences, and sentences are tests.
const UNDERSCORES_MIN: usize = 3;

pub(crate) fn is_document(path: &str) -> bool {
    path == DATA || (path.starts_with(SEEDS) && path.ends_with(".md"))
}

/// Every test that a page about a seed names is there.
pub(crate) fn named_tests(files: &[File]) -> Vec<Violation> {
    let pages: Vec<&File> = files
        .iter()
        .filter(|file| file.path.starts_with(SEEDS))
        .collect();
    if pages.is_empty() {
        return Vec::new();
    }
    let sources = files.iter().filter(|file| file.is_rust());
    let functions: BTreeSet<&str> = sources.flat_map(|file| functions(&file.text)).collect();
    let in_page = |page: &File| -> Vec<Violation> {
        let lines = (1..).zip(page.text.lines());
        let named = lines.flat_map(|(number, line)| tests(line).map(move |name| (number, name)));
        named
            .filter(|(_, name)| !functions.contains(name))
            .map(|(number, name)| page.violation(number, format!("there is no test {name}")))
            .collect()
    };
    pages.into_iter().flat_map(in_page).collect()
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("fn ").skip(1);
    after.filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
}

/// The words in code marks of a line that are tests.
fn tests(line: &str) -> impl Iterator<Item = &str> {
    let marked = line.split('`').skip(1).step_by(2);
    marked.filter(|word| {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        word.chars().all(is_name) && word.matches('_').count() >= UNDERSCORES_MIN
    })
}

/// Under each service's heading of the page of the data stands a row for each of its tables, and no other.
pub(crate) fn tables(files: &[File]) -> Vec<Violation> {
    let Some(page) = files.iter().find(|file| file.path == DATA) else {
        return Vec::new();
    };
    let (told, made) = (told(&page.text), made(files));
    let missing = made.iter().filter_map(|((service, table), path)| {
        let is_told = told.contains_key(&(service.clone(), (*table).to_owned()));
        let what = format!("the table {table} of {service} ({path}) is missing here");
        (!is_told).then(|| page.violation(1, what))
    });
    let gone = told.iter().filter_map(|((service, table), number)| {
        let is_made = made.contains_key(&(service.clone(), table.as_str()));
        let what = format!("no schema of {service} has a table {table}");
        (!is_made).then(|| page.violation(*number, what))
    });
    missing.chain(gone).collect()
}

/// Rows that begin with a table's name, by the heading above them, with their lines.
fn told(page: &str) -> BTreeMap<(String, String), usize> {
    let (mut told, mut service) = (BTreeMap::new(), String::new());
    for (number, line) in (1..).zip(page.lines()) {
        if let Some(heading) = line.strip_prefix("## ") {
            service = heading.to_lowercase();
        } else if let Some((table, _)) =
            line.strip_prefix("| `").and_then(|row| row.split_once('`'))
        {
            told.insert((service.clone(), table.to_owned()), number);
        }
    }
    told
}

/// Tables after all steps of each service, on any database, with a step that makes them.
fn made(files: &[File]) -> BTreeMap<(String, &str), &str> {
    let mut made = BTreeMap::new();
    for step in files
        .iter()
        .filter(|file| headers::is_migration(&file.path))
    {
        let Some(service) = step.path.split('/').nth(1) else {
            continue;
        };
        for line in step.text.lines() {
            let words: Vec<&str> = line.split([' ', '(', ';']).collect();
            match words.as_slice() {
                ["CREATE", "TABLE", table, ..]
                | ["CREATE", "UNLOGGED" | "VIRTUAL", "TABLE", table, ..] => {
                    made.insert((service.to_owned(), *table), step.path.as_str());
                }
                ["DROP", "TABLE", table, ..] => {
                    made.remove(&(service.to_owned(), *table));
                }
                ["ALTER", "TABLE", before, "RENAME", "TO", after, ..] => {
                    made.remove(&(service.to_owned(), *before));
                    made.insert((service.to_owned(), *after), step.path.as_str());
                }
                _ => {}
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(violations: Vec<Violation>) -> Vec<String> {
        let lines = violations.into_iter();
        lines
            .map(|told| format!("{}: {}", told.line, told.what))
            .collect()
    }

    #[test]
    fn a_test_that_is_named_must_be_there() {
        let page = "`a_shop_is_open` and `a_shop_is_shut`\n`souk_data` `/a_b_c_d` `no`\n";
        let files = [
            File::new("docs/seeds/one.md", page),
            File::new("tests/a.rs", "async fn a_shop_is_open() {}"),
        ];
        assert_eq!(
            told_of(named_tests(&files)),
            ["1: there is no test a_shop_is_shut"]
        );
        assert_eq!(named_tests(&files[1..]), []);
    }

    #[test]
    fn the_page_of_the_data_has_the_tables_that_are_there_in_the_end() {
        let page = "## Orders\n| `orders` | x |\n| `gone` | x |\n## Payments\n| `payments` | x |\n";
        let step = |name: &str, text: &str| File::new(format!("crates/{name}"), text);
        let files = [
            File::new(DATA, page),
            step(
                "orders/migrations/sqlite/0001_a.sql",
                "CREATE TABLE gone (\nCREATE TABLE orders_anew (\n",
            ),
            step(
                "orders/migrations/sqlite/0002_b.sql",
                "DROP TABLE gone;\nALTER TABLE orders_anew RENAME TO orders;\n",
            ),
            step(
                "payments/migrations/sqlite/0001_a.sql",
                "CREATE TABLE payments (\nCREATE VIRTUAL TABLE words USING\n",
            ),
        ];
        assert_eq!(
            told_of(tables(&files)),
            [
                "1: the table words of payments (crates/payments/migrations/sqlite/0001_a.sql) is missing here",
                "3: no schema of orders has a table gone",
            ]
        );
    }
}
