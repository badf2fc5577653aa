//! One order: what it is, what happened to it, and everything that can be done with it. The forms are `order_forms`'.

use super::{
    Desk, Done, Fault, Sheet, Who, answered, api,
    fields::{Fields, invalid},
    order_forms::{self, State as Stands},
    parts::{Block, Cell, Entry, Table, columns},
    returns, sentence_of,
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
    catalog::ReturnedItem,
    orders::{
        NoteView, OrderEventView, OrderStatus, OrderView, Reader, ReturnView, ShipLine,
        ShipmentView,
    },
    payments::{PaymentView, RefundView},
    problem::{Code, Problem},
    values::{OrderId, Page, PaymentId, Quantity},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

/// Payments of one order that are shown: few have more than one.
const PAYMENTS_MAX: u32 = 20;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

const FLASHES: &[(&str, &str)] = &[
    (
        "shipped",
        "It is sent. The buyer sees it on the order's page.",
    ),
    ("delivered", "It has arrived."),
    (
        "cancelled",
        "It is cancelled. Its stock is back, and its money goes back if it was paid.",
    ),
    (
        "refunded",
        "The money goes back. Payments below say how far that is.",
    ),
    ("noted", "The note is kept."),
    ("asked", "The wish is kept. Say whether it may come."),
    ("approved", "It may come. The buyer is told."),
    ("turned-down", "It may not come. The buyer is told."),
    (
        "received",
        "It has come. Its money goes back within moments; look at the payments below.",
    ),
];

/// GET `/admin/orders/{id}`.
pub(in crate::pages) async fn show(
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

pub(super) fn read(id: &str) -> Result<OrderId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

/// A form that was refused: which, why, and what it said.
pub(super) type Refused<'f> = Option<(&'f str, &'f Problem, &'f Fields)>;

pub(super) async fn sheet(
    desk: Desk<'_>,
    id: OrderId,
    refused: Refused<'_>,
) -> Result<Sheet, Fault> {
    let of = |what: &str| api(&format!("orders/{id}{what}"), &[]);
    let ask = desk.ask();
    let order: OrderView = ask.get(&of("")).await?;
    let timeline: Page<OrderEventView> = ask.get(&of("/timeline")).await?;
    let shipments: Page<ShipmentView> = ask.get(&of("/shipments")).await?;
    let notes: Page<NoteView> = ask.get(&of("/notes")).await?;
    let back: Page<ReturnView> = ask.get(&of("/returns")).await?;
    let (payments, refunds) = money(desk, id).await?;
    let stands = Stands {
        order: &order,
        left: left(&order, &shipments.data),
        is_paid: payments.iter().any(order_forms::has_money),
    };
    let mut forms = returns::answers(&stands, &back.data);
    forms.extend(order_forms::all(&stands));
    forms.extend(returns::ask_form(&stands, &back.data));
    if let Some((which, problem, sent)) = refused {
        forms = forms
            .into_iter()
            .map(|form| match form.id == which {
                true => form.refused(problem, sent),
                false => form,
            })
            .collect();
    }
    let mut sheet = Sheet::new(say!("Order {}", order.number))
        .below("Orders", "/admin/orders")
        .refused(refused.map(|(_, problem, _)| problem))
        .with([
            Block::Table("What was bought".to_owned(), lines(&stands)),
            Block::Table("Payments".to_owned(), paid(&payments, &refunds)),
            Block::Table("Parcels".to_owned(), parcels(&shipments.data)),
        ])
        .with(returns::listed(&back.data))
        .with([
            noted(desk, &notes.data).await,
            Block::Timeline(entries(desk, timeline.data).await),
        ])
        .beside([facts(desk, &order).await])
        .beside(forms.into_iter().map(Block::Form));
    sheet.badge = Some((view::words(order.status.as_str()), order.status.as_str()));
    Ok(sheet)
}

/// Units of each line that were not sent, in the order of the lines.
fn left(order: &OrderView, shipments: &[ShipmentView]) -> Vec<u32> {
    let lines = (1_u32..).zip(&order.items);
    let of_line = |(place, line): (u32, &contracts::orders::OrderLineView)| {
        let parcels = shipments.iter().flat_map(|shipment| &shipment.lines);
        let sent = parcels.filter(|sent| sent.line == place);
        sent.fold(line.quantity.get(), |left, sent| {
            left.saturating_sub(sent.quantity.get())
        })
    };
    lines.map(of_line).collect()
}

/// The payments of an order, and what was given back of them.
pub(super) async fn money(
    desk: Desk<'_>,
    id: OrderId,
) -> Result<(Vec<PaymentView>, Vec<RefundView>), Fault> {
    let reader = Reader {
        principal: desk.visit.principal.clone(),
        order_token: None,
    };
    let books = &desk.app.payments;
    let first = PaymentId::from_bytes([0; 16]);
    let found = books.audit(Some((id, first)), PAYMENTS_MAX).await;
    let found = found.map_err(|cause| Problem::internal(&cause))?;
    let (mut payments, mut refunds) = (Vec::new(), Vec::new());
    for payment in found.into_iter().filter(|payment| payment.order_id == id) {
        payments.push(books.payment(&reader, payment.id).await?);
        refunds.extend(books.refunds(&reader, payment.id).await?);
    }
    Ok((payments, refunds))
}

fn lines(stands: &Stands<'_>) -> Table {
    let order = stands.order;
    let line = |(line, left): (&contracts::orders::OrderLineView, &u32)| {
        vec![
            Cell::link(
                line.name.clone(),
                format!("/admin/products/{}", line.product_id),
            ),
            Cell::code(&line.sku),
            Cell::Number(view::money(line.unit_price)),
            Cell::number(line.quantity.get()),
            Cell::number(line.quantity.get().saturating_sub(*left)),
            Cell::Number(view::money(line.line_total)),
        ]
    };
    let sum = |title: &str, amount: String| {
        let mut row = vec![Cell::text(title)];
        row.extend((0..4).map(|_| Cell::text("")));
        row.push(Cell::Number(amount));
        row
    };
    let rows = order.items.iter().zip(&stands.left).map(line);
    let parts = order.parts.iter();
    let parts = parts.map(|part| sum(&part.title, view::money(part.amount)));
    let total = sum(say("Total"), view::money(order.total));
    Table {
        caption: "What was bought",
        columns: columns(&["What", "SKU", "#Price", "#Units", "#Sent", "#Sum"]),
        rows: rows.chain(parts).chain([total]).collect(),
        ..Table::default()
    }
}

pub(super) fn paid(payments: &[PaymentView], refunds: &[RefundView]) -> Table {
    let payment = |payment: &PaymentView| {
        vec![
            Cell::when(payment.created_at),
            Cell::link(
                payment.id.to_string(),
                format!("/admin/payments/{}", payment.id),
            ),
            Cell::status(payment.status.as_str()),
            Cell::text(payment.decline_code.clone().unwrap_or_default()),
            Cell::Number(view::money(payment.amount)),
        ]
    };
    let refund = |refund: &RefundView| {
        vec![
            Cell::when(refund.created_at),
            Cell::code(refund.id),
            Cell::Badge(
                say!("Refund {}", view::words(refund.status.as_str())),
                refund.status.as_str(),
            ),
            Cell::text(refund.reason.clone().unwrap_or_default()),
            Cell::Number(format!("-{}", view::money(refund.amount))),
        ]
    };
    let payments = payments.iter().map(payment);
    Table {
        caption: "Payments and refunds",
        columns: columns(&["When", "Which", "Status", "Why", "#Amount"]),
        rows: payments.chain(refunds.iter().map(refund)).collect(),
        empty: "Nobody has tried to pay it yet.".to_owned(),
        ..Table::default()
    }
}

fn parcels(shipments: &[ShipmentView]) -> Table {
    let parcel = |shipment: &ShipmentView| {
        let inside = shipment.lines.iter();
        let inside = inside.map(|line| format!("{} × {}", line.quantity.get(), line.name));
        let tracking = shipment.tracking.clone().unwrap_or_default();
        vec![
            Cell::number(shipment.number),
            Cell::when(shipment.created_at),
            Cell::text(inside.collect::<Vec<_>>().join(", ")),
            Cell::text(shipment.carrier.clone().unwrap_or_default()),
            match &shipment.tracking_url {
                Some(address) if tracking.is_empty() => Cell::link(say("where it is"), address),
                Some(address) => Cell::link(tracking, address),
                None => Cell::text(tracking),
            },
        ]
    };
    Table {
        caption: "Parcels",
        columns: columns(&["#Parcel", "Sent", "What", "Carrier", "Tracking"]),
        rows: shipments.iter().map(parcel).collect(),
        empty: "Nothing was sent yet.".to_owned(),
        ..Table::default()
    }
}

async fn entries(desk: Desk<'_>, events: Vec<OrderEventView>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(events.len());
    for event in events.into_iter().rev() {
        entries.push(Entry {
            raw: serde_json::to_string_pretty(&event).unwrap_or_default(),
            at: view::moment(event.at),
            what: view::words(&event.kind),
            who: desk.actor(&event.actor).await,
            note: event.note.unwrap_or_default(),
        });
    }
    entries
}

async fn facts(desk: Desk<'_>, order: &OrderView) -> Block {
    let buyer = match order.customer_id {
        Some(id) => Cell::link(desk.name_of(id).await, format!("/admin/customers/{id}")),
        None => Cell::text(say("a guest")),
    };
    let mut facts = vec![
        ("Buyer".to_owned(), buyer),
        ("Placed".to_owned(), Cell::when(order.created_at)),
        ("Last moved".to_owned(), Cell::when(order.updated_at)),
    ];
    if order.status == OrderStatus::Pending {
        facts.push(("To be paid by".to_owned(), Cell::when(order.payment_due_at)));
    }
    if let Some(address) = &order.shipping_address {
        let lines = address.lines().join(", ");
        facts.push(("Goes to".to_owned(), Cell::text(lines)));
    }
    facts.push(("Id".to_owned(), Cell::code(order.id)));
    Block::Facts("The order".to_owned(), facts)
}

async fn noted(desk: Desk<'_>, notes: &[NoteView]) -> Block {
    let mut rows = Vec::with_capacity(notes.len());
    for note in notes {
        let who = match &note.author {
            Some(author) => desk.actor(author).await,
            None => String::new(),
        };
        let seen = if note.for_customer {
            say("The buyer reads it")
        } else {
            ""
        };
        rows.push(vec![
            Cell::when(note.created_at),
            Cell::text(note.text.clone()),
            Cell::text(who),
            Cell::text(seen),
        ]);
    }
    let table = Table {
        caption: "Notes",
        columns: columns(&["When", "Note", "By", "For"]),
        rows,
        empty: "No notes.".to_owned(),
        ..Table::default()
    };
    Block::Table("Notes".to_owned(), table)
}

/// Sends what a form asks for; what somebody can mend is shown on the order's page.
async fn send(
    desk: Desk<'_>,
    (id, fields): (&str, &Fields),
    form: &'static str,
    (what, body): (&str, Result<Value, Fault>),
) -> Result<Done, Fault> {
    let id = read(id)?;
    let sent = match body {
        Ok(body) => {
            let path = api(&format!("orders/{id}/{what}"), &[]);
            let key = match what {
                "shipments" | "refund" | "notes" => fields.text("key"),
                _ => "",
            };
            let sent = desk.ask().send(Method::POST, &path, (&body, key));
            sent.await.map(drop)
        }
        Err(fault) => Err(fault),
    };
    let flash = match form {
        "ship" => "shipped",
        "deliver" => "delivered",
        "cancel" => "cancelled",
        "refund" => "refunded",
        _ => "noted",
    };
    let to = Done::at(&format!("/admin/orders/{id}"), flash);
    answered(sent, to, |problem| async move {
        sheet(desk, id, Some((form, &problem, fields))).await
    })
    .await
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $body:expr;)*) => {$(
        $(#[$doc])*
        pub(in crate::pages) async fn $name(
            State(app): State<App>,
            visit: Visit,
            Path(id): Path<String>,
            Sent(fields): Sent<Fields>,
        ) -> Response {
            let desk = Desk::new(&app, &visit);
            let body: Result<Value, Fault> = $body(&fields);
            let done = send(desk, (&id, &fields), stringify!($name), ($what, body));
            desk.act(Who::Admin, &fields, done).await
        }
    )*};
}

verbs! {
    /// POST `/admin/orders/{id}/ship`.
    ship, "shipments", parcel;
    /// POST `/admin/orders/{id}/deliver`.
    deliver, "deliver", |_: &Fields| Ok(json!({}));
    /// POST `/admin/orders/{id}/cancel`.
    cancel, "cancel", |fields: &Fields| fields.confirmed().map(|()| json!({}));
    /// POST `/admin/orders/{id}/refund`.
    refund, "refund", given_back;
    /// POST `/admin/orders/{id}/note`.
    note, "notes", |fields: &Fields| Ok(json!({
        "text": fields.text("text"), "for_customer": fields.is_ticked("for_customer"),
    }));
}

fn parcel(fields: &Fields) -> Result<Value, Fault> {
    let mut lines = Vec::new();
    for (place, units) in fields.below("line.").filter(|(_, units)| *units != "0") {
        let name = format!("line.{place}");
        lines.push(ShipLine {
            line: place.parse().map_err(|_| invalid(&name, "is no line"))?,
            quantity: units_of(&name, units)?,
        });
    }
    if lines.is_empty() {
        return Err(invalid(
            "tracking",
            "stands for an empty parcel: put something in",
        ));
    }
    Ok(json!({
        "lines": lines,
        "carrier": fields.given("carrier"),
        "tracking": fields.given("tracking"),
        "tracking_url": fields.given("tracking_url"),
    }))
}

fn given_back(fields: &Fields) -> Result<Value, Fault> {
    fields.confirmed()?;
    let mut items = Vec::new();
    let shelf = fields.below("shelf.");
    for (variant, units) in shelf.filter(|(_, units)| !matches!(*units, "" | "0")) {
        let name = format!("shelf.{variant}");
        items.push(ReturnedItem {
            variant_id: variant.parse().map_err(|_| invalid(&name, "is not sold"))?,
            quantity: units_of(&name, units)?,
        });
    }
    Ok(json!({"amount": fields.given("amount"), "items": items, "reason": fields.given("reason")}))
}

pub(super) fn units_of(name: &str, units: &str) -> Result<Quantity, Fault> {
    let number = units.parse::<u32>().ok();
    let units = number.and_then(|number| Quantity::try_from(number).ok());
    units.ok_or_else(|| invalid(name, "is no number of units"))
}
