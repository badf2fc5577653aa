//! What comes back of an order, on the order's page: asked for on a buyer's behalf, answered, received. What may come
//! back, and which step follows which, is decided by the orders' own service: a form that comes too late is refused
//! there.

use super::{
    Desk, Done, Fault, Who, answered, api,
    fields::Fields,
    order::{self, units_of},
    order_forms::State as Stands,
    parts::{Block, Cell, Field, Form, Table, columns},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Form as Sent, Router,
    extract::{Path, State},
    http::Method,
    response::Response,
    routing::post,
};
use contracts::{
    orders::{ReturnStatus, ReturnView, ShipLine},
    problem::{Code, Problem},
    values::{OrderId, ReturnId},
};
use serde_json::{Value, json};

/// The id of the form that asks for one.
const ASK: &str = "return";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/orders/{id}/returns", post(ask))
        .route("/admin/orders/{id}/returns/{return}/{verb}", post(act))
}

/// An order's returns; nothing while there are none.
pub(super) fn listed(returns: &[ReturnView]) -> Option<Block> {
    let row = |one: &ReturnView| {
        vec![
            Cell::number(one.number),
            Cell::when(one.created_at),
            Cell::text(what_of(one)),
            Cell::text(one.reason.clone()),
            Cell::status(one.status.as_str()),
            Cell::text(one.note.clone().unwrap_or_default()),
        ]
    };
    let table = Table {
        caption: "What comes back",
        columns: columns(&[
            "#Return",
            "Asked for",
            "What",
            "Why",
            "Status",
            "What the buyer was told",
        ]),
        rows: returns.iter().map(row).collect(),
        ..Table::default()
    };
    (!returns.is_empty()).then(|| Block::Table("Returns".to_owned(), table))
}

/// What is in a return.
pub(super) fn what_of(one: &ReturnView) -> String {
    let inside = one.lines.iter().map(|line| {
        let units = format!("{} × {}", line.quantity.get(), line.name);
        if line.written_off {
            say!("{} (written off)", units)
        } else {
            units
        }
    });
    inside.collect::<Vec<_>>().join(", ")
}

/// What can be done now with returns that are under way.
pub(super) fn answers(stands: &Stands<'_>, returns: &[ReturnView]) -> Vec<Form> {
    let mut forms = Vec::new();
    for one in returns {
        match one.status {
            ReturnStatus::Requested => forms.extend([approve(one), refuse(one)]),
            ReturnStatus::Approved => forms.extend([receive(stands, one), refuse(one)]),
            ReturnStatus::Refused | ReturnStatus::Received | ReturnStatus::Refunded => {}
        }
    }
    forms
}

/// The id of a form of one return.
fn form_id(verb: &str, one: ReturnId) -> String {
    format!("{verb}-{one}")
}

fn form(one: &ReturnView, verb: &str, button: &str) -> Form {
    let id = form_id(verb, one.id);
    let action = format!("/admin/orders/{}/returns/{}/{verb}", one.order_id, one.id);
    Form::new(&id, action, button)
}

fn approve(one: &ReturnView) -> Form {
    form(one, "approve", "Let it come")
        .headed(&say!("Return {}: may it come?", one.number))
        .with(
            [Field::new("area", "note", "What the buyer should know", "")
                .hint("Where to send it, for example; they read it in a mail")],
        )
}

fn refuse(one: &ReturnView) -> Form {
    form(one, "refuse", "Refuse it")
        .headed(&say!("Return {}: refuse it", one.number))
        .with([Field::new("area", "note", "What the buyer should know", "").hint("Why not")])
        .confirmed("The buyer is told; its units may be asked for again")
}

fn receive(stands: &Stands<'_>, one: &ReturnView) -> Form {
    let lost = one.lines.iter().map(|line| {
        let label = say!("Cannot be sold again: {}", line.name);
        Field::check(&format!("lost.{}", line.line), &label, false)
    });
    let total = view::money(stands.order.total);
    form(one, "receive", "It has come")
        .headed(&say!("Return {}: it has come", one.number))
        .with(lost)
        .with([Field::new("text", "amount", "Amount", "")
            .hint(&say!("Of {}. Without one: what was paid for it", total))])
        .confirmed("Its money goes back for good, and all else of it is on sale again")
}

/// A form to ask for one on the buyer's behalf, while something that was sent may come back.
pub(super) fn ask_form(stands: &Stands<'_>, returns: &[ReturnView]) -> Option<Form> {
    let lines = (1_u32..).zip(stands.order.items.iter().zip(&stands.left));
    let fields = lines.filter_map(|(place, (line, left))| {
        let sent = line.quantity.get().saturating_sub(*left);
        let out = sent.saturating_sub(coming_back(place, returns));
        let label = say!("Units of {}", line.name);
        let field = Field::new("number", &format!("back.{place}"), &label, "");
        (out > 0).then(|| field.hint(&say!("Of {} that were sent", out)))
    });
    let fields: Vec<Field> = fields.collect();
    let action = format!("/admin/orders/{}/returns", stands.order.id);
    let form = Form::new(ASK, action, "Keep the wish")
        .headed("The buyer wants to bring something back")
        .folded()
        .quiet();
    (!fields.is_empty()).then(|| {
        form.with(fields)
            .with([Field::new("area", "reason", "Why", "").required()])
    })
}

/// Units of a line in returns that were not refused.
fn coming_back(place: u32, returns: &[ReturnView]) -> u32 {
    let live = returns.iter();
    let live = live.filter(|one| one.status != ReturnStatus::Refused);
    let lines = live.flat_map(|one| &one.lines);
    let mine = lines.filter(|line| line.line == place);
    mine.fold(0, |sum, line| sum.saturating_add(line.quantity.get()))
}

/// POST `/admin/orders/{id}/returns`.
async fn ask(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async { asked(desk, order::read(&id)?, &fields).await };
    desk.act(Who::Admin, &fields, done).await
}

async fn asked(desk: Desk<'_>, id: OrderId, fields: &Fields) -> Result<Done, Fault> {
    let wished = wished(fields);
    let sent = match &wished {
        Ok(lines) => {
            let body = json!({"lines": lines, "reason": fields.text("reason")});
            let wish = (&body, fields.text("key"));
            let path = api(&format!("orders/{id}/returns"), &[]);
            desk.ask().send(Method::POST, &path, wish).await.map(drop)
        }
        Err(problem) => Err(Fault(problem.clone())),
    };
    let lines = wished.as_deref().unwrap_or_default();
    let sent = sent.map_err(|fault| Fault(in_form(fault.0, lines)));
    came(desk, (id, fields), ("asked", ASK), sent).await
}

/// The lines of a wish, as they were typed.
fn wished(fields: &Fields) -> Result<Vec<ShipLine>, Problem> {
    let typed = fields.below("back.");
    let typed = typed.filter(|(_, units)| !matches!(*units, "" | "0"));
    let line = |(place, units): (&str, &str)| {
        let name = format!("back.{place}");
        let unknown = |_| Problem::invalid(&format!("/{name}"), "is no line");
        Ok(ShipLine {
            line: place.parse().map_err(unknown)?,
            quantity: units_of(&name, units).map_err(|fault| fault.0)?,
        })
    };
    typed.map(line).collect()
}

/// What the API says of the lines of a wish, said of the fields that they were typed into.
fn in_form(mut problem: Problem, lines: &[ShipLine]) -> Problem {
    for error in &mut problem.errors {
        let rest = error.field.strip_prefix("/lines/").unwrap_or_default();
        let place = rest.split('/').next().unwrap_or_default();
        let line = place.parse::<usize>().ok();
        if let Some(line) = line.and_then(|place| lines.get(place)) {
            error.field = format!("/back.{}", line.line);
        }
    }
    problem
}

/// A return in an address, and what is done with it.
type Step = (String, String, String);

/// POST `/admin/orders/{id}/returns/{return}/{verb}`.
async fn act(
    State(app): State<App>,
    visit: Visit,
    Path((id, one, verb)): Path<Step>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let id = order::read(&id)?;
        let (body, flash) = match verb.as_str() {
            "approve" => (Ok(note(&fields)), "approved"),
            "refuse" => (fields.confirmed().map(|()| note(&fields)), "turned-down"),
            "receive" => (received(&fields), "received"),
            _ => return Err(Fault::new(Code::NotFound)),
        };
        let one: ReturnId = one.parse().map_err(|_| Fault::new(Code::NotFound))?;
        let path = format!("orders/{id}/returns/{one}/{verb}");
        let path = api(&path, &[]);
        let sent = match body {
            Ok(body) => {
                let sent = desk.ask().send(Method::POST, &path, (&body, ""));
                sent.await.map(drop)
            }
            Err(fault) => Err(fault),
        };
        let form = form_id(&verb, one);
        came(desk, (id, &fields), (flash, &form), sent).await
    };
    desk.act(Who::Admin, &fields, done).await
}

fn note(fields: &Fields) -> Value {
    json!({"note": fields.given("note")})
}

fn received(fields: &Fields) -> Result<Value, Fault> {
    fields.confirmed()?;
    let lost = fields.below("lost.").map(|(line, _)| line.parse::<u32>());
    let lost: Vec<u32> = lost
        .collect::<Result<_, _>>()
        .map_err(|_| Fault::new(Code::Malformed))?;
    Ok(json!({"written_off": lost, "amount": fields.given("amount")}))
}

/// Goes back to the order when it was done; shows there why not, if somebody can mend that.
async fn came(
    desk: Desk<'_>,
    (id, fields): (OrderId, &Fields),
    (flash, form): (&str, &str),
    sent: Result<(), Fault>,
) -> Result<Done, Fault> {
    let to = Done::at(&format!("/admin/orders/{id}"), flash);
    answered(sent, to, |problem| async move {
        order::sheet(desk, id, Some((form, &problem, fields))).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Fields {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fields(pairs.iter().map(pair).collect())
    }

    #[test]
    fn a_wish_is_of_lines_with_units_and_its_errors_stand_where_they_were_typed() {
        let lines = wished(&typed(&[("back.1", "0"), ("back.2", ""), ("back.3", "2")])).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].line, lines[0].quantity.get()), (3, 2));
        for (name, units) in [("back.x", "1"), ("back.1", "-1"), ("back.1", "some")] {
            let refused = wished(&typed(&[(name, units)])).unwrap_err();
            assert_eq!(refused.errors[0].field, format!("/{name}"));
        }
        let problem = in_form(Problem::invalid("/lines/0/quantity", "is more"), &lines);
        assert_eq!(problem.errors[0].field, "/back.3");
        let other = in_form(Problem::invalid("/reason", "is missing"), &lines);
        assert_eq!(other.errors[0].field, "/reason");
    }

    #[test]
    fn what_came_is_confirmed_and_names_what_is_lost() {
        let sure = [("lost.2", "yes"), ("amount", " 5.00 "), ("confirm", "yes")];
        let body = received(&typed(&sure)).unwrap();
        assert_eq!(body, json!({"written_off": [2], "amount": "5.00"}));
        assert!(received(&typed(&sure[..2])).is_err());
        assert!(received(&typed(&[("lost.x", "yes"), ("confirm", "yes")])).is_err());
    }
}
