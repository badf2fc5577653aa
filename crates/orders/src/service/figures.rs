//! How the shop is doing, for its admins. What is asked is bounded; nothing is written.

use super::{Service, internal};
use crate::store::Sale;
use contracts::{
    orders::{CartFigures, HourFigures, OrderError, OrderFigures, ReturnCount, StatusCount},
    values::{Money, Timestamp},
};

/// Orders, or returns, of a status that are counted.
const COUNT_MAX: i64 = 100_000;
/// Orders of the last hours that are added up.
const SALES_MAX: u32 = 20_000;
/// Orders and carts of the last hours that are looked at, each.
const CARTS_MAX: i64 = 20_000;
/// Hours that are told of, the present one with them.
const HOURS: i64 = 24;
const HOUR_MS: i64 = 3_600_000;

impl Service {
    pub(crate) async fn figures(&self) -> Result<OrderFigures, OrderError> {
        let counts = self.store.count_by_status(COUNT_MAX.saturating_add(1));
        let counts = counts.await.map_err(internal)?;
        let returns = self.store.count_returns(COUNT_MAX.saturating_add(1));
        let returns = returns.await.map_err(internal)?;
        let begin = beginning(self.clock.now());
        let sales = self.store.sold_since(begin, SALES_MAX);
        let sales = sales.await.map_err(internal)?;
        Ok(OrderFigures {
            counts: counts
                .into_iter()
                .map(|(status, count)| StatusCount {
                    status,
                    count: count.min(COUNT_MAX),
                    is_more: count > COUNT_MAX,
                })
                .collect(),
            returns: returns
                .into_iter()
                .map(|(status, count)| ReturnCount {
                    status,
                    count: count.min(COUNT_MAX),
                    is_more: count > COUNT_MAX,
                })
                .collect(),
            hours: hours(begin, &sales),
            is_cut: u32::try_from(sales.len()).is_ok_and(|count| count >= SALES_MAX),
        })
    }

    /// What became of carts in the last 24 hours, from their own rows and those of orders.
    pub(crate) async fn figures_of_carts(&self) -> Result<CartFigures, OrderError> {
        let day = HOUR_MS.saturating_mul(HOURS);
        let since = Timestamp::from_ms(self.clock.now().as_ms().saturating_sub(day));
        let kept_until = since.plus_seconds(i64::from(self.config.cart_keep_seconds));
        let counted = self.store.carts_since(since, kept_until, CARTS_MAX).await;
        let counted = counted.map_err(internal)?;
        Ok(CartFigures {
            ordered: counted.ordered,
            open: counted.open,
            is_cut: counted.looked_at >= CARTS_MAX,
        })
    }
}

/// When the first of the hours began.
fn beginning(now: Timestamp) -> Timestamp {
    let present = now.as_ms().saturating_sub(now.as_ms().rem_euclid(HOUR_MS));
    Timestamp::from_ms(present.saturating_sub(HOUR_MS.saturating_mul(HOURS.saturating_sub(1))))
}

fn hours(begin: Timestamp, sales: &[Sale]) -> Vec<HourFigures> {
    let hour = |index: i64| HourFigures {
        from: Timestamp::from_ms(begin.as_ms().saturating_add(index.saturating_mul(HOUR_MS))),
        orders: 0,
        sold: Vec::new(),
    };
    let mut hours: Vec<HourFigures> = (0..HOURS).map(hour).collect();
    for (at, total) in sales {
        let index = at.as_ms().saturating_sub(begin.as_ms()).div_euclid(HOUR_MS);
        // A clock that was set back may have written what is still to come.
        let found = usize::try_from(index)
            .ok()
            .and_then(|index| hours.get_mut(index));
        if let Some(hour) = found {
            hour.orders = hour.orders.saturating_add(1);
            add(&mut hour.sold, *total);
        }
    }
    hours
}

/// Adds to the sum of this currency; beyond what can be counted it stays where it is.
fn add(sums: &mut Vec<Money>, total: Money) {
    match sums.iter_mut().find(|sum| sum.currency == total.currency) {
        Some(sum) => sum.minor = sum.minor.saturating_add(total.minor),
        None => sums.push(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_is_in_its_hour_and_currencies_stay_apart() {
        let now = Timestamp::from_ms(100 * HOUR_MS + 5);
        let begin = beginning(now);
        assert_eq!(begin.as_ms(), 77 * HOUR_MS);
        let money = |minor, code: &str| Money::new(minor, code.parse().unwrap());
        let sales = [
            (begin, money(5, "USD")),
            (now, money(7, "USD")),
            (now, money(1, "EUR")),
            (now, money(8, "USD")),
            (Timestamp::from_ms(101 * HOUR_MS), money(9, "USD")),
        ];
        let hours = hours(begin, &sales);
        assert_eq!(hours.len(), 24);
        assert_eq!((hours[0].orders, hours[0].sold[0].minor), (1, 5));
        assert_eq!(hours[23].orders, 3);
        assert_eq!(hours[23].sold, [money(15, "USD"), money(1, "EUR")]);
    }
}
