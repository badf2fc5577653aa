//! Backups on the page of the system: those that are there, and the button that makes one more, where one process has
//! the whole shop in a folder.

use super::{
    Desk, Done, Fault, Who,
    fields::Fields,
    parts::{Block, Cell, Form, Table, columns},
};
use crate::{App, House, pages::frame::Visit, view, words::say};
use axum::{Form as Sent, extract::State, response::Response};
use contracts::{
    house::{Backup, BackupsView},
    problem::{Code, Problem},
};

const ACTION: &str = "/admin/system/backup";

/// What a page shows of them.
pub(super) struct Shown {
    pub(super) main: Option<Block>,
    pub(super) side: Vec<Block>,
    /// Why the last one came to nothing.
    pub(super) failed: Option<String>,
}

impl Shown {
    fn only(words: Block) -> Self {
        Self {
            main: None,
            side: vec![words],
            failed: None,
        }
    }
}

/// What there is, as the disk has it.
pub(super) async fn shown(house: &House) -> Shown {
    let words = Block::Text("Backups".to_owned(), vec![house.backup.clone()]);
    let view = match &house.backups {
        Some(backups) => backups.view().await.inspect_err(|error| {
            tracing::warn!(error = %error, "a page goes out without the backups");
        }),
        None => return Shown::only(words),
    };
    match view {
        Ok(view) => Shown {
            main: Some(Block::Table("Backups".to_owned(), table(&view))),
            side: side(&view, words),
            failed: view.failed,
        },
        Err(_) => Shown::only(words),
    }
}

fn table(view: &BackupsView) -> Table {
    let row = |backup: &Backup| {
        vec![
            Cell::when(backup.at),
            Cell::code(&backup.name),
            Cell::Number(size(backup.bytes)),
            Cell::Badge("Verified".to_owned(), "paid"),
        ]
    };
    Table {
        caption: "Backups, newest first",
        columns: columns(&["When", "Folder", "#Size", "Books"]),
        rows: view.there.iter().map(row).collect(),
        empty: "There is none yet. Make one before you change anything that matters.".to_owned(),
        ..Table::default()
    }
}

fn side(view: &BackupsView, words: Block) -> Vec<Block> {
    let last = view.there.first();
    let mut facts = vec![
        (
            "Last backup".to_owned(),
            last.map_or_else(|| Cell::text(say("none yet")), |last| Cell::when(last.at)),
        ),
        ("They are in".to_owned(), Cell::code(&view.folder)),
        ("Kept at most".to_owned(), Cell::number(view.kept_max)),
    ];
    if let Some(why) = &view.failed {
        let why = Cell::text(why.as_str());
        facts.push(("The last try came to nothing".to_owned(), why));
    }
    let mut blocks = vec![words];
    match view.running_since {
        Some(since) => {
            facts.push(("One is being made since".to_owned(), Cell::when(since)));
            blocks.push(Block::Facts(String::new(), facts));
        }
        None => {
            blocks.push(Block::Facts(String::new(), facts));
            let form = Form::new("backup", ACTION, "Make a backup now");
            blocks.push(Block::Form(form));
        }
    }
    blocks
}

/// As people write it; a small one is not nothing.
fn size(bytes: u64) -> String {
    let (number, unit) = match bytes {
        0..10_000_000 => (bytes.div_ceil(1_000), "KB"),
        _ => (bytes / 1_000_000, "MB"),
    };
    format!("{} {unit}", view::grouped(&number.to_string()))
}

/// POST `/admin/system/backup`.
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let backups = app.house.backups.as_ref();
        let backups = backups.ok_or_else(|| Fault::new(Code::NotFound))?;
        let begun = backups.begin(fields.text("key")).await;
        let view = begun.map_err(|cause| Fault(Problem::internal(&cause)))?;
        let flash = match (view.running_since, view.failed) {
            (Some(_), _) => "running",
            (None, Some(_)) => "failed",
            (None, None) => "made",
        };
        Ok(Done::at("/admin/system", flash))
    };
    desk.act(Who::Admin, &fields, done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_unit_that_people_would_use() {
        for (bytes, words) in [
            (0, "0 KB"),
            (1, "1 KB"),
            (9_999_999, "10,000 KB"),
            (10_000_000, "10 MB"),
            (12_345_678_901, "12,345 MB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }
}
