//! What files are called, what they begin with, and what must not be left in them.
//! Looks at names and texts only; what a file means is no business of this one.

use crate::tidy::{File, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// Marks of unfinished or skipped work. In code only, or in comments as well; never inside texts.
const LEFTOVERS: &[(&str, Where)] = &[
    ("TODO", Where::Anywhere),
    ("FIXME", Where::Anywhere),
    ("todo!", Where::Code),
    ("unimplemented!", Where::Code),
    ("#[ignore", Where::Code),
];

const DECISION_FOLDER: &str = "docs/adr/";
const DECISION_LINES_MAX: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Code,
    Anywhere,
}

/// Every Rust file begins by saying what it is.
pub(crate) fn first_lines(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.is_rust() && !file.text.starts_with("//!"))
        .map(|file| {
            file.violation(
                1,
                "does not start with `//!`: say what the file is, and what it must never do",
            )
        })
        .collect()
}

/// A module with a folder has its door inside it: `foo/mod.rs`, never `foo.rs` beside `foo/`.
pub(crate) fn modules(files: &[File]) -> Vec<Violation> {
    let folders: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| {
            file.path
                .match_indices('/')
                .filter_map(|(end, _)| file.path.get(..end))
        })
        .collect();
    files
        .iter()
        .filter(|file| {
            file.path
                .strip_suffix(".rs")
                .is_some_and(|stem| folders.contains(stem))
        })
        .map(|file| {
            file.violation(
                1,
                "stands beside a folder of its name: move it to `mod.rs` inside",
            )
        })
        .collect()
}

/// Nothing unfinished, nothing skipped.
pub(crate) fn leftovers(files: &[File]) -> Vec<Violation> {
    let in_file = |file: &File| -> Vec<Violation> {
        let lines = file.layers.code.lines().zip(file.layers.prose.lines());
        (1..)
            .zip(lines)
            .flat_map(|(number, (code, prose))| {
                let found = LEFTOVERS.iter().filter(move |(mark, place)| {
                    code.contains(mark) || (*place == Where::Anywhere && prose.contains(mark))
                });
                found.map(move |(mark, _)| file.violation(number, format!("`{mark}` is left in")))
            })
            .collect()
    };
    files.iter().flat_map(in_file).collect()
}

/// Migrations are `NNNN_what.sql`, numbered without a gap, in each `migrations/*/`.
pub(crate) fn migrations(files: &[File]) -> Vec<Violation> {
    let mut folders: BTreeMap<&str, Vec<(&str, &File)>> = BTreeMap::new();
    for file in files.iter().filter(|file| is_migration(&file.path)) {
        if let Some((folder, name)) = file.path.rsplit_once('/') {
            folders.entry(folder).or_default().push((name, file));
        }
    }
    let in_folder = |mut names: Vec<(&str, &File)>| -> Vec<Violation> {
        names.sort_by_key(|(name, _)| *name);
        (1..)
            .zip(names)
            .filter_map(|(due, (name, file))| misnumbered(due, name, file))
            .collect()
    };
    folders.into_values().flat_map(in_folder).collect()
}

fn misnumbered(due: u32, name: &str, file: &File) -> Option<Violation> {
    match numbered(name, '_', ".sql") {
        None => Some(file.violation(1, "a migration is named `NNNN_what.sql`")),
        Some(number) if number != due => Some(file.violation(
            1,
            format!("migration {number:04} stands where {due:04} is due"),
        )),
        Some(_) => None,
    }
}

/// Decisions are `NNNN-what.md` and short.
pub(crate) fn decisions(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| is_decision(&file.path)) {
        let name = file
            .path
            .strip_prefix(DECISION_FOLDER)
            .unwrap_or(&file.path);
        let length = file.text.lines().count();
        if numbered(name, '-', ".md").is_none() {
            violations.push(file.violation(1, "a decision is named `NNNN-what.md`"));
        }
        if length > DECISION_LINES_MAX {
            let what = format!("decision of {length} lines (max {DECISION_LINES_MAX})");
            violations.push(file.violation(length, what));
        }
    }
    violations
}

pub(crate) fn is_migration(path: &str) -> bool {
    let mut folders = path.rsplit('/').skip(2);
    folders.next() == Some("migrations")
}

pub(crate) fn is_decision(path: &str) -> bool {
    path.starts_with(DECISION_FOLDER)
}

/// The number of `NNNN<separator>what<ending>`, if the name is one.
fn numbered(name: &str, separator: char, ending: &str) -> Option<u32> {
    let (digits, what) = name.strip_suffix(ending)?.split_once(separator)?;
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator;
    let well_formed = digits.len() == 4
        && digits.chars().all(|c| c.is_ascii_digit())
        && !what.is_empty()
        && what.chars().all(is_allowed);
    if well_formed {
        digits.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Rule;

    /// What the rule says of these files, as `path:line: what`.
    fn said(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::new(*path, *text))
            .collect();
        rule(&files)
            .into_iter()
            .map(|v| format!("{}:{}: {}", v.path, v.line, v.what))
            .collect()
    }

    #[test]
    fn a_rust_file_without_a_header_is_found() {
        let files = [
            ("a.rs", "//! What.\n"),
            ("b.rs", "// What.\n"),
            ("c.rs", ""),
            ("d.md", ""),
        ];
        let found = said(first_lines, &files);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("b.rs:1: does not start with `//!`"));
        assert!(found[1].starts_with("c.rs:1: "));
    }

    #[test]
    fn a_module_beside_its_own_folder_is_found() {
        let files = [
            ("src/foo.rs", ""),
            ("src/foo/bar.rs", ""),
            ("src/bar.rs", ""),
            ("src/baz/mod.rs", ""),
        ];
        assert_eq!(
            said(modules, &files),
            ["src/foo.rs:1: stands beside a folder of its name: move it to `mod.rs` inside"]
        );
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_comments() {
        let text = "// TODO: x\nfn f() { todo!() }\n/* FIXME */ std::unimplemented!();\n#[ignore = \"slow\"]\n";
        assert_eq!(
            said(leftovers, &[("a.rs", text)]),
            [
                "a.rs:1: `TODO` is left in",
                "a.rs:2: `todo!` is left in",
                "a.rs:3: `FIXME` is left in",
                "a.rs:3: `unimplemented!` is left in",
                "a.rs:4: `#[ignore` is left in",
            ]
        );
    }

    #[test]
    fn words_about_unfinished_work_in_texts_are_fine() {
        let text =
            "const MARK: &str = \"TODO\"; // unlike todo! in code\nlet status = \"#[ignore]\";\n";
        assert_eq!(said(leftovers, &[("a.rs", text)]), [""; 0]);
    }

    #[test]
    fn migrations_out_of_number_or_name_are_found() {
        let folder = "crates/orders/migrations/sqlite";
        let check = |names: &[&str]| {
            let paths: Vec<String> = names
                .iter()
                .map(|name| format!("{folder}/{name}"))
                .collect();
            let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
            said(migrations, &files)
        };
        assert_eq!(check(&["0001_orders.sql", "0002_lines_2.sql"]), [""; 0]);
        assert_eq!(
            check(&["0001_orders.sql", "0003_lines.sql"]),
            [format!(
                "{folder}/0003_lines.sql:1: migration 0003 stands where 0002 is due"
            )]
        );
        assert_eq!(
            check(&["0001_lines.sql", "0001_orders.sql"]),
            [format!(
                "{folder}/0001_orders.sql:1: migration 0001 stands where 0002 is due"
            )]
        );
        assert_eq!(
            check(&["0002_orders.sql"]).len(),
            1,
            "numbers begin at 0001"
        );
        for name in [
            "1_orders.sql",
            "0001-orders.sql",
            "0001_.sql",
            "0001_Orders.sql",
            "0001_orders.txt",
        ] {
            assert_eq!(
                check(&[name]),
                [format!(
                    "{folder}/{name}:1: a migration is named `NNNN_what.sql`"
                )]
            );
        }
    }

    #[test]
    fn each_database_numbers_its_own_migrations() {
        let files = [
            ("x/migrations/sqlite/0001_a.sql", ""),
            ("x/migrations/postgres/0001_a.sql", ""),
        ];
        assert_eq!(said(migrations, &files), [""; 0]);
    }

    #[test]
    fn long_or_misnamed_decisions_are_found() {
        let long = "x\n".repeat(61);
        let files = [
            ("docs/adr/0001-one-writer.md", "x\n"),
            ("docs/adr/README.md", "x\n"),
            ("docs/adr/0002_wrong.md", "x\n"),
            ("docs/adr/0003-long.md", long.as_str()),
        ];
        assert_eq!(
            said(decisions, &files),
            [
                "docs/adr/README.md:1: a decision is named `NNNN-what.md`",
                "docs/adr/0002_wrong.md:1: a decision is named `NNNN-what.md`",
                "docs/adr/0003-long.md:61: decision of 61 lines (max 60)",
            ]
        );
    }
}
