//! What a way of shipping costs where an order goes, for what it weighs and costs: pure. The sum of the goods is known
//! where the order is priced, the rest before.

use super::pricing::Unpriced;
use contracts::{
    orders::{
        Address, ShippingBand, ShippingError, ShippingMethodView, ShippingTariff, ShippingZone,
    },
    values::{Currency, Money, fold, one_line},
};
use std::collections::HashSet;

const BANDS_MAX: usize = 20;
const ZONES_MAX: usize = 50;
const CURRENCIES_MAX: usize = 20;
const COUNTRIES_MAX: usize = 249;
const REGIONS_MAX: usize = 100;
const REGION_CHARS_MAX: usize = 100;

/// What is to be shipped, as far as a way of shipping asks.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    pub address: Option<&'a Address>,
    pub weight_grams: u64,
    /// What the order is paid in, if that is known.
    pub currency: Option<Currency>,
}

/// The way of shipping as it is for whoever pays in this currency; as it is anyhow where it has no price in it.
fn in_currency(method: &ShippingMethodView, currency: Option<Currency>) -> ShippingMethodView {
    let mut paid = method.clone();
    let tariffs = std::mem::take(&mut paid.currencies);
    let there = |tariff: &ShippingTariff| Some(tariff.price.currency) == currency;
    if Some(paid.price.currency) != currency
        && let Some(tariff) = tariffs.into_iter().find(there)
    {
        paid.price = tariff.price;
        paid.free_from = tariff.free_from;
        paid.bands = tariff.bands;
        paid.zones = tariff.zones;
    }
    paid
}

/// The way of shipping as it is for this parcel, without zones, weights and other currencies; or why it does not take
/// it.
pub fn fitted(
    method: &ShippingMethodView,
    parcel: Parcel<'_>,
) -> Result<ShippingMethodView, Unpriced> {
    let mut fitted = in_currency(method, parcel.currency);
    if !fitted.zones.is_empty() {
        let address = parcel
            .address
            .ok_or_else(|| not("the way of shipping depends on where it goes: say the address"))?;
        let zone = fitted.zones.iter().find(|zone| has(zone, address));
        let zone = zone
            .ok_or_else(|| not("the way of shipping does not go there"))?
            .clone();
        fitted.price = zone.price;
        fitted.free_from = zone.free_from;
        fitted.weight_max_grams = zone.weight_max_grams;
        fitted.bands = zone.bands;
        fitted.zones = Vec::new();
    }
    let within = |most: Option<u64>| most.is_none_or(|most| parcel.weight_grams <= most);
    if !within(fitted.weight_max_grams) {
        return Err(not("the order is too heavy for the way of shipping"));
    }
    fitted.weight_max_grams = None;
    fitted.bands.retain(|band| within(band.weight_max_grams));
    Ok(fitted)
}

fn not(reason: &str) -> Unpriced {
    Unpriced::NotShipped(reason.to_owned())
}

fn has(zone: &ShippingZone, address: &Address) -> bool {
    let region = address.region.as_deref().map(fold);
    let in_region = || zone.regions.iter().any(|one| Some(fold(one)) == region);
    zone.countries.contains(&address.country) && (zone.regions.is_empty() || in_region())
}

/// What a fitted way of shipping costs for goods of this sum, after what was taken off.
pub fn cost(goods: Money, method: &ShippingMethodView) -> Money {
    if method
        .free_from
        .is_some_and(|from| goods.minor >= from.minor)
    {
        return Money::zero(goods.currency);
    }
    let below = |band: &&ShippingBand| {
        band.goods_below
            .is_none_or(|below| goods.minor < below.minor)
    };
    let band = method.bands.iter().find(below);
    band.map_or(method.price, |band| band.price)
}

fn invalid(field: String, reason: &str) -> ShippingError {
    ShippingError::Invalid {
        field,
        reason: reason.to_owned(),
    }
}

fn check_money(field: String, like: &Money, money: Money) -> Result<(), ShippingError> {
    if money.minor < 0 || money.currency != like.currency {
        let reason = "must not be less than nothing, in the price's currency";
        return Err(invalid(field, reason));
    }
    Ok(())
}

/// Bands as they are kept, at this place of the wish.
pub fn bands(
    place: &str,
    like: &Money,
    bands: Vec<ShippingBand>,
) -> Result<Vec<ShippingBand>, ShippingError> {
    if bands.len() > BANDS_MAX {
        return Err(invalid(
            format!("{place}/bands"),
            "may have at most 20 entries",
        ));
    }
    for (index, band) in bands.iter().enumerate() {
        let field = |name: &str| format!("{place}/bands/{index}{name}");
        check_money(field("/price"), like, band.price)?;
        if let Some(below) = band.goods_below {
            check_money(field("/goods_below"), like, below)?;
        }
        if band.weight_max_grams.is_none() && band.goods_below.is_none() {
            return Err(invalid(field(""), "must say a weight or a sum"));
        }
    }
    Ok(bands)
}

/// What it costs in further currencies, as it is kept.
pub fn currencies(
    own: &Money,
    tariffs: Vec<ShippingTariff>,
) -> Result<Vec<ShippingTariff>, ShippingError> {
    if tariffs.len() > CURRENCIES_MAX {
        return Err(invalid(
            "/currencies".to_owned(),
            "may have at most 20 entries",
        ));
    }
    let mut seen = HashSet::from([own.currency]);
    let mut checked = Vec::with_capacity(tariffs.len());
    for (index, tariff) in tariffs.into_iter().enumerate() {
        let place = format!("/currencies/{index}");
        let like = tariff.price;
        if !seen.insert(like.currency) {
            let reason = "is a second price in its currency";
            return Err(invalid(format!("{place}/price"), reason));
        }
        check_money(format!("{place}/price"), &like, like)?;
        if let Some(from) = tariff.free_from {
            check_money(format!("{place}/free_from"), &like, from)?;
        }
        checked.push(ShippingTariff {
            price: like,
            free_from: tariff.free_from,
            bands: bands(&place, &like, tariff.bands)?,
            zones: zones(&place, &like, tariff.zones)?,
        });
    }
    Ok(checked)
}

/// Zones as they are kept, at this place of the wish.
pub fn zones(
    place: &str,
    like: &Money,
    zones: Vec<ShippingZone>,
) -> Result<Vec<ShippingZone>, ShippingError> {
    if zones.len() > ZONES_MAX {
        return Err(invalid(
            format!("{place}/zones"),
            "may have at most 50 entries",
        ));
    }
    let checked = zones.into_iter().enumerate();
    checked
        .map(|(index, zone)| checked_zone(&format!("{place}/zones/{index}"), like, zone))
        .collect()
}

fn checked_zone(
    place: &str,
    like: &Money,
    zone: ShippingZone,
) -> Result<ShippingZone, ShippingError> {
    let field = |name: &str| format!("{place}/{name}");
    if zone.countries.is_empty() || zone.countries.len() > COUNTRIES_MAX {
        return Err(invalid(field("countries"), "must have 1 to 249 entries"));
    }
    if zone.regions.len() > REGIONS_MAX {
        return Err(invalid(field("regions"), "may have at most 100 entries"));
    }
    if !zone.regions.is_empty() && zone.countries.len() > 1 {
        return Err(invalid(field("regions"), "are of one country: name one"));
    }
    check_money(field("price"), like, zone.price)?;
    if let Some(from) = zone.free_from {
        check_money(field("free_from"), like, from)?;
    }
    let region = |(index, text): (usize, &String)| {
        let text = one_line(text, 1, REGION_CHARS_MAX);
        text.map_err(|error| invalid(format!("{place}/regions/{index}"), &error.0))
    };
    let regions = zone.regions.iter().enumerate().map(region);
    Ok(ShippingZone {
        regions: regions.collect::<Result<_, _>>()?,
        bands: bands(place, like, zone.bands)?,
        ..zone
    })
}

#[cfg(test)]
mod tests {
    use super::super::pricing::carried;
    use super::*;
    use contracts::{
        orders::NewAddress,
        values::{Country, ShippingMethodId, Timestamp, Version},
    };

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    fn band(weight: Option<u64>, below: Option<i64>, price: i64) -> ShippingBand {
        ShippingBand {
            weight_max_grams: weight,
            goods_below: below.map(usd),
            price: usd(price),
        }
    }

    fn zone(country: &str, regions: &[&str], price: i64) -> ShippingZone {
        ShippingZone {
            countries: vec![Country::parse(country).unwrap()],
            regions: regions.iter().map(|one| (*one).to_owned()).collect(),
            price: usd(price),
            free_from: None,
            weight_max_grams: None,
            bands: Vec::new(),
        }
    }

    fn method(bands: Vec<ShippingBand>, zones: Vec<ShippingZone>) -> ShippingMethodView {
        ShippingMethodView {
            id: ShippingMethodId::from_bytes([2; 16]),
            name: "Post".to_owned(),
            price: usd(900),
            free_from: None,
            weight_max_grams: None,
            bands,
            zones,
            currencies: Vec::new(),
            active: true,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    fn address(country: &str, region: &str) -> Address {
        let wish = NewAddress {
            name: "Ann".to_owned(),
            line1: "Way 1".to_owned(),
            city: "There".to_owned(),
            region: Some(region.to_owned()),
            country: country.to_owned(),
            ..NewAddress::default()
        };
        Address::check(wish).unwrap()
    }

    fn costs(
        method: &ShippingMethodView,
        (address, weight_grams): (Option<&Address>, u64),
        goods: i64,
    ) -> Option<i64> {
        let parcel = Parcel {
            address,
            weight_grams,
            currency: None,
        };
        let fitted = fitted(method, parcel).ok()?;
        Some(cost(usd(goods), &fitted).minor)
    }

    #[test]
    fn the_first_band_that_fits_says_the_price_and_what_is_too_heavy_does_not_go() {
        let bands = vec![
            band(Some(500), Some(2_000), 300),
            band(Some(1_000), None, 500),
            band(None, Some(2_000), 700),
        ];
        let mut post = method(bands, Vec::new());
        post.weight_max_grams = Some(5_000);
        for (weight, goods, expected) in [
            (500, 1_999, Some(300)),
            (500, 2_000, Some(500)),
            (501, 1_999, Some(500)),
            (1_001, 1_999, Some(700)),
            (1_001, 2_000, Some(900)),
            (5_000, 2_000, Some(900)),
            (5_001, 2_000, None),
        ] {
            assert_eq!(
                costs(&post, (None, weight), goods),
                expected,
                "{weight} {goods}"
            );
        }
        post.free_from = Some(usd(2_000));
        assert_eq!(costs(&post, (None, 1), 2_000), Some(0));
    }

    #[test]
    fn it_goes_where_a_zone_says_for_what_the_first_one_says() {
        let mut far = zone("US", &[], 2_000);
        far.weight_max_grams = Some(100);
        let zones = vec![
            zone("US", &["ca", "Oregon"], 1_500),
            far,
            zone("DE", &[], 400),
        ];
        let post = method(vec![band(None, Some(i64::MAX), 1)], zones);
        for (country, region, weight, expected) in [
            ("US", "CA", 999, Some(1_500)),
            ("US", "oregon", 0, Some(1_500)),
            ("US", "NY", 100, Some(2_000)),
            ("US", "NY", 101, None),
            ("DE", "", 0, Some(400)),
            ("FR", "", 0, None),
        ] {
            let there = address(country, region);
            assert_eq!(
                costs(&post, (Some(&there), weight), 1),
                expected,
                "{country} {region}"
            );
        }
        assert_eq!(
            costs(&post, (None, 0), 1),
            None,
            "nobody knows where it goes"
        );
    }

    #[test]
    fn in_another_currency_it_costs_what_was_written_down_for_it_or_is_not_offered() {
        let eur = |minor| Money::new(minor, "EUR".parse().unwrap());
        let tariff = |price: Money| ShippingTariff {
            price,
            free_from: Some(Money::new(4_000, price.currency)),
            bands: Vec::new(),
            zones: Vec::new(),
        };
        let mut post = method(vec![band(None, Some(2_000), 700)], Vec::new());
        post.currencies = currencies(&post.price, vec![tariff(eur(450))]).unwrap();
        let asked = |goods: Money| {
            let parcel = Parcel {
                address: None,
                weight_grams: 0,
                currency: Some(goods.currency),
            };
            carried(goods, &fitted(&post, parcel).unwrap())
        };
        assert_eq!(asked(usd(100)), Ok(usd(700)));
        assert_eq!(asked(eur(100)), Ok(eur(450)));
        assert_eq!(asked(eur(4_000)), Ok(eur(0)));
        let yen = Money::new(100, "JPY".parse().unwrap());
        assert!(matches!(asked(yen), Err(Unpriced::NotShipped(_))));
        let field = |tariffs| match currencies(&usd(0), tariffs) {
            Err(ShippingError::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(vec![tariff(usd(1))]), "/currencies/0/price");
        assert_eq!(field(vec![tariff(eur(-1))]), "/currencies/0/price");
        let twice = vec![tariff(eur(1)), tariff(eur(2))];
        assert_eq!(field(twice), "/currencies/1/price");
        let mut foreign = tariff(eur(1));
        foreign.free_from = Some(usd(1));
        assert_eq!(field(vec![foreign]), "/currencies/0/free_from");
        let mut zoned = tariff(eur(1));
        zoned.zones = vec![zone("DE", &[], 1)];
        assert_eq!(field(vec![zoned]), "/currencies/0/zones/0/price");
        assert_eq!(field(vec![tariff(eur(1)); 21]), "/currencies");
    }

    #[test]
    fn rules_that_cannot_be_kept_name_their_place() {
        let field = |zones_of: Vec<ShippingZone>, bands_of: Vec<ShippingBand>| {
            let refused = bands("", &usd(0), bands_of).and_then(|_| zones("", &usd(0), zones_of));
            match refused {
                Err(ShippingError::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field(vec![], vec![band(None, None, 1)]), "/bands/0");
        assert_eq!(
            field(vec![], vec![band(Some(1), None, -1)]),
            "/bands/0/price"
        );
        assert_eq!(
            field(vec![], vec![band(Some(1), Some(-1), 1)]),
            "/bands/0/goods_below"
        );
        assert_eq!(field(vec![], vec![band(Some(1), None, 1); 21]), "/bands");
        assert_eq!(field(vec![zone("DE", &[], 1); 51], vec![]), "/zones");
        assert_eq!(
            field(vec![zone("DE", &[" "], 1)], vec![]),
            "/zones/0/regions/0"
        );
        let mut two = zone("DE", &["BY"], 1);
        two.countries.push(Country::parse("FR").unwrap());
        assert_eq!(field(vec![two.clone()], vec![]), "/zones/0/regions");
        two.countries.clear();
        assert_eq!(
            field(vec![zone("DE", &[], 1), two], vec![]),
            "/zones/1/countries"
        );
        let mut euros = zone("DE", &[], 1);
        euros.price = Money::new(1, "EUR".parse().unwrap());
        assert_eq!(field(vec![euros], vec![]), "/zones/0/price");
        let mut nested = zone("DE", &[], 1);
        nested.bands = vec![band(None, None, 1)];
        assert_eq!(field(vec![nested], vec![]), "/zones/0/bands/0");
    }
}
