//! Payments that somebody should look at: those that wait for a person, those under way, and what does not add up with
//! the provider. An empty page is the good one, and says so. Beside them, all there are (`payments`).

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, api, csv,
    fields::Fields,
    parts::{Block, Cell, Form, LOOKED_AT, Pages, Tab, Table, at_least, columns},
    payments, sentence_of,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Form as Sent,
    extract::{Path, State},
    http::Method,
    response::Response,
};
use contracts::{
    payments::{ReviewView, SagaKind, SagaState, SagaView},
    values::Page,
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::json;

const HERE: &str = "/admin/payments";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    show: String,
    cursor: String,
    trail: String,
    flash: String,
}

impl Wish {
    /// Whether what is under way is asked for.
    fn is_open(&self) -> bool {
        self.show == "open"
    }
}

/// GET `/admin/payments`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "payments";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        Ok(Sheet::new(say("Payments")).with(lists(desk, &self).await?))
    }
}

async fn sheet(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let flashes = [(
        "retried",
        "It is taken up again. Reload this page in a moment.",
    )];
    let (all, is_open) = (payments::asked(&wish.show), wish.is_open());
    let tab = |title: &str, show: &str, count, is_current| Tab {
        title: title.to_owned(),
        href: view::address(HERE, &[("show", show)]),
        count: at_least(count),
        is_current,
    };
    let to_look_at = to_look_at(desk).await?;
    let open = unended_at_least(desk, "open").await?;
    let mut tabs = vec![
        tab("Unreconciled", "", to_look_at, !is_open && all.is_none()),
        tab("Under way", "open", open, is_open),
    ];
    tabs.extend(payments::tabs(desk, &wish.show).await?);
    Ok(Sheet::new(say("Payments"))
        .says(&sentence_of(&wish.flash, &flashes))
        .with([Block::Tabs("Payments by how they get on", tabs)])
        .with(lists(desk, &wish).await?))
}

/// How many wait for a person, and differ from the provider's books, as far as rows are counted one by one.
pub(super) async fn to_look_at(desk: Desk<'_>) -> Result<usize, Fault> {
    let parked = unended_at_least(desk, "parked").await?;
    let reviews: Page<ReviewView> = desk.ask().get(&api("payments/reviews", &[])).await?;
    Ok(parked.saturating_add(reviews.data.len()))
}

/// How many are in this state, as far as rows are counted one by one.
async fn unended_at_least(desk: Desk<'_>, state: &str) -> Result<usize, Fault> {
    let path = api("payments/sagas", &[("state", state), ("limit", LOOKED_AT)]);
    let found: Page<SagaView> = desk.ask().get(&path).await?;
    Ok(found.data.len())
}

/// What is asked for, without what it is asked for by.
async fn lists(desk: Desk<'_>, wish: &Wish) -> Result<Vec<Block>, Fault> {
    if let Some(status) = payments::asked(&wish.show) {
        return Ok(vec![payments::list(desk, status, &wish.cursor).await?]);
    }
    let is_open = wish.is_open();
    let mut lists = vec![Block::Table(
        String::new(),
        unended(desk, wish, is_open).await?,
    )];
    if !is_open {
        let reviews: Page<ReviewView> = desk.ask().get(&api("payments/reviews", &[])).await?;
        lists.push(Block::Table(
            "Differs from the provider's books".to_owned(),
            review_table(&reviews),
        ));
    }
    Ok(lists)
}

/// What is under way, or waits for a person.
async fn unended(desk: Desk<'_>, wish: &Wish, is_open: bool) -> Result<Table, Fault> {
    let path = api(
        "payments/sagas",
        &[
            ("state", if is_open { "open" } else { "parked" }),
            ("cursor", &wish.cursor),
            ("limit", ROWS),
        ],
    );
    let found: Page<SagaView> = desk.ask().get(&path).await?;
    let table = Table {
        caption: "Payments and refunds",
        columns: columns(&[
            "Order",
            "What",
            "Next step",
            "#Tries",
            "Why it waits",
            "Next try",
            "Do",
        ]),
        rows: found.data.iter().map(row).collect(),
        empty: if is_open {
            "No payment is under way.".to_owned()
        } else {
            "All is well: no payment waits for a person.".to_owned()
        },
        ..Table::default()
    };
    let pages = Pages {
        asked: &wish.cursor,
        trail: &wish.trail,
        next: found.next_cursor.as_ref(),
    };
    Ok(table.paged(HERE, &[("show", &wish.show)], pages))
}

fn row(saga: &SagaView) -> Vec<Cell> {
    let what = match saga.kind {
        SagaKind::Payment => "Payment",
        SagaKind::Refund => "Refund",
    };
    let again = Form::new(
        &format!("retry-{}", saga.id),
        format!("{HERE}/{}/retry", saga.id),
        "Try again now",
    );
    vec![
        Cell::link(say("order"), format!("/admin/orders/{}", saga.order_id)),
        Cell::text(say(what)),
        Cell::text(view::words(&saga.step)),
        Cell::number(saga.tries),
        Cell::text(saga.reason.clone().unwrap_or_default()),
        match saga.state {
            SagaState::Open => Cell::when(saga.next_try_at),
            SagaState::Parked => Cell::text(say("waits for you")),
        },
        Cell::Act(again.quiet()),
    ]
}

fn review_table(reviews: &Page<ReviewView>) -> Table {
    let row = |review: &ReviewView| {
        vec![
            Cell::number(review.number),
            Cell::when(review.at),
            Cell::text(view::words(&review.kind)),
            Cell::code(&review.subject),
            Cell::text(review.detail.clone()),
        ]
    };
    Table {
        caption: "What differs from the provider's books",
        columns: columns(&["#Number", "When", "What", "About", "In words"]),
        rows: reviews.data.iter().map(row).collect(),
        empty: "Nothing differs.".to_owned(),
        ..Table::default()
    }
}

/// POST `/admin/payments/{id}/retry`.
pub(in crate::pages) async fn retry(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let path = api(&format!("payments/sagas/{}/retry", view::encoded(&id)), &[]);
        let nothing = json!({});
        desk.ask().send(Method::POST, &path, (&nothing, "")).await?;
        Ok(Done::at(HERE, "retried"))
    };
    desk.act(Who::Admin, &fields, done).await
}
