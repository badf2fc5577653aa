//! No key is kept with the sources: nothing private in armour, and no key of a service by the shape that its makers
//! give it so that it can be found. What tests need they make.

use crate::tidy::{File, Violation};

/// How a key begins, and how many letters and digits follow at least.
const SHAPES: &[(&str, &str, usize)] = &[
    ("a key of AWS", "AKIA", 16),
    ("a key of AWS", "ASIA", 16),
    ("a live key of Stripe", "sk_live_", 16),
    ("a live key of Stripe", "rk_live_", 16),
    ("a token of GitHub", "ghp_", 30),
    ("a token of GitHub", "gho_", 30),
    ("a token of GitHub", "ghs_", 30),
    ("a token of GitHub", "github_pat_", 30),
    ("a token of Slack", "xoxb-", 16),
    ("a token of Slack", "xoxp-", 16),
    ("a key of Google", "AIza", 30),
];
/// How the makers of keys end those that they print in their own documents.
const EXAMPLE: &str = "EXAMPLE";
/// How anything armoured begins, and how it goes on if it is private: PKCS #1, PKCS #8, OpenSSH, EC.
const ARMOUR: &str = "-----BEGIN ";
const PRIVATE: &str = "PRIVATE KEY-----";

/// Nothing of the kind stands in any file that is looked at.
pub(crate) fn absent(files: &[File]) -> Vec<Violation> {
    files.iter().flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Violation> {
    let lines = (1..).zip(file.text.lines());
    let found = lines.filter_map(|(number, line)| kind(line).map(|what| (number, what)));
    found
        .map(|(number, what)| file.violation(number, format!("{what} is kept with the sources")))
        .collect()
}

fn kind(line: &str) -> Option<&'static str> {
    let armoured = line.split_once(ARMOUR);
    if armoured.is_some_and(|(_, rest)| rest.contains(PRIVATE)) {
        return Some("a private key");
    }
    let is_key = |rest: &str, least: usize| {
        let key: String = rest.chars().take_while(is_of_a_key).collect();
        key.len() >= least && !key.ends_with(EXAMPLE)
    };
    let found = SHAPES.iter().find(|(_, begins, least)| {
        let mut after = line.split(begins).skip(1);
        after.any(|rest| is_key(rest, *least))
    });
    found.map(|(what, ..)| *what)
}

fn is_of_a_key(letter: &char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        let file = File::new("deploy/compose/compose.yaml", line);
        absent(&[file]).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn keys_are_found() {
        for (what, begins, least) in SHAPES {
            let key = format!("key: {begins}{}", "7".repeat(*least));
            assert_eq!(found(&key), [format!("{what} is kept with the sources")]);
        }
        let armoured = format!("{ARMOUR}EC {PRIVATE}");
        assert_eq!(found(&armoured), ["a private key is kept with the sources"]);
    }

    #[test]
    fn words_are_no_keys() {
        for line in [
            "secrets begin with AKIA",
            "AKIAIOSFODNN7EXAMPLE",
            "sk_live_...",
            "-----BEGIN CERTIFICATE-----",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        ] {
            assert!(found(line).is_empty(), "{line}");
        }
    }
}
