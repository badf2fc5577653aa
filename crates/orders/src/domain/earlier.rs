//! What a record of an earlier order must be: whole, within bounds, and adding up to the last minor unit.

use contracts::{
    orders::{EarlierStatus, ImportEarlierLine, ImportEarlierOrder},
    values::{Currency, EarlierOrderId, Email, Timestamp, ValueError, bounded_text},
};

const NUMBER_MAX: usize = 60;
const REFERENCE_MAX: usize = 120;
const SKU_MAX: usize = 64;
const NAME_MAX: usize = 300;
const LINES_MAX: usize = 2_000;
const QUANTITY_MAX: i64 = 1_000_000_000;
/// No sum of a record is higher.
const SUM_MAX: i64 = 1_000_000_000_000_000;

/// A record that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierOrder {
    pub(crate) id: EarlierOrderId,
    pub(crate) source: String,
    pub(crate) number: String,
    pub(crate) email: Option<Email>,
    pub(crate) customer_ref: Option<String>,
    pub(crate) status: EarlierStatus,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<EarlierLine>,
    pub(crate) sums: Sums,
    pub(crate) placed_at: Timestamp,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierLine {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price_minor: i64,
}

/// What it adds up to, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) subtotal: i64,
    pub(crate) shipping: i64,
    pub(crate) tax: i64,
    pub(crate) discount: i64,
    pub(crate) total: i64,
    pub(crate) refunded: i64,
}

/// What the other shop is called.
pub(crate) fn source(text: &str) -> Result<String, ValueError> {
    bounded_text(text, 1, NUMBER_MAX)
}

/// Reads a record, or says what is wrong with it.
pub(crate) fn check(
    id: EarlierOrderId,
    source: &str,
    row: ImportEarlierOrder,
) -> Result<EarlierOrder, String> {
    let text = |name: &str, text: &str, max| {
        bounded_text(text, 1, max).map_err(|error| format!("{name} {error}"))
    };
    let email = row.email.as_deref().map(Email::parse).transpose();
    let reference = row.customer_ref.as_deref();
    let reference = reference.map(|one| text("customer_ref", one, REFERENCE_MAX));
    if row.lines.is_empty() || row.lines.len() > LINES_MAX {
        return Err(format!("lines must be 1 to {LINES_MAX}"));
    }
    let sums = sums(&row)?;
    let lines = row.lines.iter().enumerate();
    let lines = lines.map(|(index, line)| {
        line_of(line).map_err(|why| format!("line {} of it: {why}", index.saturating_add(1)))
    });
    Ok(EarlierOrder {
        id,
        source: source.to_owned(),
        number: text("number", &row.number, NUMBER_MAX)?,
        email: email.map_err(|error| format!("email {error}"))?,
        customer_ref: reference.transpose()?,
        status: row.status,
        currency: row.currency,
        lines: lines.collect::<Result<_, _>>()?,
        sums,
        placed_at: row.placed_at,
    })
}

fn line_of(line: &ImportEarlierLine) -> Result<EarlierLine, String> {
    let sku = bounded_text(&line.sku, 1, SKU_MAX).map_err(|error| format!("sku {error}"))?;
    let name = line.name.as_deref().filter(|name| !name.trim().is_empty());
    let name = name.map(|name| bounded_text(name, 1, NAME_MAX)).transpose();
    Ok(EarlierLine {
        name: name
            .map_err(|error| format!("name {error}"))?
            .unwrap_or_else(|| sku.clone()),
        sku,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
    })
}

/// Every sum in its bounds, and the parts the total.
fn sums(row: &ImportEarlierOrder) -> Result<Sums, String> {
    let too_high = || format!("a sum must be 0 to {SUM_MAX}");
    let bounded = |minor: i64| {
        let fits = (0..=SUM_MAX).contains(&minor);
        fits.then_some(minor).ok_or_else(too_high)
    };
    let mut subtotal: i64 = 0;
    for line in &row.lines {
        if !(1..=QUANTITY_MAX).contains(&line.quantity) {
            return Err(format!("quantity must be 1 to {QUANTITY_MAX}"));
        }
        let price = bounded(line.unit_price_minor)?;
        let of_line = line.quantity.checked_mul(price).ok_or_else(too_high)?;
        subtotal = bounded(subtotal.saturating_add(of_line))?;
    }
    let sums = Sums {
        subtotal,
        shipping: bounded(row.shipping_minor)?,
        tax: bounded(row.tax_minor)?,
        discount: bounded(row.discount_minor)?,
        total: bounded(row.total_minor)?,
        refunded: bounded(row.refunded_minor)?,
    };
    let due = sums
        .subtotal
        .saturating_add(sums.shipping)
        .saturating_add(sums.tax)
        .saturating_sub(sums.discount);
    if due != sums.total {
        return Err(format!(
            "lines, shipping and tax, less the discount, are {due}, and total_minor is {}",
            sums.total
        ));
    }
    if sums.refunded > sums.total {
        return Err("more went back than was paid".to_owned());
    }
    if row.status == EarlierStatus::Refunded && sums.refunded != sums.total {
        return Err("what is refunded has all of its total in refunded_minor".to_owned());
    }
    Ok(sums)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record of two lines for 1,100.
    pub(crate) fn row(number: &str) -> ImportEarlierOrder {
        let line = |sku: &str, quantity, unit_price_minor| ImportEarlierLine {
            sku: sku.to_owned(),
            name: None,
            quantity,
            unit_price_minor,
        };
        ImportEarlierOrder {
            number: number.to_owned(),
            placed_at: Timestamp::from_ms(7),
            email: None,
            customer_ref: None,
            status: EarlierStatus::Delivered,
            currency: "GBP".parse().unwrap(),
            lines: vec![line("A", 2, 250), line("B", 1, 600)],
            shipping_minor: 100,
            tax_minor: 0,
            discount_minor: 100,
            total_minor: 1_100,
            refunded_minor: 0,
        }
    }

    #[test]
    fn a_record_adds_up_to_the_last_minor_unit_or_is_refused() {
        let read = |change: fn(&mut ImportEarlierOrder)| {
            let mut row = row("1");
            change(&mut row);
            check(EarlierOrderId::from_bytes([1; 16]), "old", row)
        };
        assert_eq!(read(|_| ()).unwrap().sums.subtotal, 1_100);
        for (change, word) in [
            (
                (|row| row.total_minor = 1_101) as fn(&mut ImportEarlierOrder),
                "1101",
            ),
            (|row| row.lines[0].quantity = 0, "quantity"),
            (|row| row.lines[0].unit_price_minor = i64::MAX, "sum"),
            (|row| row.discount_minor = -1, "sum"),
            (|row| row.refunded_minor = 1_101, "went back"),
            (|row| row.status = EarlierStatus::Refunded, "refunded"),
            (|row| row.lines.clear(), "lines"),
            (|row| row.lines[1].sku.clear(), "line 2"),
            (|row| row.email = Some("nobody".to_owned()), "email"),
            (|row| row.number.clear(), "number"),
        ] {
            let why = read(change).unwrap_err();
            assert!(why.contains(word), "{word}: {why}");
        }
    }
}
