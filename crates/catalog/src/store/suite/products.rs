//! Products: search, lists, slugs, categories, imports.

use super::{NOW, Room, query, seller};
use crate::{
    domain::{category::CategoryName, scope::Scope},
    store::CategoryRow,
};
use contracts::{
    catalog::{EditError, ImportOutcome, ImportProduct, ItemRef, ListError},
    values::{CategoryId, Cursor, Money},
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

const SORTS: [&str; 5] = ["-created_at", "created_at", "price", "-price", "name"];

pub(super) fn line(sku: &str, path: &[&str]) -> ImportProduct {
    ImportProduct {
        publish_at: None,
        unpublish_at: None,
        related: None,
        slug: None,
        prices: Vec::new(),
        sku: sku.to_owned(),
        name: format!("Product {sku}"),
        description: "imported".to_owned(),
        category_path: path.iter().map(|name| (*name).to_owned()).collect(),
        price: Money::new(100, super::shop()),
        status: None,
        stock: 4,
        image_url: None,
        attributes: serde_json::Map::new(),
        options: Vec::new(),
        variants: Vec::new(),
    }
}

/// All pages of a list, with something done between them.
async fn walk(room: &Room, mut list: Value, between: bool) -> Vec<String> {
    room.store.touched().everything();
    let mut names = Vec::new();
    loop {
        let page = room.store.products(query(&list), Scope::Nothing, NOW).await;
        let page = page.unwrap();
        names.extend(page.data.iter().map(|product| product.name.clone()));
        if between {
            room.product(json!({"name": "Newcomer", "price": "0.07"}))
                .await;
            room.product(json!({"name": "aaa", "price": "9999"})).await;
        }
        match page.next_cursor {
            Some(cursor) => list["cursor"] = json!(cursor),
            None => return names,
        }
    }
}

pub(super) async fn every_order_is_paged_through_without_loss_or_repetition(room: Room) {
    for n in 0..25 {
        // Few prices and names that differ in case only: ties must not confuse a page.
        let name = if n % 2 == 0 { "tea" } else { "Tea" };
        let body = json!({"name": format!("{name} {n:02}"), "price": n % 3});
        room.product(body).await;
    }
    for sort in SORTS {
        let list = json!({"sort": sort, "limit": 4});
        let names = walk(&room, list.clone(), false).await;
        assert_eq!(names.len(), 25, "{sort}");
        let whole = room.names(json!({"sort": sort, "limit": 100})).await;
        assert_eq!(names, whole, "{sort}");
    }
    let found = walk(&room, json!({"q": "tea", "limit": 4}), false).await;
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), 25);
    for sort in SORTS {
        let names = walk(
            &room,
            json!({"sort": sort, "limit": 4, "price_max": 300}),
            true,
        )
        .await;
        let old: Vec<_> = names.iter().filter(|name| name.len() == 6).collect();
        assert_eq!(old.len(), 25, "{sort}: each exactly once");
        assert_eq!(old.iter().collect::<HashSet<_>>().len(), 25, "{sort}");
    }
}

/// Whoever goes from page to page is led by what the database answers, whoever enters by number by the index.
pub(super) async fn numbered_pages_begin_where_the_one_before_ends(room: Room) {
    for n in 0..25 {
        let name = if n % 2 == 0 { "tea" } else { "Täa" };
        let body = json!({"name": format!("{name} {n:02}"), "price": n % 3, "stock": n % 4});
        room.product(body).await;
    }
    room.store.touched().everything();
    for sort in SORTS {
        for mut list in [
            json!({"sort": sort, "limit": 4}),
            json!({"sort": sort, "limit": 4, "in_stock": true, "price_min": 100}),
            json!({"sort": sort, "limit": 4, "q": "t"}),
            json!({"sort": sort, "limit": 4, "category": "nope"}),
            json!({"sort": sort, "limit": 4, "status": "draft"}),
        ] {
            let starts = room.store.page_starts(query(&list), NOW).await.unwrap();
            let mut led = Vec::new();
            loop {
                let page = room.store.products(query(&list), Scope::Nothing, NOW).await;
                let Some(cursor) = page.unwrap().next_cursor else {
                    break;
                };
                list["cursor"] = json!(cursor);
                led.push(cursor);
            }
            assert_eq!(starts, led, "{list}");
            // Wherever somebody is in the list, its pages are the same.
            let again = room.store.page_starts(query(&list), NOW).await.unwrap();
            assert_eq!(again, led, "{list}");
        }
    }
}

pub(super) async fn a_cursor_of_another_list_is_refused(room: Room) {
    for n in 0..3 {
        room.product(json!({"name": format!("tea {n}"), "price": n}))
            .await;
    }
    room.store.touched().everything();
    let mut cursors = Vec::new();
    for sort in SORTS.into_iter().chain(["relevance"]) {
        let list = json!({"sort": sort, "q": "tea", "limit": 1});
        let page = room.store.products(query(&list), Scope::Nothing, NOW).await;
        cursors.push((sort, page.unwrap().next_cursor.unwrap()));
    }
    let garbage = ["x", "e30", "bnVsbA", "eyJzb3J0IjoibmFtZSJ9", "AAAA"]
        .map(|text| ("garbage", Cursor::parse(text).unwrap()));
    for sort in SORTS.into_iter().chain(["relevance"]) {
        for (of, cursor) in cursors.iter().chain(&garbage) {
            let list = json!({"sort": sort, "q": "tea", "limit": 1, "cursor": cursor});
            let page = room.store.products(query(&list), Scope::Nothing, NOW).await;
            match page {
                Ok(_) => assert_eq!(*of, sort),
                Err(ListError::InvalidParameter { name, .. }) => {
                    assert_eq!(name, "cursor");
                    assert_ne!(*of, sort);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

pub(super) async fn a_search_finds_words_by_their_beginning_best_match_first(room: Room) {
    room.product(json!({"name": "Cup", "description": "for green tea", "price": 1}))
        .await;
    room.product(json!({"name": "Green tea", "sku": "GT-77", "price": 1, "category": "Drinks"}))
        .await;
    room.product(json!({"name": "Crème brûlée", "price": 1}))
        .await;
    assert_eq!(
        room.names(json!({"q": "gre TEA"})).await,
        ["Green tea", "Cup"]
    );
    for (words, name) in [
        ("creme", "Crème brûlée"),
        ("gt-77", "Green tea"),
        ("drinks", "Green tea"),
        ("cup", "Cup"),
    ] {
        assert_eq!(room.names(json!({ "q": words })).await, [name], "{words}");
    }
    assert!(room.names(json!({"q": "green coffee"})).await.is_empty());
}

pub(super) async fn the_search_follows_every_edit(room: Room) {
    let tea = room.product(json!({"name": "Green tea", "price": 1})).await;
    room.patched(tea.id, json!({"name": "Black coffee", "category": "hot"}))
        .await;
    assert!(room.names(json!({"q": "green"})).await.is_empty());
    assert_eq!(
        room.names(json!({"q": "coffee hot"})).await,
        ["Black coffee"]
    );
    room.patched(tea.id, json!({"status": "archived"})).await;
    assert!(room.names(json!({"q": "coffee"})).await.is_empty());
}

pub(super) async fn hostile_searches_find_literally_or_nothing(room: Room) {
    room.product(json!({"name": "100% cotton_shirt", "price": 1}))
        .await;
    let long = "a ".repeat(4_000);
    for words in [
        "\"",
        "'; DROP TABLE products; --",
        "name:shirt",
        "a AND",
        "NOT",
        "NEAR(a b, 5)",
        "^a",
        "{name} : a",
        "*",
        "(((((",
        "-",
        "\u{0}",
        "a\u{0}b",
        "\u{202e}a",
        "𝒳",
        "ก็",
        "%",
        "_",
        "%%%%",
        "",
        "   ",
        &long,
        &"é".repeat(5_000),
    ] {
        let found = room.names(json!({ "q": words })).await;
        assert!(found.is_empty(), "{words:?} found {found:?}");
    }
    for words in [
        "100%",
        "cotton_shirt",
        "\"COTTON\" (shirt*)",
        "100% -cotton",
    ] {
        assert_eq!(room.names(json!({ "q": words })).await.len(), 1, "{words}");
    }
}

pub(super) async fn filters_narrow_a_list(room: Room) {
    let row = |slug: &str, parent: Option<&str>| CategoryRow {
        category_id: CategoryId::generate(),
        named: CategoryName::parse(slug).unwrap(),
        parent: parent.map(str::to_owned),
        at: NOW,
        request: None,
    };
    room.store
        .create_category(row("drinks", None))
        .await
        .unwrap();
    room.store
        .create_category(row("tea", Some("drinks")))
        .await
        .unwrap();
    let unknown = room.store.create_category(row("x", Some("nope"))).await;
    assert!(matches!(unknown, Err(EditError::Invalid { field, .. }) if field == "/parent"));
    let again = room.store.create_category(row("tea", None)).await;
    assert!(matches!(again, Err(EditError::SlugTaken)));
    let green = room
        .product(json!({"name": "Green", "price": 3, "category": "tea", "stock": 1}))
        .await;
    room.product(json!({"name": "Juice", "price": 2, "category": "drinks"}))
        .await;
    let cup = room
        .product(json!({"name": "Cup", "price": 1, "stock": 1}))
        .await;
    let offers = vec![ItemRef::Product(green.id), ItemRef::Product(cup.id)];
    let offers = room.store.offers(offers, None, NOW).await.unwrap();
    let all = room.store.categories().await.unwrap();
    let of_offer = |number: usize| offers[number].as_ref().unwrap().categories.iter();
    let slug_of = |id: &CategoryId| all.iter().find(|one| one.id == *id).unwrap().slug.as_str();
    let above: BTreeSet<_> = of_offer(0).map(slug_of).collect();
    assert_eq!(above, BTreeSet::from(["drinks", "tea"]));
    assert_eq!(of_offer(1).count(), 0);
    for (list, names) in [
        (
            json!({"category": "drinks", "sort": "name"}),
            vec!["Green", "Juice"],
        ),
        (json!({"category": "tea"}), vec!["Green"]),
        (json!({"category": "nope"}), vec![]),
        (
            json!({"in_stock": true, "sort": "price"}),
            vec!["Cup", "Green"],
        ),
        (json!({"in_stock": false}), vec!["Juice"]),
        (json!({"price_min": 200, "price_max": 200}), vec!["Juice"]),
        (json!({"price_min": 500, "price_max": 100}), vec![]),
        (json!({"status": "draft"}), vec![]),
        (
            json!({"q": "cup", "in_stock": true, "sort": "-price"}),
            vec!["Cup"],
        ),
    ] {
        assert_eq!(room.names(list.clone()).await, names, "{list}");
    }
}

pub(super) async fn slugs_are_made_unique_and_chosen_ones_are_kept(room: Room) {
    let mut slugs = HashSet::new();
    for _ in 0..25 {
        slugs.insert(room.tea(0).await.slug);
    }
    assert_eq!(slugs.len(), 25);
    assert!(slugs.contains("tea") && slugs.contains("tea-20"));
}

pub(super) async fn a_dry_run_foretells_the_import_and_changes_nothing(room: Room) {
    let mut bad = line("bad", &[]);
    bad.name = String::new();
    let lines = vec![
        line("a", &["House", "Lamps"]),
        bad,
        line("A", &["House", "Lamps"]),
        line("b", &["Garden", "Lamps"]),
    ];
    let told = room.import(lines.clone(), false).await;
    assert_eq!(
        told,
        [
            Ok(ImportOutcome::Created),
            Err("name must not be empty".to_owned()),
            Ok(ImportOutcome::Updated),
            Ok(ImportOutcome::Created),
        ]
    );
    assert!(room.names(json!({})).await.is_empty());
    assert!(room.store.categories().await.unwrap().is_empty());
    assert_eq!(room.import(lines, true).await, told);
    let categories = room.store.categories().await.unwrap();
    let slugs: HashSet<_> = categories.iter().map(|one| one.slug.as_str()).collect();
    assert_eq!(
        slugs,
        HashSet::from(["house", "garden", "lamps", "garden-lamps"])
    );
    assert!(
        categories[..2].iter().all(|one| one.parent.is_none()),
        "parents first"
    );
}

pub(super) async fn an_import_updates_by_sku_and_leaves_stock_alone(room: Room) {
    let lines = vec![line("a", &["House", "Lamps"]), line("b", &[])];
    room.import(lines.clone(), true).await;
    let unchanged = vec![Ok(ImportOutcome::Unchanged), Ok(ImportOutcome::Unchanged)];
    assert_eq!(room.import(lines.clone(), true).await, unchanged);
    let mut dearer = lines;
    dearer[0].price.minor = 200;
    dearer[0].stock = 99;
    dearer[1].category_path = vec!["Garden".to_owned()];
    let updated = vec![Ok(ImportOutcome::Updated), Ok(ImportOutcome::Updated)];
    assert_eq!(room.import(dearer, true).await, updated);
    room.store.touched().everything();
    let page = room
        .store
        .products(query(&json!({"q": "product a"})), Scope::Nothing, NOW)
        .await;
    let product = page.unwrap().data.pop().unwrap();
    assert_eq!((product.price.minor, product.stock.on_hand), (200, 4));
    assert_eq!((product.version.get(), product.owner_id), (2, seller()));
    room.assert_books_balance().await;
}

pub(super) async fn an_import_takes_no_product_from_another_seller(room: Room) {
    room.import(vec![line("a", &[])], true).await;
    let import = crate::store::Import {
        owner_id: contracts::values::UserId::from_bytes([8; 16]),
        lines: vec![line("a", &[])],
        commit: true,
        at: NOW,
    };
    let answers = room.store.import(import).await.unwrap();
    assert_eq!(answers, [Err("sku is in use by another seller".to_owned())]);
}

pub(super) async fn large_imports_are_one_transaction(room: Room) {
    let lines: Vec<_> = (0..2_000)
        .map(|n| line(&format!("S{n}"), &["All"]))
        .collect();
    let answers = room.import(lines, true).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer == &Ok(ImportOutcome::Created))
    );
    assert_eq!(walk(&room, json!({"limit": 100}), false).await.len(), 2_000);
}
