//! The `OpenAPI` document as one page for people: operations by tag, then schemas, then problem codes. Plain
//! HTML that the browser's own search goes through; no script, no style of its own.

use super::schema;
use contracts::problem::Code;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

/// The methods of a path, in the order in which they are shown.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];

struct Operation<'d> {
    method: &'static str,
    path: &'d str,
    value: &'d Value,
}

/// Renders the whole page.
pub(super) fn render(document: &Value) -> String {
    let mut page = String::new();
    // Writing into a text cannot fail.
    let _ = write_page(&mut page, document);
    page
}

/// A text that may stand in HTML, attributes too.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A text of the document, or nothing.
pub(super) fn text<'d>(value: &'d Value, pointer: &str) -> &'d str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn write_page(out: &mut String, document: &Value) -> fmt::Result {
    let title = Escaped(text(document, "/info/title"));
    let operations = by_tag(document);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}: API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/docs/docs.css\"></head><body>\n<nav aria-label=\"Contents\">"
    )?;
    for (tag, operations) in &operations {
        write!(
            out,
            "<h2><a href=\"#tag-{0}\">{0}</a></h2><ul>",
            Escaped(tag)
        )?;
        for operation in operations {
            let anchor = anchor(operation);
            let summary = Escaped(summary(operation));
            write!(
                out,
                "<li><a href=\"#{}\">{summary}</a></li>",
                Escaped(&anchor)
            )?;
        }
        out.write_str("</ul>")?;
    }
    out.write_str("<h2><a href=\"#schemas\">schemas</a></h2><h2><a href=\"#problems\">problems</a></h2></nav>\n")?;
    let version = Escaped(text(document, "/info/version"));
    write!(out, "<main><h1>{title} <small>{version}</small></h1>")?;
    paragraphs(out, text(document, "/info/description"))?;
    out.write_str("<p>For programs: <a href=\"/openapi.json\">openapi.json</a></p>\n")?;
    for (tag, operations) in &operations {
        write!(out, "<section><h2 id=\"tag-{0}\">{0}</h2>", Escaped(tag))?;
        for operation in operations {
            write_operation(out, operation)?;
        }
        out.write_str("</section>\n")?;
    }
    write_schemas(out, document)?;
    write_problems(out)?;
    out.write_str("</main></body></html>\n")
}

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut operations: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in entries(document, "/paths") {
        for method in METHODS {
            let Some(value) = item.get(*method) else {
                continue;
            };
            let tag = value
                .pointer("/tags/0")
                .and_then(Value::as_str)
                .unwrap_or("other");
            operations.entry(tag).or_default().push(Operation {
                method,
                path,
                value,
            });
        }
    }
    operations
}

/// The entries of an object in the document.
pub(super) fn entries<'d>(
    value: &'d Value,
    pointer: &str,
) -> impl Iterator<Item = (&'d str, &'d Value)> {
    let object = value.pointer(pointer).and_then(Value::as_object);
    object
        .into_iter()
        .flat_map(Map::iter)
        .map(|(name, value)| (name.as_str(), value))
}

fn anchor(operation: &Operation<'_>) -> String {
    match text(operation.value, "/operationId") {
        "" => format!("{}{}", operation.method, operation.path.replace('/', "-")),
        id => id.to_owned(),
    }
}

fn summary<'d>(operation: &Operation<'d>) -> &'d str {
    match text(operation.value, "/summary") {
        "" => operation.path,
        summary => summary,
    }
}

/// Blank lines part paragraphs; what else is Markdown stays as it was written.
fn paragraphs(out: &mut String, text: &str) -> fmt::Result {
    for paragraph in text
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        write!(out, "<p>{}</p>", Escaped(paragraph.trim()))?;
    }
    Ok(())
}

fn write_operation(out: &mut String, operation: &Operation<'_>) -> fmt::Result {
    let (method, value) = (operation.method, operation.value);
    write!(
        out,
        "<article id=\"{}\"><h3>{}</h3><p class=\"call\"><b class=\"{method}\">{}</b> <code>{}</code></p>",
        Escaped(&anchor(operation)),
        Escaped(summary(operation)),
        method.to_ascii_uppercase(),
        Escaped(operation.path)
    )?;
    paragraphs(out, text(value, "/description"))?;
    write_parameters(out, value)?;
    for (kind, body) in entries(value, "/requestBody/content") {
        write!(out, "<h4>Body <small>{}</small></h4>", Escaped(kind))?;
        if let Some(schema) = body.get("schema") {
            schema::write_whole(out, schema)?;
        }
    }
    out.write_str("<h4>Answers</h4><table><tbody>")?;
    for (status, answer) in entries(value, "/responses") {
        write!(out, "<tr><th scope=\"row\">{}</th><td>", Escaped(status))?;
        for (_, content) in entries(answer, "/content") {
            if let Some(schema) = content.get("schema") {
                schema::write_name(out, schema)?;
            }
        }
        write!(
            out,
            "</td><td>{}</td></tr>",
            Escaped(text(answer, "/description"))
        )?;
    }
    out.write_str("</tbody></table></article>\n")
}

fn write_parameters(out: &mut String, operation: &Value) -> fmt::Result {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) else {
        return Ok(());
    };
    out.write_str("<h4>Parameters</h4><table><tbody>")?;
    for parameter in parameters {
        let required = parameter.get("required").and_then(Value::as_bool);
        write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code>{}</th><td>{} ",
            Escaped(text(parameter, "/name")),
            if required == Some(true) {
                " <em>required</em>"
            } else {
                ""
            },
            Escaped(text(parameter, "/in"))
        )?;
        if let Some(schema) = parameter.get("schema") {
            schema::write_name(out, schema)?;
        }
        write!(
            out,
            "</td><td>{}</td></tr>",
            Escaped(text(parameter, "/description"))
        )?;
    }
    out.write_str("</tbody></table>")
}

fn write_schemas(out: &mut String, document: &Value) -> fmt::Result {
    out.write_str("<section><h2 id=\"schemas\">schemas</h2>")?;
    for (name, value) in entries(document, "/components/schemas") {
        write!(
            out,
            "<article id=\"schema-{0}\"><h3>{0}</h3>",
            Escaped(name)
        )?;
        paragraphs(out, text(value, "/description"))?;
        schema::write_whole(out, value)?;
        out.write_str("</article>\n")?;
    }
    out.write_str("</section>\n")
}

fn write_problems(out: &mut String) -> fmt::Result {
    out.write_str(
        "<section><h2 id=\"problems\">problems</h2><p>Every refusal is <code>application/problem+json</code> \
         (RFC 9457) with one of these codes.</p><table><tbody>",
    )?;
    for code in Code::ALL {
        write!(
            out,
            "<tr id=\"problem-{0}\"><th scope=\"row\"><code>{0}</code></th><td>{1}</td><td>{2}{3}</td></tr>",
            code.slug(),
            code.status(),
            Escaped(code.title()),
            if code.retryable() {
                "; may be tried again"
            } else {
                ""
            }
        )?;
    }
    out.write_str("</tbody></table></section>\n")
}
