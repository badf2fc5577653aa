//! Reads the plain part of YAML that our own files keep to: maps and lists in blocks, one value a line. What it
//! does not know stops the test. It is no YAML reader for anybody else's files.

use serde_json::{Map, Value};

/// The documents of a file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let parts = text.split("\n---\n");
    parts.map(document).collect()
}

struct Line {
    indent: usize,
    text: String,
}

fn document(text: &str) -> Value {
    let mut lines: Vec<Line> = text.lines().filter_map(line).collect();
    let mut at = 0;
    let value = block(&mut lines, &mut at, 0);
    assert_eq!(
        at,
        lines.len(),
        "not read: {}",
        lines.get(at).map_or("", |line| &line.text)
    );
    value
}

/// A line that says something, without its comment.
fn line(text: &str) -> Option<Line> {
    assert!(!text.contains('\t'), "a tab: {text}");
    let bare = text.trim_start();
    let said = if bare.starts_with('#') {
        ""
    } else {
        bare.split(" #").next().unwrap_or_default()
    };
    let said = said.trim_end();
    let indent = text.len() - bare.len();
    (!said.is_empty()).then(|| Line {
        indent,
        text: said.to_owned(),
    })
}

fn block(lines: &mut [Line], at: &mut usize, indent: usize) -> Value {
    match lines.get(*at) {
        Some(line) if line.indent == indent && line.text.starts_with("- ") => {
            list(lines, at, indent)
        }
        Some(line) if line.indent == indent => map(lines, at, indent),
        Some(line) => panic!(
            "indented by {} and not {indent}: {}",
            line.indent, line.text
        ),
        None => Value::Null,
    }
}

fn list(lines: &mut [Line], at: &mut usize, indent: usize) -> Value {
    let mut items = Vec::new();
    while let Some(line) = lines.get_mut(*at).filter(|line| line.indent == indent) {
        let Some(item) = line.text.strip_prefix("- ").map(str::to_owned) else {
            break;
        };
        if pair(&item).is_none() {
            items.push(scalar(&item));
            *at += 1;
            continue;
        }
        // The item is a map whose first line stands behind the dash.
        (line.indent, line.text) = (indent + 2, item);
        items.push(block(lines, at, indent + 2));
    }
    Value::Array(items)
}

fn map(lines: &mut [Line], at: &mut usize, indent: usize) -> Value {
    let mut members = Map::new();
    while let Some(line) = lines.get(*at).filter(|line| line.indent == indent) {
        let (key, value) = pair(&line.text).unwrap_or_else(|| panic!("no pair: {}", line.text));
        *at += 1;
        let value = if value.is_empty() {
            let deeper = lines
                .get(*at)
                .map(|next| next.indent)
                .filter(|next| *next > indent);
            deeper.map_or(Value::Null, |deeper| block(lines, at, deeper))
        } else {
            scalar(&value)
        };
        assert!(members.insert(key.clone(), value).is_none(), "twice: {key}");
    }
    Value::Object(members)
}

/// A key and what follows it on its line.
fn pair(text: &str) -> Option<(String, String)> {
    if let Some(rest) = text.strip_prefix('"') {
        let (key, rest) = rest.split_once("\":")?;
        return Some((key.to_owned(), rest.trim().to_owned()));
    }
    let split = text
        .split_once(": ")
        .or_else(|| Some((text.strip_suffix(':')?, "")));
    let (key, value) = split.filter(|(key, _)| !key.contains(['\'', '"', ' ']))?;
    Some((key.to_owned(), value.trim().to_owned()))
}

fn scalar(text: &str) -> Value {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let inner = inner.strip_suffix(quote).expect("a closing quotation mark");
            return Value::from(inner);
        }
    }
    assert!(
        !text.starts_with(['[', '{', '&', '*', '|', '>']),
        "not of the plain part: {text}"
    );
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<bool>().map(Value::from))
        .unwrap_or_else(|_| Value::from(text))
}

#[test]
fn the_plain_part_is_read() {
    let text = "# what\na: 1\nb:\n  - c: \"x: y\"\n    d: true\n  - plain # why\n\"@e\": f:g\nn:\n---\nz: 'q'\n";
    let expected = serde_json::json!({"a": 1, "b": [{"c": "x: y", "d": true}, "plain"], "@e": "f:g", "n": null});
    assert_eq!(documents(text), [expected, serde_json::json!({"z": "q"})]);
}
