//! Searches: whatever keeps the products, the same words find the same ones in the same order.

use super::{NOW, Room};
use crate::{domain::category::CategoryName, store::CategoryRow};
use contracts::{
    catalog::{FacetsQuery, ListError},
    values::CategoryId,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A small shop: name, category, price, stock, description, attributes.
const SHOP: &str = r#"[
    ["Green tea", "tea", 10, 5, "Leaves from the hills", {"origin": "Japan", "organic": true}],
    ["Green tea with mint", "tea", 12, 0, "", {"origin": "Morocco"}],
    ["Black tea", "tea", 8, 3, "Stronger than green leaves", {"origin": "India"}],
    ["Teapot of iron", "kitchen", 40, 2, "Holds a litre", {"material": "iron"}],
    ["Kettle", "kitchen", 30, 1, "For tea or coffee", {"material": "steel"}],
    ["Porcelain cup", "kitchen", 5, 9, "", {"material": "porcelain", "origin": "Japan"}],
    ["Coffee", "drinks", 9, 4, "", {"origin": "Brazil", "organic": true}]
]"#;

/// What is asked, and what every store must answer.
const ANSWERS: &str = r#"[
    [{"q": "tea"}, ["Green tea", "Black tea", "Green tea with mint", "Teapot of iron", "Kettle"]],
    [{"q": "te"}, ["Green tea", "Black tea", "Teapot of iron", "Green tea with mint", "Kettle"]],
    [{"q": "green"}, ["Green tea", "Green tea with mint", "Black tea"]],
    [{"q": "GREEN Te"}, ["Green tea", "Green tea with mint", "Black tea"]],
    [{"q": "kitchen"}, ["Kettle", "Porcelain cup", "Teapot of iron"]],
    [{"q": "japan"}, ["Green tea", "Porcelain cup"]],
    [{"q": "cofee"}, ["Coffee", "Kettle"]],
    [{"q": "porzelain"}, ["Porcelain cup"]],
    [{"q": "grean tae"}, []],
    [{"q": "geren tea"}, ["Green tea", "Green tea with mint", "Black tea"]],
    [{"q": "tea", "in_stock": true}, ["Green tea", "Black tea", "Teapot of iron", "Kettle"]],
    [{"q": "tea", "category": "drinks"}, ["Green tea", "Black tea", "Green tea with mint"]],
    [{"q": "tea", "price_min": 1000, "price_max": 3000, "sort": "price"},
        ["Green tea", "Green tea with mint", "Kettle"]],
    [{"q": "tea", "sort": "-price", "limit": 2}, ["Teapot of iron", "Kettle"]],
    [{"q": "tea", "sort": "name", "limit": 3}, ["Black tea", "Green tea", "Green tea with mint"]],
    [{"q": "tea", "sort": "-created_at", "limit": 2}, ["Kettle", "Teapot of iron"]],
    [{"attribute": "origin:Japan"}, ["Porcelain cup", "Green tea"]],
    [{"attribute": "organic:true", "q": "leaves"}, ["Green tea"]],
    [{"attribute": "origin:Nowhere"}, []],
    [{"q": "tea coffee juice"}, []]
]"#;

async fn fill(room: &Room) {
    for (slug, parent) in [("drinks", None), ("tea", Some("drinks")), ("kitchen", None)] {
        let row = CategoryRow {
            category_id: CategoryId::generate(),
            named: CategoryName::parse(slug).unwrap(),
            parent: parent.map(str::to_owned),
            at: NOW,
            request: None,
        };
        room.store.create_category(row).await.unwrap();
    }
    let shop: Vec<Value> = serde_json::from_str(SHOP).unwrap();
    for (number, one) in shop.iter().enumerate() {
        room.product(json!({
            "name": one[0], "category": one[1], "price": one[2], "stock": one[3], "description": one[4],
            "attributes": one[5], "sku": format!("S-{number}"),
        }))
        .await;
    }
}

async fn facets(room: &Room, query: Value) -> Value {
    room.store.touched().everything();
    let query: FacetsQuery = serde_json::from_value(query).unwrap();
    serde_json::to_value(room.store.facets(query, NOW).await.unwrap()).unwrap()
}

pub(super) async fn the_same_words_find_the_same_in_the_same_order(room: Room) {
    fill(&room).await;
    let answers: Vec<(Value, Vec<String>)> = serde_json::from_str(ANSWERS).unwrap();
    for (list, names) in answers {
        assert_eq!(room.names(list.clone()).await, names, "{list}");
    }
    let nameless = json!({"attribute": "green"});
    let refused = room.store.products(
        super::query(&nameless),
        crate::domain::scope::Scope::Nothing,
        NOW,
    );
    let refused = refused.await;
    assert!(
        matches!(refused, Err(ListError::InvalidParameter { name, .. }) if name == "attribute")
    );
}

pub(super) async fn facets_count_what_a_choice_would_leave(room: Room) {
    fill(&room).await;
    let all = facets(&room, json!({})).await;
    assert_eq!(all["total"], 7);
    assert_eq!(all["stock"], json!({"available": 6, "sold_out": 1}));
    let tea = facets(&room, json!({"q": "tea", "category": "kitchen"})).await;
    assert_eq!(tea["total"], 2);
    assert_eq!(
        tea["categories"],
        json!([
            {"slug": "drinks", "name": "drinks", "parent": null, "count": 3},
            {"slug": "tea", "name": "tea", "parent": "drinks", "count": 3},
            {"slug": "kitchen", "name": "kitchen", "parent": null, "count": 2},
        ])
    );
    assert_eq!(
        tea["prices"],
        json!([
            {"min": 3000, "max": 3999, "count": 1},
            {"min": 4000, "max": 4000, "count": 1},
        ])
    );
    assert_eq!(
        tea["attributes"],
        json!([{"name": "material", "values": [{"value": "iron", "count": 1}, {"value": "steel", "count": 1}]}])
    );
    assert_eq!(
        facets(&room, json!({"q": "nothing at all"})).await["total"],
        0
    );
}

pub(super) async fn suggestions_name_categories_and_products(room: Room) {
    fill(&room).await;
    room.store.touched().everything();
    for (typed, texts) in [
        (
            "te",
            vec![
                "tea",
                "Green tea",
                "Black tea",
                "Teapot of iron",
                "Green tea with mint",
                "Kettle",
            ],
        ),
        (
            "kit",
            vec!["kitchen", "Kettle", "Porcelain cup", "Teapot of iron"],
        ),
        ("tepaot", vec!["Teapot of iron"]),
        ("", vec![]),
    ] {
        let suggested = room.store.suggestions(typed, NOW).await.unwrap();
        let found: Vec<String> = suggested.into_iter().map(|one| one.text).collect();
        assert_eq!(found, texts, "{typed}");
    }
}

pub(super) async fn what_is_sold_out_or_comes_back_is_found_so_at_once(room: Room) {
    fill(&room).await;
    let in_stock = json!({"q": "mint", "in_stock": true});
    assert!(room.names(in_stock.clone()).await.is_empty());
    let adjusted = room
        .adjust(json!([{"sku": "S-1", "delta": 3, "reason": "found"}]))
        .await;
    let product = adjusted.unwrap()[0].product_id;
    room.store.touched().stock(product);
    let found = room.store.products(
        super::query(&in_stock),
        crate::domain::scope::Scope::Nothing,
        NOW,
    );
    assert_eq!(found.await.unwrap().data.len(), 1);
}

/// Nobody says that anything has changed, as when another process wrote it.
pub(super) async fn what_another_process_wrote_is_found_within_a_second(room: Room) {
    fill(&room).await;
    let words = json!({"q": "samovar"});
    assert!(room.names(words.clone()).await.is_empty());
    room.product(json!({"name": "Samovar", "price": 1})).await;
    let since = Instant::now();
    loop {
        let found = room.store.products(
            super::query(&words),
            crate::domain::scope::Scope::Nothing,
            NOW,
        );
        if found.await.unwrap().data.len() == 1 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(1), "still not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
