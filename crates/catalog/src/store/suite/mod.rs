//! What every store of the catalog must do, whatever it is made of. No rule of its own.

mod desk;
mod histories;
mod images;
mod nodes;
mod price_lists;
mod products;
mod returns;
mod reviews;
mod schedule;
mod searches;
mod stock;
mod tree;
mod variants;
mod versions;

use super::{Adjust, Edit, Import, NewRow, Store, postgres::PostgresStore, sqlite::SqliteStore};
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
use platform::db::{postgres, sqlite::Options};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};
use testkit::postgres::Postgres;

macro_rules! store_suite {
    (@$form:ident $($part:ident::{$($promise:ident),* $(,)?}),* $(,)?) => {
        mod $form {$($(
            #[tokio::test]
            async fn $promise() {
                // A form whose server may be passed over has said so.
                if let Some(room) = super::Room::$form().await {
                    super::$part::$promise(room).await;
                }
            }
        )*)*}
    };
    ($($promises:tt)*) => {
        store_suite! { @on_sqlite $($promises)* }
        store_suite! { @on_postgres $($promises)* }
    };
}

store_suite! {
    desk::{
        products_are_counted_by_where_they_stand_and_by_whose_they_are,
        what_is_low_is_listed_and_counted_as_units_come_and_go,
        what_a_person_changed_is_kept_with_who_and_when_and_not_for_ever,
    },
    images::{
        pictures_stand_in_the_order_that_was_wished_and_files_go_with_them,
        a_picture_is_added_once_and_no_more_than_there_is_room_for,
        of_two_who_change_a_picture_at_once_one_is_refused,
    },
    price_lists::{
        what_has_a_price_in_a_currency_is_sold_at_it_and_else_not_at_all,
        a_price_of_a_currency_is_part_of_the_product_s_version,
    },
    products::{
        every_order_is_paged_through_without_loss_or_repetition,
        numbered_pages_begin_where_the_one_before_ends,
        a_cursor_of_another_list_is_refused,
        a_search_finds_words_by_their_beginning_best_match_first,
        the_search_follows_every_edit,
        hostile_searches_find_literally_or_nothing,
        filters_narrow_a_list,
        slugs_are_made_unique_and_chosen_ones_are_kept,
        a_dry_run_foretells_the_import_and_changes_nothing,
        an_import_updates_by_sku_and_leaves_stock_alone,
        an_import_takes_no_product_from_another_seller,
        large_imports_are_one_transaction,
    },
    returns::{
        units_come_back_once_for_each_refund,
        no_more_comes_back_than_was_sold_and_a_refusal_takes_nothing,
        an_order_that_comes_back_whole_brings_only_what_is_still_away,
        nothing_comes_back_of_what_was_not_sold,
    },
    reviews::{
        the_average_is_exact_whoever_writes_at_the_same_time,
        of_twins_of_one_buyer_one_is_written,
        a_stale_review_is_not_changed_and_who_goes_takes_theirs_along,
        reviews_are_listed_newest_first_without_what_is_hidden,
        an_address_that_was_leads_to_the_product_until_another_has_it,
        the_prices_that_a_product_had_are_told_newest_first,
    },
    schedule::{
        what_has_its_moment_is_listed_found_and_sold_from_then_on_and_no_longer,
        an_edit_finds_what_the_clock_has_decided,
        related_products_are_there_and_stay_in_order,
    },
    searches::{
        the_same_words_find_the_same_in_the_same_order,
        facets_count_what_a_choice_would_leave,
        suggestions_name_categories_and_products,
        what_is_sold_out_or_comes_back_is_found_so_at_once,
        what_another_process_wrote_is_found_within_a_second,
    },
    stock::{
        a_reservation_is_answered_again_with_the_price_it_was_made_at,
        twins_in_one_batch_take_once,
        a_refused_wish_fails_none_of_its_batch_and_leaves_nothing,
        drafts_and_unknown_things_cannot_be_bought,
        of_a_thousand_buyers_of_the_last_ten_ten_win,
        a_batch_of_resolutions_answers_each,
        overdue_reservations_are_found_oldest_first,
        an_adjustment_is_all_or_nothing,
        a_count_is_compared_and_set_and_two_changes_of_one_add_up,
        movements_tell_the_whole_story_page_by_page,
        reservations_are_audited_in_the_order_of_their_ids,
        orders_in_opposite_order_never_stand_in_each_other_s_way,
    },
    tree::{
        a_category_moves_but_never_below_itself,
        products_follow_the_names_of_their_category,
        only_what_is_empty_is_taken_away,
    },
    variants::{
        a_product_with_options_is_bought_by_its_variants,
        variants_come_change_and_go_under_the_product_s_version,
        options_turn_a_plain_product_into_variants_and_back,
        a_product_is_listed_once_and_found_by_what_its_variants_are,
        an_import_knows_a_product_by_any_of_its_variants,
        of_many_buyers_of_two_variants_each_is_sold_as_often_as_it_was_there,
    },
    versions::{
        every_version_is_kept_whoever_made_it,
        who_made_a_version_is_kept_with_it_and_nobody_is_named_for_another,
        a_reservation_is_known_by_a_price_that_the_product_had_then,
        what_is_reserved_has_one_mark_and_ends_once,
    },
    histories::{
        any_history_leaves_the_stock_that_a_clerk_would_count,
    },
}

pub(super) const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// A store to try, with what goes when it goes.
#[derive(Clone)]
struct Room {
    store: Arc<dyn Store>,
    /// How many random histories are worth their time.
    histories: u32,
    _folder: Option<Arc<Folder>>,
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
    #[expect(clippy::unused_async, reason = "both forms are opened alike")]
    async fn on_sqlite() -> Option<Self> {
        let path = std::env::temp_dir().join(format!("souk-catalog-{}", ProductId::generate()));
        std::fs::create_dir_all(&path).unwrap();
        let options = Options {
            readers: 2,
            write_queue_max: 4_096,
            group_max: 256,
            wal_checkpoint_pages: 1_000,
            cache_kilobytes: 4_096,
            mapped_megabytes: 0,
        };
        let store = SqliteStore::open(&path.join("catalog.db"), options, NOW).unwrap();
        Some(Self {
            store: Arc::new(store),
            histories: 300,
            _folder: Some(Arc::new(Folder(path))),
        })
    }

    async fn on_postgres() -> Option<Self> {
        Self::nodes(1).await?.pop()
    }

    /// So many nodes on one database.
    async fn nodes(count: usize) -> Option<Vec<Self>> {
        let place = Postgres::shared()?.place("catalog");
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Self::on(place.clone()).await);
        }
        Some(nodes)
    }

    async fn on(place: postgres::Place) -> Self {
        let store = PostgresStore::open(place, NOW).await.unwrap();
        Self {
            store: Arc::new(store),
            histories: 60,
            _folder: None,
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
            .product(which, Scope::All, NOW)
            .await
            .unwrap()
            .unwrap()
    }

    async fn patched(&self, id: ProductId, body: Value) -> ProductView {
        self.patched_by(seller(), id, body).await
    }

    async fn patched_by(&self, by: UserId, id: ProductId, body: Value) -> ProductView {
        let wish: PatchProduct = serde_json::from_str(&body.to_string()).unwrap();
        let edit = Edit {
            product_id: id,
            scope: Scope::All,
            sent: Precondition::LastWriterWins,
            change: Change::Patch(Box::new(Patch::check(wish, shop()).unwrap())),
            by,
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
        // As the service says it after each of its writes.
        self.store.touched().everything();
        let page = self.store.products(query(&list), Scope::Nothing, NOW).await;
        let page = page.unwrap();
        page.data.into_iter().map(|product| product.name).collect()
    }

    /// Every variant's stock is what its ledgers say, and those that are low are known.
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
                None => break,
            }
        }
        self.assert_low_is_known().await;
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
        currency: None,
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
