//! What this node changed and has not told the others yet: gathered, so that a product that sells a thousand times a
//! second is news ten times a second. Others forget what they show of it; news that is lost costs them an answer
//! that is a little old, never a sale.

use contracts::{
    catalog::ProductsChanged,
    event::{Envelope, Event},
    values::{EventId, ProductId},
};
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Products that one message names; of more it says that all changed.
const PRODUCTS_MAX: usize = 1_000;

/// News of a node.
#[derive(Debug)]
pub(crate) struct News {
    node: EventId,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    products: HashSet<ProductId>,
    documents: bool,
    everything: bool,
}

impl Default for News {
    fn default() -> Self {
        Self {
            node: EventId::generate(),
            pending: Mutex::default(),
        }
    }
}

impl News {
    pub(super) fn document_changed(&self, id: ProductId) {
        let mut pending = self.pending();
        pending.documents = true;
        pending.add(id);
    }

    pub(super) fn lists_changed(&self) {
        self.pending().documents = true;
    }

    pub(super) fn stock_moved(&self, id: ProductId) {
        self.pending().add(id);
    }

    pub(super) fn all_changed(&self) {
        self.pending().everything = true;
    }

    /// What is to be told, if anything is.
    pub(crate) fn take(&self) -> Option<ProductsChanged> {
        let Pending {
            products,
            documents,
            everything,
        } = std::mem::take(&mut *self.pending());
        if products.is_empty() && !documents && !everything {
            return None;
        }
        let told = if everything { HashSet::new() } else { products };
        Some(ProductsChanged {
            node: self.node,
            products: told.into_iter().collect(),
            documents,
            everything,
        })
    }

    /// It could not be told: it goes with the next.
    pub(crate) fn put_back(&self, changed: ProductsChanged) {
        let mut pending = self.pending();
        pending.documents |= changed.documents;
        pending.everything |= changed.everything;
        for id in changed.products {
            pending.add(id);
        }
    }

    /// What another node tells; one's own is known.
    pub(super) fn theirs(
        &self,
        envelope: &Envelope,
    ) -> Result<Option<ProductsChanged>, serde_json::Error> {
        let changed = ProductsChanged::open(envelope).transpose()?;
        Ok(changed.filter(|changed| changed.node != self.node))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn add(&mut self, id: ProductId) {
        if self.everything {
            return;
        }
        self.products.insert(id);
        if self.products.len() > PRODUCTS_MAX {
            self.products.clear();
            self.everything = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_often_is_told_once_and_too_much_is_everything() {
        let news = News::default();
        assert_eq!(news.take(), None);
        let id = ProductId::generate();
        for _ in 0..1_000 {
            news.stock_moved(id);
        }
        let told = news.take().unwrap();
        assert_eq!(
            (told.products.as_slice(), told.documents),
            ([id].as_slice(), false)
        );
        assert_eq!(news.take(), None);
        news.put_back(told);
        assert_eq!(news.take().unwrap().products, [id]);
        for _ in 0..=PRODUCTS_MAX {
            news.document_changed(ProductId::generate());
        }
        let told = news.take().unwrap();
        assert!(told.everything && told.products.is_empty());
    }
}
