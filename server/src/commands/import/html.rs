//! Descriptions of other shops are HTML; ours are text, which pages escape. Nothing of a script or a style is kept.

/// Longer ones are no descriptions of ours anyway, and are left for the catalog to refuse.
const BYTES_MAX: usize = 256 * 1_024;
/// What begins or ends a line.
const BLOCKS: [&str; 14] = [
    "br", "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6",
];
const ENTITIES: [(&str, &str); 7] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("hellip", "…"),
];

/// The text of a piece of HTML: without marks, with its lines.
pub(super) fn plain(html: &str) -> String {
    if html.len() > BYTES_MAX {
        return html.to_owned();
    }
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        resolve(before, &mut text);
        rest = past_tag(after, &mut text);
    }
    resolve(rest, &mut text);
    tidied(&text)
}

/// What comes after a tag; where there is none, the sign stands for itself.
fn past_tag<'h>(after: &'h str, text: &mut String) -> &'h str {
    if let Some(comment) = after.strip_prefix("!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
    let Some((tag, rest)) = after.split_once('>').filter(|_| is_tag) else {
        text.push('<');
        return after;
    };
    let name = tag.trim_start_matches('/');
    let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next();
    let name = name.unwrap_or_default().to_ascii_lowercase();
    if BLOCKS.contains(&name.as_str()) {
        text.push('\n');
    }
    if !tag.starts_with('/') && (name == "script" || name == "style") {
        let end = format!("</{name}");
        return rest.split_once(end.as_str()).map_or("", |(_, rest)| {
            rest.split_once('>').map_or("", |(_, rest)| rest)
        });
    }
    rest
}

/// Adds a text with its entities resolved.
fn resolve(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        into.push_str(before);
        rest = match after
            .split_once(';')
            .and_then(|(name, tail)| Some((sign(name)?, tail)))
        {
            Some((sign, tail)) => {
                into.push_str(&sign);
                tail
            }
            None => {
                into.push('&');
                after
            }
        };
    }
    into.push_str(rest);
}

fn sign(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).map(String::from);
    }
    let known = ENTITIES.iter().find(|(own, _)| *own == name);
    known.map(|(_, sign)| (*sign).to_owned())
}

/// One space where several are, one empty line at most, none at the ends.
fn tidied(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_second = line.is_empty() && lines.last().is_none_or(String::is_empty);
        if !is_second {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_the_text_stays() {
        for (html, text) in [
            (
                "<p>One <b>bold</b> word.</p><p>Two</p>",
                "One bold word.\n\nTwo",
            ),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<ul>\n<li>one</li>\n<li>two</li></ul>", "one\n\ntwo"),
            (
                "1 &lt; 2 &amp;&amp; 3 &gt; 2&nbsp;&#8364; &#x41; &what; &",
                "1 < 2 && 3 > 2 € A &what; &",
            ),
            ("1 < 2 and 3", "1 < 2 and 3"),
            ("a<script>alert('<b>')</script >b<style>p{}</style>c", "abc"),
            ("a<!-- <p>no</p> -->b", "ab"),
            ("no end <b", "no end <b"),
            ("<script>no end", ""),
            ("plain\ntext", "plain\ntext"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }

    #[test]
    fn what_is_resolved_is_not_read_as_marks() {
        assert_eq!(
            plain("&lt;script&gt;x&lt;/script&gt;"),
            "<script>x</script>"
        );
    }
}
