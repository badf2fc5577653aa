//! Bodies of the seeds' clients, read leniently: several names for one thing, numbers as strings, names that
//! mean nothing here passed over. Values are kept as they were written and judged by the service they go to.

use contracts::problem::{Code, Problem};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};
use std::{collections::BTreeMap, fmt};

/// Decimals beyond which a number is what floating point left over, as in `59.97000000000001`.
const DUST_DECIMALS: usize = 9;
/// Decimals that are kept of such a number; no currency has more than four.
const KEPT_DECIMALS: usize = 6;

/// The fields of an object, each as it was written.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }
}

impl Fields {
    /// The first of these names that has a value; `null` is none.
    pub(super) fn raw(&self, names: &[&str]) -> Option<&RawValue> {
        names
            .iter()
            .filter_map(|name| self.0.get(*name))
            .map(AsRef::as_ref)
            .find(|value| value.get() != "null")
    }

    /// A text.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<String>, Problem> {
        let read = |value: &RawValue| {
            serde_json::from_str(value.get()).map_err(|_| wrong_type(names, "must be a text"))
        };
        self.raw(names).map(read).transpose()
    }

    /// A whole number, perhaps in quotes.
    pub(super) fn whole(&self, names: &[&str]) -> Result<Option<i64>, Problem> {
        self.raw(names)
            .map(|value| whole(value, &pointer(names)))
            .transpose()
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, Problem> {
        self.list(&[name], "must be a list of objects")
    }

    /// A list of anything.
    pub(super) fn values(&self, names: &[&str]) -> Result<Option<Vec<Box<RawValue>>>, Problem> {
        self.list(names, "must be a list")
    }

    fn list<T: for<'de> Deserialize<'de>>(
        &self,
        names: &[&str],
        rule: &str,
    ) -> Result<Option<Vec<T>>, Problem> {
        let read = |value: &RawValue| {
            serde_json::from_str(value.get()).map_err(|_| wrong_type(names, rule))
        };
        self.raw(names).map(read).transpose()
    }
}

/// A whole number, perhaps in quotes.
pub(super) fn whole(value: &RawValue, pointer: &str) -> Result<i64, Problem> {
    let text = value.get();
    let bare = text.trim_matches('"').trim();
    if let Ok(number) = bare.parse() {
        return Ok(number);
    }
    if text.starts_with(['{', '[', 't', 'f']) {
        let problem = Problem::new(Code::Malformed);
        return Err(problem
            .detail(format!("{pointer}: must be a number"))
            .field(pointer, "wrong_type", "must be a number"));
    }
    Err(Problem::invalid(pointer, "must be a whole number"))
}

fn pointer(names: &[&str]) -> String {
    format!("/{}", names.first().unwrap_or(&""))
}

fn wrong_type(names: &[&str], rule: &str) -> Problem {
    let pointer = pointer(names);
    Problem::new(Code::Malformed)
        .detail(format!("{pointer}: {rule}"))
        .field(&pointer, "wrong_type", rule)
}

/// A body for a canonical address.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Draft(BTreeMap<&'static str, Box<RawValue>>);

impl Draft {
    /// Passes a value on as it came, if it came.
    pub(super) fn keep(&mut self, name: &'static str, value: Option<&RawValue>) {
        if let Some(value) = value {
            self.0.insert(name, value.to_owned());
        }
    }

    /// Whether nothing was said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says something of our own.
    pub(super) fn put(&mut self, name: &'static str, value: &impl Serialize) {
        if let Ok(value) = to_raw_value(value) {
            self.0.insert(name, value);
        }
    }
}

/// A sum as a client's own arithmetic made it: the dust of floating point is wiped off, exactly, digit by digit.
pub(super) fn without_dust(value: &RawValue) -> Box<RawValue> {
    let wiped = || {
        let text = value.get();
        let (whole, part) = text.split_once('.')?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if part.len() <= DUST_DECIMALS || !plain(whole) || !plain(part) {
            return None;
        }
        let (kept, rest) = part.split_at_checked(KEPT_DECIMALS)?;
        let scaled = format!("{whole}{kept}").parse::<u128>().ok()?;
        let up = u128::from(rest.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
        let digits = scaled.checked_add(up)?.to_string();
        let digits = format!("{digits:0>width$}", width = KEPT_DECIMALS.saturating_add(1));
        let (whole, part) = digits.split_at_checked(digits.len().checked_sub(KEPT_DECIMALS)?)?;
        RawValue::from_string(format!("{whole}.{part}")).ok()
    };
    wiped().unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_come_in_quotes_or_bare() {
        let read = |json: &str| fields(&format!("{{\"stock\":{json}}}")).whole(&["stock"]);
        for (json, expected) in [("5", 5), ("\"5\"", 5), ("\" 7 \"", 7), ("-1", -1)] {
            assert_eq!(read(json), Ok(Some(expected)), "{json}");
        }
        assert_eq!(read("null"), Ok(None));
        for (json, status) in [
            ("1.5", 422),
            ("\"many\"", 422),
            ("1e30", 422),
            ("{\"$gt\":0}", 400),
            ("[1]", 400),
            ("true", 400),
        ] {
            assert_eq!(read(json).unwrap_err().code.status(), status, "{json}");
        }
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        let read = serde_json::from_str::<Fields>("{\"a\":1,\"a\":2}");
        assert!(read.unwrap_err().to_string().starts_with("duplicate field"));
    }

    #[test]
    fn only_the_dust_of_floating_point_is_wiped_off() {
        for (sum, expected) in [
            ("59.97000000000001", "59.970000"),
            ("0.30000000000000004", "0.300000"),
            ("59.96999999999999", "59.970000"),
            ("0.99999999999999", "1.000000"),
            ("19.99", "19.99"),
            ("19.999", "19.999"),
            ("20", "20"),
            ("-1.00000000000001", "-1.00000000000001"),
            ("\"19.990000000001\"", "\"19.990000000001\""),
            ("{\"amount\":1999}", "{\"amount\":1999}"),
        ] {
            let value = RawValue::from_string(sum.to_owned()).unwrap();
            assert_eq!(without_dust(&value).get(), expected, "{sum}");
        }
    }
}
