//! The shop as a machine: what runs, what things are kept in, and how everything is that it depends on. The process
//! that serves this page speaks for itself; others are asked at their own listeners.

use super::{
    Desk, Sheet, Who,
    parts::{Block, Cell, Table, columns},
};
use crate::words::say;
use crate::{App, House, pages::frame::Visit};
use axum::{extract::State, response::Response};
use platform::http::readiness::{Health, Reader, Seen};

/// GET `/admin/system`.
pub(in crate::pages) async fn show(State(app): State<App>, visit: Visit) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, async { Ok(sheet(desk)) }).await
}

fn sheet(desk: Desk<'_>) -> Sheet {
    let house = &desk.app.house;
    // Whoever runs the shop is told what a dependency said.
    let report = house.readiness.report(Reader::Operator);
    let ready = match (report.ready, report.draining) {
        (_, true) => Cell::Badge("Stops".to_owned(), "low"),
        (true, false) => Cell::Badge("Takes work".to_owned(), "paid"),
        (false, false) => Cell::Badge("Takes no work".to_owned(), "low"),
    };
    Sheet::new(say("System"))
        .with([Block::Table(
            "What it depends on".to_owned(),
            checks(&report.checks),
        )])
        .beside([
            Block::Facts("This process".to_owned(), facts(house, ready)),
            Block::Links(vec![
                ("Verify the books now".to_owned(), "/admin/books".to_owned()),
                (
                    "Events that were not taken".to_owned(),
                    "/admin/developers".to_owned(),
                ),
            ]),
        ])
}

fn facts(house: &House, ready: Cell) -> Vec<(String, Cell)> {
    let mut facts = vec![
        ("Now".to_owned(), ready),
        ("Release".to_owned(), Cell::code(house.version)),
        ("Runs".to_owned(), Cell::text(house.target.clone())),
        ("Seen at".to_owned(), Cell::text(house.public_url.clone())),
    ];
    let stores = house.stores.iter();
    facts.extend(stores.map(|(what, kind)| ((*what).to_owned(), Cell::text(*kind))));
    facts
}

fn checks(checks: &[Seen]) -> Table {
    let row = |seen: &Seen| {
        let state = match seen.state {
            Health::Unknown => Cell::Badge("Not known yet".to_owned(), "pending"),
            Health::Well => Cell::Badge("Well".to_owned(), "paid"),
            Health::Failing => Cell::Badge("Failing".to_owned(), "low"),
        };
        let need = if seen.required {
            "cannot do without"
        } else {
            "goes on without"
        };
        vec![
            Cell::text(seen.name),
            state,
            Cell::text(say(need)),
            Cell::number(seen.latency_us),
            Cell::text(seen.error.clone().unwrap_or_default()),
        ]
    };
    Table {
        caption: "What it depends on",
        columns: columns(&[
            "What",
            "Condition",
            "The shop",
            "#Microseconds",
            "What it said",
        ]),
        rows: checks.iter().map(row).collect(),
        ..Table::default()
    }
}
