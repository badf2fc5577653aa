//! What a save changed, in texts that people compare: each field that is another, as it was and as it is. What a
//! product costs is told by its versions, and is not among them.

use super::{
    document::Document,
    lineup::{Lineup, Member},
};
use contracts::catalog::{FieldChange, variant_title};

/// Characters that are kept of a text.
const TEXT_MAX: usize = 200;
/// Characters that stay in front of the place where two long texts begin to differ.
const AROUND: usize = 30;

/// Fields of a document that are another in the next one.
pub(crate) fn fields(before: &Document, after: &Document) -> Vec<FieldChange> {
    let (before, after) = (texts(before), texts(after));
    let pairs = before.into_iter().zip(after);
    pairs
        .filter_map(|((field, before), (_, after))| change(field, &before, &after))
        .collect()
}

fn texts(document: &Document) -> [(&'static str, String); 11] {
    let category = document.category.as_ref().map(|one| one.slug.clone());
    let moment = |at: Option<contracts::values::Timestamp>| at.map(|at| at.to_string());
    let attributes = match document.attributes.is_empty() {
        true => String::new(),
        false => serde_json::Value::Object(document.attributes.clone()).to_string(),
    };
    let related: Vec<String> = document.related.iter().map(ToString::to_string).collect();
    [
        ("name", document.name.clone()),
        ("slug", document.slug.clone()),
        ("sku", document.sku.clone()),
        ("description", document.description.clone()),
        ("status", document.status.as_str().to_owned()),
        ("category", category.unwrap_or_default()),
        (
            "publish_at",
            moment(document.schedule.publish_at).unwrap_or_default(),
        ),
        (
            "unpublish_at",
            moment(document.schedule.unpublish_at).unwrap_or_default(),
        ),
        ("image_url", document.image_url.clone().unwrap_or_default()),
        ("attributes", attributes),
        ("related", related.join(", ")),
    ]
}

/// What is sold of a product, where that is another: its options, and those variants that came, went or changed. The
/// one variant of a product without options has its price in the product's versions.
pub(crate) fn variants(before: &Lineup, after: &Lineup) -> Vec<FieldChange> {
    let has_any = !before.options.is_empty() || !after.options.is_empty();
    let options = |lineup: &Lineup| {
        let options = lineup.options.iter();
        let texts = options.map(|one| format!("{}: {}", one.name, one.values.join(", ")));
        texts.collect::<Vec<_>>().join("; ")
    };
    let sold = |member: &Member| match has_any {
        true => format!(
            "{}: {}, {}",
            member.sku,
            variant_title(&member.values),
            member.price
        ),
        false => member.sku.clone(),
    };
    let only = |lineup: &Lineup, other: &Lineup| {
        let others: Vec<String> = other.variants.iter().map(sold).collect();
        let mut texts: Vec<String> = lineup.variants.iter().map(sold).collect();
        texts.retain(|text| !others.contains(text));
        texts.join("; ")
    };
    let options = change("options", &options(before), &options(after));
    let sold = change("variants", &only(before, after), &only(after, before));
    options.into_iter().chain(sold).collect()
}

fn change(field: &str, before: &str, after: &str) -> Option<FieldChange> {
    if before == after {
        return None;
    }
    let same = before.chars().zip(after.chars());
    let same = same.take_while(|(one, other)| one == other).count();
    let is_long = [before, after]
        .iter()
        .any(|text| text.chars().count() > TEXT_MAX);
    let from = if is_long {
        same.saturating_sub(AROUND)
    } else {
        0
    };
    Some(FieldChange {
        field: field.to_owned(),
        before: cut(before, from),
        after: cut(after, from),
    })
}

/// So much of a text as is kept, from so many characters on.
fn cut(text: &str, from: usize) -> String {
    let mut rest = text.chars().skip(from);
    let mut kept: String = rest.by_ref().take(TEXT_MAX).collect();
    if from > 0 {
        kept.insert(0, '…');
    }
    if rest.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_where_they_begin_to_differ() {
        let (same, rest) = ("ä".repeat(500), "z".repeat(900));
        let told = change("description", &same, &format!("{same}new{rest}")).unwrap();
        assert_eq!(told.before, format!("…{}", "ä".repeat(AROUND)));
        let end = "z".repeat(167);
        assert_eq!(told.after, format!("…{}new{end}…", "ä".repeat(AROUND)));
        assert_eq!(change("name", "Tea", "Tea"), None);
        let short = change("name", "Tea", "Teapot").unwrap();
        assert_eq!(
            (short.before.as_str(), short.after.as_str()),
            ("Tea", "Teapot")
        );
    }
}
