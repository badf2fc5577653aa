//! The shop window: what everybody may see of products, kept in memory as bytes that are ready to be sent. Every
//! write of this service drops what it changed before it is acknowledged. Nothing is sold by what is shown here.

use super::{
    news::News,
    shown::{self, Shown},
};
use crate::{config::Config, store::Touched};
use contracts::{
    catalog::{EditError, ListError, ProductQuery, ProductRef, ProductStatus, ProductView},
    event::Envelope,
    values::{Page, ProductId},
};
use platform::{
    cache::{Cache, Fresh, Held, Options},
    clock::Clock,
    redis::Redis,
};
use std::sync::Arc;

/// What any list depends on: documents, and with a filter for it, stock.
const DOCUMENTS: &str = "documents";
const STOCK: &str = "stock";

/// The window of a catalog. Clones share it.
#[derive(Debug, Clone)]
pub struct Window {
    cache: Cache<Shown>,
    pub(crate) news: Arc<News>,
    touched: Arc<Touched>,
}

impl Window {
    pub(crate) fn new(
        config: &Config,
        redis: Option<Redis>,
        clock: Clock,
        touched: Arc<Touched>,
    ) -> Self {
        let options = Options {
            name: "catalog",
            kilobytes: config.window_kilobytes,
            age_max_ms: config.window_age_max_ms,
            absent_age_max_ms: config.window_absent_age_max_ms,
        };
        Self {
            cache: Cache::new(options, redis, clock),
            news: Arc::default(),
            touched,
        }
    }

    /// What is shown of a product, if it is in memory.
    pub(crate) fn peek_product(&self, which: &ProductRef) -> Option<Held<Shown>> {
        self.cache.peek(&product_key(which))
    }

    /// The page of a list, if it is in memory.
    pub(crate) fn peek_list(&self, query: &ProductQuery) -> Option<Held<Shown>> {
        self.cache.peek(&list_key(query)?)
    }

    /// What everybody may see of a product, read by `read` if need be.
    pub(crate) async fn product<R, W>(
        &self,
        which: &ProductRef,
        read: R,
    ) -> Result<ProductView, EditError>
    where
        R: Fn() -> W,
        W: Future<Output = Result<Option<ProductView>, EditError>>,
    {
        let key = product_key(which);
        let shown = self.cache.get(&key, || async {
            let product = read().await?;
            let tags = product_tags(which, product.as_ref());
            let value = shown::of_product(product).map_err(EditError::Internal)?;
            Ok(Fresh { value, tags })
        });
        match shown.await? {
            Shown::Product(ready) => ready.product().map_err(EditError::Internal),
            Shown::Archived(name) => Err(EditError::Archived { name }),
            Shown::Nothing | Shown::List(_) => Err(EditError::NotFound),
        }
    }

    /// A page of what is on sale, read by `read` if need be.
    pub(crate) async fn list<R, W>(
        &self,
        query: &ProductQuery,
        read: R,
    ) -> Result<Page<ProductView>, ListError>
    where
        R: Fn() -> W,
        W: Future<Output = Result<Page<ProductView>, ListError>>,
    {
        let Some(key) = list_key(query) else {
            return read().await;
        };
        let shown = self.cache.get(&key, || async {
            let page = read().await?;
            let tags = list_tags(query, &page);
            let value = shown::of_list(page).map_err(ListError::Internal)?;
            Ok(Fresh { value, tags })
        });
        match shown.await? {
            Shown::List(ready) => ready.page().map_err(ListError::Internal),
            Shown::Product(_) | Shown::Archived(_) | Shown::Nothing => read().await,
        }
    }

    /// A product was made, or its document changed: it, and whatever list it may be in, is read anew.
    pub(crate) fn document_changed(&self, id: ProductId) {
        self.touched.documents();
        self.cache.drop_tag(&product_tag(id));
        self.cache.drop_tag(DOCUMENTS);
        self.news.document_changed(id);
    }

    /// A product may be found under this slug from now on.
    pub(crate) fn slug_changed(&self, slug: &str) {
        self.cache.drop_tag(&slug_tag(slug));
    }

    /// Categories changed.
    pub(crate) fn lists_changed(&self) {
        self.touched.documents();
        self.cache.drop_tag(DOCUMENTS);
        self.news.lists_changed();
    }

    /// The stock of products changed: they, and whatever list shows them, are read anew.
    pub(crate) fn stock_moved(&self, products: impl IntoIterator<Item = ProductId>) {
        let mut any = false;
        for id in products {
            any = true;
            self.touched.stock(id);
            self.cache.drop_tag(&product_tag(id));
            self.news.stock_moved(id);
        }
        if any {
            self.cache.drop_tag(STOCK);
        }
    }

    /// What buyers think of a product or its pictures changed: it, and whatever page shows it, is read anew.
    pub(crate) fn extras_changed(&self, id: ProductId) {
        self.cache.drop_tag(&product_tag(id));
        self.news.stock_moved(id);
    }

    /// Nobody knows what changed.
    pub(crate) fn all_changed(&self) {
        self.touched.everything();
        self.cache.drop_all();
        self.news.all_changed();
    }

    /// Takes note of what another node changed.
    pub(crate) fn hear(&self, envelope: &Envelope) -> Result<(), serde_json::Error> {
        let Some(changed) = self.news.theirs(envelope)? else {
            return Ok(());
        };
        if changed.everything {
            self.touched.everything();
            self.cache.drop_all();
            return Ok(());
        }
        for id in changed.products {
            self.touched.stock(id);
            self.cache.drop_tag(&product_tag(id));
        }
        self.cache.drop_tag(STOCK);
        if changed.documents {
            self.touched.documents();
            self.cache.drop_tag(DOCUMENTS);
        }
        Ok(())
    }

    /// What other nodes changed was not heard.
    pub(crate) fn missed(&self) {
        self.touched.everything();
        self.cache.drop_all();
    }
}

fn product_key(which: &ProductRef) -> String {
    match which {
        ProductRef::Id(id) => format!("product {id}"),
        ProductRef::Slug(slug) => format!("slug {slug}"),
    }
}

/// What is not on sale is no list of everybody's.
fn list_key(query: &ProductQuery) -> Option<String> {
    if query
        .status
        .is_some_and(|status| status != ProductStatus::Active)
    {
        return None;
    }
    let words = serde_json::to_string(query).ok()?;
    Some(format!("list {words}"))
}

fn product_tag(id: ProductId) -> String {
    format!("product {id}")
}

fn slug_tag(slug: &str) -> String {
    format!("slug {slug}")
}

fn product_tags(which: &ProductRef, product: Option<&ProductView>) -> Vec<String> {
    let asked = match which {
        ProductRef::Id(id) => product_tag(*id),
        ProductRef::Slug(slug) => slug_tag(slug),
    };
    let found = product.map(|product| product_tag(product.id));
    [asked].into_iter().chain(found).collect()
}

fn list_tags(query: &ProductQuery, page: &Page<ProductView>) -> Vec<String> {
    // Stock brings products into such a list that are not on this page yet.
    let stock = query.in_stock.map(|_| STOCK.to_owned());
    let products = page.data.iter().map(|product| product_tag(product.id));
    [DOCUMENTS.to_owned()]
        .into_iter()
        .chain(stock)
        .chain(products)
        .collect()
}
