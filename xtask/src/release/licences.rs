//! Under which licences the shop's parts may be: an allow list, and the expressions of SPDX that parts come with. What
//! cannot be read is not allowed.

/// Licences that ask for no more than that they are told of, by their names at SPDX. Our own is Apache-2.0.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether a part under this expression may be in the shop.
pub(super) fn is_allowed(expression: &str) -> bool {
    let text = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        // Before SPDX, cargo had a stroke for "or".
        .replace('/', " OR ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut rest = words.as_slice();
    let allowed = either(&mut rest);
    allowed == Some(true) && rest.is_empty()
}

/// `A OR B`, which binds less than `AND`. None if it cannot be read.
fn either(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = both(rest)?;
    while take(rest, "OR") {
        allowed |= both(rest)?;
    }
    Some(allowed)
}

fn both(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(rest)?;
    while take(rest, "AND") {
        allowed &= one(rest)?;
    }
    Some(allowed)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    if take(rest, "(") {
        let allowed = either(rest)?;
        return take(rest, ")").then_some(allowed);
    }
    let (name, after) = rest.split_first()?;
    *rest = after;
    if ["OR", "AND", "WITH", "(", ")"].contains(name) {
        return None;
    }
    if !take(rest, "WITH") {
        return Some(ALLOWED.contains(name));
    }
    let (exception, after) = rest.split_first()?;
    *rest = after;
    let whole = format!("{name} WITH {exception}");
    Some(ALLOWED.contains(&whole.as_str()))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_must_be_allowed_and_all_that_come_together() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
            "ISC AND (Apache-2.0 OR OpenSSL)",
        ] {
            assert!(is_allowed(expression), "{expression}");
        }
        for expression in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "MIT WITH GPL-3.0-linking-exception",
            "(MIT OR Apache-2.0) AND MPL-2.0",
        ] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in [
            "",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT MIT",
            "OR MIT",
            "MIT AND OR MIT",
            "MIT WITH",
        ] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }
}
