//! What is written down of a product's changes, in one list: its prices, what people changed of it otherwise, and what
//! moved the stock of its variants. No entry is missing between two that are shown: where one of these is told less far
//! back than the others, the list ends.

use super::{
    Desk, Fault, Sheet, Who, api,
    inventory::moved,
    parts::{Block, Cell, Table, columns},
    product::{mine, read},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use contracts::{
    catalog::{FieldChange, MovementView, PriceSince, ProductEdit, VariantView},
    problem::Code,
    values::{Money, Page, ProductId, Timestamp, UserId},
};
use std::cmp::Reverse;

/// Entries that are shown.
const ROWS_MAX: usize = 50;
/// Characters of a change that are shown at once.
const SHOWN_CHARACTERS_MAX: usize = 120;
/// Movements of each variant that are read: as many as may be shown.
const MOVES: &str = "50";
/// Variants whose stock is looked at: each is asked for by itself.
const VARIANTS_MAX: usize = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/admin/products/{id}/history", get(show))
}

/// GET `/admin/products/{id}/history`.
async fn show(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { sheet(desk, read(&id)?).await };
    desk.show(Who::Seller, sheet).await
}

/// Something that is written down.
struct Entry<'v> {
    at: Timestamp,
    what: What<'v>,
}

enum What<'v> {
    /// A price and who made it so, and the one before it, if there was one.
    Price(Option<Money>, PriceSince),
    /// A field that somebody changed, and who.
    Edited(FieldChange, Option<UserId>),
    /// What moved a variant's stock.
    Moved(&'v VariantView, MovementView),
}

async fn sheet(desk: Desk<'_>, id: ProductId) -> Result<Sheet, Fault> {
    let product = mine(desk, id).await?;
    let prices = api(&format!("products/{id}/prices"), &[]);
    let prices: Page<PriceSince> = desk.ask().get(&prices).await?;
    let mut told = Told::default();
    told.add_prices(&prices.data);
    told.add_edits(desk.app.catalog.product_edits(desk.who()?, id).await?);
    for variant in product.variants.iter().take(VARIANTS_MAX) {
        told.add_moves(variant, moves(desk, variant).await?);
    }
    let mut rows = Vec::new();
    for entry in told.newest() {
        rows.push(row(desk, entry).await);
    }
    let table = Table {
        caption: "What changed, newest first",
        columns: columns(&[
            "When",
            "What",
            "SKU",
            "#On hand",
            "#Reserved",
            "#Price",
            "Why, or what was otherwise",
            "Who",
            "Order",
        ]),
        rows,
        empty: "Nothing is written down of it yet.".to_owned(),
        ..Table::default()
    };
    let mut notes = vec![
        "What moved a variant's stock before this is on its own page. Texts are told of the last 100 versions. Of what \
         a file brought, or an earlier release wrote, only the price is known, and not who."
            .to_owned(),
    ];
    if product.variants.len() > VARIANTS_MAX {
        notes.push(say!(
            "Only the first {} variants are looked at.",
            VARIANTS_MAX
        ));
    }
    let back = (product.name.clone(), format!("/admin/products/{id}"));
    Ok(Sheet::new(say!("{}: what changed", product.name))
        .below("Products", "/admin/products")
        .with([
            Block::Links(vec![back]),
            Block::Table(String::new(), table),
            Block::Text(String::new(), notes),
        ]))
}

/// The newest that moved it. One that was taken away while this was read has none to show.
async fn moves(desk: Desk<'_>, variant: &VariantView) -> Result<Page<MovementView>, Fault> {
    let path = format!("inventory/{}/movements", variant.id);
    match desk.ask().get(&api(&path, &[("limit", MOVES)])).await {
        Err(fault) if fault.0.code == Code::NotFound => Ok(Page {
            data: Vec::new(),
            next_cursor: None,
        }),
        found => found,
    }
}

/// What was read, and since when nothing of it is missing.
#[derive(Default)]
struct Told<'v> {
    entries: Vec<Entry<'v>>,
    whole_since: Option<Timestamp>,
}

impl<'v> Told<'v> {
    /// Prices, the newest first: the API shows more of them than stand in the list.
    fn add_prices(&mut self, prices: &[PriceSince]) {
        let before = prices.iter().skip(1).map(|price| Some(price.price));
        let before = before.chain([None]);
        let entry = |(now, before): (&PriceSince, Option<Money>)| Entry {
            at: now.since,
            what: What::Price(before, *now),
        };
        self.entries.extend(prices.iter().zip(before).map(entry));
    }

    /// A row for each field: as many saves are told as there may be rows.
    fn add_edits(&mut self, edits: Vec<ProductEdit>) {
        for edit in edits {
            let entry = |change| Entry {
                at: edit.at,
                what: What::Edited(change, edit.actor),
            };
            self.entries.extend(edit.changes.into_iter().map(entry));
        }
    }

    fn add_moves(&mut self, variant: &'v VariantView, moves: Page<MovementView>) {
        let oldest = moves.data.last().map(|movement| movement.at);
        if moves.next_cursor.is_some() {
            self.whole_since = self.whole_since.max(oldest);
        }
        let entry = |movement: MovementView| Entry {
            at: movement.at,
            what: What::Moved(variant, movement),
        };
        self.entries.extend(moves.data.into_iter().map(entry));
    }

    /// The newest of them, down to where they are all there.
    fn newest(mut self) -> Vec<Entry<'v>> {
        let since = self.whole_since;
        self.entries
            .retain(|entry| since.is_none_or(|since| entry.at >= since));
        // A stable order: what was written in one moment stays as it was read.
        self.entries.sort_by_key(|entry| Reverse(entry.at));
        self.entries.truncate(ROWS_MAX);
        self.entries
    }
}

async fn row(desk: Desk<'_>, entry: Entry<'_>) -> Vec<Cell> {
    match entry.what {
        What::Price(before, now) => {
            let price = view::money(now.price);
            let change = match before {
                Some(before) => format!("{} → {price}", view::money(before)),
                None => price,
            };
            let who = called(desk, now.actor).await;
            let mut row = vec![Cell::when(entry.at), Cell::text(say("Price"))];
            row.extend((0..3).map(|_| Cell::text("")));
            row.extend([
                Cell::Number(change),
                Cell::text(""),
                Cell::text(who),
                Cell::text(""),
            ]);
            row
        }
        What::Edited(change, actor) => {
            let who = called(desk, actor).await;
            let mut row = vec![Cell::when(entry.at), Cell::text(field(&change.field))];
            row.extend((0..4).map(|_| Cell::text("")));
            row.extend([otherwise(&change), Cell::text(who), Cell::text("")]);
            row
        }
        What::Moved(variant, movement) => {
            let mut row = moved(desk, &movement).await;
            let stock = format!("/admin/inventory/{}", variant.id);
            row.insert(2, Cell::link(variant.sku.clone(), stock));
            row.insert(5, Cell::text(""));
            row
        }
    }
}

/// Whoever did something. Others than admins read their own name at most.
async fn called(desk: Desk<'_>, actor: Option<UserId>) -> String {
    let sits = desk.visit.principal.as_ref().map(|one| one.user_id);
    match actor.filter(|id| desk.is_admin() || sits == Some(*id)) {
        Some(id) => desk.name_of(id).await,
        None => String::new(),
    }
}

/// Fields as the form of a product calls them.
const FIELDS: [(&str, &str); 13] = [
    ("name", "Name"),
    ("slug", "Address of its page"),
    ("sku", "SKU"),
    ("description", "Description"),
    ("status", "Status"),
    ("category", "Category"),
    ("publish_at", "On sale from (UTC)"),
    ("unpublish_at", "Off sale from (UTC)"),
    ("image_url", "Picture kept elsewhere"),
    ("attributes", "Details"),
    ("related", "Goes with"),
    ("options", "Options"),
    ("variants", "Variants"),
];

fn field(name: &str) -> String {
    let known = FIELDS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| name.to_owned(), |(_, title)| say(title).to_owned())
}

/// What was there and what is, the rest of it behind a line to open where it is long.
fn otherwise(change: &FieldChange) -> Cell {
    let text = |text: &str| match (change.field.as_str(), text) {
        (_, "") => "–".to_owned(),
        ("status", word) => view::words(word),
        (_, text) => text.to_owned(),
    };
    let whole = format!("{} → {}", text(&change.before), text(&change.after));
    if whole.chars().count() <= SHOWN_CHARACTERS_MAX {
        Cell::text(whole)
    } else {
        Cell::Folded(view::beginning(&whole, SHOWN_CHARACTERS_MAX), whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        catalog::StockView,
        values::{Cursor, VariantId},
    };
    use std::collections::BTreeMap;

    fn dollars(minor: i64) -> Money {
        serde_json::from_value(serde_json::json!({"amount": minor, "currency": "USD"})).unwrap()
    }

    fn variant() -> VariantView {
        VariantView {
            id: VariantId::from_bytes([1; 16]),
            sku: "TEA".to_owned(),
            title: String::new(),
            options: BTreeMap::new(),
            price: dollars(300),
            prices: Vec::new(),
            stock: StockView {
                on_hand: 0,
                reserved: 0,
                available: 0,
            },
        }
    }

    fn moves(at: &[i64], more: bool) -> Page<MovementView> {
        let movement = |ms: &i64| MovementView {
            kind: "adjusted".to_owned(),
            on_hand_delta: 1,
            reserved_delta: 0,
            reason: String::new(),
            actor: "system".to_owned(),
            order_id: None,
            at: Timestamp::from_ms(*ms),
        };
        Page {
            data: at.iter().map(movement).collect(),
            next_cursor: more.then(|| Cursor::parse("abc").unwrap()),
        }
    }

    fn times(told: Told<'_>) -> Vec<i64> {
        let entries = told.newest();
        entries.iter().map(|entry| entry.at.as_ms()).collect()
    }

    #[test]
    fn prices_and_moves_are_one_list_and_it_ends_where_something_would_be_missing() {
        let price = |minor, ms| PriceSince {
            price: dollars(minor),
            since: Timestamp::from_ms(ms),
            actor: None,
        };
        let prices = [price(300, 50), price(250, 10)];
        let tea = variant();
        let whole = || {
            let mut told = Told::default();
            told.add_prices(&prices);
            told.add_moves(&tea, moves(&[60, 40, 20], false));
            told
        };
        let all = whole();
        assert!(matches!(
            all.entries[0].what,
            What::Price(Some(before), now) if (before.minor, now.price.minor) == (250, 300)
        ));
        assert!(matches!(all.entries[1].what, What::Price(None, _)));
        assert_eq!(times(all), [60, 50, 40, 20, 10]);
        let mut cut = whole();
        cut.add_moves(&tea, moves(&[45, 30], true));
        assert_eq!(times(cut), [60, 50, 45, 40, 30]);
        let mut many = whole();
        many.add_moves(&tea, moves(&[70; 80], false));
        assert_eq!(many.newest().len(), ROWS_MAX);
    }
}
