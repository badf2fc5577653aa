//! Prices in further currencies: part of each version, sold at or not at all, and known to audits.

use super::{NOW, Room, seller, shop, wish};
use crate::{
    domain::{
        lineup::{Altered, LineupChange},
        scope::Scope,
    },
    store::LineupEdit,
};
use contracts::{
    catalog::{ItemRef, ProductView, Reserve, ReserveError},
    request::Precondition,
    values::{Currency, Money, OrderId, ProductId, Timestamp},
};
use serde_json::{Value, json};

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, currency("EUR"))
}

impl Room {
    async fn tea_abroad(&self) -> ProductView {
        let prices = json!([eur(225), {"amount": 380, "currency": "JPY"}]);
        self.product(json!({"name": "Tea", "price": "2.50", "stock": 50, "prices": prices}))
            .await
    }

    async fn listed(&self, tea: &ProductView, prices: Value, at: Timestamp) -> ProductView {
        let patch = json!({ "prices": prices }).to_string();
        let altered = Altered::check(serde_json::from_str(&patch).unwrap(), shop()).unwrap();
        let edit = LineupEdit {
            product_id: tea.id,
            scope: Scope::Of(seller()),
            sent: Precondition::LastWriterWins,
            change: LineupChange::Edit(tea.variants[0].id, altered),
            by: seller(),
            at,
            request: None,
        };
        self.store.change_lineup(edit).await.unwrap().value
    }

    async fn bought_in(
        &self,
        tea: ProductId,
        code: &str,
        at: Timestamp,
    ) -> Result<(OrderId, Money), ReserveError> {
        let order = OrderId::generate();
        let wish = Reserve {
            currency: Some(currency(code)),
            hold_until: at.plus_seconds(900),
            ..wish(order, &[(tea, 2)])
        };
        let mut answers = self.store.reserve_all(vec![wish], at).await.unwrap();
        let reserved = answers.remove(0)?;
        Ok((order, reserved.lines[0].unit_price))
    }

    async fn assert_prices_are_known(&self, of: OrderId, expected: bool) {
        let all = self.store.audit_reservations(None, 100).await.unwrap();
        let row = all.into_iter().find(|row| row.order_id == of).unwrap();
        assert_eq!(row.prices_known, expected, "{row:?}");
    }
}

pub(super) async fn what_has_a_price_in_a_currency_is_sold_at_it_and_else_not_at_all(room: Room) {
    let tea = room.tea_abroad().await;
    assert_eq!(
        tea.variants[0].prices,
        [eur(225), Money::new(380, currency("JPY"))]
    );
    let offered = async |code: &str| {
        let items = vec![
            ItemRef::Product(tea.id),
            ItemRef::Variant(tea.variants[0].id),
        ];
        let offers = room
            .store
            .offers(items, Some(currency(code)), NOW)
            .await
            .unwrap();
        let offers: Vec<_> = offers.into_iter().flatten().collect();
        assert_eq!(offers[0], offers[1]);
        (offers[0].unit_price, offers[0].on_sale, offers[0].unpriced)
    };
    assert_eq!(offered("EUR").await, (eur(225), true, false));
    assert_eq!(offered("USD").await, (tea.price, true, false));
    assert_eq!(offered("KWD").await, (tea.price, false, true));
    let (first, price) = room.bought_in(tea.id, "EUR", NOW).await.unwrap();
    assert_eq!(price, eur(225));
    let (own, price) = room.bought_in(tea.id, "USD", NOW).await.unwrap();
    assert_eq!(price, tea.price);
    match room.bought_in(tea.id, "KWD", NOW).await {
        Err(ReserveError::NotPriced { currency, lines }) => {
            assert_eq!((currency.code(), lines), ("KWD", vec![0]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(room.seen(tea.id).await.stock.reserved, 4);
    for order in [first, own] {
        room.assert_prices_are_known(order, true).await;
    }
    room.assert_books_balance().await;
}

pub(super) async fn a_price_of_a_currency_is_part_of_the_product_s_version(room: Room) {
    let tea = room.tea_abroad().await;
    let later = |hours: i64| NOW.plus_seconds(hours.saturating_mul(3_600));
    let (first, _) = room.bought_in(tea.id, "EUR", NOW).await.unwrap();
    let dearer = room.listed(&tea, json!([eur(275)]), later(1)).await;
    assert_eq!((dearer.version.get(), dearer.price), (2, tea.price));
    let (second, price) = room.bought_in(tea.id, "EUR", later(2)).await.unwrap();
    assert_eq!(price, eur(275));
    // As if the price of then had been taken an hour before it was there.
    let (early, _) = room
        .bought_in(tea.id, "EUR", later(0).plus_seconds(60))
        .await
        .unwrap();
    room.assert_prices_are_known(early, false).await;
    // Whatever else changes, it stays; and it goes when it is taken away.
    let patched = room.patched(tea.id, json!({"price": "9.00"})).await;
    assert_eq!(patched.variants[0].prices, [eur(275)]);
    let gone = room.listed(&tea, json!([]), later(3)).await;
    assert!(gone.variants[0].prices.is_empty());
    let refused = room.bought_in(tea.id, "EUR", later(4)).await;
    assert!(matches!(refused, Err(ReserveError::NotPriced { .. })));
    for order in [first, second] {
        room.assert_prices_are_known(order, true).await;
    }
    let told = async |code: Option<&str>| {
        let prices = room.store.prices(tea.id, code.map(currency), 100);
        let prices = prices.await.unwrap();
        prices.into_iter().map(|one| one.price).collect::<Vec<_>>()
    };
    assert_eq!(told(Some("EUR")).await, [eur(275), eur(225)]);
    assert_eq!(told(Some("KWD")).await, []);
    let dollars = told(None).await;
    assert_eq!(
        dollars.iter().map(|one| one.minor).collect::<Vec<_>>(),
        [900, 250]
    );
    for row in room.store.audit_products(None, 100).await.unwrap() {
        assert!(row.is_current && row.known == 4, "{row:?}");
    }
}
