//! Steps of the schema as shops have made them: their texts never change again (FNV-1a of each stands in a list).
//! A guard against a slip, not against an enemy; at a shop's start the steps' own checksums decide.

use crate::tidy::{File, Violation};

/// A line for each step: the sum of its text, then where it is.
const LIST: &str = "crates/migrations.txt";

pub(crate) fn is_list(path: &str) -> bool {
    path == LIST
}

/// Every step is in the list with the sum of its text, and every line of the list has its step.
pub(crate) fn stand(files: &[File]) -> Vec<Violation> {
    let Some(list) = files.iter().find(|file| is_list(&file.path)) else {
        return Vec::new();
    };
    let lines: Vec<(usize, &str)> = (1..).zip(list.text.lines()).collect();
    let steps = || {
        files
            .iter()
            .filter(|file| crate::headers::is_migration(&file.path))
    };
    let changed = steps().filter_map(|step| {
        let line = format!("{:016x}  {}", sum(&step.text), step.path);
        if lines.iter().any(|(_, listed)| *listed == line) {
            return None;
        }
        let is_new = !lines.iter().any(|(_, listed)| listed.ends_with(&step.path));
        let what = if is_new {
            format!("a new step: add `{line}` to {LIST}")
        } else {
            "a step that shops may have made is never edited: write another".to_owned()
        };
        Some(step.violation(1, what))
    });
    let gone = lines.iter().filter_map(|(number, line)| {
        let is_there = steps().any(|step| line.ends_with(&step.path));
        (!is_there).then(|| list.violation(*number, "this step is gone, but shops have made it"))
    });
    changed.chain(gone).collect()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923).
fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = "crates/orders/migrations/sqlite/0001_orders.sql";

    fn told(list: &str, steps: &[(&str, &str)]) -> Vec<String> {
        let mut files: Vec<File> = steps
            .iter()
            .map(|(path, text)| File::new(*path, *text))
            .collect();
        files.push(File::new(LIST, list));
        stand(&files)
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn the_sum_is_that_of_the_paper() {
        assert_eq!(sum(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(sum("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_step_is_listed_once_and_never_edited_or_removed() {
        let new = told("", &[(STEP, "SELECT 1;")]);
        assert_eq!(new.len(), 1);
        let line = new[0].split('`').nth(1).unwrap();
        assert_eq!(told(line, &[(STEP, "SELECT 1;")]), Vec::<String>::new());
        let edited = told(line, &[(STEP, "SELECT 2;")]);
        assert!(
            edited.len() == 1 && edited[0].contains("never edited"),
            "{edited:?}"
        );
        let gone = told(line, &[]);
        assert!(gone.len() == 1 && gone[0].contains("gone"), "{gone:?}");
    }
}
