//! Answers as they are sent, and as they are kept: JSON that is written once, with its entity tag. They hold what
//! everybody may see, and nothing else.

use contracts::{
    BoxError,
    catalog::{ProductStatus, ProductView},
    values::{Cursor, Page},
};
use platform::{cache::Keep, http::etag};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What everybody sees of a product or a list.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Product(Ready<ProductView>),
    List(Ready<Page<ProductView>>),
    /// It was on sale once, under this name.
    Archived(String),
    Nothing,
}

/// An answer that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ready<T> {
    pub(crate) tag: String,
    pub(crate) next: Option<Cursor>,
    pub(crate) body: Arc<[u8]>,
    /// What it was written from; absent if another node wrote it.
    view: Option<Arc<T>>,
}

pub(super) fn of_product(product: Option<ProductView>) -> Result<Shown, BoxError> {
    let Some(product) = product else {
        return Ok(Shown::Nothing);
    };
    Ok(match product.status {
        ProductStatus::Draft => Shown::Nothing,
        ProductStatus::Archived => Shown::Archived(product.name),
        ProductStatus::Active => Shown::Product(Ready {
            tag: etag::tag_with(product.version, product.stock_version),
            next: None,
            body: serde_json::to_vec(&product)?.into(),
            view: Some(Arc::new(product)),
        }),
    })
}

pub(super) fn of_list(page: Page<ProductView>) -> Result<Shown, BoxError> {
    let body: Arc<[u8]> = serde_json::to_vec(&page)?.into();
    Ok(Shown::List(Ready {
        tag: etag::tag_of(&body),
        next: page.next_cursor.clone(),
        body,
        view: Some(Arc::new(page)),
    }))
}

impl Ready<ProductView> {
    pub(super) fn product(&self) -> Result<ProductView, BoxError> {
        if let Some(view) = &self.view {
            return Ok(ProductView::clone(view));
        }
        let mut product: ProductView = serde_json::from_slice(&self.body)?;
        // It is in the tag only.
        let tag = self.tag.trim_matches('"');
        let (_, stock_version) = tag.split_once('-').ok_or("a product without its tag")?;
        product.stock_version = stock_version.parse()?;
        Ok(product)
    }
}

impl Ready<Page<ProductView>> {
    pub(super) fn page(&self) -> Result<Page<ProductView>, BoxError> {
        match &self.view {
            Some(view) => Ok(Page::clone(view)),
            None => Ok(serde_json::from_slice(&self.body)?),
        }
    }
}

/// What precedes a body in Redis, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    kind: Kind,
    #[serde(default)]
    tag: String,
    next: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Product,
    List,
    Archived,
    Nothing,
}

impl Keep for Shown {
    /// A view takes about twice what its JSON takes.
    fn weight(&self) -> usize {
        match self {
            Self::Product(ready) => ready.body.len().saturating_mul(3),
            Self::List(ready) => ready.body.len().saturating_mul(3),
            Self::Archived(name) => name.len(),
            Self::Nothing => 0,
        }
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Archived(_) | Self::Nothing)
    }

    fn write(&self) -> Vec<u8> {
        let (kind, tag, next, body): (_, &str, _, &[u8]) = match self {
            Self::Product(ready) => (Kind::Product, &ready.tag, ready.next.clone(), &ready.body),
            Self::List(ready) => (Kind::List, &ready.tag, ready.next.clone(), &ready.body),
            Self::Archived(name) => (Kind::Archived, "", None, name.as_bytes()),
            Self::Nothing => (Kind::Nothing, "", None, &[]),
        };
        let tag = tag.to_owned();
        // A head that cannot be written is one that cannot be read: it is kept for nothing.
        let mut bytes = serde_json::to_vec(&Head { kind, tag, next }).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend(body);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = bytes.split_at_checked(end)?;
        let (_, body) = body.split_first()?;
        let Head { kind, tag, next } = serde_json::from_slice(head).ok()?;
        Some(match kind {
            Kind::Product => Self::Product(ready(tag, next, body)),
            Kind::List => Self::List(ready(tag, next, body)),
            Kind::Archived => Self::Archived(String::from_utf8(body.to_vec()).ok()?),
            Kind::Nothing => Self::Nothing,
        })
    }
}

fn ready<T>(tag: String, next: Option<Cursor>, body: &[u8]) -> Ready<T> {
    Ready {
        tag,
        next,
        body: body.into(),
        view: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_what_is_read() {
        let list = Ready {
            tag: "\"abc\"".to_owned(),
            next: Some(Cursor::parse("next").unwrap()),
            body: b"{\"data\":[],\n\"next_cursor\":\"next\"}"
                .as_slice()
                .into(),
            view: None,
        };
        let read = Shown::read(&Shown::List(list.clone()).write());
        let Some(Shown::List(again)) = read else {
            panic!("{read:?}");
        };
        assert_eq!((&again.tag, &again.next), (&list.tag, &list.next));
        assert_eq!(again.body, list.body);
        assert_eq!(again.page().unwrap().next_cursor, list.next);
        assert!(Shown::read(b"").is_none() && Shown::read(b"{}\nx").is_none());
        let archived = Shown::Archived("Tea".to_owned());
        assert!(
            matches!(Shown::read(&archived.write()), Some(Shown::Archived(name)) if name == "Tea")
        );
    }
}
