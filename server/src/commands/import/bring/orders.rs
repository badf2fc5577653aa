//! Records of earlier orders, as a shop keeps them: whoever writes them down says what they were called there. They add
//! up, or are refused. A record that is there stays as it is, so a batch may come again.

use super::{Fate, Row, Run};
use crate::commands::{
    api::Call,
    daily::{path, said},
};
use contracts::{
    BoxError,
    import::{ImportedRows, RowOutcome},
    orders::{
        EarlierStatus, ImportEarlierLine, ImportEarlierOrder, ImportEarlierOrders, OrderPartView,
        PartSums,
    },
    values::{Currency, Money, Timestamp, bounded_text},
};
use serde::Deserialize;
use serde_json::Value;

/// Lines that go in one request, unless a single record has more.
const LINES_MAX: usize = 1_000;
/// The longest name of a shop.
const SOURCE_MAX: usize = 60;

/// A record of a file, as other shops write them down, and as `souk export` does.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(alias = "order_ref")]
    number: Number,
    source: Option<String>,
    #[serde(alias = "at", alias = "created_at")]
    placed_at: String,
    email: Option<String>,
    customer_ref: Option<String>,
    customer_id: Option<String>,
    status: Option<String>,
    currency: Option<Currency>,
    #[serde(alias = "items")]
    lines: Vec<Line>,
    #[serde(default)]
    parts: Vec<OrderPartView>,
    #[serde(flatten)]
    sums: Sums,
}

/// What an order is called.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "number must be a text or a whole number")]
enum Number {
    Text(String),
    Whole(i64),
}

#[derive(Debug, Deserialize)]
struct Line {
    sku: String,
    name: Option<String>,
    #[serde(alias = "qty")]
    quantity: i64,
    unit_price_minor: Option<i64>,
    unit_price: Option<Amount>,
}

/// Money that is not in minor units alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "money must be a text such as \"19.99\", or an amount and a currency"
)]
enum Amount {
    Decimal(String),
    Money(Money),
}

#[derive(Debug, Deserialize)]
struct Sums {
    shipping_minor: Option<i64>,
    shipping: Option<Amount>,
    tax_minor: Option<i64>,
    tax: Option<Amount>,
    discount_minor: Option<i64>,
    discount: Option<Amount>,
    total_minor: Option<i64>,
    total: Option<Amount>,
    refunded_minor: Option<i64>,
    refunded: Option<Amount>,
}

/// A record with the name of the shop that had it.
#[derive(Debug, Clone)]
struct Brought {
    source: String,
    order: ImportEarlierOrder,
}

type Judged = Result<Brought, String>;

pub(super) async fn bring(
    run: &Run<'_>,
    source: Option<&str>,
    rows: &[Row],
) -> Result<Vec<Fate>, BoxError> {
    let mut fates = Vec::with_capacity(rows.len());
    let mut rest: Vec<_> = rows.iter().map(|row| read(row, source)).collect();
    let mut size = few(&rest);
    while !rest.is_empty() {
        let (now, _) = rest.split_at(size.clamp(1, rest.len()));
        match send(run, now).await? {
            Some(judged) => fates.extend(judged),
            None if now.len() > 1 => {
                size = now.len().div_euclid(2);
                continue;
            }
            None => fates.push(Fate::Refused("it is too long for one request".to_owned())),
        }
        rest.drain(..now.len());
        size = few(&rest);
    }
    Ok(fates)
}

/// How many of these go in one request: at least one, and all of one shop.
fn few(rows: &[Judged]) -> usize {
    let source = source_of(rows);
    let mut lines: usize = 0;
    let fit = rows.iter().take_while(|row| {
        let Ok(row) = row else { return true };
        lines = lines.saturating_add(row.order.lines.len());
        lines <= LINES_MAX && Some(&row.source) == source
    });
    fit.count().max(1)
}

/// Which shop the first of these is of that can be read.
fn source_of(rows: &[Judged]) -> Option<&String> {
    let mut good = rows.iter().filter_map(|row| row.as_ref().ok());
    good.next().map(|row| &row.source)
}

/// What became of each; nothing if they are more than a request may be.
async fn send(run: &Run<'_>, rows: &[Judged]) -> Result<Option<Vec<Fate>>, BoxError> {
    let mut judged = Vec::new();
    if let Some(source) = source_of(rows) {
        let good = rows.iter().filter_map(|row| row.as_ref().ok());
        let wish = ImportEarlierOrders {
            dry_run: !run.args.commit,
            source: source.clone(),
            rows: good.map(|row| row.order.clone()).collect(),
        };
        let (path, body) = (
            path(&["earlier-orders", "import"])?,
            serde_json::to_value(&wish)?,
        );
        let answer = run.door.ask(Call::post(&path, &body)).await?;
        match answer.status {
            200 => judged = serde_json::from_value::<ImportedRows>(answer.body)?.data,
            413 => return Ok(None),
            _ => return Err(said(&answer)),
        }
    }
    let mut judged = judged.into_iter();
    let fates = rows.iter().map(|row| match row {
        Err(why) => Ok(Fate::Refused(why.clone())),
        Ok(_) => {
            let row = judged
                .next()
                .ok_or("the shop judged fewer rows than it got")?;
            Ok(match row.outcome {
                RowOutcome::Created => Fate::Done,
                RowOutcome::Known => Fate::Known,
                RowOutcome::Refused => Fate::Refused(row.reason.unwrap_or_default()),
            })
        }
    });
    fates.collect::<Result<_, BoxError>>().map(Some)
}

fn read(row: &Row, source: Option<&str>) -> Judged {
    let record: Record = serde_json::from_value(Value::Object(row.fields.clone()))
        .map_err(|error| error.to_string())?;
    let currency = record.currency.or(match &record.sums.total {
        Some(Amount::Money(total)) => Some(total.currency),
        Some(Amount::Decimal(_)) | None => None,
    });
    let currency = currency.ok_or("currency is missing")?;
    let lines = record.lines.into_iter();
    let lines: Vec<ImportEarlierLine> = lines
        .map(|line| line.read(currency))
        .collect::<Result<_, String>>()?;
    let parts = record.sums.parts(&record.parts, currency)?;
    let said = record.sums.total(currency)?;
    let total = match said {
        Some(total) => total,
        None => due(&lines, &parts).ok_or("it adds up to too much")?,
    };
    let status = status(record.status.as_deref())?;
    let refunded = record.sums.refunded(currency)?;
    // An order of ours says which account it was of; there it is what the customer was called.
    let reference = if row.fields.contains_key("customer_ref") {
        record.customer_ref
    } else {
        record.customer_id
    };
    let order = ImportEarlierOrder {
        number: match record.number {
            Number::Text(text) => text,
            Number::Whole(number) => number.to_string(),
        },
        placed_at: moment(&record.placed_at)?,
        email: record.email.filter(|email| !email.trim().is_empty()),
        customer_ref: reference.filter(|text| !text.trim().is_empty()),
        status,
        currency,
        lines,
        shipping_minor: parts.shipping,
        tax_minor: parts.tax,
        discount_minor: parts.discount,
        total_minor: total,
        refunded_minor: refunded.unwrap_or(match status {
            EarlierStatus::Refunded => total,
            EarlierStatus::Delivered | EarlierStatus::Cancelled => 0,
        }),
    };
    let said = source.or(record.source.as_deref());
    let source = said.ok_or("source is missing: say --source what the other shop is called")?;
    let source = bounded_text(source, 1, SOURCE_MAX).map_err(|error| format!("source {error}"))?;
    Ok(Brought { source, order })
}

impl Line {
    fn read(self, currency: Currency) -> Result<ImportEarlierLine, String> {
        let price = (self.unit_price_minor, self.unit_price.as_ref());
        let price = minor("unit_price", price, currency)?;
        Ok(ImportEarlierLine {
            sku: self.sku,
            name: self.name,
            quantity: self.quantity,
            unit_price_minor: price.ok_or("unit_price or unit_price_minor is missing")?,
        })
    }
}

impl Sums {
    /// What it costs beside its lines: named one by one, or as parts of an order of ours.
    fn parts(&self, parts: &[OrderPartView], currency: Currency) -> Result<PartSums, String> {
        if parts.iter().any(|part| part.amount.currency != currency) {
            return Err(format!("a part is not in {currency}"));
        }
        let of_parts = PartSums::of(parts).ok_or("its parts add up to too much")?;
        let named = |name, units, amount: &Option<Amount>, part: i64| match minor(
            name,
            (units, amount.as_ref()),
            currency,
        )? {
            Some(_) if !parts.is_empty() => Err(format!("{name} is there twice")),
            Some(minor) => Ok(minor),
            None => Ok(part),
        };
        Ok(PartSums {
            shipping: named(
                "shipping",
                self.shipping_minor,
                &self.shipping,
                of_parts.shipping,
            )?,
            tax: named("tax", self.tax_minor, &self.tax, of_parts.tax)?,
            discount: named(
                "discount",
                self.discount_minor,
                &self.discount,
                of_parts.discount,
            )?,
        })
    }

    fn total(&self, currency: Currency) -> Result<Option<i64>, String> {
        minor("total", (self.total_minor, self.total.as_ref()), currency)
    }

    fn refunded(&self, currency: Currency) -> Result<Option<i64>, String> {
        let refunded = (self.refunded_minor, self.refunded.as_ref());
        minor("refunded", refunded, currency)
    }
}

/// Where it ended there. What was paid for is as good as delivered: whoever closes a shop sends it from there. What is
/// not paid has not ended.
fn status(word: Option<&str>) -> Result<EarlierStatus, String> {
    match word {
        None | Some("paid" | "shipped") => Ok(EarlierStatus::Delivered),
        Some("pending") => Err("it is pending: what is not paid is no earlier order".to_owned()),
        Some(word) => word.parse().map_err(|error| format!("status {error}")),
    }
}

/// What a file that names no total means.
fn due(lines: &[ImportEarlierLine], parts: &PartSums) -> Option<i64> {
    let mut sum: i64 = 0;
    for line in lines {
        sum = sum.checked_add(line.quantity.checked_mul(line.unit_price_minor)?)?;
    }
    sum.checked_add(parts.shipping)?
        .checked_add(parts.tax)?
        .checked_sub(parts.discount)
}

fn minor(
    name: &str,
    said: (Option<i64>, Option<&Amount>),
    currency: Currency,
) -> Result<Option<i64>, String> {
    match said {
        (None, None) => Ok(None),
        (Some(units), None) => Ok(Some(units)),
        (None, Some(Amount::Money(money))) if money.currency == currency => Ok(Some(money.minor)),
        (None, Some(Amount::Money(money))) => Err(format!(
            "{name} is in {}, and the order in {currency}",
            money.currency
        )),
        (None, Some(Amount::Decimal(text))) => {
            let money = Money::parse_decimal(text, currency);
            Ok(Some(
                money.map_err(|error| format!("{name} {error}"))?.minor,
            ))
        }
        (Some(_), Some(_)) => Err(format!("{name} is there twice")),
    }
}

/// A time without a zone is in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let read = |text: &str| serde_json::from_value::<Timestamp>(Value::from(text));
    read(text)
        .or_else(|_| read(&format!("{text}Z")))
        .map_err(|error| format!("placed_at {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_value(value: &Value) -> Result<ImportEarlierOrder, String> {
        let fields = value.as_object().unwrap().clone();
        let row = Row { line: 1, fields };
        read(&row, Some("old")).map(|brought| brought.order)
    }

    /// An order as `souk export orders` writes it.
    fn of_ours() -> Value {
        let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
        json!({
            "id": "ord_1", "number": 10_001, "version": 2, "status": "paid", "customer_id": "usr_1",
            "items": [{"product_id": "prd_1", "sku": "A", "name": "Tea", "quantity": 2, "unit_price": usd(250),
                "line_total": usd(500)}],
            "parts": [{"kind": "shipping", "title": "Post", "amount": usd(100)},
                {"kind": "shipping_discount", "title": "Free", "amount": usd(-100)},
                {"kind": "discount", "title": "SPRING", "amount": usd(-50)},
                {"kind": "tax", "title": "VAT", "amount": usd(40)}],
            "total": usd(490), "created_at": "2024-05-01T10:00:00Z", "email": "ann@souk.example", "refunded": usd(90),
        })
    }

    #[test]
    fn an_order_of_ours_is_a_record_with_the_same_figures() {
        let record = read_value(&of_ours()).unwrap();
        assert_eq!(
            (record.number.as_str(), record.customer_ref.as_deref()),
            ("10001", Some("usr_1"))
        );
        assert_eq!(record.status, EarlierStatus::Delivered);
        let parts = (
            record.shipping_minor,
            record.tax_minor,
            record.discount_minor,
        );
        assert_eq!(parts, (100, 40, 150));
        assert_eq!((record.total_minor, record.refunded_minor), (490, 90));
        for (name, value, word) in [
            ("status", json!("pending"), "pending"),
            ("status", json!("gone"), "gone"),
            ("shipping", json!("1.00"), "there twice"),
            ("refunded", json!({"amount": 1, "currency": "EUR"}), "EUR"),
            ("currency", json!("EUR"), "the order in EUR"),
            ("total", json!(4.9), "19.99"),
        ] {
            let mut wrong = of_ours();
            wrong[name] = value;
            let why = read_value(&wrong).unwrap_err();
            assert!(why.contains(word), "{name}: {why}");
        }
    }

    #[test]
    fn records_of_two_shops_go_in_two_requests_and_each_needs_a_name() {
        let judged = |said: Option<&str>, own: Value| {
            let mut value = of_ours();
            value["source"] = own;
            let fields = value.as_object().unwrap().clone();
            read(&Row { line: 1, fields }, said)
        };
        let bad = judged(None, Value::Null);
        assert!(bad.as_ref().unwrap_err().contains("--source"));
        let rows = [
            bad,
            judged(None, json!("one")),
            judged(None, json!("one")),
            judged(None, json!("two")),
        ];
        assert_eq!((few(&rows), few(&rows[3..])), (3, 1));
        assert_eq!(judged(Some("said"), json!("one")).unwrap().source, "said");
    }

    #[test]
    fn a_record_is_read_under_either_name_and_adds_up_by_itself() {
        let line = json!({"sku": "A", "qty": 3, "unit_price_minor": 250});
        let trace = json!({
            "order_ref": "536365", "at": "2010-12-01T08:26:00", "customer_ref": null, "country": "France",
            "currency": "GBP", "lines": [line],
        });
        let record = read_value(&trace).unwrap();
        assert_eq!(
            (record.number.as_str(), record.total_minor),
            ("536365", 750)
        );
        assert_eq!(
            serde_json::to_value(record.placed_at).unwrap(),
            "2010-12-01T08:26:00Z"
        );
        let ours = json!({
            "number": "1", "placed_at": "2010-12-01T08:26:00Z", "currency": "GBP", "status": "refunded",
            "lines": [{"sku": "A", "quantity": 3, "unit_price": "2.50"}], "shipping": "1.00", "discount": "0.50",
            "total": "8.00",
        });
        let record = read_value(&ours).unwrap();
        assert_eq!((record.total_minor, record.refunded_minor), (800, 800));
        for (name, value) in [
            ("currency", json!("DOUBLOON")),
            ("placed_at", json!("yesterday")),
            ("total", json!("8.001")),
            ("lines", json!([{"sku": "A", "quantity": 3}])),
        ] {
            let mut wrong = ours.clone();
            wrong[name] = value;
            assert!(read_value(&wrong).is_err(), "{name}");
        }
    }
}
