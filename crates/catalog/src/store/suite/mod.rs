//! What every store of the catalog must do, whatever it is made of. No rule of its own.

mod histories;
mod products;
mod returns;
mod stock;
mod versions;

use super::{Adjust, Edit, Import, NewRow, Store, sqlite::SqliteStore};
use crate::domain::{
    change::{Change, Patch},
    document::Draft,
    scope::Scope,
    stock as changes,
};
use contracts::{
    catalog::{
        AdjustError, ImportOutcome, ImportProduct, InventoryView, ItemRef, NewProduct,
        PatchProduct, ProductQuery, ProductView, ReservationState, Reserve, ReserveError,
        ReserveLine, Reserved, Resolve, ResolveError,
    },
    request::Precondition,
    values::{Currency, OrderId, ProductId, Quantity, Timestamp, UserId, VariantId},
};
use platform::db::sqlite::Options;
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

pub(super) const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// A store in a folder that goes with it.
#[derive(Clone)]
struct Room {
    store: Arc<dyn Store>,
    _folder: Arc<Folder>,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn seller() -> UserId {
    UserId::from_bytes([7; 16])
}

fn shop() -> Currency {
    "USD".parse().unwrap()
}

fn draft(body: &Value) -> Draft {
    let wish: NewProduct = serde_json::from_str(&body.to_string()).unwrap();
    Draft::check(wish, shop()).unwrap()
}

fn query(json: &Value) -> ProductQuery {
    serde_json::from_value(json.clone()).unwrap()
}

impl Room {
    fn open() -> Self {
        let path = std::env::temp_dir().join(format!("souk-catalog-{}", ProductId::generate()));
        std::fs::create_dir_all(&path).unwrap();
        let options = Options {
            readers: 2,
            write_queue_max: 4_096,
            group_max: 256,
            wal_checkpoint_pages: 1_000,
            cache_kilobytes: 4_096,
        };
        let store = SqliteStore::open(&path.join("catalog.db"), options, NOW).unwrap();
        Self {
            store: Arc::new(store),
            _folder: Arc::new(Folder(path)),
        }
    }

    async fn product(&self, body: Value) -> ProductView {
        let row = NewRow {
            product_id: ProductId::generate(),
            variant_id: VariantId::generate(),
            owner_id: seller(),
            draft: draft(&body),
            at: NOW,
        };
        self.store.create(row, None).await.unwrap().value
    }

    async fn tea(&self, stock: i64) -> ProductView {
        self.product(json!({"name": "Tea", "price": "2.50", "stock": stock}))
            .await
    }

    async fn seen(&self, id: ProductId) -> ProductView {
        let which = contracts::catalog::ProductRef::Id(id);
        self.store
            .product(which, Scope::All)
            .await
            .unwrap()
            .unwrap()
    }

    async fn patched(&self, id: ProductId, body: Value) -> ProductView {
        let wish: PatchProduct = serde_json::from_str(&body.to_string()).unwrap();
        let edit = Edit {
            product_id: id,
            scope: Scope::All,
            sent: Precondition::LastWriterWins,
            change: Change::Patch(Box::new(Patch::check(wish, shop()).unwrap())),
            at: NOW,
        };
        self.store.edit(edit).await.unwrap()
    }

    async fn adjust(&self, changes: Value) -> Result<Vec<InventoryView>, AdjustError> {
        let wish = serde_json::from_value(json!({ "changes": changes })).unwrap();
        let adjust = Adjust {
            scope: Scope::All,
            changes: changes::check(wish)?,
            actor: "tester".to_owned(),
            at: NOW,
        };
        Ok(self.store.adjust(adjust, None).await?.value)
    }

    async fn reserve(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        self.store.reserve_all(batch, NOW).await.unwrap()
    }

    async fn resolve(&self, order: OrderId, to: ReservationState) -> Result<(), ResolveError> {
        let mut resolved = self
            .store
            .resolve_all(vec![resolve(order, to)], NOW)
            .await
            .unwrap();
        resolved.answers.pop().unwrap()
    }

    async fn import(
        &self,
        lines: Vec<ImportProduct>,
        commit: bool,
    ) -> Vec<Result<ImportOutcome, String>> {
        let import = Import {
            owner_id: seller(),
            lines,
            commit,
            at: NOW,
        };
        self.store.import(import).await.unwrap()
    }

    async fn names(&self, list: Value) -> Vec<String> {
        let page = self.store.products(query(&list), Scope::Nothing).await;
        let page = page.unwrap();
        page.data.into_iter().map(|product| product.name).collect()
    }

    /// Every variant's stock is what its ledgers say.
    async fn assert_books_balance(&self) {
        let mut after = None;
        loop {
            let page = self.store.audit_stock(after, 100).await.unwrap();
            for one in &page {
                assert_eq!(
                    (one.on_hand, one.reserved),
                    (one.ledger_on_hand, one.ledger_reserved),
                    "{one:?}"
                );
            }
            match page.last() {
                Some(last) => after = Some(last.variant_id),
                None => return,
            }
        }
    }
}

pub(super) fn wish(order_id: OrderId, lines: &[(ProductId, u32)]) -> Reserve {
    Reserve {
        order_id,
        fingerprint: [1; 32],
        lines: lines
            .iter()
            .map(|(product, units)| ReserveLine {
                item: ItemRef::Product(*product),
                quantity: Quantity::try_from(*units).unwrap(),
            })
            .collect(),
        expected_total: None,
        hold_until: NOW.plus_seconds(900),
    }
}

pub(super) fn resolve(order_id: OrderId, to: ReservationState) -> Resolve {
    Resolve {
        order_id,
        to,
        actor: "system".to_owned(),
    }
}
