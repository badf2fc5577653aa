//! What programs asked for last with their keys, at the process that serves this page.

use super::{
    Desk, Fault, Sheet, Who, api,
    developers::HERE as ABOVE,
    parts::{Block, Cell, Table, columns},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    house::Asked,
    identity::ApiKeyView,
    values::{ApiKeyId, Page},
};
use platform::http::Query;
use serde::Deserialize;
use std::collections::BTreeMap;

const HERE: &str = "/admin/developers/requests";
const ROWS: usize = 50;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    /// How many newer ones are left out.
    behind: String,
}

/// GET `/admin/developers/requests`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, &wish)).await
}

async fn sheet(desk: Desk<'_>, wish: &Wish) -> Result<Sheet, Fault> {
    let behind: usize = wish.behind.parse().unwrap_or(0);
    let all = (desk.app.house.asked)();
    let end = behind.saturating_add(ROWS);
    let names = names(desk).await?;
    let shown = all.iter().skip(behind).take(ROWS);
    let table = Table {
        caption: "Requests with a key, newest first",
        columns: columns(&["When", "#Status", "What", "#Milliseconds", "Key", "Request"]),
        rows: shown.map(|asked| row(asked, &names)).collect(),
        empty: "No program has asked anything with a key since this process started.".to_owned(),
        first: match behind {
            0 => String::new(),
            _ => HERE.to_owned(),
        },
        next: match all.len() > end {
            true => view::address(HERE, &[("behind", &end.to_string())]),
            false => String::new(),
        },
        ..Table::default()
    };
    let words = "The last thousand requests with an API key at the process that serves this page. What was in them is \
                 not kept; logs know each by its id.";
    Ok(Sheet::new(say("Requests"))
        .below("Developers", ABOVE)
        .with([
            Block::Text(String::new(), vec![words.to_owned()]),
            Block::Table(String::new(), table),
        ]))
}

/// What one's own keys are called.
async fn names(desk: Desk<'_>) -> Result<BTreeMap<ApiKeyId, String>, Fault> {
    let keys: Page<ApiKeyView> = desk
        .ask()
        .get(&api("api-keys", &[("limit", "100")]))
        .await?;
    Ok(keys
        .data
        .into_iter()
        .map(|key| (key.id, key.name))
        .collect())
}

fn row(asked: &Asked, names: &BTreeMap<ApiKeyId, String>) -> Vec<Cell> {
    let name = names.get(&asked.key).cloned();
    vec![
        Cell::when(asked.at),
        Cell::Number(asked.status.to_string()),
        Cell::code(format!("{} {}", asked.method, asked.path)),
        Cell::number(asked.took_ms),
        name.map_or_else(|| Cell::code(asked.key), Cell::text),
        Cell::code(&asked.request_id),
    ]
}
