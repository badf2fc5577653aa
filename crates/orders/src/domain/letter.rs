//! What the shop writes to buyers about their orders, all of it: once as plain text and once as simple HTML, of the
//! same blocks. What somebody typed (names of things, carriers, numbers) stands in it as text only: no mark-up, and no
//! line of its own that nobody wrote here.

use contracts::orders::{OrderMailKind, OrderView, ShipmentView};

/// Lines that a mail shows; of larger orders it says how many there are more.
const LINES_MAX: usize = 50;

/// What a letter is put together of.
pub(crate) struct Facts<'a> {
    pub(crate) order: &'a OrderView,
    /// The parcel that it tells of.
    pub(crate) parcel: Option<&'a ShipmentView>,
    /// How much was given back.
    pub(crate) refund: Option<&'a str>,
    /// Why it was called off, if the timeline says so.
    pub(crate) reason: Option<&'a str>,
    /// What the shop said to a return.
    pub(crate) note: Option<&'a str>,
    /// Where the order is seen.
    pub(crate) link: &'a str,
}

/// A letter as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// Words of our own, with at most a number or an amount in them.
    Words(String),
    /// What stands beside what.
    Rows(Vec<(String, String)>),
    /// Where somebody may go on.
    Link(&'static str, String),
}

/// The letter of this kind.
pub(crate) fn letter(kind: OrderMailKind, facts: &Facts<'_>) -> Letter {
    let number = facts.order.number;
    let (title, words) = opening(kind, facts);
    let mut blocks = vec![Block::Words(words)];
    match kind {
        OrderMailKind::Received | OrderMailKind::Paid => {
            blocks.push(Block::Rows(sums(facts.order)))
        }
        OrderMailKind::Shipped => blocks.extend(facts.parcel.into_iter().flat_map(parcel)),
        OrderMailKind::ReturnApproved | OrderMailKind::ReturnRefused => {
            let note = |note: &str| Block::Rows(vec![("We add".to_owned(), note.to_owned())]);
            blocks.extend(facts.note.map(note));
        }
        OrderMailKind::Delivered | OrderMailKind::Cancelled | OrderMailKind::Refunded => {}
    }
    blocks.push(Block::Link("Your order", facts.link.to_owned()));
    Letter {
        subject: format!("Order {number}: {title}"),
        blocks,
    }
}

fn opening(kind: OrderMailKind, facts: &Facts<'_>) -> (&'static str, String) {
    let (number, total) = (facts.order.number, facts.order.total);
    match kind {
        OrderMailKind::Received => (
            "received",
            format!(
                "we have your order {number} and keep its things for you. Please pay it soon: {total}."
            ),
        ),
        OrderMailKind::Paid => (
            "confirmed",
            format!(
                "thank you: your order {number} is paid, {total}. We write again when it is on its way."
            ),
        ),
        OrderMailKind::Shipped => (
            "on its way",
            format!("a parcel of your order {number} is on its way."),
        ),
        OrderMailKind::Delivered => ("arrived", format!("your order {number} has arrived.")),
        OrderMailKind::Cancelled => ("cancelled", cancelled(facts)),
        OrderMailKind::ReturnApproved => (
            "you may send it back",
            format!("what you want to return of your order {number} may come back to us."),
        ),
        OrderMailKind::ReturnRefused => (
            "about your return",
            format!("what you want to return of your order {number} cannot come back to us."),
        ),
        OrderMailKind::Refunded => {
            let amount = facts.refund.unwrap_or("money");
            let way = "It takes the way back that you paid by, which may take some days.";
            (
                "money given back",
                format!("we gave back {amount} of your order {number}. {way}"),
            )
        }
    }
}

fn cancelled(facts: &Facts<'_>) -> String {
    let number = facts.order.number;
    let why = facts
        .reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    format!("your order {number} is cancelled{why}. What you may have paid for it is given back.")
}

fn sums(order: &OrderView) -> Vec<(String, String)> {
    let line = |line: &contracts::orders::OrderLineView| {
        let name = format!("{} x {}", line.quantity.get(), line.name);
        (name, line.line_total.to_string())
    };
    let mut rows: Vec<_> = order.items.iter().take(LINES_MAX).map(line).collect();
    more(&mut rows, order.items.len());
    rows.extend(
        order
            .parts
            .iter()
            .map(|part| (part.title.clone(), part.amount.to_string())),
    );
    rows.push(("Total".to_owned(), order.total.to_string()));
    rows
}

fn more(rows: &mut Vec<(String, String)>, all: usize) {
    let left = all.saturating_sub(LINES_MAX);
    if left > 0 {
        rows.push((format!("and {left} lines more"), String::new()));
    }
}

fn parcel(parcel: &ShipmentView) -> Vec<Block> {
    let line = |line: &contracts::orders::ShipmentLineView| {
        (
            format!("{} x {}", line.quantity.get(), line.name),
            String::new(),
        )
    };
    let mut rows: Vec<_> = parcel.lines.iter().take(LINES_MAX).map(line).collect();
    more(&mut rows, parcel.lines.len());
    for (name, value) in [("Carrier", &parcel.carrier), ("Tracking", &parcel.tracking)] {
        rows.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    let mut blocks = vec![Block::Rows(rows)];
    blocks.extend(
        parcel
            .tracking_url
            .clone()
            .map(|url| Block::Link("Follow the parcel", url)),
    );
    blocks
}

impl Letter {
    /// As plain text.
    pub(crate) fn text(&self) -> String {
        let mut text = "Hello,\r\n".to_owned();
        for block in &self.blocks {
            text.push_str("\r\n");
            match block {
                Block::Words(words) => text.push_str(&format!("{}\r\n", wrapped(words))),
                Block::Rows(rows) => rows.iter().for_each(|row| text.push_str(&plain_row(row))),
                Block::Link(what, url) => {
                    text.push_str(&format!("{what}:\r\n{}\r\n", one_line(url)))
                }
            }
        }
        text
    }

    /// As HTML.
    pub(crate) fn html(&self) -> String {
        let mut html =
            "<!doctype html>\r\n<meta charset=\"utf-8\">\r\n<p>Hello,</p>\r\n".to_owned();
        for block in &self.blocks {
            let block = match block {
                Block::Words(words) => format!("<p>{}</p>\r\n", escaped(words)),
                Block::Rows(rows) => {
                    let rows: String = rows.iter().map(table_row).collect();
                    format!("<table>\r\n{rows}</table>\r\n")
                }
                Block::Link(what, url) => {
                    format!("<p><a href=\"{}\">{what}</a></p>\r\n", escaped(url))
                }
            };
            html.push_str(&block);
        }
        html
    }
}

fn plain_row((what, value): &(String, String)) -> String {
    let gap = if value.is_empty() { "" } else { ": " };
    format!("  {}{gap}{}\r\n", one_line(what), one_line(value))
}

fn table_row((what, value): &(String, String)) -> String {
    format!(
        "<tr><td>{}</td><td align=\"right\">{}</td></tr>\r\n",
        escaped(what),
        escaped(value)
    )
}

/// Words in lines of at most 76 characters.
fn wrapped(words: &str) -> String {
    let mut text = String::new();
    let mut width = 0_usize;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width.saturating_add(length) >= 76 {
            text.push_str("\r\n");
            width = 0;
        } else if width > 0 {
            text.push(' ');
            width = width.saturating_add(1);
        }
        text.push_str(word);
        width = width.saturating_add(length);
    }
    text
}

/// What somebody typed begins no line of its own.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// How much a refund gave back, as an order's timeline tells it: the refund's id, a space, the amount.
pub(crate) fn amount_of<'n>(note: &'n str, refund: &str) -> Option<&'n str> {
    note.strip_prefix(refund)?.strip_prefix(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        orders::{OrderLineView, OrderStatus},
        values::{Money, OrderId, ProductId, Quantity, Timestamp, VariantId, Version},
    };

    fn order(name: &str, currency: &str) -> OrderView {
        let price = Money::new(1_250, currency.parse().unwrap());
        let line = OrderLineView {
            product_id: ProductId::generate(),
            variant_id: VariantId::generate(),
            sku: "A-1".to_owned(),
            name: name.to_owned(),
            quantity: Quantity::try_from(2_u32).unwrap(),
            unit_price: price,
            line_total: price,
            tax: None,
        };
        OrderView {
            id: OrderId::generate(),
            number: 10_001,
            version: Version::FIRST,
            status: OrderStatus::Paid,
            customer_id: None,
            items: vec![line],
            parts: Vec::new(),
            shipping_address: None,
            total: price,
            payment_due_at: Timestamp::from_ms(0),
            tracking: None,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
            order_token: None,
        }
    }

    fn paid(order: &OrderView) -> Letter {
        let facts = Facts {
            order,
            parcel: None,
            refund: None,
            reason: None,
            note: None,
            link: "https://shop.example/order/1?token=a&b",
        };
        letter(OrderMailKind::Paid, &facts)
    }

    #[test]
    fn what_somebody_typed_is_neither_mark_up_nor_a_line_of_its_own() {
        let letter = paid(&order("<b>Tea</b>\r\n.\r\nBcc: eve", "USD"));
        assert_eq!(letter.subject, "Order 10001: confirmed");
        let (text, html) = (letter.text(), letter.html());
        assert!(
            text.contains("  2 x <b>Tea</b>  .  Bcc: eve: 12.50 USD\r\n"),
            "{text}"
        );
        assert!(
            html.contains("<td>2 x &lt;b&gt;Tea&lt;/b&gt;  .  Bcc: eve</td>"),
            "{html}"
        );
        assert!(
            html.contains("href=\"https://shop.example/order/1?token=a&amp;b\""),
            "{html}"
        );
        assert!(
            text.contains("\r\nhttps://shop.example/order/1?token=a&b\r\n"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| line.len() <= 76 || line.starts_with("http")),
            "{text}"
        );
    }

    #[test]
    fn money_is_written_as_its_currency_is() {
        for (currency, written) in [
            ("JPY", "1250 JPY"),
            ("KWD", "1.250 KWD"),
            ("EUR", "12.50 EUR"),
        ] {
            let text = paid(&order("Tea", currency)).text();
            assert!(text.contains(&format!("Total: {written}\r\n")), "{text}");
        }
    }

    #[test]
    fn an_amount_is_that_of_the_refund_and_of_no_other() {
        assert_eq!(amount_of("re_1 5.00 USD", "re_1"), Some("5.00 USD"));
        assert_eq!(amount_of("re_11 5.00 USD", "re_1"), None);
    }
}
