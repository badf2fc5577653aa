//! What may be written in one place only, such as the statement that makes an order. Never looks at tests.

use crate::tidy::{File, Violation};

/// A text and the one file that holds it, exactly once.
const SINGLE: &[(&str, &str)] = &[
    (
        "INSERT INTO orders (",
        "crates/orders/src/store/sqlite/place.rs",
    ),
    (
        "INSERT INTO reservations (",
        "crates/catalog/src/store/sqlite/reserve.rs",
    ),
];

/// Each of those texts stands where it should, and nowhere else.
pub(crate) fn single(files: &[File]) -> Vec<Violation> {
    SINGLE
        .iter()
        .flat_map(|(text, home)| stray(files, text, home))
        .collect()
}

fn stray(files: &[File], text: &str, home: &str) -> Vec<Violation> {
    let mut found_at_home = 0_usize;
    let mut violations = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_rust() && is_the_shop_s(&file.path))
    {
        for (index, _) in file
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(text))
        {
            let at_home = file.path == home;
            found_at_home = found_at_home.saturating_add(usize::from(at_home));
            if !at_home || found_at_home > 1 {
                let what = format!("`{text}` belongs into {home}, once");
                violations.push(file.violation(index.saturating_add(1), what));
            }
        }
    }
    if let (0, Some(file)) = (found_at_home, files.iter().find(|file| file.path == home)) {
        violations.push(file.violation(1, format!("`{text}` is missing: has it moved?")));
    }
    violations
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
        let violations = stray(&[place(), second], "INSERT INTO orders (", HOME);
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
        assert!(stray(&[place(), test], "INSERT INTO orders (", HOME).is_empty());
        let empty = File::new(HOME, "//! Place.\n");
        assert_eq!(stray(&[empty], "INSERT INTO orders (", HOME).len(), 1);
    }
}
