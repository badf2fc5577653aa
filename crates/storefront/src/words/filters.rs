//! What templates say texts with: `{{ "Your cart"|crate::t }}`. What comes out is escaped like any other value, but for
//! the marks that `marked` and `around` put in themselves.

#![expect(
    unreachable_pub,
    reason = "askama's macro writes public items, whatever the function is"
)]

use super::{fill::Filled, say};
use askama::{Values, filters::Safe};
use std::fmt::{Display, Formatter, Write as _};

/// A text.
#[askama::filter_fn]
pub(crate) fn t<'t>(text: &'t str, _: &dyn Values) -> askama::Result<&'t str> {
    Ok(say(text))
}

/// A text with one value.
#[askama::filter_fn]
pub(crate) fn t1<'t, V: Display>(
    text: &'t str,
    _: &dyn Values,
    value: V,
) -> askama::Result<One<'t, V>> {
    let text = say(text);
    Ok(One { text, value })
}

/// It is written to where it stands, and makes no text of its own.
pub(crate) struct One<'t, V> {
    text: &'t str,
    value: V,
}

impl<V: Display> Display for One<'_, V> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let (text, values) = (self.text, [&self.value as &dyn Display]);
        let values = &values;
        Filled { text, values }.fmt(out)
    }
}

/// A text with two values.
#[askama::filter_fn]
pub(crate) fn t2<V: Display, W: Display>(
    text: &str,
    _: &dyn Values,
    first: V,
    second: W,
) -> askama::Result<String> {
    Ok(super::filled(text, &[&first, &second]))
}

/// A text around what is marked up already: `{% filter crate::around("Checked on {}.") %}<time ..>{% endfilter %}`.
#[askama::filter_fn]
pub(crate) fn around(
    inner: impl Display,
    _: &dyn Values,
    text: &str,
) -> askama::Result<Safe<String>> {
    let text = escaped(say(text));
    let filled = Filled {
        text: &text,
        values: &[&inner],
    };
    let mut said = String::new();
    write!(said, "{filled}")?;
    Ok(Safe(said))
}

/// A text whose words between backticks are for machines.
#[askama::filter_fn]
pub(crate) fn marked(text: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    let mut said = String::new();
    for (index, piece) in escaped(say(text)).split('`').enumerate() {
        if index % 2 == 0 {
            said.push_str(piece);
        } else {
            write!(said, "<code>{piece}</code>")?;
        }
    }
    Ok(Safe(said))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
}

#[cfg(test)]
mod tests {
    use askama::Template;

    #[derive(Template)]
    #[template(
        source = "{{ text|crate::t }} {{ \"Only {} left\"|crate::t1(left) }} \
                  {% filter crate::around(\"Or {}: <b>\") %}<a>{{ text }}</a>{% endfilter %} \
                  {{ \"`a` & b\"|crate::marked }} {{ \"{} of {}\"|crate::t2(left, text) }}",
        ext = "html"
    )]
    struct Page {
        text: String,
        left: i64,
    }

    #[test]
    fn texts_are_escaped_and_their_marks_are_not() {
        let page = Page {
            text: "<i>".to_owned(),
            left: 2,
        };
        assert_eq!(
            page.render().unwrap(),
            "&#60;i&#62; Only 2 left Or <a>&#60;i&#62;</a>: &#60;b&#62; <code>a</code> &#38; b 2 of &#60;i&#62;"
        );
    }
}
