//! Webhooks: who is told of events, how that went, and telling again.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, api,
    developers::{self, HERE},
    fields::Fields,
    mendable,
    parts::{Block, Cell, Field, Form, Pages, Tab, Table, columns, counter},
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
    problem::{Code, Problem},
    values::{Page, WebhookId},
    webhooks::{DeliveryStatus, DeliveryView, EventType, WebhookStatus, WebhookView},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    show: String,
    cursor: String,
    trail: String,
    flash: String,
}

const FLASHES: &[(&str, &str)] = &[
    (
        "pinged",
        "A ping is on its way. Reload this page to see what came of it.",
    ),
    ("replayed", "What was asked for is told again."),
    ("again", "It is delivered once more."),
    (
        "enabled",
        "It is told of events again, and of what it missed.",
    ),
    ("disabled", "It is told of nothing until you enable it."),
];

/// Types that somebody may ask for; a ping comes to whoever is asked.
fn types() -> impl Iterator<Item = &'static EventType> {
    let all = EventType::ALL.iter();
    all.filter(|kind| **kind != EventType::WebhookPing)
}

pub(super) fn table(webhooks: &[WebhookView]) -> Table {
    let row = |webhook: &WebhookView| {
        vec![
            Cell::link(
                webhook.url.clone(),
                format!("{HERE}/webhooks/{}", webhook.id),
            ),
            Cell::text(told(webhook)),
            standing(webhook),
        ]
    };
    Table {
        caption: "Webhooks",
        columns: columns(&["Address", "Told of", "Status"]),
        rows: webhooks.iter().map(row).collect(),
        empty: "No webhooks. One is told of events as they happen.".to_owned(),
        ..Table::default()
    }
}

fn told(webhook: &WebhookView) -> String {
    let types: Vec<&str> = webhook.types.iter().map(|kind| kind.as_str()).collect();
    if types.is_empty() {
        say("everything").to_owned()
    } else {
        types.join(", ")
    }
}

fn standing(webhook: &WebhookView) -> Cell {
    match (webhook.status, webhook.failing_since) {
        (WebhookStatus::Disabled, _) => Cell::Badge("Disabled".to_owned(), "cancelled"),
        (WebhookStatus::Enabled, Some(_)) => Cell::Badge("Failing".to_owned(), "low"),
        (WebhookStatus::Enabled, None) => Cell::Badge("Enabled".to_owned(), "paid"),
    }
}

pub(super) fn new_form() -> Form {
    let types = types().map(|kind| {
        let word = kind.as_str();
        Field::check(&format!("type.{word}"), word, false)
    });
    Form::new("webhook", format!("{HERE}/webhooks"), "Make the webhook")
        .headed("Make a webhook")
        .folded()
        .with([
            Field::new("url", "url", "Address", "")
                .required()
                .hint("https, and of a host that is not inside"),
            Field::new("text", "description", "What it is for", ""),
        ])
        .with(types)
}

/// POST `/admin/developers/webhooks`.
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let body = json!({
        "url": fields.text("url"),
        "description": fields.text("description"),
        "types": fields.below("type.").map(|(kind, _)| kind).collect::<Vec<_>>(),
    });
    let made = ("webhook", "webhooks", "What its signatures are made with");
    let done = developers::made(desk, made, (&body, &fields));
    desk.act(Who::Admin, &fields, done).await
}

/// GET `/admin/developers/webhooks/{id}`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = sheet(desk, read(&id)?, (&wish, None)).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Admin, sheet).await
}

fn read(id: &str) -> Result<WebhookId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

const TABS: [(&str, &str); 4] = [
    ("", "All"),
    ("pending", "Waiting"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
];

async fn sheet(
    desk: Desk<'_>,
    id: WebhookId,
    (wish, refused): (&Wish, Option<(&str, &Problem, &Fields)>),
) -> Result<Sheet, Fault> {
    let webhook: WebhookView = desk.ask().get(&api(&format!("webhooks/{id}"), &[])).await?;
    let known = TABS.iter().find(|(word, _)| *word == wish.show);
    let show = known.map_or("", |(word, _)| word);
    let path = api(
        &format!("webhooks/{id}/deliveries"),
        &[("status", show), ("cursor", &wish.cursor), ("limit", ROWS)],
    );
    let found: Page<DeliveryView> = desk.ask().get(&path).await?;
    let here = format!("{HERE}/webhooks/{id}");
    // An earlier release counts none.
    let count = |word: &str| {
        let counts = webhook.deliveries?;
        let all = counts.pending.saturating_add(counts.delivered);
        let count = match word {
            "pending" => counts.pending,
            "delivered" => counts.delivered,
            "failed" => counts.failed,
            _ => all.saturating_add(counts.failed),
        };
        Some(counter(count, false))
    };
    let tabs = TABS.iter().map(|(word, title)| Tab {
        title: (*title).to_owned(),
        href: view::address(&here, &[("show", word)]),
        count: count(word).unwrap_or_default(),
        is_current: *word == show,
    });
    let table = Table {
        caption: "Deliveries, newest first",
        columns: columns(&[
            "When", "Event", "Status", "#Tries", "Answer", "Next try", "Do",
        ]),
        rows: found.data.iter().map(|one| row(&here, one)).collect(),
        empty: "Nothing was delivered yet. Ping it to see whether it hears.".to_owned(),
        ..Table::default()
    }
    .paged(
        &here,
        &[("show", show)],
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    );
    let forms = forms(&here, &webhook)
        .into_iter()
        .map(|form| match refused {
            Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
            Some(_) | None => form,
        });
    Ok(Sheet::new(say("Webhook"))
        .below("Developers", HERE)
        .refused(refused.map(|(_, problem, _)| problem))
        .with([
            Block::Tabs("Deliveries by how they went", tabs.collect()),
            Block::Table(String::new(), table),
        ])
        .beside([facts(&webhook)])
        .beside(forms.map(Block::Form)))
}

fn row(here: &str, delivery: &DeliveryView) -> Vec<Cell> {
    let class = match delivery.status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "paid",
        DeliveryStatus::Failed => "low",
    };
    let answer = delivery.answer_status.map(|status| status.to_string());
    let again = Form::new(
        &format!("again-{}", delivery.id),
        format!("{here}/deliveries/{}/again", delivery.id),
        "Once more",
    );
    vec![
        Cell::when(delivery.created_at),
        Cell::text(delivery.event.kind.as_str()),
        Cell::Badge(view::words(delivery.status.as_str()), class),
        Cell::number(delivery.tries),
        Cell::text(
            answer
                .or_else(|| delivery.error.clone())
                .unwrap_or_default(),
        ),
        Cell::maybe_when(delivery.next_try_at),
        Cell::Act(again.quiet()),
    ]
}

fn facts(webhook: &WebhookView) -> Block {
    Block::Facts(
        "The webhook".to_owned(),
        vec![
            ("Address".to_owned(), Cell::code(&webhook.url)),
            ("For".to_owned(), Cell::text(webhook.description.clone())),
            ("Told of".to_owned(), Cell::text(told(webhook))),
            ("Status".to_owned(), standing(webhook)),
            (
                "Why it is disabled".to_owned(),
                Cell::text(webhook.disabled_reason.clone().unwrap_or_default()),
            ),
            (
                "Fails since".to_owned(),
                Cell::maybe_when(webhook.failing_since),
            ),
            ("Told up to".to_owned(), Cell::number(webhook.told_sequence)),
            ("Made".to_owned(), Cell::when(webhook.created_at)),
        ],
    )
}

fn forms(here: &str, webhook: &WebhookView) -> Vec<Form> {
    let version = webhook.version.get();
    let at = |verb: &str| format!("{here}/{verb}");
    let switch = match webhook.status {
        WebhookStatus::Enabled => Form::new("disable", at("disable"), "Disable it")
            .headed("Tell it of nothing")
            .folded()
            .quiet(),
        WebhookStatus::Disabled => {
            Form::new("enable", at("enable"), "Enable it").headed("Tell it again")
        }
    };
    vec![
        Form::new("ping", at("ping"), "Ping it").headed("Does it hear?"),
        Form::new("replay", at("replay"), "Tell it again")
            .headed("Tell it of what was")
            .folded()
            .with([Field::new("datetime-local", "since", "Since (UTC)", "").required()]),
        switch.hiding("version", version),
        Form::new("delete", at("delete"), "Delete it")
            .headed("Delete it")
            .hiding("version", version)
            .confirmed("Delete it and its log for good"),
    ]
}

/// POST `/admin/developers/webhooks/{id}/{verb}`.
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
    match send(desk, (id, verb), fields).await {
        Ok(()) if verb == "delete" => Ok(Done::at(HERE, "deleted")),
        Ok(()) => {
            let flash = match verb {
                "ping" => "pinged",
                "replay" => "replayed",
                "enable" => "enabled",
                _ => "disabled",
            };
            Ok(Done::at(&format!("{HERE}/webhooks/{id}"), flash))
        }
        Err(fault) => {
            let problem = mendable(fault)?;
            let refused = Some((verb, &problem, fields));
            let sheet = sheet(desk, id, (&Wish::default(), refused)).await?;
            Ok(Done::Show(Box::new(sheet)))
        }
    }
}

async fn send(desk: Desk<'_>, (id, verb): (WebhookId, &str), fields: &Fields) -> Result<(), Fault> {
    let version = fields.text("version");
    let status = |word: &str| -> Result<Value, Fault> {
        Ok(json!({"status": word, "version": fields.number("version")?}))
    };
    let (method, rest, body) = match verb {
        "ping" => (Method::POST, "/ping", json!({})),
        "replay" => {
            let since = moment(fields.text("since"));
            (Method::POST, "/replay", json!({"since": since}))
        }
        "enable" => (Method::PATCH, "", status("enabled")?),
        "disable" => (Method::PATCH, "", status("disabled")?),
        "delete" => {
            fields.confirmed()?;
            let path = api(&format!("webhooks/{id}"), &[("version", version)]);
            return desk.ask().delete(&path).await;
        }
        _ => return Err(Fault::new(Code::NotFound)),
    };
    let path = api(&format!("webhooks/{id}{rest}"), &[]);
    desk.ask().send(method, &path, (&body, "")).await.map(drop)
}

/// POST `/admin/developers/webhooks/{id}/deliveries/{delivery}/again`.
pub(in crate::pages) async fn again(
    State(app): State<App>,
    visit: Visit,
    Path((id, delivery)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let id = read(&id)?;
        let path = format!("deliveries/{}/replay", view::encoded(&delivery));
        let path = api(&path, &[]);
        let nothing = json!({});
        desk.ask().send(Method::POST, &path, (&nothing, "")).await?;
        Ok(Done::at(&format!("{HERE}/webhooks/{id}"), "again"))
    };
    desk.act(Who::Admin, &fields, done).await
}
