//! Prices of a variant in further currencies than its own. Each was written down by somebody; none is made of another
//! by a rate.

use super::text;
use contracts::{
    catalog::EditError,
    values::{Currency, Money},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Minor units by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriceList(BTreeMap<Currency, i64>);

impl PriceList {
    /// Checks a wish: one price a currency.
    pub fn check(prices: Vec<Money>) -> Result<Self, EditError> {
        let mut list = BTreeMap::new();
        for (index, price) in prices.into_iter().enumerate() {
            let place = format!("/prices/{index}");
            let price = text::price(price).map_err(|error| text::invalid(&place, error))?;
            if list.insert(price.currency, price.minor).is_some() {
                return Err(EditError::Invalid {
                    field: place,
                    reason: format!("is a second price in {}", price.currency),
                });
            }
        }
        Ok(Self(list))
    }

    /// Beside its own price nothing has another one in the same currency.
    pub fn beside(self, own: Money) -> Result<Self, EditError> {
        if self.0.contains_key(&own.currency) {
            return Err(EditError::Invalid {
                field: "/prices".to_owned(),
                reason: format!("must not be in {}, which the price is in", own.currency),
            });
        }
        Ok(self)
    }

    /// The same list with these prices in it as well: they stand in the place of those in their currencies. What the
    /// price itself is in by now has no second one.
    pub fn with(mut self, others: &Self, own: Money) -> Self {
        self.0
            .extend(others.0.iter().map(|(one, minor)| (*one, *minor)));
        self.0.remove(&own.currency);
        self
    }

    /// From what is kept.
    pub fn read(kept: &str) -> Result<Self, serde_json::Error> {
        // Most shops have one currency.
        if kept == "{}" {
            return Ok(Self::default());
        }
        serde_json::from_str(kept)
    }

    /// Whether this is one of the prices.
    pub fn has(&self, minor: i64, code: &str) -> bool {
        let mut prices = self.0.iter();
        prices.any(|(currency, price)| currency.code() == code && *price == minor)
    }

    /// What is shown of it.
    pub fn shown(&self) -> Vec<Money> {
        let money = |(currency, minor): (&Currency, &i64)| Money::new(*minor, *currency);
        self.0.iter().map(money).collect()
    }

    /// What something costs in a currency, or in its own; nothing if it is not sold so.
    pub fn price(&self, own: Money, currency: Option<Currency>) -> Option<Money> {
        match currency {
            Some(currency) if currency != own.currency => self
                .0
                .get(&currency)
                .map(|minor| Money::new(*minor, currency)),
            Some(_) | None => Some(own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    fn refused(prices: Vec<Money>) -> String {
        let checked = PriceList::check(prices).and_then(|list| list.beside(money(1, "USD")));
        match checked {
            Err(EditError::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn there_is_one_price_a_currency_and_none_is_made_of_another() {
        let own = money(1_999, "USD");
        let list = PriceList::check(vec![money(2_490, "JPY"), money(1_799, "EUR")]).unwrap();
        let price = |code: &str| list.price(own, Some(code.parse().unwrap()));
        assert_eq!(price("EUR"), Some(money(1_799, "EUR")));
        assert_eq!(price("JPY"), Some(money(2_490, "JPY")));
        assert_eq!(price("KWD"), None);
        assert_eq!(
            (price("USD"), list.price(own, None)),
            (Some(own), Some(own))
        );
        assert_eq!(list.shown(), [money(1_799, "EUR"), money(2_490, "JPY")]);
        let dearer = PriceList::check(vec![money(1_899, "EUR"), money(5, "KWD")]).unwrap();
        let both = [money(1_899, "EUR"), money(2_490, "JPY"), money(5, "KWD")];
        assert_eq!(list.clone().with(&dearer, own).shown(), both);
        assert_eq!(
            list.with(&dearer, money(7, "JPY")).shown(),
            [both[0], both[2]]
        );
        let euro = money(1, "EUR");
        assert_eq!(refused(vec![euro, euro]), "/prices/1");
        assert_eq!(refused(vec![money(-1, "EUR")]), "/prices/0");
        assert_eq!(refused(vec![euro, money(5, "USD")]), "/prices");
    }

    #[test]
    fn what_is_kept_is_what_is_read() {
        let list = PriceList::check(vec![money(1_799, "EUR"), money(1, "KWD")]).unwrap();
        let kept = serde_json::to_string(&list).unwrap();
        assert_eq!(kept, r#"{"EUR":1799,"KWD":1}"#);
        assert_eq!(PriceList::read(&kept).unwrap(), list);
        assert_eq!(PriceList::read("{}").unwrap(), PriceList::default());
        assert!(PriceList::read(r#"{"XXX":1}"#).is_err());
    }
}
