//! A product's document: what its seller writes about it, checked once. Holds no stock but the first.

use super::{
    attributes,
    category::CategoryName,
    lineup::{self, Lineup, Member},
    price_list::PriceList,
    schedule::Schedule,
    slug, text,
};
use contracts::{
    catalog::{EditError, ImportProduct, NewProduct, ProductStatus},
    values::{Currency, Money, ProductId, Timestamp, ValueError, VariantId, fold},
};
use serde_json::{Map, Value};
use std::{collections::HashSet, fmt::Display};

/// The most units a variant may have.
pub(crate) const STOCK_MAX: i64 = 1_000_000_000;

/// Products that one may be related to.
const RELATED_MAX: usize = 12;

/// A document as somebody wishes it: what was not said is decided when it meets the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) sku: Option<String>,
    pub(crate) slug: Option<String>,
    pub(crate) description: String,
    pub(crate) price: Money,
    /// In other currencies, of a product that is made without options.
    pub(crate) prices: PriceList,
    pub(crate) stock: i64,
    pub(crate) category: Option<CategoryName>,
    pub(crate) status: Option<ProductStatus>,
    /// None where nobody asked: what is there stays.
    pub(crate) schedule: Option<Schedule>,
    /// The same.
    pub(crate) related: Option<Vec<ProductId>>,
    pub(crate) image_url: Option<String>,
    pub(crate) attributes: Map<String, Value>,
    /// Its variants, if it is made with options; SKU, price and stock are those of the first.
    pub(crate) lineup: Lineup,
}

/// A document as it stands at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) sku: String,
    pub(crate) slug: String,
    pub(crate) description: String,
    pub(crate) price: Money,
    pub(crate) category: Option<CategoryName>,
    pub(crate) status: ProductStatus,
    pub(crate) schedule: Schedule,
    pub(crate) related: Vec<ProductId>,
    pub(crate) image_url: Option<String>,
    pub(crate) attributes: Map<String, Value>,
}

impl Draft {
    /// Checks a wish; bare prices are in the shop's currency.
    pub(crate) fn check(wish: NewProduct, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price = wish.price.resolve(shop).and_then(text::price);
        attributes::check(&wish.attributes)
            .map_err(|(field, error)| text::invalid(&field, error))?;
        let schedule = Schedule {
            publish_at: wish.publish_at,
            unpublish_at: wish.unpublish_at,
        };
        let price = price.map_err(at("/price"))?;
        let variants = lineup::wishes(wish.variants, shop)?;
        let lineup = Lineup::new(wish.options, variants, price)?;
        let draft = Self {
            schedule: Some(schedule.check()?),
            related: Some(related(wish.related).map_err(at("/related"))?),
            name: text::name(&wish.name).map_err(at("/name"))?,
            sku: optional(wish.sku.as_deref(), text::sku).map_err(at("/sku"))?,
            slug: optional(wish.slug.as_deref(), slug::check).map_err(at("/slug"))?,
            description: text::description(&wish.description).map_err(at("/description"))?,
            price,
            prices: PriceList::check(wish.prices)?.beside(price)?,
            stock: first_stock(wish.stock).map_err(at("/stock"))?,
            category: optional(wish.category.as_deref(), CategoryName::parse)
                .map_err(at("/category"))?,
            status: wish.status,
            image_url: optional(wish.image_url.as_deref(), text::image_url)
                .map_err(at("/image_url"))?,
            attributes: wish.attributes,
            lineup: Lineup::default(),
        };
        draft.line_up(lineup)
    }

    /// Takes variants in: what the product has of SKU and stock is theirs.
    fn line_up(mut self, lineup: Lineup) -> Result<Self, EditError> {
        if !lineup.variants.is_empty() && self.sku.is_some() {
            return Err(lineup::not_here("/sku"));
        }
        if !lineup.variants.is_empty() && self.prices != PriceList::default() {
            return Err(lineup::not_here("/prices"));
        }
        if !lineup.variants.is_empty() && self.stock > 0 {
            return Err(lineup::not_here("/stock"));
        }
        self.lineup = lineup;
        Ok(self.made())
    }

    /// The id of the variant that lists go by.
    pub(crate) fn first_variant(&self) -> VariantId {
        let first = self.lineup.variants.first();
        first.map_or_else(VariantId::generate, |first| first.id)
    }

    /// The values of that variant.
    pub(crate) fn first_values(&self) -> &[String] {
        let first = self.lineup.variants.first();
        first.map_or(&[], |first| &first.values)
    }

    /// The variants besides that one.
    pub(crate) fn other_variants(&self) -> &[Member] {
        self.lineup.variants.get(1..).unwrap_or_default()
    }

    /// Checks a line of an import; the category's whole path is beside it.
    pub(crate) fn import(line: ImportProduct) -> Result<(Self, Vec<CategoryName>), String> {
        let at = |field: &'static str| move |error: ValueError| format!("{field} {error}");
        attributes::check(&line.attributes).map_err(|(field, error)| {
            format!(
                "{} {error}",
                field.trim_start_matches('/').replace('/', ".")
            )
        })?;
        let path = CategoryName::path(&line.category_path).map_err(at("category"))?;
        let schedule = Schedule {
            publish_at: line.publish_at,
            unpublish_at: line.unpublish_at,
        };
        let schedule = schedule.check().map_err(|error| error.to_string())?;
        let price = text::price(line.price).map_err(at("price"))?;
        let draft = Self {
            name: text::name(&line.name).map_err(at("name"))?,
            sku: Some(text::sku(&line.sku).map_err(at("sku"))?),
            slug: optional(line.slug.as_deref(), slug::check).map_err(at("slug"))?,
            description: text::description(&line.description).map_err(at("description"))?,
            prices: lineup::listed(line.prices, price)?,
            price,
            stock: first_stock(Some(line.stock)).map_err(at("stock"))?,
            category: path.last().cloned(),
            status: line.status,
            schedule: (schedule != Schedule::default()).then_some(schedule),
            related: None,
            image_url: optional(line.image_url.as_deref(), text::image_url)
                .map_err(at("image_url"))?,
            attributes: line.attributes,
            lineup: Lineup::import(line.options, line.variants)?,
        };
        if !draft.lineup.variants.is_empty() && draft.prices != PriceList::default() {
            return Err(lineup::not_here("/prices").to_string());
        }
        Ok((draft, path))
    }

    /// The SKU, or one made from the id.
    pub(crate) fn sku_or_made(&self, id: ProductId) -> String {
        self.sku
            .clone()
            .unwrap_or_else(|| tail(id).to_ascii_uppercase())
    }

    /// The folded SKUs that a line of an import is known by.
    pub(crate) fn sku_keys(&self) -> Vec<String> {
        let own = self.sku.as_deref().map(fold);
        let others = self.lineup.variants.iter().map(|one| fold(&one.sku));
        let mut keys: Vec<String> = own.into_iter().chain(others).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// As it is made of a line of an import: SKU, price and stock are those of the first variant.
    pub(crate) fn made(mut self) -> Self {
        if let Some(first) = self.lineup.variants.first() {
            self.sku = Some(first.sku.clone());
            self.price = first.price;
            self.prices = first.prices.clone();
            self.stock = first.stock;
        }
        self
    }

    /// Where it will stand when it is made at this moment.
    pub(crate) fn stands(&self, now: Timestamp) -> (ProductStatus, Schedule) {
        let status = self.status.unwrap_or(ProductStatus::Active);
        self.schedule.unwrap_or_default().at(status, now)
    }

    /// What the slug is made from when none was chosen.
    pub(crate) fn slug_base(&self) -> String {
        let made = slug::of(&self.name);
        if made.is_empty() {
            "product".to_owned()
        } else {
            made
        }
    }

    /// The document that replaces another. SKU, slug and status stay when they were not said: a client
    /// that knows only name and price must not take the address or the SKU away.
    pub(crate) fn replacing(self, current: Document) -> Document {
        Document {
            name: self.name,
            sku: self.sku.unwrap_or(current.sku),
            slug: self.slug.unwrap_or(current.slug),
            description: self.description,
            price: self.price,
            category: self.category,
            status: self.status.unwrap_or(current.status),
            schedule: self.schedule.unwrap_or(current.schedule),
            related: self.related.unwrap_or(current.related),
            image_url: self.image_url,
            attributes: self.attributes,
        }
    }
}

impl Document {
    /// As it stands at this moment, of what is kept or was just written.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        (self.status, self.schedule) = self.schedule.at(self.status, now);
        self
    }

    /// Whether SKU and price stay, as they must while a product has options.
    pub(crate) fn keeps_goods(&self, before: &Self) -> Result<(), EditError> {
        if fold(&self.sku) != fold(&before.sku) {
            Err(lineup::not_here("/sku"))
        } else if self.price == before.price {
            Ok(())
        } else {
            Err(lineup::not_here("/price"))
        }
    }
}

/// Why a line of an import is not taken that names SKUs of several products.
pub(crate) fn two_products() -> String {
    "its SKUs are several products'".to_owned()
}

/// Why a variant of an import is not taken.
pub(crate) fn withdrawn(sku: &str) -> String {
    format!("variant {sku} was withdrawn")
}

/// Why a line of an import is not taken that wants the address of another product's page.
pub(crate) fn slug_taken(slug: &str) -> String {
    format!("slug {slug} is another product's")
}

/// Nothing is related to what is not there.
pub(crate) fn unknown_relation() -> EditError {
    EditError::Invalid {
        field: "/related".to_owned(),
        reason: "names a product that is not there".to_owned(),
    }
}

/// Why a line of an import is not taken that names something to go with it that is not there.
pub(crate) fn unknown_sku(sku: &str) -> String {
    format!("related: no product has the SKU {sku}")
}

/// The products that a line of an import names by their SKUs, once they were found.
pub(crate) fn related_in_words(ids: Vec<ProductId>) -> Result<Vec<ProductId>, String> {
    related(ids).map_err(|error| format!("related {error}"))
}

/// Each once, and not too many.
pub(crate) fn related(ids: Vec<ProductId>) -> Result<Vec<ProductId>, ValueError> {
    if ids.len() > RELATED_MAX {
        return Err(ValueError::new(format!(
            "must be at most {RELATED_MAX} products"
        )));
    }
    let mut seen = HashSet::new();
    if ids.iter().all(|id| seen.insert(*id)) {
        Ok(ids)
    } else {
        Err(ValueError::new("must name each product once"))
    }
}

/// The part of an id's text that only this id has.
pub(crate) fn tail(id: impl Display) -> String {
    let text = id.to_string();
    text.split_once('_')
        .map_or_else(|| text.clone(), |(_, tail)| tail.to_owned())
}

fn optional<T>(
    given: Option<&str>,
    check: impl FnOnce(&str) -> Result<T, ValueError>,
) -> Result<Option<T>, ValueError> {
    given.map(check).transpose()
}

fn first_stock(stock: Option<u32>) -> Result<i64, ValueError> {
    let units = i64::from(stock.unwrap_or(0));
    if units > STOCK_MAX {
        Err(ValueError::new(format!("must be at most {STOCK_MAX}")))
    } else {
        Ok(units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(body: Value) -> Result<Draft, EditError> {
        let wish: NewProduct = serde_json::from_str(&body.to_string()).unwrap();
        Draft::check(wish, "USD".parse().unwrap())
    }

    fn field(body: Value) -> String {
        let Err(EditError::Invalid { field, .. }) = checked(body) else {
            panic!("not refused for a field");
        };
        field
    }

    #[test]
    fn a_bare_price_is_in_the_shop_s_currency() {
        let draft = checked(json!({"name": "Tea", "price": "19.99"})).unwrap();
        assert_eq!(
            (draft.price.minor, draft.price.currency.code()),
            (1999, "USD")
        );
        assert_eq!((draft.stock, draft.sku, draft.status), (0, None, None));
    }

    #[test]
    fn each_broken_rule_is_named_by_its_pointer() {
        let tea = json!({"name": "Tea", "price": 1});
        for (name, value, pointer) in [
            ("name", json!(""), "/name"),
            ("name", json!("x".repeat(201)), "/name"),
            ("description", json!("x".repeat(20_001)), "/description"),
            ("sku", json!(" "), "/sku"),
            ("sku", json!("x".repeat(65)), "/sku"),
            ("slug", json!("Green Tea"), "/slug"),
            ("slug", json!("x".repeat(81)), "/slug"),
            ("price", json!(-1), "/price"),
            ("price", json!("1.999"), "/price"),
            ("price", json!("10000000000.01"), "/price"),
            ("stock", json!(1_000_000_001), "/stock"),
            ("category", json!("--"), "/category"),
            ("image_url", json!("http://x.example/a.png"), "/image_url"),
            ("related", json!(vec![ProductId::generate(); 2]), "/related"),
            (
                "related",
                json!((0..13).map(|_| ProductId::generate()).collect::<Vec<_>>()),
                "/related",
            ),
            ("attributes", json!({"a": {}}), "/attributes/a"),
        ] {
            let mut body = tea.clone();
            body[name] = value;
            assert_eq!(field(body.clone()), pointer, "{body}");
        }
    }

    #[test]
    fn replacing_keeps_what_was_not_said_and_must_not_be_lost() {
        let draft = checked(json!({"name": "Tea", "price": 1})).unwrap();
        let current = Document {
            name: "Old".to_owned(),
            sku: "OLD-1".to_owned(),
            slug: "old".to_owned(),
            description: "old".to_owned(),
            price: draft.price,
            category: CategoryName::parse("tea").ok(),
            status: ProductStatus::Draft,
            schedule: Schedule::default(),
            related: Vec::new(),
            image_url: Some("/old.png".to_owned()),
            attributes: Map::new(),
        };
        let next = draft.replacing(current);
        assert_eq!(
            (next.sku.as_str(), next.slug.as_str(), next.status),
            ("OLD-1", "old", ProductStatus::Draft)
        );
        assert_eq!(
            (next.description.as_str(), next.category, next.image_url),
            ("", None, None)
        );
    }
}
