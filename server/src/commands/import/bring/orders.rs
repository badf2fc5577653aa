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
    orders::{EarlierStatus, ImportEarlierLine, ImportEarlierOrder, ImportEarlierOrders},
    values::{Currency, Money, Timestamp},
};
use serde::Deserialize;
use serde_json::Value;

/// Lines that go in one request, unless a single record has more.
const LINES_MAX: usize = 1_000;

/// A record of a file. Money is in minor units, or a decimal text.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(alias = "order_ref")]
    number: String,
    #[serde(alias = "at", alias = "created_at")]
    placed_at: String,
    email: Option<String>,
    customer_ref: Option<String>,
    status: Option<EarlierStatus>,
    currency: Currency,
    lines: Vec<Line>,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Debug, Deserialize)]
struct Line {
    sku: String,
    name: Option<String>,
    #[serde(alias = "qty")]
    quantity: i64,
    unit_price_minor: Option<i64>,
    unit_price: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Sums {
    shipping_minor: Option<i64>,
    shipping: Option<String>,
    tax_minor: Option<i64>,
    tax: Option<String>,
    discount_minor: Option<i64>,
    discount: Option<String>,
    total_minor: Option<i64>,
    total: Option<String>,
    refunded_minor: Option<i64>,
    refunded: Option<String>,
}

pub(super) async fn bring(
    run: &Run<'_>,
    source: &str,
    rows: &[Row],
) -> Result<Vec<Fate>, BoxError> {
    let mut fates = Vec::with_capacity(rows.len());
    let mut rest: Vec<_> = rows.iter().map(read).collect();
    let mut size = few(&rest);
    while !rest.is_empty() {
        let (now, _) = rest.split_at(size.clamp(1, rest.len()));
        match send(run, source, now).await? {
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

/// How many of these go in one request: at least one.
fn few(rows: &[Result<ImportEarlierOrder, String>]) -> usize {
    let mut lines: usize = 0;
    let fit = rows.iter().take_while(|row| {
        let more = row.as_ref().map_or(0, |row| row.lines.len());
        lines = lines.saturating_add(more);
        lines <= LINES_MAX
    });
    fit.count().max(1)
}

/// What became of each; nothing if they are more than a request may be.
async fn send(
    run: &Run<'_>,
    source: &str,
    rows: &[Result<ImportEarlierOrder, String>],
) -> Result<Option<Vec<Fate>>, BoxError> {
    let good: Vec<_> = rows.iter().filter_map(|row| row.clone().ok()).collect();
    let mut judged = Vec::new();
    if !good.is_empty() {
        let wish = ImportEarlierOrders {
            dry_run: !run.args.commit,
            source: source.to_owned(),
            rows: good,
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

fn read(row: &Row) -> Result<ImportEarlierOrder, String> {
    let record: Record = serde_json::from_value(Value::Object(row.fields.clone()))
        .map_err(|error| error.to_string())?;
    let currency = record.currency;
    let lines = record.lines.into_iter();
    let lines: Vec<ImportEarlierLine> = lines
        .map(|line| {
            let price = minor(
                "unit_price",
                line.unit_price_minor,
                line.unit_price,
                currency,
            )?;
            Ok(ImportEarlierLine {
                sku: line.sku,
                name: line.name,
                quantity: line.quantity,
                unit_price_minor: price.ok_or("unit_price or unit_price_minor is missing")?,
            })
        })
        .collect::<Result<_, String>>()?;
    let sums = record.sums;
    let part =
        |name, units, text| Ok::<_, String>(minor(name, units, text, currency)?.unwrap_or(0));
    let shipping = part("shipping", sums.shipping_minor, sums.shipping)?;
    let tax = part("tax", sums.tax_minor, sums.tax)?;
    let discount = part("discount", sums.discount_minor, sums.discount)?;
    let said = minor("total", sums.total_minor, sums.total, currency)?;
    let total = match said {
        Some(total) => total,
        None => due(&lines, shipping, tax, discount).ok_or("it adds up to too much")?,
    };
    let status = record.status.unwrap_or(EarlierStatus::Delivered);
    let refunded = minor("refunded", sums.refunded_minor, sums.refunded, currency)?;
    Ok(ImportEarlierOrder {
        number: record.number,
        placed_at: moment(&record.placed_at)?,
        email: record.email.filter(|email| !email.trim().is_empty()),
        customer_ref: record.customer_ref.filter(|text| !text.trim().is_empty()),
        status,
        currency,
        lines,
        shipping_minor: shipping,
        tax_minor: tax,
        discount_minor: discount,
        total_minor: total,
        refunded_minor: refunded.unwrap_or(match status {
            EarlierStatus::Refunded => total,
            EarlierStatus::Delivered | EarlierStatus::Cancelled => 0,
        }),
    })
}

/// What a file that names no total means.
fn due(lines: &[ImportEarlierLine], shipping: i64, tax: i64, discount: i64) -> Option<i64> {
    let mut sum: i64 = 0;
    for line in lines {
        sum = sum.checked_add(line.quantity.checked_mul(line.unit_price_minor)?)?;
    }
    sum.checked_add(shipping)?
        .checked_add(tax)?
        .checked_sub(discount)
}

fn minor(
    name: &str,
    units: Option<i64>,
    text: Option<String>,
    currency: Currency,
) -> Result<Option<i64>, String> {
    match (units, text) {
        (None, None) => Ok(None),
        (Some(units), None) => Ok(Some(units)),
        (None, Some(text)) => {
            let money = Money::parse_decimal(&text, currency);
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
        read(&Row { line: 1, fields })
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
