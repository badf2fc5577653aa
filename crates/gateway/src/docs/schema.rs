//! Schemas in words: a name with a link, or a table of fields. Follows no reference, so that it always ends.

use super::page::{Escaped, entries, text};
use serde_json::Value;
use std::fmt::{self, Write};

const REFERENCE: &str = "#/components/schemas/";
/// Schemas within schemas that are written out.
const DEPTH_MAX: u32 = 6;

/// A schema in one line.
pub(super) fn write_name(out: &mut String, schema: &Value) -> fmt::Result {
    name(out, schema, DEPTH_MAX)
}

/// A schema with its fields, each described.
pub(super) fn write_whole(out: &mut String, schema: &Value) -> fmt::Result {
    for part in parts(schema, "allOf") {
        write_whole_part(out, part)?;
    }
    write_whole_part(out, schema)
}

fn write_whole_part(out: &mut String, schema: &Value) -> fmt::Result {
    let Some(_) = schema.get("properties") else {
        if parts(schema, "allOf").next().is_none() {
            out.write_str("<p>")?;
            write_name(out, schema)?;
            out.write_str("</p>")?;
        }
        return Ok(());
    };
    let required: Vec<&str> = parts(schema, "required")
        .filter_map(Value::as_str)
        .collect();
    out.write_str("<table><tbody>")?;
    for (field, value) in entries(schema, "/properties") {
        write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code>{}</th><td>",
            Escaped(field),
            if required.contains(&field) {
                " <em>required</em>"
            } else {
                ""
            }
        )?;
        write_name(out, value)?;
        write!(
            out,
            "</td><td>{}</td></tr>",
            Escaped(text(value, "/description"))
        )?;
    }
    out.write_str("</tbody></table>")
}

fn name(out: &mut String, schema: &Value, depth: u32) -> fmt::Result {
    let Some(deeper) = depth.checked_sub(1) else {
        return out.write_str("...");
    };
    if let Some(target) = text(schema, "/$ref").strip_prefix(REFERENCE) {
        return write!(out, "<a href=\"#schema-{0}\">{0}</a>", Escaped(target));
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if parts(schema, key).next().is_some() {
            let joint = if key == "allOf" { " and " } else { " or " };
            for (index, part) in parts(schema, key).enumerate() {
                out.write_str(if index == 0 { "" } else { joint })?;
                name(out, part, deeper)?;
            }
            return Ok(());
        }
    }
    write_kind(out, schema)?;
    if let Some(items) = schema.get("items") {
        out.write_str(" of ")?;
        name(out, items, deeper)?;
    }
    write_rules(out, schema)
}

/// `string`, or `string or null`.
fn write_kind(out: &mut String, schema: &Value) -> fmt::Result {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(kind)) => vec![kind],
        _ => vec!["anything"],
    };
    write!(out, "{}", Escaped(&kinds.join(" or ")))
}

fn write_rules(out: &mut String, schema: &Value) -> fmt::Result {
    for (index, value) in parts(schema, "enum").enumerate() {
        out.write_str(if index == 0 { ": " } else { ", " })?;
        write!(out, "<code>{}</code>", Escaped(&plain(value)))?;
    }
    for (key, words) in [
        ("format", ""),
        ("minimum", "from "),
        ("maximum", "up to "),
        ("minLength", "at least "),
        ("maxLength", "at most "),
        ("pattern", "as "),
        ("default", "default "),
        ("example", "e.g. "),
    ] {
        if let Some(value) = schema.get(key) {
            write!(out, ", {words}<code>{}</code>", Escaped(&plain(value)))?;
        }
    }
    for example in parts(schema, "examples").take(1) {
        write!(out, ", e.g. <code>{}</code>", Escaped(&plain(example)))?;
    }
    Ok(())
}

fn parts<'s>(schema: &'s Value, key: &str) -> impl Iterator<Item = &'s Value> {
    schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(schema: &Value) -> String {
        let mut out = String::new();
        write_name(&mut out, schema).unwrap();
        out
    }

    #[test]
    fn a_schema_is_said_in_one_line() {
        for (schema, expected) in [
            (
                json!({"type": "string", "maxLength": 5}),
                "string, at most <code>5</code>",
            ),
            (json!({"type": ["string", "null"]}), "string or null"),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Order"}}),
                "array of <a href=\"#schema-Order\">Order</a>",
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]}),
                "null or <a href=\"#schema-Money\">Money</a>",
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                "string: <code>a</code>, <code>b</code>",
            ),
            (
                json!({"example": "<script>"}),
                "anything, e.g. <code>&lt;script&gt;</code>",
            ),
            (json!(true), "anything"),
        ] {
            assert_eq!(line(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_nest_of_schemas_ends() {
        let nest = (0..100).fold(
            json!({}),
            |inner, _| json!({"type": "array", "items": inner}),
        );
        assert!(line(&nest).ends_with("..."));
    }
}
