//! What the shop writes to buyers about their orders, in the words of its settings (`phrases`): once as plain text and
//! once as simple HTML, of the same blocks. What somebody typed (names of things, carriers, numbers) stands in it as
//! text only: no mark-up, and no line of its own that nobody wrote there.

use super::phrases::{Phrases, filled};
use contracts::orders::{OrderMailKind, OrderPartView, OrderView, ShipmentView};

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
    /// How it begins.
    hello: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// Words of the shop's own, with at most a number, an amount or a reason in them.
    Words(String),
    /// What stands beside what.
    Rows(Vec<(String, String)>),
    /// Where somebody may go on.
    Link(String, String),
}

/// The letter of this kind, in these words.
pub(crate) fn letter(kind: OrderMailKind, facts: &Facts<'_>, words: &Phrases) -> Letter {
    let number = facts.order.number.to_string();
    let (title, text) = words.of(kind);
    let mut blocks = vec![Block::Words(opening(text, facts, words))];
    match kind {
        OrderMailKind::Received | OrderMailKind::Paid => {
            blocks.push(Block::Rows(sums(facts.order, words)))
        }
        OrderMailKind::Shipped => {
            let parcel = facts.parcel.into_iter();
            blocks.extend(parcel.flat_map(|parcel| inside(parcel, words)));
        }
        OrderMailKind::ReturnApproved | OrderMailKind::ReturnRefused => {
            let note = |note: &str| Block::Rows(vec![(words.we_add.clone(), note.to_owned())]);
            blocks.extend(facts.note.map(note));
        }
        OrderMailKind::Delivered | OrderMailKind::Cancelled | OrderMailKind::Refunded => {}
    }
    let link = facts.link.to_owned();
    blocks.push(Block::Link(words.your_order.clone(), link));
    Letter {
        subject: filled(&words.subject, &[("number", &number), ("title", title)]),
        hello: words.hello.clone(),
        blocks,
    }
}

/// What a letter says first.
fn opening(text: &str, facts: &Facts<'_>, words: &Phrases) -> String {
    let why = |reason| filled(&words.cancelled_why, &[("reason", reason)]);
    let values = [
        ("number", facts.order.number.to_string()),
        ("total", facts.order.total.to_string()),
        (
            "amount",
            facts.refund.unwrap_or(&words.some_money).to_owned(),
        ),
        ("why", facts.reason.map(why).unwrap_or_default()),
    ];
    filled(
        text,
        &values.each_ref().map(|(gap, value)| (*gap, value.as_str())),
    )
}

fn sums(order: &OrderView, words: &Phrases) -> Vec<(String, String)> {
    let line = |line: &contracts::orders::OrderLineView| {
        let name = format!("{} x {}", line.quantity.get(), line.name);
        (name, line.line_total.to_string())
    };
    let mut rows: Vec<_> = order.items.iter().take(LINES_MAX).map(line).collect();
    more(&mut rows, order.items.len(), words);
    rows.extend(order.parts.iter().map(|part| beside(part, words)));
    rows.push((words.total.clone(), order.total.to_string()));
    rows
}

/// A part of the total. A tax that is in the prices adds nothing: how much it is stands with it.
fn beside(part: &OrderPartView, words: &Phrases) -> (String, String) {
    let title = part.title.clone();
    match &part.tax {
        Some(tax) if tax.included => {
            let values = [
                ("title", title.as_str()),
                ("amount", &tax.amount.to_string()),
            ];
            (filled(&words.tax_included, &values), String::new())
        }
        Some(_) | None => (title, part.amount.to_string()),
    }
}

fn more(rows: &mut Vec<(String, String)>, all: usize, words: &Phrases) {
    let left = all.saturating_sub(LINES_MAX);
    if left > 0 {
        let count = left.to_string();
        rows.push((
            filled(&words.more_lines, &[("count", &count)]),
            String::new(),
        ));
    }
}

/// What is in a parcel, and how it travels.
fn inside(parcel: &ShipmentView, words: &Phrases) -> Vec<Block> {
    let line = |line: &contracts::orders::ShipmentLineView| {
        (
            format!("{} x {}", line.quantity.get(), line.name),
            String::new(),
        )
    };
    let mut rows: Vec<_> = parcel.lines.iter().take(LINES_MAX).map(line).collect();
    more(&mut rows, parcel.lines.len(), words);
    for (name, value) in [
        (&words.carrier, &parcel.carrier),
        (&words.tracking, &parcel.tracking),
    ] {
        rows.extend(value.clone().map(|value| (name.clone(), value)));
    }
    let mut blocks = vec![Block::Rows(rows)];
    let follow = |url| Block::Link(words.follow.clone(), url);
    blocks.extend(parcel.tracking_url.clone().map(follow));
    blocks
}

impl Letter {
    /// As plain text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\r\n", self.hello);
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
        let mut html = format!(
            "<!doctype html>\r\n<meta charset=\"utf-8\">\r\n<p>{}</p>\r\n",
            escaped(&self.hello)
        );
        for block in &self.blocks {
            let block = match block {
                Block::Words(words) => format!("<p>{}</p>\r\n", escaped(words)),
                Block::Rows(rows) => {
                    let rows: String = rows.iter().map(table_row).collect();
                    format!("<table>\r\n{rows}</table>\r\n")
                }
                Block::Link(what, url) => {
                    let (url, what) = (escaped(url), escaped(what));
                    format!("<p><a href=\"{url}\">{what}</a></p>\r\n")
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
    use super::{super::phrases::tests::documented, *};
    use contracts::{
        orders::{OrderLineView, OrderStatus, PartKind, PartTax},
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
        letter(OrderMailKind::Paid, &facts, &documented())
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
    fn a_tax_says_how_much_it_is_whether_or_not_it_is_in_the_prices() {
        let usd = |minor| Money::new(minor, "USD".parse().unwrap());
        let tax = |included: bool| OrderPartView {
            kind: PartKind::Tax,
            title: "VAT".to_owned(),
            code: None,
            amount: usd(if included { 0 } else { 200 }),
            tax: Some(Box::new(PartTax {
                millionths: 190_000,
                included,
                taxed: usd(1_250),
                amount: usd(200),
                lines: Vec::new(),
                shipping: None,
            })),
        };
        let mut order = order("Tea", "USD");
        order.parts = vec![tax(true), tax(false)];
        let text = paid(&order).text();
        assert!(
            text.contains("VAT, included: 2.00 USD\r\n  VAT: 2.00 USD\r\n"),
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
