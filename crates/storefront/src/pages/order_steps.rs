//! What happened to an order, for whoever bought it, and calling it off while that is possible. Who did what within the
//! shop is the shop's own business: no name is shown.

use super::{
    checkout::answer,
    forms,
    frame::{Visit, see_other},
    order::reader,
    problems,
};
use crate::{App, view};
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use contracts::{
    orders::{Beside, OrderEventView, OrderMove, OrderStatus, OrderView, Reader},
    problem::{Code, ToProblem},
    values::OrderId,
};
use platform::http::Fault;
use serde::Deserialize;

/// A step on an order's way.
pub(super) struct Step {
    pub(super) words: String,
    pub(super) at: view::Moment,
}

/// Something that was sent.
pub(super) struct Parcel {
    pub(super) what: String,
    pub(super) sent: view::Moment,
    pub(super) carrier: String,
    pub(super) tracking: String,
    pub(super) href: String,
}

/// What an order's page shows besides the order.
#[derive(Default)]
pub(super) struct Way {
    pub(super) steps: Vec<Step>,
    pub(super) parcels: Vec<Parcel>,
    /// What the shop wrote for its buyer.
    pub(super) notes: Vec<String>,
    pub(super) may_cancel: bool,
}

/// Reads it.
pub(super) async fn read(app: &App, reader: &Reader, order: &OrderView) -> Result<Way, Fault> {
    let events = app.orders.timeline(reader, order.id).await?;
    let Beside {
        shipments, notes, ..
    } = app.orders.beside(reader, order.id).await?;
    let is_early = matches!(order.status, OrderStatus::Pending | OrderStatus::Paid);
    let parcels = shipments.iter().map(|shipment| {
        let lines = shipment.lines.iter();
        let what = lines.map(|line| format!("{} × {}", line.quantity.get(), line.name));
        Parcel {
            what: what.collect::<Vec<_>>().join(", "),
            sent: view::moment(shipment.created_at),
            carrier: shipment.carrier.clone().unwrap_or_default(),
            tracking: shipment.tracking.clone().unwrap_or_default(),
            href: shipment.tracking_url.clone().unwrap_or_default(),
        }
    });
    Ok(Way {
        may_cancel: is_early && shipments.is_empty(),
        parcels: parcels.collect(),
        notes: notes
            .into_iter()
            .filter(|note| note.for_customer)
            .map(|note| note.text)
            .collect(),
        steps: events.iter().map(step).collect(),
    })
}

fn step(event: &OrderEventView) -> Step {
    Step {
        words: view::words(&event.kind),
        at: view::moment(event.at),
    }
}

/// The form that calls an order off.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CancelForm {
    csrf: String,
    confirm: String,
}

/// POST `/order/{id}/cancel`.
pub(super) async fn cancel(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<CancelForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(&app, &visit, Fault::new(Code::CsrfFailed)).await;
    }
    let done = call_off(&app, &visit, (&id, &form)).await;
    answer(&app, &visit, done).await
}

async fn call_off(
    app: &App,
    visit: &Visit,
    (id, form): (&str, &CancelForm),
) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let reader = reader(app, visit, id);
    // Whose order it is not is told so, and nothing else.
    app.orders.order(&reader, id).await?;
    let flash = if form.confirm.is_empty() {
        "unsure"
    } else {
        match app.orders.advance(&reader, id, OrderMove::Cancel).await {
            Ok(_) => "cancelled",
            // It moved on meanwhile, or was called off by the same form before: the page says how it stands.
            Err(error) if error.to_problem().code.status() < 500 => "moved",
            Err(error) => return Err(error.into()),
        }
    };
    let address = view::address(&format!("/order/{id}"), &[("flash", flash)]);
    Ok(see_other(&address, Vec::new()))
}
