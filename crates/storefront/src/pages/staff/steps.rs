//! Units more or fewer in the lists of stock and of products themselves, and taking that back: by the opposite
//! movement, for a ledger knows no other way. What is offered to be taken back is what the ledger says, never what an
//! address says.

use super::{
    Desk, Done, Fault, Sheet, Who, again, api,
    fields::{Fields, invalid},
    inventory,
    parts::{Block, Field, Form},
    products,
};
use crate::{App, pages::frame::Visit, view, words::say};
use axum::{Form as Sent, extract::State, http::Method, response::Response};
use contracts::{
    catalog::{InventoryView, MovementView},
    problem::Problem,
    values::{Page, VariantId},
};
use serde_json::json;

const ACTION: &str = "/admin/inventory/step";
/// Why, as the ledger keeps it.
const REASON: &str = "changed in the list";
const REASON_BACK: &str = "taken back in the list";
/// By how many units: a list to choose from, so that no key that is pressed in it sends the form.
const UNITS: [&str; 7] = ["1", "2", "5", "10", "20", "50", "100"];
/// How far back a change is looked for: sales may have come after it.
const LOOKS_BACK: &str = "10";

/// Where a list is, and which page of it: what a form in it remembers, and an address says.
pub(super) type Place<'w> = [(&'static str, &'w str)];

/// The word by which a form says which list it is in. There are two.
pub(super) const LIST: &str = "list";
pub(super) const OF_PRODUCTS: &str = "products";

enum List {
    Stock(inventory::Wish),
    Products(products::Wish),
}

impl List {
    /// The list as a form in it remembers it.
    fn of(fields: &Fields) -> Self {
        if fields.text(LIST) == OF_PRODUCTS {
            Self::Products(products::Wish::of(fields))
        } else {
            Self::Stock(inventory::Wish::of(fields))
        }
    }

    fn address(&self, moved: &str) -> String {
        let moved = ("moved", moved);
        match self {
            Self::Stock(wish) => {
                view::address(inventory::HERE, &[&wish.place()[..], &[moved]].concat())
            }
            Self::Products(wish) => {
                view::address(products::HERE, &[&wish.place()[..], &[moved]].concat())
            }
        }
    }

    async fn refused(self, desk: Desk<'_>, problem: &Problem) -> Result<Sheet, Fault> {
        match self {
            Self::Stock(wish) => inventory::list(desk, &wish, Some(problem)).await,
            Self::Products(wish) => {
                let sheet = products::sheet(desk, wish).await?;
                Ok(sheet.refused(Some(problem)))
            }
        }
    }
}

/// A change of one variant's stock.
struct Step {
    id: VariantId,
    delta: i64,
    is_back: bool,
}

impl Step {
    fn read(fields: &Fields) -> Result<Self, Fault> {
        let (id, sign) = match (fields.given("more"), fields.given("fewer")) {
            (Some(id), None) => (id, 1),
            (None, Some(id)) => (id, -1),
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid("more", "is one of two: more or fewer"));
            }
        };
        let id = id.parse();
        let units = fields.number("units")?.unwrap_or(1);
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        Ok(Self {
            id: id.map_err(|_| invalid("more", "names no stock"))?,
            delta: units.saturating_mul(sign),
            is_back: fields.is_ticked("back"),
        })
    }

    const fn reason(&self) -> &'static str {
        if self.is_back { REASON_BACK } else { REASON }
    }

    /// The page's key with what is done: the same button twice is one change, another button of the same page another.
    async fn send(&self, desk: Desk<'_>, key: &str) -> Result<(), Fault> {
        let Self { id, delta, .. } = self;
        let change = json!({"variant_id": id, "delta": delta, "reason": self.reason()});
        let body = json!({"changes": [change]});
        let back = if self.is_back { ".back" } else { "" };
        let key = format!("{key}.{id}.{delta}{back}");
        let path = api("inventory/adjust", &[]);
        let sent = desk.ask().send(Method::POST, &path, (&body, &key));
        sent.await.map(drop)
    }
}

/// POST `/admin/inventory/step`.
pub(in crate::pages) async fn step(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let list = List::of(&fields);
        let sent = match Step::read(&fields) {
            Ok(step) => step.send(desk, fields.text("key")).await.map(|()| step.id),
            Err(fault) => Err(fault),
        };
        match sent {
            Ok(id) => Ok(Done::GoTo(list.address(&id.to_string()))),
            Err(fault) => {
                again(fault, |problem| async move {
                    list.refused(desk, &problem).await
                })
                .await
            }
        }
    };
    desk.act(Who::Seller, &fields, done).await
}

fn form(place: &Place<'_>, id: &str, button: &str) -> Form {
    let form = Form::new(id, ACTION, button);
    let place = place.iter();
    place.fold(form, |form, (name, value)| form.hiding(name, value))
}

/// The form around the list, whose rows have its buttons.
pub(super) fn around(place: &Place<'_>) -> Form {
    let units = UNITS.map(|units| (units, units));
    form(place, "step", "").with([Field::select("units", "By how many units", "1", &units)])
}

/// What was changed just now, in words, and the way back: if the newest change by hand is one of this list's, and was
/// made by whoever asks.
pub(super) async fn just_now(
    desk: Desk<'_>,
    (moved, place): (&str, &Place<'_>),
) -> Option<(String, Option<Block>)> {
    let id: VariantId = moved.parse().ok()?;
    let stock = api(&format!("inventory/{id}"), &[]);
    let moves = api(
        &format!("inventory/{id}/movements"),
        &[("limit", LOOKS_BACK)],
    );
    // What is not there, or somebody else's, is nothing to speak of.
    let stock: InventoryView = desk.ask().get(&stock).await.ok()?;
    let moves: Page<MovementView> = desk.ask().get(&moves).await.ok()?;
    let sits = desk.visit.principal.as_ref()?.user_id.to_string();
    let newest = moves
        .data
        .iter()
        .find(|movement| movement.kind == "adjusted")?;
    if newest.actor != sits {
        return None;
    }
    let delta = newest.on_hand_delta;
    let plus = if delta > 0 { "+" } else { "" };
    let by = format!("{plus}{delta}");
    match newest.reason.as_str() {
        REASON => {
            let way = if delta > 0 { "fewer" } else { "more" };
            let back = form(place, "back", "Take it back").quiet();
            let back = back
                .hiding(way, id)
                .hiding("units", delta.unsigned_abs())
                .hiding("back", "yes");
            let said = say!("The stock of {} is changed by {}.", stock.sku, by);
            Some((said, Some(Block::Form(back))))
        }
        REASON_BACK => {
            let said = say!(
                "It is taken back: the stock of {} is changed by {}.",
                stock.sku,
                by
            );
            Some((said, None))
        }
        _ => None,
    }
}

/// Why a movement was made, as people read it.
pub(super) fn reason(kept: &str) -> String {
    match kept {
        REASON | REASON_BACK => say(kept).to_owned(),
        own => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_up_or_down_and_never_both() {
        let id = VariantId::from_bytes([4; 16]).to_string();
        let read = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Step::read(&Fields(pairs.iter().map(pair).collect()))
        };
        assert_eq!(read(&[("more", &id)]).unwrap().delta, 1);
        assert_eq!(read(&[("fewer", &id), ("units", "5")]).unwrap().delta, -5);
        for wrong in [
            &[][..],
            &[("more", &*id), ("fewer", &*id)],
            &[("more", "x")],
            &[("more", &*id), ("units", "x")],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
