//! Where something is sent: an address as people write it, and one that was checked. It is personal data: `Debug` says
//! the country at most.

use crate::{
    problem::{Code, Problem},
    values::{Country, ValueError, one_line},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An address as it is sent. Texts are single lines; what may be left out may also be empty.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    /// Who it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The company, up to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub company: Option<String>,
    /// Street and number, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub line1: String,
    /// More of it, up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub line2: Option<String>,
    /// The place, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub city: String,
    /// The state, province or county, up to 100 characters: as prices by region name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub region: Option<String>,
    /// The postal code, up to 20 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    pub postcode: Option<String>,
    /// The country's code (ISO 3166-1 alpha-2).
    #[schema(min_length = 2, max_length = 2, example = "DE")]
    pub country: String,
    /// A telephone number for whoever brings it, up to 40 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    pub phone: Option<String>,
}

impl fmt::Debug for NewAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewAddress(hidden)")
    }
}

/// An address that was checked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "NewAddress")]
#[non_exhaustive]
pub struct Address {
    /// Who it is for.
    pub name: String,
    /// The company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// The place.
    pub city: String,
    /// The state, province or county.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// The country.
    pub country: Country,
    /// A telephone number for whoever brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.country)
    }
}

impl Address {
    /// Checks all fields.
    ///
    /// # Errors
    /// [`AddressError`] with every field that breaks a rule.
    pub fn check(wish: NewAddress) -> Result<Self, AddressError> {
        let mut faults = Faults::default();
        let country = faults.keep("country", Country::parse(&wish.country));
        let name = faults.required("name", &wish.name, 100);
        let company = faults.optional("company", wish.company.as_deref(), 100);
        let line1 = faults.required("line1", &wish.line1, 200);
        let line2 = faults.optional("line2", wish.line2.as_deref(), 200);
        let city = faults.required("city", &wish.city, 100);
        let region = faults.optional("region", wish.region.as_deref(), 100);
        let postcode = faults.optional("postcode", wish.postcode.as_deref(), 20);
        let phone = faults.optional("phone", wish.phone.as_deref(), 40);
        match (country, faults.0.is_empty()) {
            (Some(country), true) => Ok(Self {
                name,
                company,
                line1,
                line2,
                city,
                region,
                postcode,
                country,
                phone,
            }),
            (Some(_) | None, _) => Err(AddressError { faults: faults.0 }),
        }
    }

    /// What is written on a parcel, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let place = [self.postcode.as_deref(), Some(&self.city)];
        let place: Vec<&str> = place.into_iter().flatten().collect();
        let all = [
            Some(self.name.clone()),
            self.company.clone(),
            Some(self.line1.clone()),
            self.line2.clone(),
            Some(place.join(" ")),
            self.region.clone(),
            Some(self.country.name().to_owned()),
        ];
        all.into_iter().flatten().collect()
    }
}

impl TryFrom<NewAddress> for Address {
    type Error = AddressError;
    fn try_from(wish: NewAddress) -> Result<Self, AddressError> {
        Self::check(wish)
    }
}

#[derive(Default)]
struct Faults(Vec<AddressFault>);

impl Faults {
    fn keep<T>(&mut self, field: &str, checked: Result<T, ValueError>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(ValueError(reason)) => {
                let field = field.to_owned();
                self.0.push(AddressFault { field, reason });
                None
            }
        }
    }

    fn required(&mut self, field: &str, text: &str, longest: usize) -> String {
        self.keep(field, one_line(text, 1, longest))
            .unwrap_or_default()
    }

    fn optional(&mut self, field: &str, text: Option<&str>, longest: usize) -> Option<String> {
        let checked = self.keep(field, one_line(text?, 0, longest));
        checked.filter(|text| !text.is_empty())
    }
}

/// A field of an address that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressFault {
    /// Its name.
    pub field: String,
    /// The rule.
    pub reason: String,
}

/// What is wrong with an address: at least one field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("an address breaks {} rules", faults.len())]
pub struct AddressError {
    /// All such fields.
    pub faults: Vec<AddressFault>,
}

impl AddressError {
    /// The problem, where the address stands at this JSON pointer.
    #[must_use]
    pub fn to_problem_at(&self, pointer: &str) -> Problem {
        let first = self.faults.first();
        let detail = first.map(|fault| {
            let place = pointer.trim_start_matches('/');
            format!("{place}.{} {}", fault.field, fault.reason)
        });
        let problem = Problem::new(Code::Validation).detail(detail.unwrap_or_default());
        self.faults.iter().fold(problem, |problem, fault| {
            let field = format!("{pointer}/{}", fault.field);
            problem.field(&field, "invalid", fault.reason.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> NewAddress {
        NewAddress {
            name: " Ann Lee ".to_owned(),
            line1: "Weg 1".to_owned(),
            city: "Köln".to_owned(),
            postcode: Some("50667".to_owned()),
            region: Some(String::new()),
            country: "de".to_owned(),
            ..NewAddress::default()
        }
    }

    #[test]
    fn an_address_is_trimmed_and_reads_as_it_was_written() {
        let address = Address::check(wish()).unwrap();
        assert_eq!((address.name.as_str(), &address.region), ("Ann Lee", &None));
        assert_eq!(
            address.lines(),
            ["Ann Lee", "Weg 1", "50667 Köln", "Germany"]
        );
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(
            json,
            r#"{"name":"Ann Lee","line1":"Weg 1","city":"Köln","postcode":"50667","country":"DE"}"#
        );
        assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        let shown = format!("{:?} {address:?}", wish());
        assert_eq!(shown, "NewAddress(hidden) Address(DE)");
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let wrong = NewAddress {
            name: "A\nB".to_owned(),
            company: Some("x".repeat(101)),
            line1: " ".to_owned(),
            line2: Some("a\u{2028}b".to_owned()),
            city: "c\u{7}".to_owned(),
            region: Some("r".repeat(101)),
            postcode: Some("1".repeat(21)),
            country: "XX".to_owned(),
            phone: Some("1".repeat(41)),
        };
        let problem = Address::check(wrong)
            .unwrap_err()
            .to_problem_at("/shipping_address");
        let fields: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.field.as_str())
            .collect();
        assert_eq!((fields.len(), problem.code), (9, Code::Validation));
        assert!(fields.contains(&"/shipping_address/line2"), "{fields:?}");
    }
}
