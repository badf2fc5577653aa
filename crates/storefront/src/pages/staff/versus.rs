//! Two who changed one thing: what one said beside what stands there by now, and the form that decides. Whoever comes
//! second decides field by field; what they did not touch stays as the other one left it.

use super::{
    Done, Sheet,
    fields::Fields,
    parts::{Block, Field, Form, Versus},
};
use crate::words::say;
use axum::http::StatusCode;
use contracts::values::Version;

/// A field of something that is edited: its name in the form, what people call it, and what it is now.
pub(super) type Now = (String, String, String);

/// What these fields are now.
pub(super) fn now(fields: &[Field]) -> Vec<Now> {
    let now = |field: &Field| (field.name.clone(), field.label.clone(), field.value.clone());
    fields.iter().map(now).collect()
}

/// Something that is edited, as it is now.
pub(super) struct Edited {
    pub(super) name: String,
    pub(super) above: (&'static str, &'static str),
    /// Its page.
    pub(super) here: String,
    /// Where the decision goes.
    pub(super) decide: String,
    pub(super) version: Version,
    /// What its form carries beside its fields.
    pub(super) beside: Vec<(&'static str, String)>,
    pub(super) now: Vec<Now>,
}

/// What was typed; browsers send line ends of two characters.
pub(super) fn said(fields: &Fields, name: &str) -> String {
    fields.text(name).replace("\r\n", "\n")
}

/// What stood in the field when its form was made.
fn was(fields: &Fields, name: &str) -> String {
    said(fields, &format!("was.{name}"))
}

/// Whether somebody changed it.
pub(super) fn is_changed(fields: &Fields, name: &str) -> bool {
    said(fields, name) != was(fields, name)
}

/// A form that knows what each of its fields was.
pub(super) fn knowing(mut form: Form) -> Form {
    let was = |field: &Field| (format!("was.{}", field.name), field.value.clone());
    let known: Vec<_> = form.fields.iter().map(was).collect();
    form.hidden.extend(known);
    form
}

/// What one changed beside what stands there now, for each field that both sides say otherwise.
pub(super) fn conflict(edited: Edited, fields: &Fields) -> Done {
    let mut form = Form::new("conflict", edited.decide, "Save what is chosen")
        .hiding("version", edited.version.get());
    for (name, value) in edited.beside {
        form = form.hiding(name, value);
    }
    let mut differ = Vec::new();
    for (name, label, theirs) in edited.now {
        let mine = said(fields, &name);
        if !is_changed(fields, &name) || mine == theirs {
            continue;
        }
        form = form
            .hiding(&name, &mine)
            .hiding(&format!("was.{name}"), &theirs);
        differ.push(Versus {
            label,
            name,
            mine,
            theirs,
        });
    }
    if differ.is_empty() {
        return Done::at(&edited.here, "same");
    }
    let (above, href) = edited.above;
    let mut sheet = Sheet::new(say!("{}: somebody else was faster", edited.name))
        .below(above, href)
        .with([
            Block::Text(
                String::new(),
                vec![
                    "It was changed while you were at it, and nothing of yours is saved yet. Decide for each field \
                     what it is from now on; what you did not touch stays as the other one left it."
                        .to_owned(),
                ],
            ),
            Block::Versus(differ, form),
            Block::Links(vec![("Take all of theirs: back to it".to_owned(), edited.here)]),
        ]);
    sheet.status = Some(StatusCode::CONFLICT);
    Done::Show(Box::new(sheet))
}

/// What was decided, as if it had been typed: what is theirs is no change of mine.
pub(super) fn settled(mut fields: Fields) -> Fields {
    let theirs: Vec<String> = fields
        .below("keep.")
        .filter(|(_, side)| *side == "theirs")
        .map(|(name, _)| name.to_owned())
        .collect();
    fields.0.retain(|(name, _)| {
        let plain = name.strip_prefix("was.").unwrap_or(name);
        !theirs.iter().any(|other| other == plain)
    });
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fields(pairs.iter().map(pair).collect())
    }

    fn tea(fields: &Fields) -> Done {
        let now = [("name", "Name", "Theirs"), ("price", "Price", "9.00")];
        let now = now.map(|(name, label, now)| (name.to_owned(), label.to_owned(), now.to_owned()));
        let edited = Edited {
            name: "Tea".to_owned(),
            above: ("Products", "/admin/products"),
            here: "/admin/products/1".to_owned(),
            decide: "/admin/products/1/decide".to_owned(),
            version: Version::FIRST,
            beside: Vec::new(),
            now: now.into(),
        };
        conflict(edited, fields)
    }

    #[test]
    fn only_what_both_sides_say_otherwise_is_asked() {
        let fields = sent(&[
            ("name", "Mine"),
            ("was.name", "Tea"),
            ("price", "9.00"),
            ("was.price", "1.00"),
        ]);
        let Done::Show(sheet) = tea(&fields) else {
            panic!("something differs");
        };
        assert_eq!(sheet.status, Some(StatusCode::CONFLICT));
        let Some(Block::Versus(differ, form)) = sheet.main.get(1) else {
            panic!("nothing is asked");
        };
        assert_eq!(differ.len(), 1);
        assert!(
            form.hidden
                .contains(&("was.name".to_owned(), "Theirs".to_owned()))
        );
        let untouched = sent(&[("name", "Tea"), ("was.name", "Tea")]);
        assert!(matches!(tea(&untouched), Done::GoTo(to) if to.ends_with("flash=same")));
    }

    #[test]
    fn what_is_theirs_is_no_change_of_mine() {
        let fields = settled(sent(&[
            ("name", "Mine"),
            ("was.name", "Theirs"),
            ("keep.name", "theirs"),
            ("price", "1"),
            ("was.price", "2"),
            ("keep.price", "mine"),
        ]));
        assert!(!is_changed(&fields, "name") && is_changed(&fields, "price"));
    }
}
