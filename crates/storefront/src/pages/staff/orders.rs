//! All orders: tabs with counters, a search by number or address, pages, and sending many at once.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, api, csv,
    fields::Fields,
    parts::{Block, Cell, Form, Pages, Search, Tab, Table, columns, counter, together},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{Form as Sent, extract::State, http::Method, response::Response};
use contracts::{
    identity::UserView,
    orders::{OrderFigures, OrderStatus, OrderView},
    values::{Email, OrderId, Page, UserId},
};
use futures_util::future::join_all;
use platform::http::Query;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const HERE: &str = "/admin/orders";
/// Orders that are sent with one form: a page of them.
const BULK_MAX: usize = 25;

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    status: String,
    customer: String,
    q: String,
    cursor: String,
    trail: String,
    shipped: String,
    refused: String,
}

/// The tabs, in the order of an order's life.
const TABS: [(OrderStatus, &str); 6] = [
    (OrderStatus::Pending, "To pay"),
    (OrderStatus::Paid, "To ship"),
    (OrderStatus::Shipped, "Shipped"),
    (OrderStatus::Delivered, "Delivered"),
    (OrderStatus::Cancelled, "Cancelled"),
    (OrderStatus::Refunded, "Refunded"),
];

/// GET `/admin/orders`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "orders";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let (table, _) = rows(desk, &self).await?;
        Ok(Sheet::new(say("Orders")).with([Block::Table(String::new(), table)]))
    }
}

/// The orders of a page; and why a search finds none.
async fn rows(desk: Desk<'_>, wish: &Wish) -> Result<(Table, String), Fault> {
    let (found, alert) = match Sought::read(desk, wish).await? {
        Ok(sought) => (listed(desk, wish, &sought).await?, String::new()),
        Err(alert) => (
            Page {
                data: Vec::new(),
                next_cursor: None,
            },
            alert,
        ),
    };
    let names = names(desk, &found.data).await;
    Ok((table(wish, &found, &names), alert))
}

async fn sheet(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let figures: OrderFigures = desk.ask().get(&api("orders/figures", &[])).await?;
    let (table, alert) = rows(desk, &wish).await?;
    let mut sheet = Sheet::new(say("Orders")).says(&flash(&wish)).with([
        Block::Tabs("Orders by where they stand", tabs(&figures, &wish)),
        Block::Search(Search {
            action: HERE,
            label: "An order's number or a buyer's e-mail address",
            value: wish.q.clone(),
            hidden: Vec::new(),
        }),
        Block::Table(String::new(), table),
    ]);
    sheet.said.alert = alert;
    Ok(sheet)
}

/// What a search is for, in the API's own words.
#[derive(Default)]
struct Sought {
    number: String,
    customer: String,
    guest: String,
}

impl Sought {
    /// Reads a search; or says why it finds nothing.
    async fn read(desk: Desk<'_>, wish: &Wish) -> Result<Result<Self, String>, Fault> {
        let q = wish.q.trim().trim_start_matches('#');
        let sought = Self {
            customer: wish.customer.clone(),
            ..Self::default()
        };
        if q.is_empty() {
            return Ok(Ok(sought));
        }
        if q.parse::<u32>().is_ok() {
            return Ok(Ok(Self {
                number: q.to_owned(),
                ..sought
            }));
        }
        let Ok(email) = Email::parse(q) else {
            let words = say("Search by an order's number or a whole e-mail address.");
            return Ok(Err(words.to_owned()));
        };
        let path = api("users", &[("q", email.as_str()), ("limit", "5")]);
        let users: Page<UserView> = desk.ask().get(&path).await?;
        let same = |user: &UserView| {
            let known = user.email.as_ref().map(Email::as_str);
            known.is_some_and(|known| known.eq_ignore_ascii_case(email.as_str()))
        };
        Ok(Ok(match users.data.into_iter().find(same) {
            Some(user) => Self {
                customer: user.id.to_string(),
                ..sought
            },
            None => Self {
                guest: email.as_str().to_owned(),
                ..sought
            },
        }))
    }
}

async fn listed(desk: Desk<'_>, wish: &Wish, sought: &Sought) -> Result<Page<OrderView>, Fault> {
    let path = api(
        "orders",
        &[
            (
                "status",
                known(&wish.status).map_or("", OrderStatus::as_str),
            ),
            ("number", &sought.number),
            ("customer_id", &sought.customer),
            ("guest_email", &sought.guest),
            ("cursor", &wish.cursor),
            ("limit", ROWS),
        ],
    );
    desk.ask().get(&path).await
}

/// A status that there is: an old address is no mistake of whoever follows it.
fn known(status: &str) -> Option<OrderStatus> {
    status.parse().ok()
}

/// Names of those who bought, each asked for once.
async fn names(desk: Desk<'_>, orders: &[OrderView]) -> BTreeMap<String, String> {
    let ids: BTreeSet<String> = orders
        .iter()
        .filter_map(|order| order.customer_id.map(|id| id.to_string()))
        .collect();
    let named = ids.into_iter().filter_map(|text| {
        let id: UserId = text.parse().ok()?;
        Some(async move { (text, desk.name_of(id).await) })
    });
    join_all(named).await.into_iter().collect()
}

/// How many orders stand so.
pub(super) fn count_of(figures: &OrderFigures, status: OrderStatus) -> String {
    let found = figures.counts.iter().find(|count| count.status == status);
    found.map_or_else(String::new, |count| counter(count.count, count.is_more))
}

fn tabs(figures: &OrderFigures, wish: &Wish) -> Vec<Tab> {
    let current = known(&wish.status);
    let all = Tab {
        title: "All".to_owned(),
        href: HERE.to_owned(),
        count: together(figures.counts.iter().map(|one| (one.count, one.is_more))),
        is_current: current.is_none(),
    };
    let rest = TABS.iter().map(|(status, title)| Tab {
        title: (*title).to_owned(),
        href: view::address(HERE, &[("status", status.as_str())]),
        count: count_of(figures, *status),
        is_current: current == Some(*status),
    });
    [all].into_iter().chain(rest).collect()
}

fn table(wish: &Wish, found: &Page<OrderView>, names: &BTreeMap<String, String>) -> Table {
    let is_any_to_ship = found
        .data
        .iter()
        .any(|order| order.status == OrderStatus::Paid);
    let bulk = Form::new(
        "ship",
        "/admin/orders/ship",
        "Mark those that are ticked as shipped",
    );
    let kept = [
        ("status", wish.status.as_str()),
        ("customer", &wish.customer),
        ("q", &wish.q),
    ];
    Table {
        caption: "Orders, newest first",
        columns: columns(&[
            "~Send",
            "Order",
            "Placed",
            "Buyer",
            "Payment",
            "Fulfilment",
            "#Units",
            "#Total",
        ]),
        rows: found.data.iter().map(|order| row(order, names)).collect(),
        empty: empty(wish),
        bulk: is_any_to_ship.then(|| Box::new(bulk.hiding("status", &wish.status))),
        ..Table::default()
    }
    .paged(
        HERE,
        &kept,
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    )
    .filed(HERE, &kept)
}

fn empty(wish: &Wish) -> String {
    if wish.q.is_empty() && wish.status.is_empty() && wish.customer.is_empty() {
        "There are no orders yet. They appear here as soon as somebody buys.".to_owned()
    } else {
        "No such order. Look at all of them, or search for another number or address.".to_owned()
    }
}

fn row(order: &OrderView, names: &BTreeMap<String, String>) -> Vec<Cell> {
    let units = order.items.iter().fold(0_u64, |sum, line| {
        sum.saturating_add(line.quantity.get().into())
    });
    let number = order.number;
    let buyer = match order.customer_id.map(|id| id.to_string()) {
        Some(id) => Cell::link(
            names.get(&id).cloned().unwrap_or_else(|| id.clone()),
            format!("/admin/customers/{id}"),
        ),
        None => Cell::text(say("a guest")),
    };
    let pick = if order.status == OrderStatus::Paid {
        Cell::Pick(
            "order".to_owned(),
            order.id.to_string(),
            say!("Order {}", number),
        )
    } else {
        Cell::text("")
    };
    vec![
        pick,
        Cell::link(number.to_string(), format!("{HERE}/{}", order.id)),
        Cell::when(order.created_at),
        buyer,
        is_paid(order.status),
        is_sent(order.status),
        Cell::number(units),
        Cell::Number(view::money(order.total)),
    ]
}

/// How its money stands, as the order knows.
fn is_paid(status: OrderStatus) -> Cell {
    let (words, class) = match status {
        OrderStatus::Pending => ("Unpaid", "pending"),
        OrderStatus::Paid | OrderStatus::Shipped | OrderStatus::Delivered => ("Paid", "paid"),
        OrderStatus::Cancelled => ("Cancelled", "cancelled"),
        OrderStatus::Refunded => ("Refunded", "refunded"),
    };
    Cell::Badge(words.to_owned(), class)
}

/// How its goods stand.
fn is_sent(status: OrderStatus) -> Cell {
    let (words, class) = match status {
        OrderStatus::Paid => ("To ship", "pending"),
        OrderStatus::Shipped => ("Shipped", "shipped"),
        OrderStatus::Delivered => ("Delivered", "delivered"),
        OrderStatus::Pending | OrderStatus::Cancelled | OrderStatus::Refunded => {
            return Cell::text("");
        }
    };
    Cell::Badge(words.to_owned(), class)
}

fn flash(wish: &Wish) -> String {
    let orders = |count: u32| match count {
        1 => say("One order").to_owned(),
        count => say!("{} orders", count),
    };
    match (wish.shipped.parse::<u32>(), wish.refused.parse::<u32>()) {
        (Ok(0), Ok(0)) => say("Tick the orders that you have sent.").to_owned(),
        (Ok(shipped), Ok(0)) => say!("{} marked as shipped.", orders(shipped)),
        (Ok(shipped), Ok(refused)) => say!(
            "{} marked as shipped. {} could not be: look at them one by one.",
            orders(shipped),
            orders(refused)
        ),
        _ => String::new(),
    }
}

/// POST `/admin/orders/ship`.
pub(in crate::pages) async fn ship(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.act(Who::Admin, &fields, ship_all(desk, &fields)).await
}

/// Each for itself. One that moved on meanwhile is refused by the table of moves, and counted.
async fn ship_all(desk: Desk<'_>, fields: &Fields) -> Result<Done, Fault> {
    let (mut shipped, mut refused) = (0_u32, 0_u32);
    let nothing = json!({});
    for id in fields.all("order").take(BULK_MAX) {
        let Ok(id) = id.parse::<OrderId>() else {
            refused = refused.saturating_add(1);
            continue;
        };
        let path = api(&format!("orders/{id}/ship"), &[]);
        let sent = desk.ask().send(Method::POST, &path, (&nothing, ""));
        match sent.await {
            Ok(_) => shipped = shipped.saturating_add(1),
            Err(fault) if fault.0.code.status() < 500 => refused = refused.saturating_add(1),
            Err(fault) => return Err(fault),
        }
    }
    Ok(Done::GoTo(view::address(
        HERE,
        &[
            ("status", fields.text("status")),
            ("shipped", &shipped.to_string()),
            ("refused", &refused.to_string()),
        ],
    )))
}
