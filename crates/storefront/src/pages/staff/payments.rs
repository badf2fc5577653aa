//! All payments by where they stand, newest first. The public API has no such list: it is asked of payments themselves,
//! once the desk has let an admin in.

use super::{
    Desk, Fault,
    parts::{Block, Cell, Tab, Table, columns, counter, together},
};
use crate::{pages::cursor, view, words::say};
use contracts::{
    orders::Reader,
    payments::{PaymentCount, PaymentListed, PaymentPage, PaymentQuery, PaymentStatus},
    values::{Cursor, OrderId, PageSize},
};
use futures_util::future::join_all;

const HERE: &str = "/admin/payments";
/// What an address says that wants all of them.
const ALL: &str = "all";
/// Payments of a page.
const ROWS: u32 = 25;

/// The tabs, in the order of a payment's life.
const TABS: [(PaymentStatus, &str); 7] = [
    (PaymentStatus::Pending, "Pending"),
    (PaymentStatus::RequiresAction, "Requires action"),
    (PaymentStatus::Authorised, "Authorised"),
    (PaymentStatus::Captured, "Captured"),
    (PaymentStatus::Declined, "Declined"),
    (PaymentStatus::Voided, "Voided"),
    (PaymentStatus::Refunded, "Refunded"),
];

/// Which payments a word of an address asks for: all, those of a status, or (none) something else.
pub(super) fn asked(word: &str) -> Option<Option<PaymentStatus>> {
    if word == ALL {
        return Some(None);
    }
    word.parse().ok().map(Some)
}

/// A tab for all of them, and one for each status with how many there are.
pub(super) async fn tabs(desk: Desk<'_>, word: &str) -> Result<Vec<Tab>, Fault> {
    let counts = desk.app.payments.counts().await?;
    let tab = |title: &str, value: &str, count| Tab {
        title: title.to_owned(),
        href: view::address(HERE, &[("show", value)]),
        count,
        is_current: value == word,
    };
    let sum = together(counts.iter().map(|one| (one.count, one.is_more)));
    let all = tab("All", ALL, sum);
    let rest = TABS
        .iter()
        .map(|(status, title)| tab(title, status.as_str(), count_of(&counts, *status)));
    Ok([all].into_iter().chain(rest).collect())
}

fn count_of(counts: &[PaymentCount], status: PaymentStatus) -> String {
    let found = counts.iter().find(|count| count.status == status);
    found.map_or_else(String::new, |count| counter(count.count, count.is_more))
}

/// A page of them, from where the address says.
pub(super) async fn list(
    desk: Desk<'_>,
    status: Option<PaymentStatus>,
    from: &str,
) -> Result<Block, Fault> {
    let query = PaymentQuery {
        status,
        limit: PageSize::try_from(ROWS).unwrap_or_default(),
        cursor: cursor(from).map_err(Fault)?,
    };
    let found = desk.app.payments.list(query).await?;
    let reader = Reader {
        principal: desk.visit.principal.clone(),
        order_token: None,
    };
    let orders = found.data.iter().map(|payment| payment.order_id);
    let numbers = join_all(orders.map(|id| number(desk, &reader, id))).await;
    let word = status.map_or(ALL, PaymentStatus::as_str);
    Ok(Block::Table(
        String::new(),
        table(word, from, &found, &numbers),
    ))
}

/// The number that people know an order by. A list without one of its numbers is better than none.
async fn number(desk: Desk<'_>, reader: &Reader, id: OrderId) -> String {
    match desk.app.orders.order(reader, id).await {
        Ok(order) => order.number.to_string(),
        Err(error) => {
            tracing::warn!(order.id = %id, error = ?error, "a payment is listed without its order's number");
            say("order").to_owned()
        }
    }
}

fn table(word: &str, from: &str, found: &PaymentPage, numbers: &[String]) -> Table {
    let at = |cursor: &str| view::address(HERE, &[("show", word), ("cursor", cursor)]);
    let beside =
        |cursor: Option<&Cursor>| cursor.map_or_else(String::new, |cursor| at(cursor.as_str()));
    Table {
        caption: "Payments, newest first",
        columns: columns(&[
            "Order",
            "Begun",
            "Status",
            "Why",
            "Taken by",
            "#Amount",
            "#Given back",
            "Last moved",
        ]),
        rows: found.data.iter().zip(numbers).map(row).collect(),
        empty: if word == ALL {
            "There are no payments yet. They appear here as soon as somebody pays.".to_owned()
        } else {
            "No payment stands so. Look at all of them.".to_owned()
        },
        first: if from.is_empty() {
            String::new()
        } else {
            at("")
        },
        previous: beside(found.previous_cursor.as_ref()),
        next: beside(found.next_cursor.as_ref()),
        after: found
            .next_cursor
            .as_ref()
            .map_or_else(String::new, |cursor| cursor.as_str().to_owned()),
        ..Table::default()
    }
    .filed(HERE, &[("show", word)])
}

fn row((payment, number): (&PaymentListed, &String)) -> Vec<Cell> {
    let order = format!("/admin/orders/{}", payment.order_id);
    vec![
        Cell::link(number.clone(), order),
        Cell::link(
            view::moment(payment.created_at).exact,
            format!("{HERE}/{}", payment.id),
        ),
        Cell::status(payment.status.as_str()),
        Cell::text(payment.decline_code.clone().unwrap_or_default()),
        Cell::text(payment.provider.clone().unwrap_or_default()),
        Cell::Number(view::money(payment.amount)),
        if payment.refunded.minor == 0 {
            Cell::text("")
        } else {
            Cell::Number(view::money(payment.refunded))
        },
        Cell::when(payment.updated_at),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_an_address_is_all_a_status_or_something_else() {
        assert_eq!(asked("all"), Some(None));
        for status in PaymentStatus::ALL {
            assert_eq!(asked(status.as_str()), Some(Some(status)));
            assert!(TABS.iter().any(|(tab, _)| *tab == status), "{status:?}");
        }
        for other in ["", "open", "paid"] {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
