//! Instances from a file: an address a line, or a JSON array of addresses. It is small, and read whole each
//! time; one that names nobody is a mistake, not an empty shop.

use contracts::BoxError;
use std::{collections::BTreeSet, fs::File, io::Read, net::SocketAddr, path::Path};

/// More than any list of instances needs.
const BYTES_MAX: u64 = 64 * 1_024;

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<BTreeSet<SocketAddr>, BoxError> {
    let mut text = String::new();
    File::open(path)?
        .take(BYTES_MAX)
        .read_to_string(&mut text)?;
    parse(&text)
}

fn parse(text: &str) -> Result<BTreeSet<SocketAddr>, BoxError> {
    let text = text.trim();
    let words: Vec<String> = if text.starts_with('[') && text.ends_with(']') && text.contains('"') {
        serde_json::from_str(text)?
    } else {
        let line = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
        text.lines()
            .map(line)
            .filter(|line| !line.is_empty())
            .collect()
    };
    let address = |word: &String| {
        word.parse::<SocketAddr>()
            .map_err(|_| format!("`{word}` is no ADDRESS:PORT"))
    };
    let addresses: BTreeSet<SocketAddr> = words.iter().map(address).collect::<Result<_, _>>()?;
    if addresses.is_empty() {
        return Err("it is empty".into());
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_json_say_the_same() {
        let expected = BTreeSet::from([
            "10.0.0.1:8080".parse().unwrap(),
            "[::1]:8081".parse().unwrap(),
        ]);
        for text in [
            "10.0.0.1:8080\n[::1]:8081\n",
            "# nodes\n\n  10.0.0.1:8080  # the first\r\n[::1]:8081",
            "[\"10.0.0.1:8080\", \"[::1]:8081\"]\n",
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_half_written_or_empty_is_refused_whole() {
        for text in [
            "",
            "# nobody\n",
            "[]",
            "10.0.0.1:8080\n10.0.0.",
            "[\"10.0.0.1:8080\"",
            "[1]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
