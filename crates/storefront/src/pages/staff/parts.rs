//! What pages for staff are made of: tables, forms, facts, figures. Values only; how they look is the templates'.

use super::{fields::Fields, trail};
use crate::{
    view,
    words::{refusal, say},
};
use contracts::{
    problem::Problem,
    values::{Counted, Cursor, Timestamp},
};

/// A place in a table or beside a name.
pub(super) enum Cell {
    Text(String),
    /// A text that leads somewhere.
    Link(String, String),
    /// A word in a colour of its own: the word, and the end of its class.
    Badge(String, &'static str),
    Number(String),
    When(view::Moment),
    /// Something for machines.
    Code(String),
    /// A box to tick: its name, its value, and what it is for.
    Pick(String, String, String),
    /// A small picture beside its words, which say it.
    Picture(String),
    /// Something long, behind a word that opens it.
    Folded(String, String),
    /// A button.
    Act(Form),
    /// Two buttons of the form around the list, for fewer and for more of something: its id, and what it is called.
    Steps(String, String),
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self::Link(text.into(), href.into())
    }

    pub(super) fn number(number: impl ToString) -> Self {
        let digits = number.to_string();
        Self::Number(match digits.strip_prefix('-') {
            Some(digits) => format!("-{}", view::grouped(digits)),
            None => view::grouped(&digits),
        })
    }

    pub(super) fn status(word: &'static str) -> Self {
        Self::Badge(view::words(word), word)
    }

    pub(super) fn when(at: Timestamp) -> Self {
        Self::When(view::moment(at))
    }

    pub(super) fn maybe_when(at: Option<Timestamp>) -> Self {
        at.map_or_else(|| Self::text(""), Self::when)
    }

    /// Whether it stands at the right.
    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    pub(super) fn code(text: impl ToString) -> Self {
        Self::Code(text.to_string())
    }
}

/// A column's name, and whether numbers stand in it, or what is of use on a page alone.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) is_number: bool,
    pub(super) is_tool: bool,
}

/// Columns by their names; those that begin with `#` hold numbers, those with `~` pictures, boxes or buttons.
pub(super) fn columns(names: &[&'static str]) -> Vec<Column> {
    let column = |name: &&'static str| Column {
        title: say(name.trim_start_matches(['#', '~'])),
        is_number: name.starts_with('#'),
        is_tool: name.starts_with('~'),
    };
    names.iter().map(column).collect()
}

/// A list.
#[derive(Default)]
pub(super) struct Table {
    /// Names it for those who do not see it.
    pub(super) caption: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What stands there when it has no rows: what is so, and what to do.
    pub(super) empty: String,
    /// The form around the rows, whose boxes or buttons are in them. Without a button of its own it has none.
    pub(super) bulk: Option<Box<Form>>,
    pub(super) first: String,
    /// Where it is known which page that is.
    pub(super) previous: String,
    pub(super) next: String,
    /// Where the next page begins.
    pub(super) after: String,
    /// Where all of the list is as a file.
    pub(super) file: String,
}

impl Table {
    /// Says where the pages around this one are.
    pub(super) fn paged(mut self, here: &str, kept: &[(&str, &str)], pages: Pages<'_>) -> Self {
        let at = |cursor: &str, trail: &str| {
            view::address(
                here,
                &[kept, &[("cursor", cursor), ("trail", trail)]].concat(),
            )
        };
        if !pages.asked.is_empty() {
            self.first = view::address(here, kept);
        }
        if let Some((cursor, trail)) = trail::back(pages.asked, pages.trail) {
            self.previous = at(&cursor, &trail);
        }
        if let Some(next) = pages.next {
            self.next = at(next.as_str(), &trail::onwards(pages.asked, pages.trail));
            next.as_str().clone_into(&mut self.after);
        }
        self
    }

    /// Says where all of it is as a file.
    pub(super) fn filed(mut self, here: &str, kept: &[(&str, &str)]) -> Self {
        self.file = view::address(&format!("{here}.csv"), kept);
        self
    }
}

/// Where a page of a list is: the cursor that was asked for, the way to it, and the next one's cursor.
pub(super) struct Pages<'c> {
    pub(super) asked: &'c str,
    pub(super) trail: &'c str,
    pub(super) next: Option<&'c Cursor>,
}

/// A choice of a list.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) is_chosen: bool,
}

/// A field of a form.
#[derive(Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    /// An `input`'s type, or `area`, `select`, `check`.
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
    pub(super) error: String,
    pub(super) is_required: bool,
    pub(super) choices: Vec<Choice>,
}

impl Field {
    pub(super) fn new(
        kind: &'static str,
        name: &str,
        label: &str,
        value: impl Into<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            label: say(label).to_owned(),
            kind,
            value: value.into(),
            ..Self::default()
        }
    }

    pub(super) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        say(hint).clone_into(&mut self.hint);
        self
    }

    /// A list to choose from, of values and words.
    pub(super) fn select(name: &str, label: &str, chosen: &str, all: &[(&str, &str)]) -> Self {
        let choice = |(value, words): &(&str, &str)| Choice {
            value: (*value).to_owned(),
            words: (*words).to_owned(),
            is_chosen: *value == chosen,
        };
        Self {
            choices: all.iter().map(choice).collect(),
            ..Self::new("select", name, label, chosen)
        }
    }

    /// A box to tick.
    pub(super) fn check(name: &str, label: &str, is_ticked: bool) -> Self {
        Self::new("check", name, label, if is_ticked { "yes" } else { "" })
    }
}

/// Whether a form stands behind a line that is opened first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fold {
    #[default]
    None,
    Closed,
    /// Open already: something in it is wrong.
    Open,
}

/// A form. Each has its proof; what changes something has a key, too.
#[derive(Default)]
pub(super) struct Form {
    /// Tells it from the others of the page.
    pub(super) id: String,
    pub(super) heading: String,
    pub(super) action: String,
    pub(super) fields: Vec<Field>,
    pub(super) hidden: Vec<(String, String)>,
    pub(super) button: String,
    pub(super) fold: Fold,
    pub(super) is_quiet: bool,
    /// Whether it carries a file.
    pub(super) is_multipart: bool,
}

impl Form {
    pub(super) fn new(id: &str, action: impl Into<String>, button: &str) -> Self {
        Self {
            id: id.to_owned(),
            action: action.into(),
            button: say(button).to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn is_folded(&self) -> bool {
        self.fold != Fold::None
    }

    pub(super) fn is_open(&self) -> bool {
        self.fold == Fold::Open
    }

    pub(super) fn headed(mut self, heading: &str) -> Self {
        say(heading).clone_into(&mut self.heading);
        self
    }

    pub(super) fn with(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    pub(super) fn hiding(mut self, name: &str, value: impl ToString) -> Self {
        self.hidden.push((name.to_owned(), value.to_string()));
        self
    }

    /// Behind a line that is opened first.
    pub(super) fn folded(mut self) -> Self {
        self.fold = Fold::Closed;
        self
    }

    pub(super) fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// What cannot be undone is folded away and asks for a tick.
    pub(super) fn confirmed(self, words: &str) -> Self {
        self.folded()
            .with([Field::check("confirm", words, false).required()])
    }

    /// A form that knows what its fields were is still about that version: what somebody else changed since was not
    /// seen by whoever typed.
    fn as_begun(&mut self, sent: &Fields) {
        let is_was = |name: &str| name.starts_with("was.");
        if !self.hidden.iter().any(|(name, _)| is_was(name)) {
            return;
        }
        for (name, value) in &mut self.hidden {
            if (is_was(name) || name == "version") && sent.has(name) {
                sent.text(name).clone_into(value);
            }
        }
    }

    /// Says beside its fields what was wrong with them, and keeps what was typed.
    pub(super) fn refused(mut self, problem: &Problem, sent: &Fields) -> Self {
        if self.fold == Fold::Closed {
            self.fold = Fold::Open;
        }
        self.as_begun(sent);
        for field in &mut self.fields {
            if !matches!(field.kind, "password" | "file") {
                let typed = sent.text(&field.name);
                typed.clone_into(&mut field.value);
                for choice in &mut field.choices {
                    choice.is_chosen = choice.value == typed;
                }
            }
            let pointer = format!("/{}", field.name);
            let below = format!("{pointer}/");
            let mut errors = problem.errors.iter();
            let mine =
                errors.find(|error| error.field == pointer || error.field.starts_with(&below));
            if let Some(error) = mine {
                field.error = say!("This {}.", refusal(error.message.trim_end_matches('.')));
            }
        }
        self
    }
}

/// A tab of a list, or a page of the staff's.
pub(super) struct Tab {
    pub(super) title: String,
    pub(super) href: String,
    pub(super) count: String,
    pub(super) is_current: bool,
}

/// Rows that are counted one by one, as an address says it; of more it is said that there are more.
pub(super) const LOOKED_AT: &str = "100";
const LOOKED_AT_MAX: usize = 100;

/// So many as there are in a list that was read to its bound.
pub(super) fn at_least(count: usize) -> String {
    if count >= LOOKED_AT_MAX {
        format!("{LOOKED_AT}+")
    } else {
        count.to_string()
    }
}

/// So many as were counted, and whether there are more.
pub(super) fn counter(count: i64, is_more: bool) -> String {
    let more = if is_more { "+" } else { "" };
    format!("{}{more}", view::grouped(&count.to_string()))
}

/// The same of what was counted as one.
pub(super) fn told(counted: Counted) -> String {
    counter(counted.count, counted.is_more)
}

/// All of several that were counted apart.
pub(super) fn together(counts: impl IntoIterator<Item = (i64, bool)>) -> String {
    let sum =
        |(sum, any): (i64, bool), (count, is_more)| (sum.saturating_add(count), any || is_more);
    let (count, is_more) = counts.into_iter().fold((0, false), sum);
    counter(count, is_more)
}

/// A number that matters, and where it leads.
#[derive(Default)]
pub(super) struct Figure {
    pub(super) value: String,
    pub(super) label: String,
    /// How it is counted, where its words do not say so.
    pub(super) counted: String,
    pub(super) href: String,
    /// Whether somebody should do something.
    pub(super) is_due: bool,
}

/// Something that happened.
pub(super) struct Entry {
    pub(super) at: view::Moment,
    pub(super) what: String,
    pub(super) who: String,
    pub(super) note: String,
    /// As programs read it.
    pub(super) raw: String,
}

/// A box to search with.
pub(super) struct Search {
    pub(super) action: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) hidden: Vec<(String, String)>,
}

/// A picture of a product, and what is done with it.
pub(super) struct Shot {
    pub(super) address: String,
    pub(super) alt: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) remove: Form,
}

/// A field of which two people said different things.
pub(super) struct Versus {
    pub(super) label: String,
    pub(super) name: String,
    pub(super) mine: String,
    pub(super) theirs: String,
}

/// A part of a page.
pub(super) enum Block {
    Tabs(&'static str, Vec<Tab>),
    Search(Search),
    /// A heading, or none, and the list.
    Table(String, Table),
    Form(Form),
    Facts(String, Vec<(String, Cell)>),
    Figures(Vec<Figure>),
    Chart(super::chart::Chart),
    Timeline(Vec<Entry>),
    Text(String, Vec<String>),
    /// Something that is shown this once.
    Secret(String, String),
    Shots(Vec<Shot>),
    /// What differs, and the form that decides it.
    Versus(Vec<Versus>, Form),
    Links(Vec<(String, String)>),
}
