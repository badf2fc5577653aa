//! Where a cart is to go, as the checkout asks for it: every fault beside its field, and what was typed stays.

use crate::{
    App,
    words::{refusal, say},
};
use contracts::{
    orders::{
        Address, AddressError, CartError, CartHolder, CartStatus, CartView, NewAddress,
        PlaceOrderError,
    },
    values::{CartId, Country},
};
use serde::Deserialize;

/// The fields of the form.
#[derive(Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct AddressForm {
    name: String,
    company: String,
    line1: String,
    line2: String,
    postcode: String,
    city: String,
    region: String,
    country: String,
    phone: String,
}

/// A field as it is shown.
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// What browsers fill in.
    pub(super) autocomplete: &'static str,
    pub(super) longest: u32,
    pub(super) is_required: bool,
    pub(super) value: String,
    pub(super) error: String,
}

/// The form as it is shown: texts, and the country, which is chosen.
pub(super) struct AddressFields {
    pub(super) fields: Vec<Field>,
    /// Codes and names, and whether it is that one.
    pub(super) countries: Vec<(&'static str, &'static str, bool)>,
    pub(super) country_error: String,
    /// Whether nothing is sent without one.
    pub(super) is_required: bool,
}

impl AddressForm {
    /// The form of an address that is known.
    pub(super) fn of(address: Address) -> Self {
        Self {
            name: address.name,
            company: address.company.unwrap_or_default(),
            line1: address.line1,
            line2: address.line2.unwrap_or_default(),
            postcode: address.postcode.unwrap_or_default(),
            city: address.city,
            region: address.region.unwrap_or_default(),
            country: address.country.code().to_owned(),
            phone: address.phone.unwrap_or_default(),
        }
    }

    /// What was typed, if anything was; a country alone, which a browser may have filled in, is nothing.
    pub(super) fn wish(&self) -> Option<NewAddress> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
        let is_typed = self.texts().iter().any(|text| !text.trim().is_empty());
        is_typed.then(|| NewAddress {
            name: self.name.clone(),
            company: some(&self.company),
            line1: self.line1.clone(),
            line2: some(&self.line2),
            city: self.city.clone(),
            region: some(&self.region),
            postcode: some(&self.postcode),
            country: self.country.clone(),
            phone: some(&self.phone),
        })
    }

    /// The fields, with what is wrong with them.
    pub(super) fn fields(&self, wrong: Option<&AddressError>, is_required: bool) -> AddressFields {
        let error = |id: &str| {
            let mut faults = wrong.iter().flat_map(|wrong| &wrong.faults);
            let fault = faults.find(|fault| fault.field == id);
            fault.map_or_else(String::new, |fault| {
                say!("This {}.", refusal(&fault.reason))
            })
        };
        let field = |(field, value): (&Asked, &String)| Field {
            id: field.id,
            label: field.label,
            autocomplete: field.autocomplete,
            longest: field.longest,
            is_required: field.must && is_required,
            value: value.clone(),
            error: error(field.id),
        };
        let country = Country::parse(&self.country).ok();
        let chosen = country.as_ref().map(Country::code);
        let choice = |(code, name)| (code, name, Some(code) == chosen);
        let mut countries: Vec<_> = Country::all().map(choice).collect();
        countries.sort_unstable_by_key(|(_, name, _)| *name);
        AddressFields {
            fields: ASKED.iter().zip(self.texts()).map(field).collect(),
            countries,
            country_error: error("country"),
            is_required,
        }
    }

    /// What was typed, in the order of the fields.
    fn texts(&self) -> [&String; 8] {
        [
            &self.name,
            &self.company,
            &self.line1,
            &self.line2,
            &self.postcode,
            &self.city,
            &self.region,
            &self.phone,
        ]
    }
}

/// Where a cart is to go, and how.
pub(super) struct Wanted<'a> {
    pub(super) cart: CartId,
    pub(super) address: &'a AddressForm,
    /// Nothing where the form has no such field; empty where none is chosen.
    pub(super) way: Option<&'a str>,
}

/// Keeps that with the cart. One that was bought keeps nothing: the order of the form has its address.
pub(super) async fn deliver(
    app: &App,
    holder: &CartHolder,
    wanted: Wanted<'_>,
) -> Result<(), PlaceOrderError> {
    let held = app.orders.cart(holder, wanted.cart).await;
    let held = held.map_err(PlaceOrderError::Cart)?;
    if held.status != CartStatus::Open {
        return Ok(());
    }
    let way = match wanted.way {
        Some(text) => text.parse().ok(),
        None => held.shipping_method,
    };
    let wish = wanted.address.wish();
    if wish.is_none() && way.is_some() {
        Address::check(NewAddress::default()).map_err(PlaceOrderError::Address)?;
    }
    twin_was_faster(app.orders.set_cart_address(holder, wanted.cart, wish).await)?;
    if way != held.shipping_method {
        twin_was_faster(app.orders.set_cart_shipping(holder, wanted.cart, way).await)?;
    }
    Ok(())
}

/// A form that was sent twice finds the cart bought, which is no refusal.
fn twin_was_faster(set: Result<CartView, CartError>) -> Result<(), PlaceOrderError> {
    match set {
        Ok(_) | Err(CartError::Closed { .. }) => Ok(()),
        Err(CartError::Address(error)) => Err(PlaceOrderError::Address(error)),
        Err(error) => Err(PlaceOrderError::Cart(error)),
    }
}

/// A field of the page: its name, what it is called, what browsers fill in, and what the shop takes.
struct Asked {
    id: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    longest: u32,
    must: bool,
}

#[rustfmt::skip] // a field a line
const ASKED: [Asked; 8] = [
    Asked { id: "name", label: "Name", autocomplete: "shipping name", longest: 100, must: true },
    Asked { id: "company", label: "Company", autocomplete: "shipping organization", longest: 100, must: false },
    Asked { id: "line1", label: "Street and number", autocomplete: "shipping address-line1", longest: 200, must: true },
    Asked { id: "line2", label: "More of it", autocomplete: "shipping address-line2", longest: 200, must: false },
    Asked { id: "postcode", label: "Postal code", autocomplete: "shipping postal-code", longest: 20, must: false },
    Asked { id: "city", label: "Place", autocomplete: "shipping address-level2", longest: 100, must: true },
    Asked { id: "region", label: "State", autocomplete: "shipping address-level1", longest: 100, must: false },
    Asked { id: "phone", label: "Telephone", autocomplete: "shipping tel", longest: 40, must: false },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_nothing_in_it_is_no_address_and_a_half_one_names_its_faults() {
        let empty = AddressForm {
            country: "DE".to_owned(),
            ..AddressForm::default()
        };
        assert!(empty.wish().is_none());
        let half = AddressForm {
            name: "Ann".to_owned(),
            ..AddressForm::default()
        };
        let wrong = Address::check(half.wish().unwrap()).unwrap_err();
        let shown = half.fields(Some(&wrong), true);
        let faulty: Vec<_> = shown
            .fields
            .iter()
            .filter(|field| !field.error.is_empty())
            .map(|field| field.id)
            .collect();
        assert_eq!(faulty, ["line1", "city"]);
        assert!(!shown.country_error.is_empty());
        assert_eq!(shown.fields[0].value, "Ann");
        assert!(!half.fields(None, false).fields[0].is_required);
    }
}
