//! Accounts: who there is, what they bought, and keeping somebody out or letting them in again.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, answered, api, csv,
    fields::Fields,
    parts::{Block, Cell, Field, Form, Pages, Search, Tab, Table, columns, told},
    sentence_of,
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
    access::Role,
    identity::{SecurityEventView, UserView},
    orders::OrderView,
    problem::{Code, Problem},
    values::{Page, UserId},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

const HERE: &str = "/admin/customers";
/// Orders and events that are shown with somebody.
const FEW: &str = "10";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    q: String,
    show: String,
    cursor: String,
    trail: String,
    flash: String,
}

/// The tabs: a word in the address, its title, and what the API calls it.
const TABS: [(&str, &str, (&str, &str)); 4] = [
    ("", "All", ("", "")),
    ("merchants", "Merchants", ("role", "merchant")),
    ("admins", "Admins", ("role", "admin")),
    ("disabled", "Disabled", ("status", "disabled")),
];

/// GET `/admin/customers`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, list(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "customers";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let (_, table) = rows(desk, &self).await?;
        Ok(Sheet::new(say("Customers")).with([Block::Table(String::new(), table)]))
    }
}

/// The word of the tab that is chosen, and its accounts.
async fn rows(desk: Desk<'_>, wish: &Wish) -> Result<(&'static str, Table), Fault> {
    let chosen = TABS.iter().find(|(word, ..)| *word == wish.show);
    let (current, _, only) = chosen.copied().unwrap_or(("", "", ("", "")));
    let path = api(
        "users",
        &[
            only,
            ("q", wish.q.trim()),
            ("cursor", &wish.cursor),
            ("limit", ROWS),
        ],
    );
    let found: Page<UserView> = desk.ask().get(&path).await?;
    let table = Table {
        caption: "Accounts, newest first",
        columns: columns(&["Who", "E-mail", "May", "Status", "Since"]),
        rows: found.data.iter().map(row).collect(),
        empty: "Nobody. An account is found by how its address or name begins.".to_owned(),
        ..Table::default()
    }
    .paged(
        HERE,
        &[("show", &wish.show), ("q", &wish.q)],
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    )
    .filed(HERE, &[("show", &wish.show), ("q", &wish.q)]);
    Ok((current, table))
}

async fn list(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let (current, table) = rows(desk, &wish).await?;
    let counts = desk.app.identity.user_counts().await?;
    let tabs = TABS.iter().map(|(word, title, _)| Tab {
        title: (*title).to_owned(),
        href: view::address(HERE, &[("show", word)]),
        count: told(match *word {
            "merchants" => counts.merchants,
            "admins" => counts.admins,
            "disabled" => counts.disabled,
            _ => counts.all,
        }),
        is_current: *word == current,
    });
    Ok(Sheet::new(say("Customers")).with([
        Block::Tabs("Accounts by what they are", tabs.collect()),
        Block::Search(Search {
            action: HERE,
            label: "How an address or a name begins",
            value: wish.q.clone(),
            hidden: vec![("show".to_owned(), current.to_owned())],
        }),
        Block::Table(String::new(), table),
    ]))
}

fn row(user: &UserView) -> Vec<Cell> {
    vec![
        Cell::link(called(user), format!("{HERE}/{}", user.id)),
        Cell::text(address(user)),
        Cell::text(roles(user)),
        standing(user),
        Cell::when(user.created_at),
    ]
}

fn address(user: &UserView) -> String {
    let email = user.email.as_ref().map(|email| email.as_str().to_owned());
    email.unwrap_or_default()
}

fn called(user: &UserView) -> String {
    let name = user.name.clone().filter(|name| !name.is_empty());
    let username = user.username.as_ref().map(|name| name.as_str().to_owned());
    let email = Some(address(user)).filter(|email| !email.is_empty());
    name.or(username)
        .or(email)
        .unwrap_or_else(|| say("somebody").to_owned())
}

fn roles(user: &UserView) -> String {
    let words: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
    words.join(", ")
}

fn standing(user: &UserView) -> Cell {
    match user.disabled_at {
        Some(_) => Cell::Badge("Disabled".to_owned(), "cancelled"),
        None => Cell::Badge("Active".to_owned(), "paid"),
    }
}

const FLASHES: &[(&str, &str)] = &[
    (
        "disabled",
        "They are kept out: all their sessions have ended.",
    ),
    ("enabled", "They may sign in again."),
    (
        "reset",
        "A mail with a link for another password is on its way.",
    ),
    ("ended", "All their sessions have ended."),
    ("raised", "What they may do is changed."),
];

/// GET `/admin/customers/{id}`.
pub(in crate::pages) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = sheet(desk, read(&id)?, None).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Admin, sheet).await
}

fn read(id: &str) -> Result<UserId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

async fn sheet(
    desk: Desk<'_>,
    id: UserId,
    refused: Option<(&str, &Problem, &Fields)>,
) -> Result<Sheet, Fault> {
    let ask = desk.ask();
    let user: UserView = ask.get(&api(&format!("users/{id}"), &[])).await?;
    let text = id.to_string();
    let path = api("orders", &[("customer_id", &text), ("limit", FEW)]);
    let orders: Page<OrderView> = ask.get(&path).await?;
    let path = api(
        "audit/security-events",
        &[("user_id", &text), ("limit", FEW)],
    );
    let events: Page<SecurityEventView> = ask.get(&path).await?;
    let forms = forms(&user).into_iter().map(|form| match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    });
    let sheet = Sheet::new(called(&user))
        .below("Customers", HERE)
        .refused(refused.map(|(_, problem, _)| problem))
        .with([
            Block::Table("Newest orders".to_owned(), bought(&orders)),
            Block::Links(vec![(
                "All their orders".to_owned(),
                view::address("/admin/orders", &[("customer", &text)]),
            )]),
            Block::Table("Sign-ins and the like".to_owned(), happened(&events)),
        ])
        .beside([facts(&user)])
        .beside(forms.map(Block::Form));
    Ok(sheet)
}

fn facts(user: &UserView) -> Block {
    Block::Facts(
        "The account".to_owned(),
        vec![
            ("E-mail".to_owned(), Cell::text(address(user))),
            ("Verified".to_owned(), Cell::maybe_when(user.verified_at)),
            ("Status".to_owned(), standing(user)),
            ("May".to_owned(), Cell::text(roles(user))),
            ("Since".to_owned(), Cell::when(user.created_at)),
            ("Id".to_owned(), Cell::code(user.id)),
        ],
    )
}

fn bought(orders: &Page<OrderView>) -> Table {
    let row = |order: &OrderView| {
        vec![
            Cell::link(
                order.number.to_string(),
                format!("/admin/orders/{}", order.id),
            ),
            Cell::when(order.created_at),
            Cell::status(order.status.as_str()),
            Cell::Number(view::money(order.total)),
        ]
    };
    Table {
        caption: "Newest orders",
        columns: columns(&["Order", "Placed", "Status", "#Total"]),
        rows: orders.data.iter().map(row).collect(),
        empty: "They have not ordered anything yet.".to_owned(),
        ..Table::default()
    }
}

fn happened(events: &Page<SecurityEventView>) -> Table {
    let row = |event: &SecurityEventView| {
        let from = event.client_address.map(|address| address.to_string());
        vec![
            Cell::when(event.last_at),
            Cell::text(view::words(event.kind.as_str())),
            Cell::number(event.count),
            Cell::text(from.unwrap_or_default()),
        ]
    };
    Table {
        caption: "What happened to the account",
        columns: columns(&["When", "What", "#Times", "From"]),
        rows: events.data.iter().map(row).collect(),
        empty: "Nothing is known.".to_owned(),
        ..Table::default()
    }
}

fn forms(user: &UserView) -> Vec<Form> {
    let at = |verb: &str| format!("{HERE}/{}/{verb}", user.id);
    let version = user.version.get();
    let standing = match user.disabled_at {
        None => Form::new("disable", at("disable"), "Keep them out")
            .headed("Keep them out")
            .confirmed("End all their sessions; orders and payments go on"),
        Some(_) => Form::new("enable", at("enable"), "Let them in").headed("Let them in again"),
    };
    let has = |role| user.roles.contains(&role);
    vec![
        Form::new("reset", at("reset"), "Send a link")
            .headed("Another password")
            .folded()
            .quiet(),
        Form::new("end", at("end"), "End all sessions")
            .headed("Sign them out everywhere")
            .folded()
            .quiet(),
        Form::new("roles", at("roles"), "Change what they may")
            .headed("What they may do")
            .folded()
            .with([
                Field::check("merchant", "Sell", has(Role::Merchant)),
                Field::check("admin", "Run the shop", has(Role::Admin)),
            ])
            .hiding("version", version),
        standing.hiding("version", version),
    ]
}

/// What a button asks of the API: its method, the rest of the address, the body.
type Wanted = (Method, &'static str, Result<Value, Fault>);

fn wanted(verb: &str, fields: &Fields) -> Result<Wanted, Fault> {
    let version = fields.number("version")?;
    let status = |word: &str| json!({"status": word, "version": version});
    Ok(match verb {
        "disable" => {
            let body = fields.confirmed().map(|()| status("disabled"));
            (Method::PUT, "/status", body)
        }
        "enable" => (Method::PUT, "/status", Ok(status("active"))),
        "reset" => (Method::POST, "/password-reset", Ok(json!({}))),
        "end" => (Method::DELETE, "/sessions", Ok(json!({}))),
        "roles" => {
            let mut roles = vec![Role::Customer];
            roles.extend(fields.is_ticked("merchant").then_some(Role::Merchant));
            roles.extend(fields.is_ticked("admin").then_some(Role::Admin));
            let body = json!({"roles": roles, "version": version});
            (Method::PATCH, "", Ok(body))
        }
        _ => return Err(Fault::new(Code::NotFound)),
    })
}

/// POST `/admin/customers/{id}/{verb}`.
pub(in crate::pages) async fn act(
    State(app): State<App>,
    visit: Visit,
    Path((id, verb)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.act(Who::Admin, &fields, done(desk, (&id, &verb), &fields))
        .await
}

async fn done(desk: Desk<'_>, (id, verb): (&str, &str), fields: &Fields) -> Result<Done, Fault> {
    let id = read(id)?;
    let (method, rest, body) = wanted(verb, fields)?;
    let path = api(&format!("users/{id}{rest}"), &[]);
    let sent = match body {
        Ok(body) => desk.ask().send(method, &path, (&body, "")).await.map(drop),
        Err(fault) => Err(fault),
    };
    let flash = match verb {
        "disable" => "disabled",
        "enable" => "enabled",
        "reset" => "reset",
        "end" => "ended",
        _ => "raised",
    };
    let to = Done::at(&format!("{HERE}/{id}"), flash);
    answered(sent, to, |problem| async move {
        sheet(desk, id, Some((verb, &problem, fields))).await
    })
    .await
}
