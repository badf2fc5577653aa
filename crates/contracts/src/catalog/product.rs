//! Products, variants and categories: requests and views.

use super::{
    AttributeChange, AttributeValue, COMPARE_AT_PRICE, IMAGE_URLS, NewVariant, ProductImage,
    ProductOption, RatingView, VariantView, compare_at_price,
};
use crate::values::{
    CategoryId, Currency, Cursor, Money, MoneyInput, PageSize, ProductId, Timestamp, UserId,
    Version, present,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a product stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// Seen only by those who may change it.
    Draft,
    /// On sale.
    Active,
    /// Taken off sale for good.
    Archived,
}

impl ProductStatus {
    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl std::str::FromStr for ProductStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Draft, Self::Active, Self::Archived]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("must be draft, active or archived"))
    }
}

/// A product to be made, or the new document of one that is replaced.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// 1 to 200 characters.
    #[schema(example = "Green tea", min_length = 1, max_length = 200)]
    pub name: String,
    /// The default variant's SKU, 1 to 64 characters; made from the id when absent.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: Option<String>,
    /// The address of its page; made from the name when absent.
    pub slug: Option<String>,
    /// Up to 20,000 characters.
    #[schema(max_length = 20_000)]
    #[serde(default)]
    pub description: String,
    /// The price, zero or more: of a product with options that of variants without one of their own.
    pub price: MoneyInput,
    /// The first stock (0 when absent). When a product is replaced it changes nothing: stock has ledgers.
    pub stock: Option<u32>,
    /// The category's slug; a new one is made when it does not exist.
    pub category: Option<String>,
    /// `active` when absent.
    pub status: Option<ProductStatus>,
    /// When it goes on sale; until then it is a draft. A moment that has passed has had its effect.
    pub publish_at: Option<Timestamp>,
    /// When it comes off sale again, and is a draft.
    pub unpublish_at: Option<Timestamp>,
    /// What else whoever looks at it may like, in order: up to 12 products.
    #[schema(max_items = 12)]
    #[serde(default)]
    pub related: Vec<ProductId>,
    /// An `https` address or a path of this shop.
    pub image_url: Option<String>,
    /// Anything else worth knowing: up to 64 names with texts, numbers, booleans or lists of them.
    #[schema(value_type = HashMap<String, AttributeValue>)]
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Its prices in further currencies that the shop sells in, one each: of a plain product, and only when it is made.
    /// Afterwards they change with its variant.
    #[schema(max_items = 20)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Money>,
    /// What its variants are chosen by, up to 3. Only when a product is made; afterwards they have an address of
    /// their own.
    #[schema(max_items = 3)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ProductOption>,
    /// Its variants, up to 250, if it has options: then they have SKUs and stock, and the product has none.
    #[schema(max_items = 250)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<NewVariant>,
    /// The version that is replaced, if no `If-Match` says so. Not used when a product is made.
    pub version: Option<Version>,
}

/// A change of some fields (RFC 7396 merge patch): absent fields stay, `null` empties.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchProduct {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// The SKU. Of a product with options, SKU and price are its variants' and change with them.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: Option<String>,
    /// The address of its page.
    pub slug: Option<String>,
    /// Up to 20,000 characters.
    #[schema(max_length = 20_000)]
    pub description: Option<String>,
    /// The default variant's price.
    pub price: Option<MoneyInput>,
    /// The category's slug, or `null`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub category: Option<Option<String>>,
    /// Where the product stands from now on: without a new `publish_at` the former one is called off.
    pub status: Option<ProductStatus>,
    /// When it goes on sale, or `null`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timestamp>)]
    pub publish_at: Option<Option<Timestamp>>,
    /// When it comes off sale again, or `null`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timestamp>)]
    pub unpublish_at: Option<Option<Timestamp>>,
    /// What else whoever looks at it may like, in order: up to 12 products.
    #[schema(max_items = 12)]
    pub related: Option<Vec<ProductId>>,
    /// An `https` address or a path of this shop, or `null`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub image_url: Option<Option<String>>,
    /// Attributes to set; `null` removes one.
    #[schema(value_type = Option<HashMap<String, AttributeChange>>)]
    pub attributes: Option<Map<String, Value>>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// Units of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StockView {
    /// In the building.
    pub on_hand: i64,
    /// Of those, promised to orders that are not paid yet.
    pub reserved: i64,
    /// What can be bought: `on_hand - reserved`.
    pub available: i64,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductView {
    /// The product's id.
    pub id: ProductId,
    /// Counts edits of the document (not sales).
    pub version: Version,
    /// The name.
    pub name: String,
    /// The address of its page.
    pub slug: String,
    /// The SKU; of a product with options that of its cheapest variant.
    pub sku: String,
    /// What it is.
    pub description: String,
    /// The price; of a product with options the lowest of its variants.
    pub price: Money,
    /// The highest price of its variants, where that is another.
    #[serde(default)]
    pub price_max: Option<Money>,
    /// The category's slug.
    pub category: Option<String>,
    /// Where the product stands.
    pub status: ProductStatus,
    /// When it goes on sale, if that is yet to come.
    #[serde(default)]
    pub publish_at: Option<Timestamp>,
    /// When it comes off sale, if that is yet to come.
    #[serde(default)]
    pub unpublish_at: Option<Timestamp>,
    /// What else whoever looks at it may like, in order; some may not be on sale now.
    #[serde(default)]
    pub related: Vec<ProductId>,
    /// A picture that is kept elsewhere, as the seller wrote it.
    pub image_url: Option<String>,
    /// Pictures that the shop keeps, in their order.
    #[serde(default)]
    pub images: Vec<ProductImage>,
    /// Anything else worth knowing.
    #[schema(value_type = HashMap<String, AttributeValue>)]
    pub attributes: Map<String, Value>,
    /// What buyers think of it.
    #[serde(default)]
    pub rating: RatingView,
    /// All variants' stock together.
    pub stock: StockView,
    /// What its variants are chosen by; empty for a plain product.
    #[serde(default)]
    pub options: Vec<ProductOption>,
    /// The variants, in the order of their options; of a plain product the one that it is.
    pub variants: Vec<VariantView>,
    /// Who sells it.
    pub owner_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the document last changed.
    pub updated_at: Timestamp,
    /// Counts changes of stock, rating and pictures: part of the `ETag`, which changes with the whole representation.
    #[serde(skip)]
    pub stock_version: i64,
}

impl ProductView {
    /// Pictures that are kept elsewhere, in their order.
    pub fn pictures_elsewhere(&self) -> impl Iterator<Item = &str> {
        let further = self.attributes.get(IMAGE_URLS).and_then(Value::as_array);
        let further = further.into_iter().flatten().filter_map(Value::as_str);
        self.image_url.as_deref().into_iter().chain(further)
    }

    /// What it cost before, if that was more than each of its variants costs now, and in the same currency.
    #[must_use]
    pub fn price_before(&self) -> Option<Money> {
        let before = self.attributes.get(COMPARE_AT_PRICE)?.as_str()?;
        let before = compare_at_price(before).ok()?;
        let now = self.price_max.unwrap_or(self.price);
        (before.currency == now.currency && before.minor > now.minor).then_some(before)
    }

    /// As it is shown to somebody who pays in this currency. What has no price there keeps its own, which cannot be
    /// taken for another: money names its currency.
    #[must_use]
    pub fn in_currency(mut self, currency: Currency) -> Self {
        for variant in &mut self.variants {
            let there = |price: &&Money| price.currency == currency;
            if variant.price.currency != currency
                && let Some(price) = variant.prices.iter().find(there)
            {
                variant.price = *price;
            }
        }
        let prices = self.variants.iter().map(|variant| variant.price);
        let mut priced: Vec<Money> = prices.filter(|one| one.currency == currency).collect();
        priced.sort_unstable_by_key(|price| price.minor);
        if let (Some(lowest), Some(highest)) = (priced.first(), priced.last()) {
            self.price = *lowest;
            self.price_max = (highest != lowest).then_some(*highest);
        }
        self
    }
}

/// A price, and since when the product has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PriceSince {
    /// The default variant's price.
    pub price: Money,
    /// Since when. What a release before the history left says when the product last changed.
    pub since: Timestamp,
    /// Who made it so, for whoever may change the product. Nobody is named for what an import or an earlier release
    /// wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
}

/// Which product is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductRef {
    /// By id.
    Id(ProductId),
    /// By the address of its page, or one that it had before.
    Slug(String),
}

/// The order of a list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum ProductSort {
    /// Newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// Oldest first.
    #[serde(rename = "created_at")]
    Oldest,
    /// Cheapest first.
    #[serde(rename = "price")]
    Cheapest,
    /// Dearest first.
    #[serde(rename = "-price")]
    Dearest,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// Best match first; only with `q`, and then the default.
    #[serde(rename = "relevance")]
    Relevance,
}

/// Pages of a list that have a number; what comes after them is reached from page to page.
pub const NUMBERED_PAGES_MAX: usize = 100;

/// Which products, in which order, from where.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// Only of this status; `active` when absent. Others show only what the caller may change.
    pub status: Option<ProductStatus>,
    /// Only of the category with this slug, and those below it.
    pub category: Option<String>,
    /// Words to find in names, SKUs, categories, attributes and descriptions; beginnings match, and typing errors are
    /// forgiven where nothing is found without.
    pub q: Option<String>,
    /// Minor units, at least.
    pub price_min: Option<i64>,
    /// Minor units, at most.
    pub price_max: Option<i64>,
    /// Only with (`true`) or without (`false`) units available.
    pub in_stock: Option<bool>,
    /// Show prices in this currency, where there are any: sorting and `price_min`, `price_max` go by the shop's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only with this value of an attribute, as `colour:green`.
    pub attribute: Option<String>,
    /// Newest first when absent, or best match with `q`.
    #[param(inline)]
    pub sort: Option<ProductSort>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// A category to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The address of its page; made from the name when absent.
    pub slug: Option<String>,
    /// The slug of the category above it.
    pub parent: Option<String>,
}

/// A change of some fields of a category (RFC 7396 merge patch): absent fields stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchCategory {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// The address of its page.
    pub slug: Option<String>,
    /// The slug of the category above it, which must not lie below it, or `null`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub parent: Option<Option<String>>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CategoryView {
    /// The category's id.
    pub id: CategoryId,
    /// The address of its page.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The slug of the category above it.
    pub parent: Option<String>,
    /// Counts edits.
    pub version: Version,
}

/// A product of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportProduct {
    /// The SKU, 1 to 64 characters: an existing one is updated.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: String,
    /// The name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What it is, up to 20,000 characters.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub description: String,
    /// The names of its categories, the topmost first.
    #[serde(default)]
    pub category_path: Vec<String>,
    /// The price.
    pub price: Money,
    /// Its prices in further currencies, if it has no variants; those that are not named stay.
    #[serde(default)]
    pub prices: Vec<Money>,
    /// Where the product stands; when absent, a new one is on sale and a known one stays where it is.
    #[serde(default)]
    pub status: Option<ProductStatus>,
    /// First stock, for products that are new.
    #[serde(default)]
    pub stock: u32,
    /// Where its picture is: an `https` address or a path of this shop.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Anything else worth knowing: up to 64 names with texts, numbers, booleans or lists of them.
    #[serde(default)]
    #[schema(value_type = HashMap<String, AttributeValue>)]
    pub attributes: Map<String, Value>,
    /// What its variants are chosen by; values that variants have are added behind those that are named here.
    #[serde(default)]
    pub options: Vec<ProductOption>,
    /// Its variants, if it has options. A product is known by the SKU of any of them; those that are not named stay.
    #[serde(default)]
    pub variants: Vec<ImportVariant>,
    /// When it goes on sale; with `unpublish_at` absent as well, what is planned of a known one stays.
    #[serde(default)]
    pub publish_at: Option<Timestamp>,
    /// When it comes off sale.
    #[serde(default)]
    pub unpublish_at: Option<Timestamp>,
    /// The address of its page; when absent, a new one is made from the name and a known one stays.
    #[serde(default)]
    pub slug: Option<String>,
    /// SKUs of what goes with it, which are there by now; when absent, what is known stays.
    #[serde(default)]
    pub related: Option<Vec<String>>,
}

/// A variant of a product of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportVariant {
    /// The SKU: an existing one is updated.
    pub sku: String,
    /// The price.
    pub price: Money,
    /// Its prices in further currencies; those that are not named stay.
    #[serde(default)]
    pub prices: Vec<Money>,
    /// First stock, for variants that are new.
    #[serde(default)]
    pub stock: u32,
    /// A value of each option, in their order.
    pub values: Vec<String>,
}

/// What an import did, or would do, with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// The SKU was new.
    Created,
    /// The SKU was known, and something differs.
    Updated,
    /// The SKU was known, and nothing differs.
    Unchanged,
}
