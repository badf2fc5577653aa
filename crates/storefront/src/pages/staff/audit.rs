//! What happened to accounts, sessions and keys: everybody's, newest first. Nothing is written here.

use super::{
    Desk, Fault, ROWS, Sheet, Who, api, csv,
    parts::{Block, Cell, Pages, Search, Tab, Table, columns, told},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    identity::{SecurityEventKind, SecurityEventView, UserView},
    values::{Email, Page},
};
use platform::http::Query;
use serde::Deserialize;

const HERE: &str = "/admin/audit";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    kind: String,
    q: String,
    cursor: String,
    trail: String,
}

/// The tabs: a kind of event, and its title. Other kinds are among all of them.
const TABS: [(&str, &str); 6] = [
    ("", "All"),
    ("sign_in_refused", "Refused sign-ins"),
    ("roles_changed", "Roles"),
    ("account_disabled", "Kept out"),
    ("api_key_made", "New keys"),
    ("refresh_token_reused", "Stolen sessions"),
];

/// GET `/admin/audit`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "audit";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let (table, _) = rows(desk, &self).await?;
        Ok(Sheet::new(say("Audit log")).with([Block::Table(String::new(), table)]))
    }
}

/// The kind of a tab that there is, or all.
fn known(kind: &str) -> &'static str {
    let found = TABS.iter().find(|(known, _)| *known == kind);
    found.map_or("", |(known, _)| known)
}

/// The events of a page; and why a search finds none.
async fn rows(desk: Desk<'_>, wish: &Wish) -> Result<(Table, &'static str), Fault> {
    let kind = known(&wish.kind);
    let (found, alert) = match account(desk, wish.q.trim()).await? {
        Ok(user) => (listed(desk, (kind, &user), &wish.cursor).await?, ""),
        Err(alert) => (
            Page {
                data: Vec::new(),
                next_cursor: None,
            },
            alert,
        ),
    };
    let mut rows = Vec::with_capacity(found.data.len());
    for event in &found.data {
        rows.push(row(desk, event).await);
    }
    let table = Table {
        caption: "What happened to accounts, newest first",
        columns: columns(&["When", "What", "Whose", "By", "#Times", "From", "Request"]),
        rows,
        empty: "Nothing of this kind has happened.".to_owned(),
        ..Table::default()
    }
    .paged(
        HERE,
        &[("kind", kind), ("q", &wish.q)],
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    )
    .filed(HERE, &[("kind", kind), ("q", &wish.q)]);
    Ok((table, alert))
}

/// Kinds are counted of everybody's events: of one account's, nobody counts them.
async fn tabs(desk: Desk<'_>, wish: &Wish) -> Result<Vec<Tab>, Fault> {
    let kinds: Vec<SecurityEventKind> = TABS
        .iter()
        .filter_map(|(kind, _)| kind.parse().ok())
        .collect();
    let counts = if wish.q.trim().is_empty() {
        let counts = desk.app.identity.security_event_counts(kinds.clone());
        counts.await?
    } else {
        Vec::new()
    };
    let count = |word: &str| {
        let mut counted = kinds.iter().zip(&counts);
        let (_, count) = counted.find(|(kind, _)| kind.as_str() == word)?;
        Some(told(*count))
    };
    let tab = |(word, title): &(&str, &str)| Tab {
        title: (*title).to_owned(),
        href: view::address(HERE, &[("kind", word), ("q", &wish.q)]),
        count: count(word).unwrap_or_default(),
        is_current: *word == known(&wish.kind),
    };
    Ok(TABS.iter().map(tab).collect())
}

async fn sheet(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let (table, alert) = rows(desk, &wish).await?;
    let tabs = tabs(desk, &wish).await?;
    let mut sheet = Sheet::new(say("Audit log")).with([
        Block::Tabs("Events by what they are", tabs),
        Block::Search(Search {
            action: HERE,
            label: "A whole e-mail address",
            value: wish.q.clone(),
            hidden: vec![("kind".to_owned(), known(&wish.kind).to_owned())],
        }),
        Block::Table(String::new(), table),
    ]);
    alert.clone_into(&mut sheet.said.alert);
    Ok(sheet)
}

/// The id of the account with this address, empty where none is asked for; or why there is none.
async fn account(desk: Desk<'_>, q: &str) -> Result<Result<String, &'static str>, Fault> {
    if q.is_empty() {
        return Ok(Ok(String::new()));
    }
    let none = "Nobody has this address. Search by a whole e-mail address.";
    let Ok(email) = Email::parse(q) else {
        return Ok(Err(none));
    };
    let path = api("users", &[("q", email.as_str()), ("limit", "5")]);
    let users: Page<UserView> = desk.ask().get(&path).await?;
    let mut users = users.data.into_iter();
    let user = users.find(|user| user.email.as_ref() == Some(&email));
    Ok(user.map(|user| user.id.to_string()).ok_or(none))
}

async fn listed(
    desk: Desk<'_>,
    (kind, user): (&str, &str),
    cursor: &str,
) -> Result<Page<SecurityEventView>, Fault> {
    let path = api(
        "audit/security-events",
        &[
            ("kind", kind),
            ("user_id", user),
            ("cursor", cursor),
            ("limit", ROWS),
        ],
    );
    desk.ask().get(&path).await
}

async fn row(desk: Desk<'_>, event: &SecurityEventView) -> Vec<Cell> {
    let whose = match event.user_id {
        Some(id) => Cell::link(desk.name_of(id).await, format!("/admin/customers/{id}")),
        None => Cell::text(""),
    };
    let by = match event.actor_id {
        Some(_) if event.actor_id == event.user_id => Cell::text("themselves"),
        Some(id) => Cell::text(desk.name_of(id).await),
        None => Cell::text(view::words(event.actor.as_str())),
    };
    let what = match event.detail {
        Some(detail) => format!(
            "{}: {}",
            view::words(event.kind.as_str()),
            view::words(detail.as_str()).to_lowercase()
        ),
        None => view::words(event.kind.as_str()),
    };
    let from = event.client_address.map(|address| address.to_string());
    vec![
        Cell::when(event.last_at),
        Cell::text(what),
        whose,
        by,
        Cell::number(event.count),
        Cell::text(from.unwrap_or_default()),
        Cell::code(event.request_id.clone().unwrap_or_default()),
    ]
}
