//! One payment: how it stands, all tries to pay its order, and what the provider told of it, as it came. The public API
//! knows no more of a payment than its buyer may: the rest is asked of payments themselves, once the desk has let an
//! admin in.

use super::{
    Desk, Done, Fault, Sheet, Who, answered, api,
    fields::Fields,
    order,
    parts::{Block, Cell, Form, Table, columns},
    sentence_of,
};
use crate::{App, pages::frame::Visit, view, words::say};
use axum::{
    Form as Sent,
    extract::{Path, State},
    http::Method,
    response::Response,
};
use contracts::{
    payments::{CallbackView, PaymentRecord, PaymentStatus},
    problem::{Code, Problem},
    values::PaymentId,
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

const HERE: &str = "/admin/payments";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

/// GET `/admin/payments/{id}`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let flashes = [("voided", "The payment is given up: nothing is taken by it.")];
    let sheet = async {
        let sheet = sheet(desk, read(&id)?, None).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, &flashes)))
    };
    desk.show(Who::Admin, sheet).await
}

/// POST `/admin/payments/{id}/void`.
pub(in crate::pages) async fn void(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, fields) = (Desk::new(&app, &visit), &fields);
    let done = async {
        let id = read(&id)?;
        let path = api(&format!("payments/{id}/void"), &[]);
        let sent = async {
            fields.confirmed()?;
            let nothing = json!({});
            desk.ask().send(Method::POST, &path, (&nothing, "")).await
        };
        let to = Done::at(&format!("{HERE}/{id}"), "voided");
        answered(sent.await, to, |problem| async move {
            sheet(desk, id, Some((&problem, fields))).await
        })
        .await
    };
    desk.act(Who::Admin, fields, done).await
}

fn read(id: &str) -> Result<PaymentId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

/// The page; with why its form was refused, and what that said.
async fn sheet(
    desk: Desk<'_>,
    id: PaymentId,
    refused: Option<(&Problem, &Fields)>,
) -> Result<Sheet, Fault> {
    let found = desk.app.payments.record(id).await?;
    let record = found.ok_or_else(|| Fault::new(Code::NotFound))?;
    let payment = &record.payment;
    let (tries, refunds) = order::money(desk, payment.order_id).await?;
    let form = may_be_voided(payment.status).then(|| match refused {
        Some((problem, sent)) => giving_up(id).refused(problem, sent),
        None => giving_up(id),
    });
    let mut sheet = Sheet::new(say!("Payment of {}", view::money(payment.amount)))
        .below("Payments", "/admin/payments")
        .refused(refused.map(|(problem, _)| problem))
        .with([
            Block::Table(
                "All tries to pay the order".to_owned(),
                order::paid(&tries, &refunds),
            ),
            Block::Table("What the provider told".to_owned(), told(&record.callbacks)),
        ])
        .beside([Block::Facts("How it stands".to_owned(), facts(&record))])
        .beside(form.map(Block::Form));
    sheet.badge = Some((
        view::words(payment.status.as_str()),
        payment.status.as_str(),
    ));
    Ok(sheet)
}

/// Whether its money was not taken yet, and could be.
const fn may_be_voided(status: PaymentStatus) -> bool {
    match status {
        PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => true,
        PaymentStatus::Captured
        | PaymentStatus::Declined
        | PaymentStatus::Voided
        | PaymentStatus::Refunded => false,
    }
}

fn giving_up(id: PaymentId) -> Form {
    Form::new("void", format!("{HERE}/{id}/void"), "Give the payment up")
        .headed("Give the payment up")
        .confirmed("The buyer has to pay anew")
}

fn facts(record: &PaymentRecord) -> Vec<(String, Cell)> {
    let payment = &record.payment;
    let mut facts = vec![
        (
            "Order".to_owned(),
            Cell::link(say("order"), format!("/admin/orders/{}", payment.order_id)),
        ),
        ("Payment".to_owned(), Cell::code(payment.id)),
        ("Paid with".to_owned(), Cell::code(&record.method)),
    ];
    let mut add = |name: &str, cell: Cell| facts.push((name.to_owned(), cell));
    if let Some(reference) = &record.reference {
        add("The provider calls it", Cell::code(reference));
    }
    if let Some(code) = &payment.decline_code {
        add("Why it was refused", Cell::text(code.clone()));
    }
    if payment.refunded.minor > 0 {
        add("Given back", Cell::Number(view::money(payment.refunded)));
    }
    add("Begun", Cell::when(payment.created_at));
    add("Last moved", Cell::when(payment.updated_at));
    if record.tries > 0 {
        add("Tries of the next step", Cell::number(record.tries));
    }
    if let Some(at) = record.next_try_at {
        add("Next try", Cell::when(at));
    }
    if let Some(reason) = &record.waits_for {
        add("Why it waits", Cell::text(reason.clone()));
    }
    facts
}

fn told(callbacks: &[CallbackView]) -> Table {
    let row = |callback: &CallbackView| {
        vec![
            Cell::when(callback.received_at),
            Cell::code(&callback.event_id),
            callback
                .done_at
                .map_or_else(|| Cell::text(say("waits")), Cell::when),
            Cell::number(callback.tries),
            Cell::Folded(say("Show").to_owned(), readable(&callback.body)),
        ]
    };
    Table {
        caption: "What the provider told of this payment in the last thirty days, newest first",
        columns: columns(&["Came", "Event", "Worked off", "#Looks", "As it came"]),
        rows: callbacks.iter().map(row).collect(),
        empty: "The provider has told nothing of it in the last thirty days.".to_owned(),
        ..Table::default()
    }
}

/// JSON with a line for each value; what is none as it is.
fn readable(body: &str) -> String {
    let value = serde_json::from_str::<Value>(body).ok();
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    lines.unwrap_or_else(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_has_a_line_for_each_value_and_the_rest_is_as_it_came() {
        assert_eq!(readable(r#"{"a":[1]}"#), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(readable("<b>no</b>"), "<b>no</b>");
    }

    #[test]
    fn only_a_payment_whose_money_may_still_be_taken_is_given_up() {
        let may = PaymentStatus::ALL
            .into_iter()
            .filter(|one| may_be_voided(*one));
        assert_eq!(
            may.collect::<Vec<_>>(),
            [
                PaymentStatus::Pending,
                PaymentStatus::RequiresAction,
                PaymentStatus::Authorised
            ]
        );
    }
}
