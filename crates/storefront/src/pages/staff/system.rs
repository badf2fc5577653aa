//! The shop as a machine: what runs, what things are kept in, how everything is that it depends on, and what it
//! counted. The process that serves this page speaks for itself, and for the other nodes as far as it asks them; their
//! own figures are at their own listeners.

use super::{
    Desk, Sheet, Who, backups,
    chart::of_sizes,
    measured::{Measured, label},
    parts::{Block, Cell, Table, columns},
    sentence_of,
};
use crate::words::say;
use crate::{App, House, pages::frame::Visit};
use axum::{extract::State, response::Response};
use contracts::{house::Neighbour, values::Timestamp};
use platform::{
    balance::Word,
    http::{
        Query,
        readiness::{Health, Reader, Seen},
    },
};
use serde::Deserialize;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

/// GET `/admin/system`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { Ok(sheet(desk, &wish.flash).await) };
    desk.show(Who::Admin, sheet).await
}

async fn sheet(desk: Desk<'_>, flash: &str) -> Sheet {
    let house = &desk.app.house;
    let copies = backups::shown(house).await;
    // Whoever runs the shop is told what a dependency said.
    let report = house.readiness.report(Reader::Operator);
    let ready = standing(report.ready, report.draining);
    let measured = Measured::new((house.measured)());
    let batches = measured.sizes("souk_order_commit_batch_size");
    let seconds = measured.sizes("souk_order_commit_seconds");
    let answers = measured.sizes_where("souk_http_request_seconds", ("door", "shop"));
    let flashes = [
        ("made", "The backup is made, and its books balance."),
        (
            "running",
            "The backup is being made. It is in the list when it is done.",
        ),
    ];
    let mut sheet = Sheet::new(say("System")).says(&sentence_of(flash, &flashes));
    if let ("failed", Some(why)) = (flash, &copies.failed) {
        sheet.said.alert = say!("No backup was made: {}.", why);
    }
    sheet
        .with([Block::Table(
            "What it depends on".to_owned(),
            checks(&report.checks),
        )])
        .with(alike(house).await)
        .with([
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
            Block::Chart(of_sizes(
                "How long people wait for an answer",
                "requests by their seconds",
                &answers,
            )),
        ])
        .with(copies.main)
        .beside([
            Block::Facts("This process".to_owned(), facts(house, ready)),
            Block::Facts("The books".to_owned(), books(&measured)),
        ])
        .beside(copies.side)
        .beside([Block::Links(vec![
            ("Verify the books now".to_owned(), "/admin/books".to_owned()),
            (
                "Events that were not taken".to_owned(),
                "/admin/developers".to_owned(),
            ),
            ("How it is set".to_owned(), "/admin/settings".to_owned()),
        ])])
}

/// The nodes that share the database, this one among them: all of them show the same.
async fn alike(house: &House) -> Option<Block> {
    let found = house.neighbours.as_ref()?.nodes().await;
    let row = |node: &Neighbour| {
        vec![
            Cell::code(&node.address),
            Cell::code(&node.version),
            Cell::text(node.target.as_str()),
            Cell::when(node.since),
            Cell::when(node.seen),
        ]
    };
    let rows = match &found {
        Ok(nodes) => nodes.iter().map(row).collect(),
        Err(error) => {
            tracing::warn!(error = %error, "a page goes out without the nodes");
            Vec::new()
        }
    };
    let table = Table {
        caption: "Nodes that share the database, as it sees them",
        columns: columns(&["Address", "Release", "Runs", "Connected since", "Last seen"]),
        rows,
        empty: "The database does not say just now who is connected.".to_owned(),
        ..Table::default()
    };
    Some(Block::Table("Nodes".to_owned(), table))
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
        empty: "This process asks no other: all parts that it needs run in it.".to_owned(),
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

/// How the shop is, in a few words: whether it takes work, and what is not well.
pub(super) fn condition(house: &House) -> Block {
    let report = house.readiness.report(Reader::Operator);
    let unwell = report
        .checks
        .iter()
        .filter(|seen| seen.state != Health::Well);
    let mut facts = vec![("Now".to_owned(), standing(report.ready, report.draining))];
    facts.extend(unwell.map(|seen| (seen.name.to_owned(), health(seen.state))));
    let more = Cell::link(say("all of it"), "/admin/system");
    facts.push(("The system".to_owned(), more));
    Block::Facts("How the shop is".to_owned(), facts)
}

/// Whether it takes work.
fn standing(is_ready: bool, is_draining: bool) -> Cell {
    match (is_ready, is_draining) {
        (_, true) => Cell::Badge("Stops".to_owned(), "low"),
        (true, false) => Cell::Badge("Takes work".to_owned(), "paid"),
        (false, false) => Cell::Badge("Takes no work".to_owned(), "low"),
    }
}

fn health(state: Health) -> Cell {
    match state {
        Health::Unknown => Cell::Badge("Not known yet".to_owned(), "pending"),
        Health::Well => Cell::Badge("Well".to_owned(), "paid"),
        Health::Failing => Cell::Badge("Failing".to_owned(), "low"),
    }
}

fn checks(checks: &[Seen]) -> Table {
    let row = |seen: &Seen| {
        let need = if seen.required {
            "cannot do without"
        } else {
            "goes on without"
        };
        vec![
            Cell::text(seen.name),
            health(seen.state),
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
