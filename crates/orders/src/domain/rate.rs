//! A tax rate as people make and change it, and which one a place has: pure.

use contracts::{
    catalog::TaxClass,
    orders::{NewTaxRate, TaxError, TaxRateView},
    request::Precondition,
    values::{Country, TaxRateId, Timestamp, Version, fold, one_line},
};

/// All of it.
const WHOLE: u32 = 1_000_000;

/// A rate that is made now, beside the others.
pub fn made(
    id: TaxRateId,
    wish: NewTaxRate,
    others: &[TaxRateView],
    now: Timestamp,
) -> Result<TaxRateView, TaxError> {
    let invalid = |field: &str, reason: &str| TaxError::Invalid {
        field: field.to_owned(),
        reason: reason.to_owned(),
    };
    let name = one_line(&wish.name, 1, 80).map_err(|error| invalid("/name", &error.0))?;
    let region = wish.region.filter(|text| !text.trim().is_empty());
    let region = region.map(|text| one_line(&text, 1, 100)).transpose();
    let region = region.map_err(|error| invalid("/region", &error.0))?;
    if wish.millionths > WHOLE {
        return Err(invalid("/millionths", "must be at most 1000000"));
    }
    if wish.class == TaxClass::Zero {
        return Err(invalid("/class", "has no rate: goods of it are not taxed"));
    }
    let key = region_key(region.as_deref());
    let same = |one: &TaxRateView| {
        one.id != id
            && (one.country, one.class) == (wish.country, wish.class)
            && region_key(one.region.as_deref()) == key
    };
    if others.iter().any(same) {
        return Err(invalid(
            "/region",
            "has a rate of this class: change that one",
        ));
    }
    Ok(TaxRateView {
        id,
        name,
        country: wish.country,
        region,
        class: wish.class,
        millionths: wish.millionths,
        version: Version::FIRST,
        created_at: now,
        updated_at: now,
    })
}

/// A rate as it is wished.
pub fn replaced(
    before: &TaxRateView,
    (sent, wish): (Precondition, NewTaxRate),
    others: &[TaxRateView],
    now: Timestamp,
) -> Result<TaxRateView, TaxError> {
    current(before, sent)?;
    Ok(TaxRateView {
        version: before.version.next(),
        created_at: before.created_at,
        ..made(before.id, wish, others, now)?
    })
}

/// Whether the version that was sent is current.
pub fn current(before: &TaxRateView, sent: Precondition) -> Result<(), TaxError> {
    match sent.version() {
        Some(named) if named != before.version => Err(TaxError::VersionConflict {
            sent,
            current: before.version,
        }),
        Some(_) | None => Ok(()),
    }
}

/// What regions are compared by; nothing for a whole country.
pub fn region_key(region: Option<&str>) -> String {
    region.map(fold).unwrap_or_default()
}

/// The rates of a place, one a class at most: a region's own before its country's.
pub fn of_place(
    rates: Vec<TaxRateView>,
    country: Country,
    region: Option<&str>,
) -> Vec<TaxRateView> {
    let here = region_key(region);
    let (own, whole): (Vec<_>, Vec<_>) = rates
        .into_iter()
        .filter(|rate| rate.country == country)
        .filter(|rate| rate.region.is_none() || region_key(rate.region.as_deref()) == here)
        .partition(|rate| rate.region.is_some());
    let mut found: Vec<TaxRateView> = Vec::new();
    for rate in own.into_iter().chain(whole) {
        if found.iter().all(|one| one.class != rate.class) {
            found.push(rate);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(country: &str, region: &str, millionths: u32) -> NewTaxRate {
        NewTaxRate {
            name: "Tax".to_owned(),
            country: Country::parse(country).unwrap(),
            region: Some(region.to_owned()),
            class: TaxClass::Standard,
            millionths,
            version: None,
        }
    }

    fn make(wish: NewTaxRate, others: &[TaxRateView]) -> Result<TaxRateView, TaxError> {
        made(TaxRateId::generate(), wish, others, Timestamp::from_ms(0))
    }

    #[test]
    fn a_place_has_one_rate_a_class_and_a_region_s_own_goes_first() {
        let mut rates = vec![make(wish("US", "", 10_000), &[]).unwrap()];
        for (country, region, millionths) in [("US", "CA", 72_500), ("DE", "", 190_000)] {
            rates.push(make(wish(country, region, millionths), &rates).unwrap());
        }
        let lower = NewTaxRate {
            class: TaxClass::Reduced,
            ..wish("US", "", 5_000)
        };
        rates.push(make(lower, &rates).unwrap());
        assert!(
            make(wish("US", "ca", 1), &rates).is_err(),
            "that one is there"
        );
        let us = Country::parse("US").unwrap();
        let of = |region| {
            let found = of_place(rates.clone(), us, region);
            let mut found: Vec<u32> = found.iter().map(|rate| rate.millionths).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(of(Some("Ca")), [5_000, 72_500]);
        assert_eq!(
            (of(Some("NY")), of(None)),
            (vec![5_000, 10_000], vec![5_000, 10_000])
        );
        assert_eq!(of_place(rates, Country::parse("FR").unwrap(), None), []);
    }

    #[test]
    fn a_rate_is_within_bounds_and_changes_by_its_version() {
        let zero = NewTaxRate {
            class: TaxClass::Zero,
            ..wish("DE", "", 1)
        };
        let nameless = NewTaxRate {
            name: " ".to_owned(),
            ..wish("DE", "", 1)
        };
        for wrong in [wish("DE", "", 1_000_001), zero, nameless] {
            assert!(make(wrong, &[]).is_err());
        }
        let rate = make(wish("DE", "", 190_000), &[]).unwrap();
        let sent = Precondition::Body(Version::FIRST);
        let now = Timestamp::from_ms(9);
        let others = [rate.clone()];
        let change = |before| replaced(before, (sent, wish("DE", "", 160_000)), &others, now);
        let after = change(&rate).unwrap();
        assert_eq!((after.version.get(), after.millionths), (2, 160_000));
        assert!(change(&after).is_err());
    }
}
