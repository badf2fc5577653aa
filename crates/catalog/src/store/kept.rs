//! The answer to a keyed request that made a product, as it is remembered. No statement.

use contracts::catalog::ProductView;
use serde::{Deserialize, Serialize};

/// The version of its stock is not part of a product's JSON, but of its `ETag`.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    view: ProductView,
    stock_version: i64,
}

impl Kept {
    pub(super) fn of(view: &ProductView) -> Self {
        Self {
            stock_version: view.stock_version,
            view: view.clone(),
        }
    }

    pub(super) fn into_view(self) -> ProductView {
        ProductView {
            stock_version: self.stock_version,
            ..self.view
        }
    }
}
