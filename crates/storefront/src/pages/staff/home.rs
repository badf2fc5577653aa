//! The first page for staff: what is to be done, then how it goes.

use super::{
    Desk, Fault, Sheet, Who, api,
    chart::of_sales,
    orders::count_of,
    parts::{Block, Figure},
    system,
};
use crate::words::say;
use crate::{App, pages::frame::Visit};
use axum::{extract::State, response::Response};
use contracts::{
    catalog::InventoryView,
    orders::{OrderFigures, OrderStatus},
    payments::{ReviewView, SagaView},
    values::Page,
    webhooks::{WebhookStatus, WebhookView},
};

/// Rows that are counted one by one; of more it is said that there are more.
const LOOKED_AT: usize = 100;

/// GET `/admin`.
pub(in crate::pages) async fn show(State(app): State<App>, visit: Visit) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Seller, sheet(desk)).await
}

async fn sheet(desk: Desk<'_>) -> Result<Sheet, Fault> {
    let low = low_stock(desk).await?;
    if !desk.is_admin() {
        let sheet = Sheet::new(say("What is to be done")).with([
            Block::Figures(vec![low]),
            Block::Links(vec![
                ("Your products".to_owned(), "/admin/products".to_owned()),
                ("A new product".to_owned(), "/admin/products/new".to_owned()),
            ]),
        ]);
        return Ok(sheet);
    }
    let figures: OrderFigures = desk.ask().get(&api("orders/figures", &[])).await?;
    let due = vec![
        of_status(&figures, OrderStatus::Paid, "to ship"),
        low,
        payments(desk).await?,
        webhooks(desk).await?,
    ];
    let sheet = Sheet::new(say("What is to be done")).with([
        Block::Figures(due),
        Block::Chart(of_sales(&figures.hours)),
        Block::Figures(
            [
                (OrderStatus::Pending, "wait to be paid"),
                (OrderStatus::Shipped, "on their way"),
                (OrderStatus::Delivered, "delivered"),
                (OrderStatus::Cancelled, "cancelled"),
                (OrderStatus::Refunded, "refunded"),
            ]
            .map(|(status, words)| Figure {
                is_due: false,
                ..of_status(&figures, status, words)
            })
            .into(),
        ),
        system::condition(&desk.app.house),
    ]);
    Ok(sheet)
}

fn of_status(figures: &OrderFigures, status: OrderStatus, words: &str) -> Figure {
    let value = count_of(figures, status);
    Figure {
        is_due: value != "0",
        value,
        label: words.to_owned(),
        href: format!("/admin/orders?status={}", status.as_str()),
    }
}

/// So many as there are in a list that was read to its bound.
fn at_least(count: usize) -> String {
    if count >= LOOKED_AT {
        format!("{LOOKED_AT}+")
    } else {
        count.to_string()
    }
}

async fn low_stock(desk: Desk<'_>) -> Result<Figure, Fault> {
    let path = api("inventory", &[("low_stock", "true"), ("limit", "100")]);
    let low: Page<InventoryView> = desk.ask().get(&path).await?;
    Ok(Figure {
        value: at_least(low.data.len()),
        label: "low in stock".to_owned(),
        href: "/admin/inventory?low=true".to_owned(),
        is_due: !low.data.is_empty(),
    })
}

async fn payments(desk: Desk<'_>) -> Result<Figure, Fault> {
    let parked = api("payments/sagas", &[("state", "parked"), ("limit", "100")]);
    let parked: Page<SagaView> = desk.ask().get(&parked).await?;
    let reviews: Page<ReviewView> = desk.ask().get(&api("payments/reviews", &[])).await?;
    let count = parked.data.len().saturating_add(reviews.data.len());
    Ok(Figure {
        value: at_least(count),
        label: "payments to look at".to_owned(),
        href: "/admin/payments".to_owned(),
        is_due: count > 0,
    })
}

async fn webhooks(desk: Desk<'_>) -> Result<Figure, Fault> {
    let all: Page<WebhookView> = desk.ask().get(&api("webhooks", &[])).await?;
    let fails = |one: &&WebhookView| {
        one.failing_since.is_some()
            || (one.status == WebhookStatus::Disabled && one.disabled_reason.is_some())
    };
    let count = all.data.iter().filter(fails).count();
    Ok(Figure {
        value: count.to_string(),
        label: "webhooks that fail".to_owned(),
        href: "/admin/developers".to_owned(),
        is_due: count > 0,
    })
}
