//! The first page for staff: what is to be done, then how it goes.

use super::{
    Desk, Fault, Sheet, Who, all_returns, api,
    chart::of_sales,
    money,
    orders::count_of,
    parts::{Block, Figure, at_least, told},
    system,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    orders::{CartFigures, OrderFigures, OrderStatus, ReturnStatus},
    values::Page,
    webhooks::{WebhookStatus, WebhookView},
};

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
    let carts = carts(desk).await.map(|carts| Block::Figures(vec![carts]));
    let mut due = vec![of_status(&figures, OrderStatus::Paid, "to ship")];
    due.extend(returns(&figures));
    due.extend([low, payments(desk).await?, webhooks(desk).await?]);
    let sheet = Sheet::new(say("What is to be done"))
        .with([Block::Figures(due), Block::Chart(of_sales(&figures.hours))]);
    Ok(sheet.with(carts).with([
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
    ]))
}

/// What became of carts. A page without it is better than none.
async fn carts(desk: Desk<'_>) -> Option<Figure> {
    match desk.app.orders.cart_figures().await {
        Ok(counted) => Some(conversion(counted)),
        Err(error) => {
            tracing::warn!(error = ?error, "the first page goes out without its carts");
            None
        }
    }
}

/// How many of the carts that people were at became an order. Counted from the rows of carts and orders when somebody
/// looks: no order waits for it.
fn conversion(carts: CartFigures) -> Figure {
    let all = carts.ordered.saturating_add(carts.open);
    let percent = carts
        .ordered
        .saturating_mul(100)
        .saturating_add(all.div_euclid(2))
        .checked_div(all);
    let newest = if carts.is_cut {
        say("Only the newest are counted.")
    } else {
        ""
    };
    let counted = say!(
        "Carts of the last 24 hours that became an order: {}; that were changed, have something in them and are open: \
         {}. This is the share of the first in both. Orders without a cart are not in it.",
        view::grouped(&carts.ordered.to_string()),
        view::grouped(&carts.open.to_string())
    );
    Figure {
        value: percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%")),
        label: "of carts became orders in the last 24 hours".to_owned(),
        counted: format!("{counted} {newest}").trim_end().to_owned(),
        href: "/admin/orders".to_owned(),
        is_due: false,
    }
}

fn of_status(figures: &OrderFigures, status: OrderStatus, words: &str) -> Figure {
    let value = count_of(figures, status);
    Figure {
        is_due: value != "0",
        value,
        label: words.to_owned(),
        href: format!("/admin/orders?status={}", status.as_str()),
        ..Figure::default()
    }
}

/// Returns for whose answer somebody waits; nothing where nobody tells how many there are.
fn returns(figures: &OrderFigures) -> Option<Figure> {
    let status = ReturnStatus::Requested;
    let value = all_returns::count_of(figures, status)?;
    Some(Figure {
        is_due: value != "0",
        value,
        label: "returns to answer".to_owned(),
        href: format!("/admin/returns?status={}", status.as_str()),
        ..Figure::default()
    })
}

async fn low_stock(desk: Desk<'_>) -> Result<Figure, Fault> {
    let stock = desk.app.catalog.inventory_counts(desk.who()?).await?;
    Ok(Figure {
        value: told(stock.low),
        label: "low in stock".to_owned(),
        href: "/admin/inventory?low=true".to_owned(),
        is_due: stock.low.count > 0,
        ..Figure::default()
    })
}

async fn payments(desk: Desk<'_>) -> Result<Figure, Fault> {
    let count = money::to_look_at(desk).await?;
    Ok(Figure {
        value: at_least(count),
        label: "payments to look at".to_owned(),
        href: "/admin/payments".to_owned(),
        is_due: count > 0,
        ..Figure::default()
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
        ..Figure::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_carts_is_rounded_and_of_none_there_is_none() {
        let share = |ordered, open| {
            let is_cut = false;
            conversion(CartFigures {
                ordered,
                open,
                is_cut,
            })
            .value
        };
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 3), "0%");
        assert_eq!(share(3, 0), "100%");
        assert_eq!(share(1, 2), "33%");
        assert_eq!(share(2, 1), "67%");
    }
}
