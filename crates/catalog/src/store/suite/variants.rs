//! Variants: chosen, bought, changed and withdrawn, and what an audit finds of them.

use super::{NOW, Room, seller, shop};
use crate::{
    domain::{
        change::{Change, Patch},
        lineup::{Altered, LineupChange, Wished},
        scope::Scope,
    },
    store::{Edit, LineupEdit, NewRow},
};
use contracts::{
    catalog::{
        EditError, ImportOutcome, ImportProduct, ImportVariant, ItemRef, ProductOption,
        ProductView, ReservationState, Reserve, ReserveError, ReserveLine,
    },
    request::Precondition,
    values::{Money, OrderId, ProductId, Quantity, Timestamp, VariantId, Version},
};
use serde_json::{Value, json};
use std::collections::HashMap;

fn shirt() -> Value {
    json!({"name": "Shirt", "price": "10.00", "options": [
        {"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red", "blue"]},
    ], "variants": [
        {"options": {"Size": "M", "Colour": "red"}, "sku": "M-RED", "price": "12.00", "stock": 2},
        {"options": {"Size": "S", "Colour": "blue"}, "sku": "S-BLUE", "stock": 3},
        {"options": {"Size": "S", "Colour": "red"}, "sku": "S-RED", "stock": 0},
    ]})
}

fn add(options: Value, price: &str) -> LineupChange {
    let wish = json!({"options": options, "price": price, "stock": 4});
    let wish = serde_json::from_str(&wish.to_string()).unwrap();
    LineupChange::Add(Wished::check(wish, shop()).unwrap())
}

fn alter(id: VariantId, patch: Value) -> LineupChange {
    let wish = serde_json::from_str(&patch.to_string()).unwrap();
    LineupChange::Edit(id, Altered::check(wish, shop()).unwrap())
}

fn titles(product: &ProductView) -> Vec<&str> {
    let variants = product.variants.iter();
    variants.map(|variant| variant.title.as_str()).collect()
}

fn of(product: &ProductView, title: &str) -> VariantId {
    let mut variants = product.variants.iter();
    variants.find(|variant| variant.title == title).unwrap().id
}

impl Room {
    async fn shirt(&self) -> ProductView {
        let draft = super::draft(&shirt());
        let row = NewRow {
            product_id: ProductId::generate(),
            variant_id: draft.first_variant(),
            owner_id: seller(),
            draft,
            at: NOW,
        };
        self.store.create(row, None).await.unwrap().value
    }

    async fn change(
        &self,
        product: ProductId,
        sent: Precondition,
        change: LineupChange,
    ) -> Result<ProductView, EditError> {
        let edit = LineupEdit {
            product_id: product,
            scope: Scope::Of(seller()),
            sent,
            change,
            by: seller(),
            at: NOW,
            request: None,
        };
        let changed = self.store.change_lineup(edit).await;
        changed.map(|changed| changed.value)
    }

    async fn changed(&self, product: ProductId, change: LineupChange) -> ProductView {
        let sent = Precondition::LastWriterWins;
        self.change(product, sent, change).await.unwrap()
    }

    async fn bought(
        &self,
        item: ItemRef,
        units: u32,
        at: Timestamp,
    ) -> Result<OrderId, ReserveError> {
        let order = OrderId::generate();
        let wish = Reserve {
            order_id: order,
            fingerprint: [1; 32],
            lines: vec![ReserveLine {
                item,
                quantity: Quantity::try_from(units).unwrap(),
            }],
            expected_total: None,
            currency: None,
            hold_until: at.plus_seconds(900),
        };
        let mut answers = self.store.reserve_all(vec![wish], at).await.unwrap();
        answers.remove(0).map(|_| order)
    }

    /// Every version of every variant is there.
    async fn assert_versions_are_whole(&self) {
        for row in self.store.audit_products(None, 100).await.unwrap() {
            let begins = row.first == 1 || row.opened_late;
            let whole = row.known == row.last.saturating_sub(row.first).saturating_add(1);
            let ends = row.last == row.version.get() && row.is_current;
            assert!(begins && whole && ends, "{row:?}");
        }
        for row in self.store.audit_reservations(None, 100).await.unwrap() {
            assert!(row.prices_known, "{row:?}");
        }
    }
}

pub(super) async fn a_product_with_options_is_bought_by_its_variants(room: Room) {
    let shirt = room.shirt().await;
    assert_eq!(titles(&shirt), ["S / red", "S / blue", "M / red"]);
    let price = (shirt.price.minor, shirt.price_max.unwrap().minor);
    assert_eq!((price, shirt.sku.as_str()), ((1_000, 1_200), "S-BLUE"));
    assert_eq!((shirt.stock.available, shirt.version), (5, Version::FIRST));
    let refused = room.bought(ItemRef::Product(shirt.id), 1, NOW).await;
    match refused {
        Err(ReserveError::VariantRequired { items }) => {
            assert_eq!((items[0].line, items[0].product_id), (0, shirt.id));
            assert_eq!(items[0].variants.len(), 3);
        }
        other => panic!("{other:?}"),
    }
    let blue = ItemRef::Variant(of(&shirt, "S / blue"));
    let order = room.bought(blue.clone(), 3, NOW).await.unwrap();
    assert!(matches!(
        room.bought(blue.clone(), 1, NOW).await,
        Err(ReserveError::InsufficientStock { .. })
    ));
    room.resolve(order, ReservationState::Committed)
        .await
        .unwrap();
    let offers = [ItemRef::Product(shirt.id), blue];
    let offers = room.store.offers(offers.to_vec(), None, NOW).await.unwrap();
    let [Some(whole), Some(blue)] = offers.as_slice() else {
        panic!("{offers:?}");
    };
    assert_eq!((whole.choices.len(), blue.choices.len()), (3, 0));
    assert_eq!(
        (blue.name.as_str(), blue.available),
        ("Shirt (S / blue)", 0)
    );
    let seen = room.seen(shirt.id).await;
    assert_eq!((seen.stock.on_hand, seen.version), (2, Version::FIRST));
    room.assert_books_balance().await;
    room.assert_versions_are_whole().await;
}

pub(super) async fn variants_come_change_and_go_under_the_product_s_version(room: Room) {
    let shirt = room.shirt().await;
    let stale = Precondition::Header(shirt.version);
    let small = json!({"Size": "M", "Colour": "blue"});
    let with_more = room
        .change(shirt.id, stale, add(small.clone(), "9.00"))
        .await
        .unwrap();
    assert_eq!((with_more.version.get(), with_more.price.minor), (2, 900));
    let late = room
        .change(shirt.id, stale, add(small.clone(), "9.00"))
        .await;
    assert!(matches!(late, Err(EditError::VersionConflict { .. })));
    let twin = room
        .change(shirt.id, Precondition::LastWriterWins, add(small, "9.00"))
        .await;
    assert!(matches!(twin, Err(EditError::VariantExists { .. })));
    // The cheapest goes while somebody holds one: the hold stays, and nobody buys another.
    let gone = of(&with_more, "M / blue");
    let held = room.bought(ItemRef::Variant(gone), 1, NOW).await.unwrap();
    let fewer = room.changed(shirt.id, LineupChange::Withdraw(gone)).await;
    assert_eq!((titles(&fewer).len(), fewer.price.minor), (3, 1_000));
    assert!(matches!(
        room.bought(ItemRef::Variant(gone), 1, NOW).await,
        Err(ReserveError::Unavailable { .. })
    ));
    room.resolve(held, ReservationState::Committed)
        .await
        .unwrap();
    let red = of(&fewer, "M / red");
    let cheap = room
        .changed(shirt.id, alter(red, json!({"price": "1.00", "sku": "x"})))
        .await;
    assert_eq!((cheap.sku.as_str(), cheap.price.minor), ("x", 100));
    room.patched(shirt.id, json!({"name": "Blouse"})).await;
    room.assert_books_balance().await;
    room.assert_versions_are_whole().await;
    let again = room
        .changed(
            shirt.id,
            add(json!({"Size": "M", "Colour": "blue"}), "5.00"),
        )
        .await;
    assert_eq!(again.variants.len(), 4, "what went is in nobody's way");
    let mut edit = Edit {
        product_id: shirt.id,
        scope: Scope::All,
        sent: Precondition::LastWriterWins,
        change: Change::Archive,
        by: seller(),
        at: NOW,
    };
    let priced = json!({"price": "7.00"}).to_string();
    let patch = Patch::check(serde_json::from_str(&priced).unwrap(), shop()).unwrap();
    edit.change = Change::Patch(Box::new(patch));
    assert!(
        matches!(room.store.edit(edit).await, Err(EditError::Invalid { field, .. }) if field == "/price")
    );
}

pub(super) async fn options_turn_a_plain_product_into_variants_and_back(room: Room) {
    let tea = room.tea(5).await;
    let plain = tea.variants[0].id;
    let options = json!([{"name": "Weight", "values": ["100 g", "1 kg"]}]);
    let options = LineupChange::Options(serde_json::from_value(options).unwrap());
    let chosen = room.changed(tea.id, options).await;
    assert_eq!(
        (titles(&chosen), chosen.variants[0].id),
        (vec!["100 g"], plain)
    );
    let both = room
        .changed(tea.id, add(json!({"Weight": "1 KG"}), "20.00"))
        .await;
    assert_eq!(titles(&both), ["100 g", "1 kg"]);
    let back = room.change(
        tea.id,
        Precondition::LastWriterWins,
        LineupChange::Options(Vec::new()),
    );
    assert!(matches!(back.await, Err(EditError::VariantExists { .. })));
    room.changed(tea.id, LineupChange::Withdraw(plain)).await;
    let back = room
        .changed(tea.id, LineupChange::Options(Vec::new()))
        .await;
    assert_eq!((titles(&back), back.price.minor), (vec![""], 2_000));
    room.bought(ItemRef::Product(tea.id), 4, NOW).await.unwrap();
    room.assert_books_balance().await;
    room.assert_versions_are_whole().await;
}

pub(super) async fn a_product_is_listed_once_and_found_by_what_its_variants_are(room: Room) {
    let shirt = room.shirt().await;
    room.tea(1).await;
    for (list, found) in [
        (json!({"q": "m-red"}), vec!["Shirt"]),
        (json!({"q": "blue shirt"}), vec!["Shirt"]),
        (json!({"attribute": "Size:M"}), vec!["Shirt"]),
        (json!({"sort": "price"}), vec!["Tea", "Shirt"]),
        (json!({"price_max": 1_000, "price_min": 900}), vec!["Shirt"]),
        (
            json!({"in_stock": true, "sort": "name"}),
            vec!["Shirt", "Tea"],
        ),
    ] {
        assert_eq!(room.names(list.clone()).await, found, "{list}");
    }
    // The default one is sold out, and then all are.
    let items = HashMap::from([("S / blue", 3), ("M / red", 2)]);
    for (title, units) in items {
        assert!(
            room.names(json!({"in_stock": true}))
                .await
                .contains(&"Shirt".to_owned())
        );
        let item = ItemRef::Variant(of(&shirt, title));
        room.bought(item, units, NOW).await.unwrap();
    }
    assert_eq!(room.names(json!({"in_stock": false})).await, ["Shirt"]);
    assert_eq!(
        room.names(json!({"q": "shirt", "in_stock": true})).await,
        [""; 0]
    );
}

/// A line of an import that names these variants of a cap.
fn caps(variants: &[(&str, i64, &str)]) -> ImportProduct {
    let variant = |(sku, price, value): &(&str, i64, &str)| ImportVariant {
        sku: (*sku).to_owned(),
        price: Money::new(*price, shop()),
        prices: Vec::new(),
        stock: 4,
        values: vec![(*value).to_owned()],
    };
    ImportProduct {
        publish_at: None,
        unpublish_at: None,
        related: None,
        options: vec![ProductOption {
            name: "Size".to_owned(),
            values: Vec::new(),
        }],
        variants: variants.iter().map(variant).collect(),
        ..super::products::line(variants[0].0, &[])
    }
}

pub(super) async fn an_import_knows_a_product_by_any_of_its_variants(room: Room) {
    let both = caps(&[("C-S", 500, "S"), ("C-M", 400, "M")]);
    let other = super::products::line("TEA", &[]);
    let made = room.import(vec![both.clone(), other.clone()], true).await;
    assert_eq!(
        made,
        [Ok(ImportOutcome::Created), Ok(ImportOutcome::Created)]
    );
    let again = room.import(vec![both, other], true).await;
    assert_eq!(
        again,
        [Ok(ImportOutcome::Unchanged), Ok(ImportOutcome::Unchanged)]
    );
    // Later rows of the same product, and a price that is another, in one file.
    let more = caps(&[("c-m", 450, "m"), ("C-L", 600, "L")]);
    let last = caps(&[("C-XL", 700, "XL"), ("C-L", 610, "L")]);
    let outcomes = room.import(vec![more, last], true).await;
    assert_eq!(
        outcomes,
        [Ok(ImportOutcome::Updated), Ok(ImportOutcome::Updated)]
    );
    room.store.touched().everything();
    let page = room
        .store
        .products(super::query(&json!({"q": "c-xl"})), Scope::Nothing, NOW)
        .await;
    let cap = page.unwrap().data.remove(0);
    assert_eq!(titles(&cap), ["S", "M", "L", "XL"]);
    assert_eq!((cap.price.minor, cap.stock.on_hand), (450, 16));
    let prices: Vec<i64> = cap.variants.iter().map(|one| one.price.minor).collect();
    assert_eq!(prices, [500, 450, 610, 700]);
    for (line, why) in [
        (
            super::products::line("C-M", &[]),
            "sku is a variant's of a product with options",
        ),
        (
            caps(&[("C-M", 1, "M"), ("TEA", 1, "T")]),
            "its SKUs are several products'",
        ),
        (caps(&[("C-M", 1, "L")]), "another variant is L"),
    ] {
        assert_eq!(room.import(vec![line], true).await, [Err(why.to_owned())]);
    }
    room.changed(cap.id, LineupChange::Withdraw(of(&cap, "L")))
        .await;
    let gone = room
        .import(vec![caps(&[("C-M", 450, "M"), ("C-L", 610, "L")])], true)
        .await;
    assert_eq!(gone, [Err("variant C-L was withdrawn".to_owned())]);
    room.assert_books_balance().await;
    room.assert_versions_are_whole().await;
}

pub(super) async fn of_many_buyers_of_two_variants_each_is_sold_as_often_as_it_was_there(
    room: Room,
) {
    let shirt = room.shirt().await;
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..60_u32 {
        let room = room.clone();
        let title = if turn % 2 == 0 { "S / blue" } else { "M / red" };
        let variant = of(&shirt, title);
        tasks.spawn(async move {
            match room.bought(ItemRef::Variant(variant), 1, NOW).await {
                Ok(order) => {
                    room.resolve(order, ReservationState::Committed)
                        .await
                        .unwrap();
                    Some(title)
                }
                Err(ReserveError::InsufficientStock { .. }) => None,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    // Somebody edits all the while: what is decided on an old version is decided again.
    for price in ["10.00", "10.50", "10.20"] {
        let blue = of(&shirt, "S / blue");
        room.changed(shirt.id, alter(blue, json!({ "price": price })))
            .await;
    }
    let mut sold: HashMap<&str, u32> = HashMap::new();
    while let Some(title) = tasks.join_next().await {
        if let Some(title) = title.unwrap() {
            let count = sold.entry(title).or_default();
            *count = count.saturating_add(1);
        }
    }
    assert_eq!(sold, HashMap::from([("S / blue", 3), ("M / red", 2)]));
    assert_eq!(room.seen(shirt.id).await.stock.on_hand, 0);
    room.assert_books_balance().await;
    room.assert_versions_are_whole().await;
}
