//! How many products stand where: each as often as the list of those that stand so would show it.

use super::{Index, Wish};
use contracts::catalog::{ProductCounts, ProductStatus};

impl Index {
    /// Counts what a wish finds, whatever status it names. Without words each product is looked at once a status, and
    /// nothing is kept of it.
    pub(crate) fn stand(&self, wish: Option<&Wish>) -> ProductCounts {
        let Some(wish) = wish else {
            return ProductCounts::default();
        };
        let count = |status| self.standing(wish, status);
        ProductCounts {
            draft: count(ProductStatus::Draft),
            active: count(ProductStatus::Active),
            archived: count(ProductStatus::Archived),
        }
    }

    fn standing(&self, wish: &Wish, status: ProductStatus) -> u64 {
        let mut filter = wish.filter.clone();
        filter.status = status;
        let Some(sieve) = self.sieve(&filter) else {
            return 0;
        };
        let count = match wish.words.as_deref() {
            Some(words) => self.hits(words, &sieve).len(),
            None => {
                let held = self.held.iter().flatten();
                held.filter(|held| sieve.shows(held)).count()
            }
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}
