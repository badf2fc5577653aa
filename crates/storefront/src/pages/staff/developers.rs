//! For those who connect programs to the shop: their keys, and the events that were told of late. Webhooks are
//! `hooks`'.

use super::{
    Desk, Done, Fault, Sheet, Who, api,
    fields::{Fields, invalid},
    hooks, mendable,
    parts::{Block, Cell, Field, Form, Table, columns},
    product_fields::moment,
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
    event::DeadEventView,
    identity::ApiKeyView,
    problem::{Code, Problem},
    scopes::Scope,
    values::Page,
    webhooks::{EventView, FeedPage, WebhookView},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const HERE: &str = "/admin/developers";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
    after: String,
}

const FLASHES: &[(&str, &str)] = &[
    (
        "revoked",
        "The key has ended, on every node within seconds.",
    ),
    ("deleted", "The webhook and its log are gone."),
    ("redriven", "The event is on its way again."),
];

/// What was made and is shown this once.
#[derive(Deserialize)]
struct Made {
    secret: Option<String>,
}

/// GET `/admin/developers`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = sheet(desk, None).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Admin, sheet).await
}

pub(super) async fn sheet(
    desk: Desk<'_>,
    refused: Option<(&str, &Problem, &Fields)>,
) -> Result<Sheet, Fault> {
    let ask = desk.ask();
    let keys: Page<ApiKeyView> = ask.get(&api("api-keys", &[("limit", "100")])).await?;
    let webhooks: Page<WebhookView> = ask.get(&api("webhooks", &[])).await?;
    let dead: Page<DeadEventView> = ask.get(&api("events/dead", &[])).await?;
    let mend = |form: Form| match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    };
    Ok(Sheet::new(say("Developers"))
        .refused(refused.map(|(_, problem, _)| problem))
        .with([
            Block::Links(vec![
                ("The API in words".to_owned(), "/docs".to_owned()),
                (
                    "The API as a document".to_owned(),
                    "/openapi.json".to_owned(),
                ),
                (
                    "Events, as programs read them".to_owned(),
                    format!("{HERE}/events"),
                ),
                (
                    "What programs asked for last".to_owned(),
                    format!("{HERE}/requests"),
                ),
            ]),
            Block::Table("Your API keys".to_owned(), key_table(&keys.data)),
            Block::Table("Webhooks".to_owned(), hooks::table(&webhooks.data)),
            Block::Table(
                "Events that were not taken".to_owned(),
                dead_table(&dead.data),
            ),
        ])
        .beside([
            Block::Form(mend(key_form())),
            Block::Form(mend(hooks::new_form())),
        ]))
}

fn key_table(keys: &[ApiKeyView]) -> Table {
    let row = |key: &ApiKeyView| {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let revoke = Form::new(
            &format!("revoke-{}", key.id),
            format!("{HERE}/keys/{}/revoke", key.id),
            "End it",
        )
        .headed("End it")
        .with([Field::check("confirm", "For good", false).required()]);
        vec![
            Cell::text(key.name.clone()),
            Cell::text(scopes.join(", ")),
            Cell::maybe_when(key.last_used_at),
            Cell::maybe_when(key.expires_at),
            match key.revoked_at {
                Some(at) => Cell::when(at),
                None => Cell::Act(revoke.quiet()),
            },
        ]
    };
    Table {
        caption: "Your API keys, newest first",
        columns: columns(&["Name", "For", "Last used", "Ends", "Ended"]),
        rows: keys.iter().map(row).collect(),
        empty: "No keys. A key lets a program do what you may, within scopes.".to_owned(),
        ..Table::default()
    }
}

fn dead_table(events: &[DeadEventView]) -> Table {
    let row = |event: &DeadEventView| {
        let again = Form::new(
            &format!("redrive-{}", event.id),
            format!(
                "{HERE}/dead/{}/redrive",
                view::encoded(&event.id.to_string())
            ),
            "Send on again",
        );
        vec![
            Cell::maybe_when(event.happened_at),
            Cell::text(event.name.clone().unwrap_or_default()),
            Cell::text(event.consumer.clone().unwrap_or_default()),
            Cell::text(event.reason.clone()),
            Cell::Act(again.quiet()),
        ]
    };
    Table {
        caption: "Events that were not taken",
        columns: columns(&["When", "What", "By whom", "Why", "Do"]),
        rows: events.iter().map(row).collect(),
        empty: "All events were taken.".to_owned(),
        ..Table::default()
    }
}

fn key_form() -> Form {
    let scopes = Scope::ALL
        .iter()
        .map(|scope| Field::check(&format!("scope.{}", scope.as_str()), scope.as_str(), false));
    Form::new("key", format!("{HERE}/keys"), "Make the key")
        .headed("Make an API key")
        .folded()
        .with([
            Field::new("text", "name", "What it is for", "").required(),
            Field::new("datetime-local", "expires_at", "Ends (UTC)", "").hint("Never, when empty"),
        ])
        .with(scopes)
        .with([
            Field::new("password", "password", "Your password", "").required(),
            Field::new("text", "code", "Code", "").hint("If your account asks for one"),
        ])
}

/// POST `/admin/developers/keys`.
pub(in crate::pages) async fn make_key(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let body = json!({
            "name": fields.text("name"),
            "scopes": fields.below("scope.").map(|(scope, _)| scope).collect::<Vec<_>>(),
            "expires_at": moment(fields.text("expires_at")),
            "password": fields.text("password"),
            "code": fields.given("code"),
        });
        made(desk, ("key", "api-keys", "The key"), (&body, &fields)).await
    };
    desk.act(Who::Admin, &fields, done).await
}

/// Makes something with a secret, and shows that once: a reload of the page shows no secret any more.
pub(super) async fn made(
    desk: Desk<'_>,
    (form, path, called): (&str, &str, &str),
    (body, fields): (&Value, &Fields),
) -> Result<Done, Fault> {
    let key = fields.text("key");
    match desk
        .ask()
        .send(Method::POST, &api(path, &[]), (body, key))
        .await
    {
        Ok(reply) => {
            let made: Made = reply.read()?;
            let mut sheet = sheet(desk, None).await?;
            let secret = made.secret.map_or_else(
                || {
                    let words =
                        "It was made before, by the same form; its secret is not shown again.";
                    Block::Text(String::new(), vec![words.to_owned()])
                },
                |secret| Block::Secret(called.to_owned(), secret),
            );
            sheet.main.insert(0, secret);
            Ok(Done::Show(Box::new(sheet)))
        }
        Err(fault) => {
            // A wrong password is a wrong field here, and no sign-out.
            let fault = if fault.0.code == Code::InvalidCredentials {
                invalid("password", "is wrong")
            } else {
                fault
            };
            let problem = mendable(fault)?;
            let sheet = sheet(desk, Some((form, &problem, fields))).await?;
            Ok(Done::Show(Box::new(sheet)))
        }
    }
}

/// POST `/admin/developers/keys/{id}/revoke`.
pub(in crate::pages) async fn revoke(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        fields.confirmed()?;
        let path = api(&format!("api-keys/{}", view::encoded(&id)), &[]);
        desk.ask().delete(&path).await?;
        Ok(Done::at(HERE, "revoked"))
    };
    desk.act(Who::Admin, &fields, done).await
}

/// POST `/admin/developers/dead/{id}/redrive`.
pub(in crate::pages) async fn redrive(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let path = api(&format!("events/dead/{}/redrive", view::encoded(&id)), &[]);
        let nothing = json!({});
        desk.ask().send(Method::POST, &path, (&nothing, "")).await?;
        Ok(Done::at(HERE, "redriven"))
    };
    desk.act(Who::Admin, &fields, done).await
}

/// GET `/admin/developers/events`.
pub(in crate::pages) async fn events(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let path = api("events", &[("after", &wish.after), ("limit", "50")]);
        let feed: FeedPage = desk.ask().get(&path).await?;
        let row = |event: &EventView| {
            vec![
                Cell::number(event.sequence),
                Cell::when(event.created_at),
                Cell::text(event.kind.as_str()),
                Cell::code(&event.data),
            ]
        };
        let here = format!("{HERE}/events");
        let is_more = !feed.data.is_empty();
        let table = Table {
            caption: "Events in their order",
            columns: columns(&["#Sequence", "When", "Type", "What it tells"]),
            rows: feed.data.iter().map(row).collect(),
            empty: "No event yet behind this one. They are kept for some days.".to_owned(),
            first: if wish.after.is_empty() {
                String::new()
            } else {
                here.clone()
            },
            next: if is_more {
                view::address(&here, &[("after", &feed.next_after.to_string())])
            } else {
                String::new()
            },
            ..Table::default()
        };
        Ok(Sheet::new(say("Events"))
            .below("Developers", HERE)
            .with([Block::Table(String::new(), table)]))
    };
    desk.show(Who::Admin, sheet).await
}
