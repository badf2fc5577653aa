//! What an edit does to a document. It cannot touch stock: there is no field for it.

use super::{
    attributes,
    category::CategoryName,
    document::{self, Document, Draft},
    schedule::Schedule,
    slug, text,
};
use contracts::{
    catalog::{EditError, PatchProduct, ProductStatus},
    values::{Currency, Money, ProductId, Timestamp, ValueError},
};
use serde_json::{Map, Value};

/// An edit that was checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The whole document.
    Replace(Box<Draft>),
    /// Some fields.
    Patch(Box<Patch>),
    /// Off the shelves.
    Archive,
}

/// Fields to change; the rest stays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Patch {
    name: Option<String>,
    sku: Option<String>,
    slug: Option<String>,
    description: Option<String>,
    price: Option<Money>,
    category: Option<Option<CategoryName>>,
    status: Option<ProductStatus>,
    publish_at: Option<Option<Timestamp>>,
    unpublish_at: Option<Option<Timestamp>>,
    related: Option<Vec<ProductId>>,
    image_url: Option<Option<String>>,
    attributes: Option<Map<String, Value>>,
}

impl Patch {
    /// Checks a merge patch.
    pub(crate) fn check(wish: PatchProduct, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price =
            |price: contracts::values::MoneyInput| price.resolve(shop).and_then(text::price);
        Ok(Self {
            name: checked(wish.name, |name| text::name(&name)).map_err(at("/name"))?,
            sku: checked(wish.sku, |sku| text::sku(&sku)).map_err(at("/sku"))?,
            slug: checked(wish.slug, |slug| slug::check(&slug)).map_err(at("/slug"))?,
            description: checked(wish.description, |words| text::description(&words))
                .map_err(at("/description"))?,
            price: checked(wish.price, price).map_err(at("/price"))?,
            category: checked(wish.category, |category| {
                checked(category, |name| CategoryName::parse(&name))
            })
            .map_err(at("/category"))?,
            status: wish.status,
            publish_at: wish.publish_at,
            unpublish_at: wish.unpublish_at,
            related: checked(wish.related, document::related).map_err(at("/related"))?,
            image_url: checked(wish.image_url, |image| {
                checked(image, |address| text::image_url(&address))
            })
            .map_err(at("/image_url"))?,
            attributes: wish.attributes,
        })
    }

    fn apply(self, current: Document) -> Result<Document, EditError> {
        let attributes = match &self.attributes {
            None => current.attributes,
            Some(patch) => {
                let merged = attributes::merged(current.attributes, patch);
                attributes::check(&merged)
                    .map_err(|(field, error)| text::invalid(&field, error))?;
                merged
            }
        };
        let before = current.schedule;
        // Whoever says where it stands from now on does not wait for a moment that was named before.
        let publish_at = match (self.publish_at, self.status) {
            (Some(given), _) => given,
            (None, Some(_)) => None,
            (None, None) => before.publish_at,
        };
        let schedule = Schedule {
            publish_at,
            unpublish_at: self.unpublish_at.unwrap_or(before.unpublish_at),
        };
        Ok(Document {
            schedule: schedule.check()?,
            related: self.related.unwrap_or(current.related),
            name: self.name.unwrap_or(current.name),
            sku: self.sku.unwrap_or(current.sku),
            slug: self.slug.unwrap_or(current.slug),
            description: self.description.unwrap_or(current.description),
            price: self.price.unwrap_or(current.price),
            category: self.category.unwrap_or(current.category),
            status: self.status.unwrap_or(current.status),
            image_url: self.image_url.unwrap_or(current.image_url),
            attributes,
        })
    }
}

impl Change {
    /// The document afterwards.
    pub(crate) fn apply(self, current: Document) -> Result<Document, EditError> {
        match self {
            Self::Replace(draft) => Ok(draft.replacing(current)),
            Self::Patch(patch) => patch.apply(current),
            Self::Archive if current.status == ProductStatus::Archived => Err(EditError::NotFound),
            Self::Archive => Ok(Document {
                status: ProductStatus::Archived,
                ..current
            }),
        }
    }
}

fn checked<A, B>(
    given: Option<A>,
    check: impl FnOnce(A) -> Result<B, ValueError>,
) -> Result<Option<B>, ValueError> {
    given.map(check).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn current() -> Document {
        Document {
            name: "Tea".to_owned(),
            sku: "TEA-1".to_owned(),
            slug: "tea".to_owned(),
            description: "green".to_owned(),
            price: Money::new(100, "USD".parse().unwrap()),
            category: CategoryName::parse("tea").ok(),
            status: ProductStatus::Active,
            schedule: Schedule::default(),
            related: Vec::new(),
            image_url: Some("/tea.png".to_owned()),
            attributes: json!({"a": 1}).as_object().unwrap().clone(),
        }
    }

    fn patched(patch: Value) -> Result<Document, EditError> {
        let wish: PatchProduct = serde_json::from_str(&patch.to_string()).unwrap();
        let patch = Patch::check(wish, "USD".parse().unwrap())?;
        Change::Patch(Box::new(patch)).apply(current())
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert_eq!(patched(json!({})).unwrap(), current());
    }

    #[test]
    fn null_empties_what_may_be_empty() {
        let next = patched(json!({"category": null, "image_url": null, "price": "2.50"})).unwrap();
        assert_eq!(
            (next.category, next.image_url, next.price.minor),
            (None, None, 250)
        );
        assert_eq!(next.name, "Tea");
    }

    #[test]
    fn attributes_are_checked_after_they_were_merged() {
        let many: Map<String, Value> = (0..64).map(|n| (n.to_string(), json!(n))).collect();
        assert!(
            patched(json!({"attributes": many})).is_err(),
            "64 and one before"
        );
        let next = patched(json!({"attributes": {"a": null, "b": "x"}})).unwrap();
        assert_eq!(Value::Object(next.attributes), json!({"b": "x"}));
    }

    #[test]
    fn what_is_archived_is_not_archived_again() {
        let archived = Change::Archive.apply(current()).unwrap();
        assert_eq!(archived.status, ProductStatus::Archived);
        assert!(matches!(
            Change::Archive.apply(archived),
            Err(EditError::NotFound)
        ));
    }
}
