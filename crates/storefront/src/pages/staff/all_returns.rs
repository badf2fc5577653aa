//! What comes back, of all orders: tabs with counters, and pages. A return is answered and received on the page of its
//! order, to which each row leads.

use super::{
    Desk, Fault, ROWS, Sheet, Who, api, csv,
    parts::{Block, Cell, Pages, Tab, Table, columns, counter, together},
    returns::what_of,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    orders::{OrderFigures, ReturnStatus, ReturnView},
    values::Page,
};
use platform::http::Query;
use serde::Deserialize;

const HERE: &str = "/admin/returns";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    status: String,
    cursor: String,
    trail: String,
}

/// The tabs, in the order of a return's life.
const TABS: [(ReturnStatus, &str); 5] = [
    (ReturnStatus::Requested, "To answer"),
    (ReturnStatus::Approved, "To receive"),
    (ReturnStatus::Received, "Money under way"),
    (ReturnStatus::Refunded, "Refunded"),
    (ReturnStatus::Refused, "Refused"),
];

/// GET `/admin/returns`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "returns";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let table = table(desk, &self).await?;
        Ok(Sheet::new(say("Returns")).with([Block::Table(String::new(), table)]))
    }
}

async fn sheet(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let figures: OrderFigures = desk.ask().get(&api("orders/figures", &[])).await?;
    let table = table(desk, &wish).await?;
    Ok(Sheet::new(say("Returns")).with([
        Block::Tabs("Returns by where they stand", tabs(&figures, &wish)),
        Block::Table(String::new(), table),
    ]))
}

/// A status that there is: an old address is no mistake of whoever follows it.
fn known(status: &str) -> Option<ReturnStatus> {
    status.parse().ok()
}

/// How many returns stand so; nothing where nobody tells.
pub(super) fn count_of(figures: &OrderFigures, status: ReturnStatus) -> Option<String> {
    let found = figures.returns.iter().find(|count| count.status == status);
    found.map(|count| counter(count.count, count.is_more))
}

fn tabs(figures: &OrderFigures, wish: &Wish) -> Vec<Tab> {
    let current = known(&wish.status);
    let all = Tab {
        title: "All".to_owned(),
        href: HERE.to_owned(),
        count: together(figures.returns.iter().map(|one| (one.count, one.is_more))),
        is_current: current.is_none(),
    };
    let rest = TABS.iter().map(|(status, title)| Tab {
        title: (*title).to_owned(),
        href: view::address(HERE, &[("status", status.as_str())]),
        count: count_of(figures, *status).unwrap_or_default(),
        is_current: current == Some(*status),
    });
    [all].into_iter().chain(rest).collect()
}

async fn table(desk: Desk<'_>, wish: &Wish) -> Result<Table, Fault> {
    let status = known(&wish.status);
    let asked = [
        ("status", status.map_or("", ReturnStatus::as_str)),
        ("cursor", &wish.cursor),
        ("limit", ROWS),
    ];
    let found: Page<ReturnView> = desk.ask().get(&api("returns", &asked)).await?;
    let kept = [("status", wish.status.as_str())];
    let table = Table {
        caption: "What comes back, newest first",
        columns: columns(&[
            "Order",
            "#Return",
            "Asked for",
            "What",
            "Why",
            "Status",
            "Last moved",
        ]),
        rows: found.data.iter().map(row).collect(),
        empty: empty(status),
        ..Table::default()
    };
    let pages = Pages {
        asked: &wish.cursor,
        trail: &wish.trail,
        next: found.next_cursor.as_ref(),
    };
    Ok(table.paged(HERE, &kept, pages).filed(HERE, &kept))
}

fn empty(status: Option<ReturnStatus>) -> String {
    let words = match status {
        None => {
            "Nothing comes back. Whatever was sent may be brought back: its buyer asks by the API, you on the \
             order's page."
        }
        Some(ReturnStatus::Requested) => "Nobody waits for an answer.",
        Some(_) => "No return stands so. Look at all of them.",
    };
    words.to_owned()
}

fn row(one: &ReturnView) -> Vec<Cell> {
    let order = format!("/admin/orders/{}", one.order_id);
    vec![
        Cell::link(one.order_number.to_string(), order),
        Cell::number(one.number),
        Cell::when(one.created_at),
        Cell::text(what_of(one)),
        Cell::text(one.reason.clone()),
        Cell::status(one.status.as_str()),
        Cell::when(one.updated_at),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_tab() {
        for status in ReturnStatus::ALL {
            let found = TABS.iter().filter(|(tab, _)| *tab == status);
            assert_eq!(found.count(), 1, "{status:?}");
        }
    }
}
