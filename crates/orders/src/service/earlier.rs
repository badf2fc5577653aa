//! Records of what was bought at another shop. They are brought along by admins, a batch at a time, known again by
//! their shop and number, and shown to whoever's they certainly are. Nothing here holds stock, asks for money or writes
//! to anybody.

use super::Service;
use crate::{
    domain::earlier::{self, EarlierOrder},
    store::earlier::{EarlierWish, NewEarlier, Place},
};
use contracts::{
    BoxError,
    access::Principal,
    import::{ImportError, ImportedRow, ROWS_MAX},
    orders::{EarlierOrderQuery, EarlierOrderView, EarlierTotals, ImportEarlierOrders, OrderError},
    values::{EarlierOrderId, Email, Page, UserId},
};
use platform::{db::StoreError, digest};
use std::collections::HashMap;

impl Service {
    /// Keeps records, or says what would become of them.
    pub(crate) async fn import_earlier(
        &self,
        wish: ImportEarlierOrders,
    ) -> Result<Vec<ImportedRow>, ImportError> {
        if wish.rows.is_empty() || wish.rows.len() > ROWS_MAX {
            return Err(ImportError::Rows);
        }
        let source = earlier::source(&wish.source).map_err(|error| ImportError::Invalid {
            field: "/source",
            reason: error.0,
        })?;
        let rows: Vec<_> = wish
            .rows
            .into_iter()
            .map(|row| earlier::check(id_of(&source, row.number.trim()), &source, row))
            .collect();
        let good: Vec<EarlierOrder> = rows.iter().filter_map(|row| row.clone().ok()).collect();
        let owners = if wish.dry_run {
            HashMap::new()
        } else {
            self.owners(&good).await.map_err(ImportError::Internal)?
        };
        let ids: Vec<EarlierOrderId> = good.iter().map(|order| order.id).collect();
        let new = good.into_iter().map(|order| NewEarlier {
            customer: order
                .email
                .as_ref()
                .and_then(|email| owners.get(email.key()).copied()),
            order,
        });
        let kept = self
            .store
            .import_earlier(new.collect(), self.clock.now(), !wish.dry_run);
        let fresh = kept.await.map_err(failure)?;
        let mut judged = ids.iter().zip(&fresh);
        let answer = rows.into_iter().map(|row| match row {
            Err(reason) => ImportedRow::refused(reason),
            Ok(_) => match judged.next() {
                Some((id, true)) => ImportedRow::created((!wish.dry_run).then(|| id.to_string())),
                Some((_, false)) | None => ImportedRow::known(),
            },
        });
        Ok(answer.collect())
    }

    /// Whose addresses these are for certain, asked once each.
    async fn owners(&self, orders: &[EarlierOrder]) -> Result<HashMap<String, UserId>, BoxError> {
        let Some(addresses) = self.addresses.get() else {
            return Ok(HashMap::new());
        };
        let emails = orders.iter().filter_map(|order| order.email.as_ref());
        let emails: HashMap<&str, &Email> = emails.map(|email| (email.key(), email)).collect();
        let mut owners = HashMap::new();
        for (key, email) in emails {
            if let Some(owner) = addresses.owner(email).await? {
                owners.insert(key.to_owned(), owner);
            }
        }
        Ok(owners)
    }

    pub(crate) async fn list_earlier(
        &self,
        who: &Principal,
        query: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError> {
        let customer = if who.is_admin() {
            query.customer_id
        } else {
            Some(who.user_id)
        };
        let wish = EarlierWish {
            customer,
            source: query.source,
            before: Place::read(query.cursor.as_ref())?,
            limit: query.limit.get(),
        };
        let page = self.store.earlier_orders(wish).await;
        page.map_err(super::internal)
    }

    /// A record, for whoever's it is and for admins. Whose it is not learns that it is there from nothing.
    pub(crate) async fn find_earlier(
        &self,
        who: &Principal,
        id: EarlierOrderId,
    ) -> Result<EarlierOrderView, OrderError> {
        let found = self.store.earlier_order(id).await;
        let found = found.map_err(super::internal)?;
        found
            .filter(|order| who.is_admin() || order.customer_id == Some(who.user_id))
            .ok_or(OrderError::NotFound)
    }

    pub(crate) async fn earlier_totals(
        &self,
        source: Option<String>,
    ) -> Result<Vec<EarlierTotals>, OrderError> {
        let totals = self.store.earlier_totals(source).await;
        totals.map_err(super::internal)
    }
}

/// The same for the same record, whoever brings it.
fn id_of(source: &str, number: &str) -> EarlierOrderId {
    EarlierOrderId::from_bytes(digest::derived_id(source, number))
}

/// Whoever has too much to write says so in the chain of causes.
fn failure(error: StoreError) -> ImportError {
    ImportError::Internal(error.into())
}
