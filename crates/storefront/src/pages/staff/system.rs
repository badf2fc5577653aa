//! The shop as a machine: what runs, what things are kept in, how everything is that it depends on, and what it
//! counted. The process that serves this page speaks for itself, and for the other nodes as far as it asks them; their
//! own figures are at their own listeners.

use super::{
    Desk, Sheet, Who,
    chart::of_sizes,
    measured::{Measured, label},
    parts::{Block, Cell, Table, columns},
};
use crate::words::say;
use crate::{App, House, pages::frame::Visit};
use axum::{extract::State, response::Response};
use contracts::values::Timestamp;
use platform::{
    balance::Word,
    http::readiness::{Health, Reader, Seen},
};

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
    let measured = Measured::new((house.measured)());
    let batches = measured.sizes("souk_order_commit_batch_size");
    let seconds = measured.sizes("souk_order_commit_seconds");
    Sheet::new(say("System"))
        .with([
            Block::Table("What it depends on".to_owned(), checks(&report.checks)),
            Block::Table("Other nodes".to_owned(), nodes(house)),
            Block::Table("Events that wait".to_owned(), outboxes(&measured)),
            Block::Chart(of_sizes(
                "Orders that shared a commit",
                "commits by how many orders were in them",
                &batches,
            )),
            Block::Chart(of_sizes(
                "How long that took",
                "commits of orders by their seconds",
                &seconds,
            )),
        ])
        .beside([
            Block::Facts("This process".to_owned(), facts(house, ready)),
            Block::Facts("The books".to_owned(), books(&measured)),
            Block::Text("Backups".to_owned(), vec![house.backup.clone()]),
            Block::Links(vec![
                ("Verify the books now".to_owned(), "/admin/books".to_owned()),
                (
                    "Events that were not taken".to_owned(),
                    "/admin/developers".to_owned(),
                ),
                ("How it is set".to_owned(), "/admin/settings".to_owned()),
            ]),
        ])
}

/// The nodes that this process asks.
fn nodes(house: &House) -> Table {
    let mut rows = Vec::new();
    for pool in house.pools.view() {
        for node in pool.instances {
            let state = match node.state {
                _ if node.ejected => Cell::Badge("Left out".to_owned(), "low"),
                Word::Ready => Cell::Badge("Takes work".to_owned(), "paid"),
                Word::Draining => Cell::Badge("Takes no work".to_owned(), "low"),
                Word::Unknown => Cell::Badge("Not known yet".to_owned(), "pending"),
                Word::Down => Cell::Badge("Does not answer".to_owned(), "low"),
            };
            rows.push(vec![
                Cell::text(pool.role),
                Cell::code(node.address),
                state,
                Cell::number(node.in_flight),
                Cell::number(node.latency_us),
            ]);
        }
    }
    Table {
        caption: "Nodes that this one asks",
        columns: columns(&["Part", "Address", "State", "#At work", "#Microseconds"]),
        rows,
        empty: "This process asks no other: all parts that it needs run in it. Nodes that are alike share the \
                database, and are listed by the door in front of them."
            .to_owned(),
        ..Table::default()
    }
}

/// How far the outboxes are behind.
fn outboxes(measured: &Measured) -> Table {
    let row = |(labels, lag): (&str, i64)| {
        let name = label(labels, "outbox").unwrap_or_default();
        let mut all = measured.all("souk_outbox_pending");
        let pending = all.find(|(labels, _)| label(labels, "outbox") == Some(name));
        vec![
            Cell::text(name),
            Cell::number(pending.map_or(0, |(_, pending)| pending)),
            Cell::number(lag),
        ]
    };
    Table {
        caption: "How far each outbox is behind",
        columns: columns(&["Outbox", "#Events that wait", "#Seconds behind"]),
        rows: measured.all("souk_outbox_lag_seconds").map(row).collect(),
        empty: "Nothing is known here yet: the node that delivers the events counts them."
            .to_owned(),
        ..Table::default()
    }
}

/// What the last verification found, if this process made one.
fn books(measured: &Measured) -> Vec<(String, Cell)> {
    let at = measured.one("souk_audit_finished_timestamp_seconds");
    let Some(at) = at.filter(|at| *at > 0) else {
        return vec![(
            "Last verified".to_owned(),
            Cell::text(say("not yet by this process itself")),
        )];
    };
    let wrong = measured.one("souk_audit_violations").unwrap_or(0);
    let state = if wrong == 0 {
        Cell::Badge("They balance".to_owned(), "paid")
    } else {
        Cell::Badge(say!("{} things are wrong", wrong), "low")
    };
    let at = Timestamp::from_ms(at.saturating_mul(1_000));
    vec![
        ("Last verified".to_owned(), Cell::when(at)),
        ("Found".to_owned(), state),
    ]
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
