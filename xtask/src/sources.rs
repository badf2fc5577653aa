//! What may be written in one place only, such as the statement that makes an order. Never looks at tests.

use crate::tidy::{File, Violation};

/// A text and the files that hold it, exactly once each: one for each database.
const SINGLE: &[(&str, &[&str])] = &[
    (
        "INSERT INTO orders (",
        &[
            "crates/orders/src/store/sqlite/place.rs",
            // What nodes of the release before call, and what those of this one do (ADR 102).
            "crates/orders/migrations/postgres/0002_place.sql",
            "crates/orders/migrations/postgres/0020_request_ids.sql",
        ],
    ),
    (
        "INSERT INTO reservations (",
        &[
            "crates/catalog/src/store/sqlite/reserve.rs",
            "crates/catalog/src/store/postgres/reserve.rs",
        ],
    ),
];

/// Each of those texts stands where it should, and nowhere else.
pub(crate) fn single(files: &[File]) -> Vec<Violation> {
    SINGLE
        .iter()
        .flat_map(|(text, homes)| {
            let missing = homes.iter().flat_map(|home| missing(files, text, home));
            stray(files, text, homes).into_iter().chain(missing)
        })
        .collect()
}

fn stray(files: &[File], text: &str, homes: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_rust() && is_the_shop_s(&file.path))
    {
        let allowed = usize::from(homes.contains(&file.path.as_str()));
        for line in lines_with(file, text).into_iter().skip(allowed) {
            let what = format!("`{text}` belongs into {}, once", homes.join(" and "));
            violations.push(file.violation(line, what));
        }
    }
    violations
}

fn missing(files: &[File], text: &str, home: &str) -> Option<Violation> {
    let file = files.iter().find(|file| file.path == home)?;
    let what = format!("`{text}` is missing: has it moved?");
    lines_with(file, text)
        .is_empty()
        .then(|| file.violation(1, what))
}

fn lines_with(file: &File, text: &str) -> Vec<usize> {
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| line.contains(text))
        .map(|(number, _)| number)
        .collect()
}

/// Writes the rows of an order into files that no shop opens, to be measured against.
const BARE_LOOP: &str = "server/src/commands/bench/bare.rs";

fn is_the_shop_s(path: &str) -> bool {
    let ours = path.starts_with("crates/") || path.starts_with("server/");
    let test = path.contains("/tests/") || path.contains("/suite") || path.ends_with("tests.rs");
    ours && !test && path != BARE_LOOP
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "crates/orders/src/store/sqlite/place.rs";

    fn place() -> File {
        File::new(HOME, "//! Place.\nlet sql = \"INSERT INTO orders (a)\";\n")
    }

    #[test]
    fn a_second_place_that_makes_orders_is_found() {
        let second = File::new(
            "crates/gateway/src/quick.rs",
            "//! Quick.\n\"INSERT INTO orders (a)\"\n",
        );
        let violations = stray(&[place(), second], "INSERT INTO orders (", &[HOME]);
        assert_eq!(violations.len(), 1);
        assert_eq!(
            (violations[0].path.as_str(), violations[0].line),
            ("crates/gateway/src/quick.rs", 2)
        );
    }

    #[test]
    fn the_one_place_and_tests_are_fine_and_a_move_is_noticed() {
        let test = File::new(
            "crates/orders/src/store/suite/place.rs",
            "\"INSERT INTO orders (a)\"\n",
        );
        assert!(stray(&[place(), test], "INSERT INTO orders (", &[HOME]).is_empty());
        assert!(missing(&[place()], "INSERT INTO orders (", HOME).is_none());
        let empty = File::new(HOME, "//! Place.\n");
        assert!(missing(&[empty], "INSERT INTO orders (", HOME).is_some());
    }

    #[test]
    fn twice_in_the_right_file_is_once_too_often() {
        let text = "//! Place.\n\"INSERT INTO orders (a)\"\n\"INSERT INTO orders (b)\"\n";
        let violations = stray(&[File::new(HOME, text)], "INSERT INTO orders (", &[HOME]);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].line, 3);
    }
}
