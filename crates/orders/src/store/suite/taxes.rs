//! Tax rates, and taxes that are kept with orders.

use super::{Bench, at, order, usd};
use crate::domain::order::NewOrder;
use contracts::{
    catalog::TaxClass,
    orders::{LineTax, NewTaxRate, OrderPartView, PartKind, PartTax, TaxError},
    request::Precondition,
    values::{Country, TaxRateId},
};
use platform::db::{Abort, keys::Making};

fn wish(country: &str, region: Option<&str>, millionths: u32) -> NewTaxRate {
    NewTaxRate {
        name: "VAT".to_owned(),
        country: Country::parse(country).unwrap(),
        region: region.map(str::to_owned),
        class: TaxClass::Standard,
        millionths,
        version: None,
    }
}

pub(super) async fn rates_are_kept_changed_and_taken_away(bench: Bench) {
    let store = &*bench.store;
    let make = async |wish| {
        let making = Making::new(TaxRateId::generate(), at(0));
        store
            .make_tax_rate(making, wish)
            .await
            .map(|made| made.value)
    };
    let ca = make(wish("US", Some("CA"), 72_500)).await.unwrap();
    let de = make(wish("DE", None, 190_000)).await.unwrap();
    let twin = make(wish("US", Some("ca"), 1)).await;
    assert!(matches!(
        twin,
        Err(Abort::Refused(TaxError::Invalid { .. }))
    ));
    let reopened = bench.behind.reopened().await;
    let kept = reopened.tax_rates().await.unwrap();
    assert_eq!(kept, [de.clone(), ca.clone()]);
    let sent = Precondition::Header(de.version);
    let change = || store.replace_tax_rate(de.id, sent, wish("DE", None, 160_000), at(5));
    let changed = change().await.unwrap();
    assert_eq!((changed.millionths, changed.version.get()), (160_000, 2));
    for gone in [
        change().await.map(drop),
        store.delete_tax_rate(de.id, sent).await,
    ] {
        assert!(matches!(
            gone,
            Err(Abort::Refused(TaxError::VersionConflict { .. }))
        ));
    }
    assert_eq!(
        store.tax_rates().await.unwrap(),
        [changed.clone(), ca.clone()]
    );
    let current = Precondition::Header(changed.version);
    store.delete_tax_rate(de.id, current).await.unwrap();
    let again = store.delete_tax_rate(de.id, current).await;
    assert!(matches!(again, Err(Abort::Refused(TaxError::NotFound))));
    assert_eq!(store.tax_rates().await.unwrap(), [ca]);
}

/// An order of two pieces with a tax on top.
fn taxed() -> NewOrder {
    let tax = PartTax {
        millionths: 190_000,
        included: false,
        taxed: usd(3_998),
        amount: usd(760),
        lines: vec![LineTax {
            line: 1,
            amount: usd(760),
        }],
        shipping: None,
    };
    let part = OrderPartView {
        kind: PartKind::Tax,
        title: "VAT".to_owned(),
        code: None,
        amount: usd(760),
        tax: Some(Box::new(tax)),
    };
    NewOrder {
        total: usd(4_758),
        parts: vec![part],
        ..order()
    }
}

pub(super) async fn an_order_keeps_its_taxes_by_line_and_an_audit_holds_them(bench: Bench) {
    let store = &*bench.store;
    let wish = taxed();
    let placed = bench.place(&wish).await;
    assert_eq!(
        (&placed.parts, placed.items[0].tax),
        (&wish.parts, Some(usd(760)))
    );
    assert_eq!(store.view(wish.id).await.unwrap(), Some(placed.clone()));
    let again = store.placed(wish.id, wish.fingerprint).await.unwrap();
    assert_eq!(again.unwrap().view, placed);
    let audit = store.audit(None, 9).await.unwrap();
    assert_eq!(
        (audit[0].parts_total_minor, audit[0].taxes_add_up),
        (760, true)
    );
    let spoil = "UPDATE order_parts SET tax = REPLACE(tax, '\"amount\":760', '\"amount\":761')
                  WHERE part_number = 1;
                 UPDATE order_parts SET tax = REPLACE(tax, '\"line\":1,\"amount\":{\"amount\":761',
                                                     '\"line\":1,\"amount\":{\"amount\":760')";
    bench.behind.spoil(spoil).await;
    assert!(!store.audit(None, 9).await.unwrap()[0].taxes_add_up);
}
