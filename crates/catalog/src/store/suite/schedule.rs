//! What goes on sale by the clock: in lists, in searches and at the shelf at the same moment, with nobody's help; and
//! what products are related to.

use super::{NOW, Room, draft, query, seller, wish};
use crate::{
    domain::{
        change::{Change, Patch},
        scope::Scope,
    },
    store::{Edit, NewRow},
};
use contracts::{
    catalog::{EditError, ItemRef, ProductRef, ProductStatus, ProductView, ReserveError},
    request::Precondition,
    values::{OrderId, ProductId, Timestamp, VariantId},
};
use serde_json::{Value, json};

/// A moment so many seconds from now.
fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// On sale from a minute from now on, for a minute.
async fn lantern(room: &Room) -> ProductView {
    let body = json!({"name": "Lantern", "price": 1, "stock": 9, "publish_at": at(60), "unpublish_at": at(120)});
    room.product(body).await
}

async fn listed(room: &Room, list: Value, scope: Scope, now: Timestamp) -> usize {
    room.store.touched().everything();
    let page = room.store.products(query(&list), scope, now).await;
    let page = page.unwrap();
    for product in &page.data {
        assert_eq!(
            product.status,
            query(&list).status.unwrap_or(ProductStatus::Active)
        );
    }
    page.data.len()
}

async fn edited(
    room: &Room,
    id: ProductId,
    now: Timestamp,
    body: Value,
) -> Result<ProductView, EditError> {
    let patch = serde_json::from_str(&body.to_string()).unwrap();
    let edit = Edit {
        product_id: id,
        scope: Scope::All,
        sent: Precondition::LastWriterWins,
        change: Change::Patch(Box::new(Patch::check(patch, super::shop())?)),
        by: seller(),
        at: now,
    };
    room.store.edit(edit).await
}

async fn can_be_bought(room: &Room, id: ProductId, now: Timestamp) -> bool {
    let offers = room
        .store
        .offers(vec![ItemRef::Product(id)], None, now)
        .await
        .unwrap();
    let told = offers[0].as_ref().unwrap().on_sale;
    let wishes = vec![wish(OrderId::generate(), &[(id, 1)])];
    let reserved = room
        .store
        .reserve_all(wishes, now)
        .await
        .unwrap()
        .pop()
        .unwrap();
    match &reserved {
        Ok(_) => {}
        Err(error) => assert!(
            matches!(error, ReserveError::Unavailable { .. }),
            "{error:?}"
        ),
    }
    assert_eq!(told, reserved.is_ok(), "{reserved:?}");
    told
}

pub(super) async fn what_has_its_moment_is_listed_found_and_sold_from_then_on_and_no_longer(
    room: Room,
) {
    let lantern = lantern(&room).await;
    assert_eq!(
        (lantern.status, lantern.publish_at),
        (ProductStatus::Draft, Some(at(60)))
    );
    let mut tags = Vec::new();
    for (now, on_sale) in [
        (0, false),
        (59, false),
        (60, true),
        (119, true),
        (120, false),
    ] {
        let expected = usize::from(on_sale);
        for list in [json!({}), json!({"sort": "price"}), json!({"q": "lant"})] {
            let found = listed(&room, list.clone(), Scope::Nothing, at(now)).await;
            assert_eq!(found, expected, "{list} after {now} s");
        }
        for list in [
            json!({"status": "draft"}),
            json!({"status": "draft", "q": "lant"}),
        ] {
            let found = listed(&room, list.clone(), Scope::Of(seller()), at(now)).await;
            assert_eq!(found, usize::from(!on_sale), "{list} after {now} s");
            assert_eq!(listed(&room, list, Scope::Nothing, at(now)).await, 0);
        }
        let counted = room.store.facets(
            serde_json::from_value(json!({"q": "lant"})).unwrap(),
            at(now),
        );
        assert_eq!(counted.await.unwrap().total, u64::from(on_sale));
        let suggested = room.store.suggestions("lant", at(now)).await.unwrap();
        assert_eq!(suggested.len(), expected);
        let which = ProductRef::Id(lantern.id);
        let seen = room
            .store
            .product(which, Scope::Nothing, at(now))
            .await
            .unwrap();
        assert_eq!(seen.is_some(), on_sale);
        let which = ProductRef::Id(lantern.id);
        let own = room
            .store
            .product(which, Scope::All, at(now))
            .await
            .unwrap()
            .unwrap();
        tags.push((own.version, own.stock_version));
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "each moment is another entity tag: {tags:?}");
    for (now, on_sale) in [(59, false), (60, true), (119, true), (120, false)] {
        assert_eq!(
            can_be_bought(&room, lantern.id, at(now)).await,
            on_sale,
            "after {now} s"
        );
    }
    room.assert_books_balance().await;
}

pub(super) async fn an_edit_finds_what_the_clock_has_decided(room: Room) {
    let lantern = lantern(&room).await.id;
    let renamed = edited(&room, lantern, at(30), json!({"name": "Lamp"}))
        .await
        .unwrap();
    assert_eq!(
        (renamed.status, renamed.publish_at),
        (ProductStatus::Draft, Some(at(60)))
    );
    let on_sale = edited(&room, lantern, at(61), json!({"price": 2}))
        .await
        .unwrap();
    assert_eq!(
        (on_sale.status, on_sale.publish_at),
        (ProductStatus::Active, None)
    );
    assert_eq!(on_sale.unpublish_at, Some(at(120)));
    let later = edited(&room, lantern, at(62), json!({"publish_at": at(90)}))
        .await
        .unwrap();
    assert_eq!(
        (later.status, later.publish_at),
        (ProductStatus::Draft, Some(at(90)))
    );
    let now = edited(&room, lantern, at(63), json!({"status": "active"}))
        .await
        .unwrap();
    assert_eq!((now.status, now.publish_at), (ProductStatus::Active, None));
    let wrong = edited(&room, lantern, at(64), json!({"publish_at": at(121)})).await;
    assert!(matches!(wrong, Err(EditError::Invalid { field, .. }) if field == "/unpublish_at"));
    let over = edited(&room, lantern, at(120), json!({"name": "Lantern"}))
        .await
        .unwrap();
    assert_eq!(
        (over.status, over.unpublish_at),
        (ProductStatus::Draft, None)
    );
    let archived = json!({"status": "archived", "publish_at": at(300)});
    let archived = edited(&room, lantern, at(121), archived).await.unwrap();
    assert_eq!(
        (archived.status, archived.publish_at),
        (ProductStatus::Archived, None)
    );
}

pub(super) async fn related_products_are_there_and_stay_in_order(room: Room) {
    let (tea, cup) = (room.tea(1).await.id, room.tea(1).await.id);
    let body = json!({"name": "Pot", "price": 1, "related": [tea, cup]});
    let pot = room.product(body).await;
    assert_eq!(room.seen(pot.id).await.related, [tea, cup]);
    let patched = room.patched(pot.id, json!({"related": [cup, tea]})).await;
    assert_eq!(patched.related, [cup, tea]);
    assert_eq!(
        room.patched(pot.id, json!({"price": 2}))
            .await
            .related
            .len(),
        2
    );
    let nothing = json!({"name": "Jug", "price": 1, "related": [tea, ProductId::generate()]});
    let row = NewRow {
        product_id: ProductId::generate(),
        variant_id: VariantId::generate(),
        owner_id: seller(),
        draft: draft(&nothing),
        at: NOW,
    };
    let refused = room.store.create(row, None).await;
    assert!(matches!(refused, Err(EditError::Invalid { field, .. }) if field == "/related"));
    assert!(
        room.patched(pot.id, json!({"related": []}))
            .await
            .related
            .is_empty()
    );
}
