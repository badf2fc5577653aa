//! The list of all parts as `CycloneDX` has it (version 1.5, JSON): what is in the binary, under which licence, with
//! the sum of each file as the registry has it, and who asks for whom. The same parts make the same bytes.

use super::crates::Part;
use std::fmt::Write;

/// The document, for a binary of this version made for this target.
pub(super) fn document(version: &str, target: &str, parts: &[Part]) -> String {
    let mut text = String::from(
        "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n",
    );
    let shop = format!(
        "{{ \"type\": \"application\", \"bom-ref\": {}, \"name\": \"souk\", \"version\": {}, \"licenses\": [{{ \
         \"expression\": \"Apache-2.0\" }}] }}",
        quoted(&format!("souk@{version}")),
        quoted(version)
    );
    let target = format!(
        "{{ \"name\": \"souk:target\", \"value\": {} }}",
        quoted(target)
    );
    push(
        &mut text,
        &format!("  \"metadata\": {{ \"component\": {shop}, \"properties\": [{target}] }},\n"),
    );
    let others: Vec<String> = parts
        .iter()
        .filter(|part| part.name != "souk")
        .map(component)
        .collect();
    push(
        &mut text,
        &format!("  \"components\": [\n{}\n  ],\n", others.join(",\n")),
    );
    let who: Vec<String> = parts.iter().map(dependency).collect();
    push(
        &mut text,
        &format!("  \"dependencies\": [\n{}\n  ]\n}}\n", who.join(",\n")),
    );
    text
}

fn component(part: &Part) -> String {
    let hashes = part.sha256.as_ref().map_or_else(String::new, |sum| {
        format!(
            ", \"hashes\": [{{ \"alg\": \"SHA-256\", \"content\": {} }}]",
            quoted(sum)
        )
    });
    // Our own crates come from no registry.
    let purl = match part.sha256 {
        Some(_) => format!(
            ", \"purl\": {}",
            quoted(&format!(
                "pkg:cargo/{}@{}",
                part.name,
                part.version.replace('+', "%2B")
            ))
        ),
        None => String::new(),
    };
    format!(
        "    {{ \"type\": \"library\", \"bom-ref\": {}, \"name\": {}, \"version\": {}{hashes}, \"licenses\": [{{ \
         \"expression\": {} }}]{purl} }}",
        quoted(&part.id()),
        quoted(&part.name),
        quoted(&part.version),
        quoted(&expression(&part.licence)),
    )
}

fn dependency(part: &Part) -> String {
    let asks_for: Vec<String> = part.asks_for.iter().map(|one| quoted(one)).collect();
    format!(
        "    {{ \"ref\": {}, \"dependsOn\": [{}] }}",
        quoted(&part.id()),
        asks_for.join(", ")
    )
}

/// As SPDX writes it.
fn expression(licence: &str) -> String {
    let words = licence.replace('/', " OR ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn push(text: &mut String, more: &str) {
    text.push_str(more);
}

/// A text of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => {
                // A text takes whatever is written to it.
                let _: std::fmt::Result = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, sha256: Option<&str>) -> Part {
        Part {
            name: name.to_owned(),
            version: "1.0.0+x".to_owned(),
            licence: "MIT/Apache-2.0".to_owned(),
            sha256: sha256.map(str::to_owned),
            asks_for: vec!["other@2.0.0".to_owned()],
        }
    }

    #[test]
    fn a_part_has_its_address_its_sum_its_licence_and_what_it_asks_for() {
        let text = document(
            "1.2.3",
            "some-target",
            &[part("one", Some("aa")), part("ours", None)],
        );
        for expected in [
            "\"specVersion\": \"1.5\"",
            "\"purl\": \"pkg:cargo/one@1.0.0%2Bx\"",
            "\"hashes\": [{ \"alg\": \"SHA-256\", \"content\": \"aa\" }]",
            "\"expression\": \"MIT OR Apache-2.0\"",
            "{ \"ref\": \"one@1.0.0+x\", \"dependsOn\": [\"other@2.0.0\"] }",
            "\"name\": \"souk:target\", \"value\": \"some-target\"",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(text.matches("purl").count(), 1);
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
