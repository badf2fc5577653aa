//! Money in whole minor units. No floats, no operators: every step that can overflow says so.

use super::{Quantity, ValueError, schema::plain_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// ISO 4217 codes whose exponent is not 2 (list one of 2024-06).
const EXPONENTS: [(&str, u32); 22] = [
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("OMR", 3),
    ("TND", 3),
];

/// ISO 4217 codes with an exponent of 2.
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP \
    BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA \
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON \
    RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS \
    UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code, as `USD`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimals the currency's major unit has: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(&self) -> u32 {
        EXPONENTS
            .iter()
            .find(|(code, _)| *code == self.code())
            .map_or(2, |(_, exponent)| *exponent)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<Cow<'_, str>> for Currency {
    type Error = ValueError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        let known = |code: &[u8; 3]| {
            // Three letters and a space each.
            let mut codes = TWO_DECIMALS.as_bytes().chunks(4);
            codes.any(|known| known.starts_with(code))
                || EXPONENTS.iter().any(|(code, _)| *code == text)
        };
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if known(&code) => Ok(Self(code)),
            Ok(_) | Err(_) => Err(ValueError::new("must be an ISO 4217 code such as USD")),
        }
    }
}

impl std::str::FromStr for Currency {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::try_from(Cow::from(text))
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

/// A sum that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit into 64 bits of minor units.
    #[error("the sum is out of range")]
    Overflow,
    /// Two currencies cannot be added.
    #[error("the currencies differ")]
    CurrencyMismatch,
}

/// An amount in minor units of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1999 is 19.99 in USD.
    #[serde(rename = "amount")]
    #[schema(example = 1999)]
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError`] on overflow or when the currencies differ.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }

    /// The price of this many units.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        let minor = self
            .minor
            .checked_mul(i64::from(quantity.get()))
            .ok_or(MoneyError::Overflow)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }

    /// The amount as decimal text without the currency.
    ///
    /// ```
    /// use contracts::values::Money;
    /// let price = Money::new(1_999, "USD".parse()?);
    /// assert_eq!(price.decimal(), "19.99");
    /// assert_eq!(Money::parse_decimal("19.99", price.currency)?, price);
    /// # Ok::<(), contracts::values::ValueError>(())
    /// ```
    #[must_use]
    pub fn decimal(&self) -> String {
        let exponent = usize::try_from(self.currency.exponent()).unwrap_or(2);
        let digits = self.minor.unsigned_abs().to_string();
        let padded = format!("{digits:0>width$}", width = exponent.saturating_add(1));
        let (whole, part) = padded.split_at(padded.len().saturating_sub(exponent));
        let sign = if self.minor < 0 { "-" } else { "" };
        if exponent == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{part}")
        }
    }

    /// Reads decimal text (`19.99`, `-3`) exactly: no exponent, no more decimals than the currency has.
    ///
    /// # Errors
    /// [`ValueError`] that says what is wrong with the text.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, ValueError> {
        let wrong = || ValueError::new("must be a plain decimal number such as 19.99");
        let exponent = usize::try_from(currency.exponent()).map_err(|_| wrong())?;
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(part) {
            return Err(wrong());
        }
        let part = part.trim_end_matches('0');
        if part.len() > exponent {
            return Err(ValueError::new(format!(
                "has more decimals than {currency} has ({exponent})"
            )));
        }
        let minor = format!("{whole}{part:0<exponent$}")
            .parse::<i64>()
            .ok()
            .and_then(|minor| minor.checked_mul(sign))
            .ok_or_else(|| ValueError::new("is out of range"))?;
        Ok(Self { minor, currency })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// Money as callers may write it: the exact shape, or a decimal text or number in the shop's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyInput {
    /// `{"amount": 1999, "currency": "USD"}`.
    Exact(Money),
    /// `"19.99"` or `19.99`: its text, never a float.
    Decimal(String),
}

impl MoneyInput {
    /// The amount, a bare number being in the shop's currency.
    ///
    /// # Errors
    /// [`ValueError`] for text that is no amount of that currency.
    pub fn resolve(&self, shop: Currency) -> Result<Money, ValueError> {
        match self {
            Self::Exact(money) => Ok(*money),
            Self::Decimal(text) => Money::parse_decimal(text, shop),
        }
    }
}

impl From<Money> for MoneyInput {
    fn from(money: Money) -> Self {
        Self::Exact(money)
    }
}

impl Serialize for MoneyInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact(money) => money.serialize(serializer),
            Self::Decimal(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MoneyInput {
    /// Only from JSON text: a number's digits are kept as they were written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'{') => serde_json::from_str(raw.get())
                .map(Self::Exact)
                .map_err(D::Error::custom),
            Some(b'"') => serde_json::from_str(raw.get())
                .map(Self::Decimal)
                .map_err(D::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self::Decimal(raw.get().to_owned())),
            Some(_) | None => Err(D::Error::custom(
                "invalid type: expected an amount of money",
            )),
        }
    }
}

impl utoipa::PartialSchema for MoneyInput {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{ObjectBuilder, OneOfBuilder, schema::Type};
        OneOfBuilder::new()
            .item(Money::schema())
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(r"^-?\d+(\.\d+)?$")),
            )
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .into()
    }
}

impl utoipa::ToSchema for MoneyInput {}

plain_schema!(
    Currency,
    String,
    enum_values(Some(codes())),
    examples(["USD"])
);

/// All codes, for the document.
fn codes() -> Vec<&'static str> {
    let others = EXPONENTS.iter().map(|(code, _)| *code);
    let mut codes: Vec<_> = TWO_DECIMALS.split_whitespace().chain(others).collect();
    codes.sort_unstable();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn read(json: &str, shop: &str) -> Result<Money, String> {
        let input: MoneyInput = serde_json::from_str(json).map_err(|error| error.to_string())?;
        input
            .resolve(currency(shop))
            .map_err(|error| error.to_string())
    }

    proptest! {
        #[test]
        fn decimal_text_is_exact_both_ways(minor: i64, code in "USD|JPY|KWD") {
            prop_assume!(minor != i64::MIN);
            let money = Money::new(minor, currency(&code));
            prop_assert_eq!(Money::parse_decimal(&money.decimal(), money.currency), Ok(money));
        }

        #[test]
        fn sums_never_wrap(a: i64, b: i64, units in 1_u32..=Quantity::MAX) {
            let (a, b) = (Money::new(a, currency("USD")), Money::new(b, currency("USD")));
            prop_assert_eq!(a.plus(b).ok().map(|m| m.minor), a.minor.checked_add(b.minor));
            let quantity = Quantity::try_from(units).unwrap();
            prop_assert_eq!(a.times(quantity).ok().map(|m| m.minor), a.minor.checked_mul(i64::from(units)));
        }

        #[test]
        fn no_text_makes_reading_fall_over(text in ".{0,30}") {
            let _ = Money::parse_decimal(&text, currency("USD"));
        }
    }

    #[test]
    fn all_three_spellings_of_a_price_are_one() {
        let price = Ok(Money::new(1999, currency("USD")));
        assert_eq!(read(r#"{"amount":1999,"currency":"USD"}"#, "EUR"), price);
        assert_eq!(read(r#""19.99""#, "USD"), price);
        assert_eq!(read("19.99", "USD"), price);
        assert_eq!(read("19.990", "USD"), price);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for json in [
            "19.999",
            "\"1e3\"",
            "1e3",
            "\"\"",
            "\"1.\"",
            "\".5\"",
            "null",
            "[1]",
            "99999999999999999999",
            r#"{"amount":1.5,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"XXX"}"#,
            r#"{"amount":1,"currency":"USD","x":1}"#,
        ] {
            assert!(read(json, "USD").is_err(), "{json}");
        }
        assert!(read("1.5", "JPY").is_err(), "yen have no decimals");
    }

    #[test]
    fn two_currencies_are_never_added() {
        let (dollar, yen) = (
            Money::new(1, currency("USD")),
            Money::new(1, currency("JPY")),
        );
        assert_eq!(dollar.plus(yen), Err(MoneyError::CurrencyMismatch));
    }
}
