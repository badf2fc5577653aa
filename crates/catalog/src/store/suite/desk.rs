//! What those who look after products are told: counters, what is low, and what was changed.

use super::{NOW, Room, seller, shop};
use crate::{
    domain::{
        lineup::{Altered, LineupChange},
        scope::Scope,
    },
    store::LineupEdit,
};
use contracts::{
    catalog::{InventoryQuery, InventoryView, ProductCounts, ProductEdit, ProductStatus},
    request::Precondition,
    values::{PageSize, ProductId, UserId},
};
use serde_json::json;

const STRANGER: UserId = UserId::from_bytes([9; 16]);

impl Room {
    async fn counted(&self, q: Option<&str>, scope: Scope) -> (u64, u64, u64) {
        // As the service says it after each of its writes.
        self.store.touched().everything();
        let counts = self.store.product_counts(q.map(str::to_owned), scope, NOW);
        let ProductCounts {
            draft,
            active,
            archived,
        } = counts.await.unwrap();
        (draft, active, archived)
    }

    async fn stock(&self, low_stock: bool) -> Vec<InventoryView> {
        let mut query = InventoryQuery {
            low_stock,
            limit: PageSize::try_from(100).unwrap(),
            ..InventoryQuery::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.store.inventory(query.clone(), Scope::All);
            let page = page.await.unwrap();
            all.extend(page.data);
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return all,
            }
        }
    }

    /// What the rows of what is low say is what whoever looks at all stock would find.
    pub(super) async fn assert_low_is_known(&self) {
        let (all, listed) = (self.stock(false).await, self.stock(true).await);
        let few = crate::domain::stock::LOW_STOCK_MAX;
        let mut low: Vec<_> = all.iter().filter(|one| one.available <= few).collect();
        for one in &low {
            if !listed.contains(one) {
                let status = self.seen(one.product_id).await.status;
                assert_eq!(status, ProductStatus::Archived, "{one:?}");
            }
        }
        low.retain(|one| listed.contains(one));
        assert_eq!(listed.iter().collect::<Vec<_>>(), low);
        let counts = [all.len(), low.len()].map(|count| i64::try_from(count).unwrap());
        let counted = async |scope| self.store.inventory_counts(scope, 10_000).await.unwrap();
        assert_eq!(counted(Scope::All).await, counts);
        assert_eq!(counted(Scope::Of(seller())).await, counts, "all are theirs");
        assert_eq!(counted(Scope::Of(STRANGER)).await, [0, 0]);
        assert_eq!(counted(Scope::Nothing).await, [0, 0]);
    }
}

pub(super) async fn products_are_counted_by_where_they_stand_and_by_whose_they_are(room: Room) {
    assert_eq!(room.counted(None, Scope::All).await, (0, 0, 0));
    for (name, body) in [
        ("Green tea", json!({})),
        ("Black tea", json!({})),
        ("Cup", json!({})),
        ("White tea", json!({"status": "draft"})),
        // It waits for its moment.
        ("Later tea", json!({"publish_at": "2999-01-01T00:00:00Z"})),
        ("Old tea", json!({"status": "archived"})),
    ] {
        let mut wish = body;
        (wish["name"], wish["price"]) = (json!(name), json!(1));
        room.product(wish).await;
    }
    for scope in [Scope::All, Scope::Of(seller())] {
        assert_eq!(room.counted(None, scope).await, (2, 3, 1));
        assert_eq!(room.counted(Some("tea"), scope).await, (2, 2, 1));
        assert_eq!(room.counted(Some("cup"), scope).await, (0, 1, 0));
        assert_eq!(room.counted(Some("  !"), scope).await, (0, 0, 0));
    }
    for scope in [Scope::Of(STRANGER), Scope::Nothing] {
        assert_eq!(room.counted(None, scope).await, (0, 0, 0));
    }
    // Each counter is how long the list of that status is.
    for (status, count) in [("active", 3), ("archived", 1)] {
        let list = super::query(&json!({"status": status}));
        let page = room.store.products(list, Scope::All, NOW).await.unwrap();
        assert_eq!(page.data.len(), count, "{status}");
    }
}

pub(super) async fn what_is_low_is_listed_and_counted_as_units_come_and_go(room: Room) {
    let many = room.tea(9).await;
    let few = room
        .product(json!({"name": "Pot", "sku": "POT", "price": 1, "stock": 5}))
        .await;
    let gone = room
        .product(json!({"name": "Jug", "price": 1, "stock": 0, "status": "archived"}))
        .await;
    let low = async || -> Vec<ProductId> {
        room.assert_low_is_known().await;
        let listed = room.stock(true).await.into_iter();
        listed.map(|one| one.product_id).collect()
    };
    assert_eq!(low().await, [few.id]);
    // Four are promised: five are left.
    let order = contracts::values::OrderId::generate();
    let wish = super::wish(order, &[(many.id, 4)]);
    let held = room.store.reserve_all(vec![wish], NOW).await.unwrap();
    assert!(held[0].is_ok());
    assert_eq!(low().await, [many.id, few.id]);
    let released = super::resolve(order, contracts::catalog::ReservationState::Released);
    let ended = room.store.resolve_all(vec![released], NOW).await.unwrap();
    assert!(ended.answers[0].is_ok());
    assert_eq!(low().await, [few.id]);
    room.adjust(json!([{"sku": "POT", "delta": 1, "reason": "found"}]))
        .await
        .unwrap();
    assert!(low().await.is_empty());
    room.adjust(json!([{"sku": "POT", "delta": -6, "reason": "broken"}]))
        .await
        .unwrap();
    assert_eq!(low().await, [few.id]);
    let sku = InventoryQuery {
        low_stock: true,
        sku: Some("pot".to_owned()),
        ..InventoryQuery::default()
    };
    let found = room.store.inventory(sku, Scope::All).await.unwrap();
    assert_eq!(found.data.len(), 1, "by its SKU as well");
    assert_ne!(gone.id, few.id);
}

impl Room {
    async fn edits(&self, id: ProductId) -> Vec<ProductEdit> {
        self.store.edits(id, 500).await.unwrap()
    }
}

/// Each change as one text.
fn told(edit: &ProductEdit) -> Vec<String> {
    let changes = edit.changes.iter();
    changes
        .map(|one| format!("{}: {} > {}", one.field, one.before, one.after))
        .collect()
}

pub(super) async fn what_a_person_changed_is_kept_with_who_and_when_and_not_for_ever(room: Room) {
    let tea = room.tea(1).await;
    assert!(room.edits(tea.id).await.is_empty(), "it was made so");
    let both = json!({"name": "Green tea", "description": "From Assam.", "category": "tea"});
    room.patched_by(STRANGER, tea.id, both).await;
    room.patched(tea.id, json!({"price": "3.00"})).await;
    room.patched(tea.id, json!({"status": "draft"})).await;
    let edits = room.edits(tea.id).await;
    assert_eq!(edits.len(), 2, "a price alone is told by its version");
    assert_eq!(told(&edits[0]), ["status: active > draft"]);
    assert_eq!(
        (edits[0].version.get(), edits[0].actor, edits[0].at),
        (4, Some(seller()), NOW)
    );
    assert_eq!(
        told(&edits[1]),
        [
            "name: Tea > Green tea",
            "description:  > From Assam.",
            "category:  > tea"
        ]
    );
    assert_eq!(edits[1].actor, Some(STRANGER));
    // An import changes and leaves no such row.
    let line = super::products::line(&tea.sku, &[]);
    assert!(room.import(vec![line], true).await[0].is_ok());
    assert_eq!(room.edits(tea.id).await, edits);

    let shirt = room
        .product(json!({
            "name": "Shirt", "price": "1.00", "options": [{"name": "Size", "values": ["S", "M"]}],
            "variants": [{"options": {"Size": "S"}, "sku": "S"}, {"options": {"Size": "M"}, "sku": "M"}],
        }))
        .await;
    let altered = json!({"price": "6.00"}).to_string();
    let altered = Altered::check(serde_json::from_str(&altered).unwrap(), shop()).unwrap();
    let edit = LineupEdit {
        product_id: shirt.id,
        scope: Scope::All,
        sent: Precondition::LastWriterWins,
        change: LineupChange::Edit(shirt.variants[1].id, altered),
        by: seller(),
        at: NOW,
        request: None,
    };
    room.store.change_lineup(edit).await.unwrap();
    let edits = room.edits(shirt.id).await;
    assert_eq!(
        told(&edits[0]),
        ["variants: M: M, 1.00 USD > M: M, 6.00 USD"]
    );

    for number in 0..105 {
        let name = json!({"name": format!("Tea {number}")});
        room.patched(tea.id, name).await;
    }
    let kept = room.edits(tea.id).await;
    assert_eq!(kept.len(), 100, "the last hundred versions");
    assert_eq!(told(&kept[0]), ["name: Tea 103 > Tea 104"]);
    assert_eq!(told(&kept[99]), ["name: Tea 4 > Tea 5"]);
}
