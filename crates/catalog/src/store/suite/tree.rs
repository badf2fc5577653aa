//! The tree of categories: renamed, moved and taken away, and a tree throughout.

use super::{NOW, Room};
use crate::{
    domain::{category::CategoryName, scope::Scope},
    store::{CategoryChange, CategoryEdit, CategoryRow},
};
use contracts::{
    catalog::{CategoryView, EditError},
    request::Precondition,
    values::CategoryId,
};
use serde_json::json;

async fn make(room: &Room, slug: &str, parent: Option<&str>) -> CategoryView {
    let row = CategoryRow {
        category_id: CategoryId::generate(),
        named: CategoryName::parse(slug).unwrap(),
        parent: parent.map(str::to_owned),
        at: NOW,
        request: None,
    };
    room.store.create_category(row).await.unwrap().value
}

async fn edit(
    room: &Room,
    of: &CategoryView,
    change: CategoryChange,
) -> Result<CategoryView, EditError> {
    let edit = CategoryEdit {
        category_id: of.id,
        sent: Precondition::LastWriterWins,
        change,
    };
    room.store.edit_category(edit).await
}

fn moved(parent: Option<&str>) -> CategoryChange {
    CategoryChange::Edit {
        name: None,
        slug: None,
        parent: Some(parent.map(str::to_owned)),
    }
}

fn renamed(name: &str, slug: Option<&str>) -> CategoryChange {
    CategoryChange::Edit {
        name: Some(name.to_owned()),
        slug: slug.map(str::to_owned),
        parent: None,
    }
}

pub(super) async fn a_category_moves_but_never_below_itself(room: Room) {
    let drinks = make(&room, "drinks", None).await;
    let tea = make(&room, "tea", Some("drinks")).await;
    let green = make(&room, "green", Some("tea")).await;
    for (of, parent) in [
        (&drinks, "green"),
        (&drinks, "tea"),
        (&tea, "tea"),
        (&tea, "nowhere"),
    ] {
        let refused = edit(&room, of, moved(Some(parent))).await;
        assert!(
            matches!(refused, Err(EditError::Invalid { field, .. }) if field == "/parent"),
            "{parent}"
        );
    }
    room.product(json!({"name": "Sencha", "price": 1, "category": "green"}))
        .await;
    let top = edit(&room, &green, moved(None)).await.unwrap();
    assert_eq!((top.parent, top.version.get()), (None, 2));
    assert!(room.names(json!({"category": "drinks"})).await.is_empty());
    let below = edit(&room, &drinks, moved(Some("green"))).await.unwrap();
    assert_eq!(below.parent.as_deref(), Some("green"));
    let order: Vec<String> = room
        .store
        .categories()
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.slug)
        .collect();
    assert_eq!(order, ["green", "drinks", "tea"]);
}

pub(super) async fn products_follow_the_names_of_their_category(room: Room) {
    let tea = make(&room, "tea", None).await;
    make(&room, "cups", None).await;
    let product = room
        .product(json!({"name": "Sencha", "price": 1, "category": "tea"}))
        .await;
    let taken = edit(&room, &tea, renamed("Infusions", Some("cups"))).await;
    assert!(matches!(taken, Err(EditError::SlugTaken)));
    let renamed = edit(&room, &tea, renamed("Infusions", Some("infusions")))
        .await
        .unwrap();
    assert_eq!(
        (renamed.slug.as_str(), renamed.name.as_str()),
        ("infusions", "Infusions")
    );
    assert_eq!(
        room.seen(product.id).await.category.as_deref(),
        Some("infusions")
    );
    assert_eq!(room.names(json!({"q": "infusions"})).await, ["Sencha"]);
    assert!(room.names(json!({"q": "tea"})).await.is_empty());
    let stale = CategoryEdit {
        category_id: tea.id,
        sent: Precondition::Body(tea.version),
        change: CategoryChange::Remove,
    };
    let stale = room.store.edit_category(stale).await;
    assert!(matches!(stale, Err(EditError::VersionConflict { current, .. }) if current.get() == 2));
}

pub(super) async fn only_what_is_empty_is_taken_away(room: Room) {
    let drinks = make(&room, "drinks", None).await;
    let tea = make(&room, "tea", Some("drinks")).await;
    let product = room
        .product(json!({"name": "Sencha", "price": 1, "category": "tea"}))
        .await;
    for of in [&drinks, &tea] {
        assert!(matches!(
            edit(&room, of, CategoryChange::Remove).await,
            Err(EditError::InUse)
        ));
    }
    room.patched(product.id, json!({"category": null})).await;
    for of in [&tea, &drinks] {
        edit(&room, of, CategoryChange::Remove).await.unwrap();
    }
    assert!(room.store.categories().await.unwrap().is_empty());
    assert!(matches!(
        edit(&room, &tea, CategoryChange::Remove).await,
        Err(EditError::NotFound)
    ));
    let list = room
        .store
        .products(
            super::query(&json!({"category": "tea"})),
            Scope::Nothing,
            NOW,
        )
        .await;
    assert!(list.unwrap().data.is_empty());
}
