//! A product's variants and the options that they are chosen by: what may be asked of them, and what comes of it.
//! A product without options has one variant. It knows no stock but the first of what is new.

use super::{
    document::{STOCK_MAX, tail},
    text,
};
use contracts::{
    catalog::{EditError, NewVariant, PatchVariant, ProductOption, VariantView, variant_title},
    values::{Currency, Money, ValueError, VariantId, fold},
};
use std::collections::{BTreeMap, HashSet};

const OPTIONS_MAX: usize = 3;
const VALUES_MAX: usize = 100;
/// Variants of a product.
pub(crate) const VARIANTS_MAX: usize = 250;
const WORD_CHARS_MAX: usize = 60;

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: VariantId,
    pub(crate) sku: String,
    pub(crate) price: Money,
    /// One of each option, in their order.
    pub(crate) values: Vec<String>,
    /// Units to begin with, if it is new.
    pub(crate) stock: i64,
}

/// All variants of a product, the default one first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineup {
    pub(crate) options: Vec<ProductOption>,
    pub(crate) variants: Vec<Member>,
}

/// What becomes of variants.
#[derive(Debug, Clone)]
pub(crate) enum LineupChange {
    Options(Vec<ProductOption>),
    Add(Wished),
    Edit(VariantId, Altered),
    Withdraw(VariantId),
}

/// A variant to be made.
#[derive(Debug, Clone)]
pub(crate) struct Wished {
    pub(crate) id: VariantId,
    sku: Option<String>,
    price: Option<Money>,
    stock: i64,
    options: BTreeMap<String, String>,
}

/// What changes of a variant.
#[derive(Debug, Clone)]
pub(crate) struct Altered {
    sku: Option<String>,
    price: Option<Money>,
    options: Option<BTreeMap<String, String>>,
}

impl Wished {
    pub(crate) fn check(wish: NewVariant, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price = wish
            .price
            .map(|price| price.resolve(shop).and_then(text::price));
        let sku = wish.sku.map(|sku| text::sku(&sku)).transpose();
        let stock = i64::from(wish.stock.unwrap_or(0));
        if stock > STOCK_MAX {
            return Err(invalid("/stock", format!("must be at most {STOCK_MAX}")));
        }
        Ok(Self {
            id: VariantId::generate(),
            sku: sku.map_err(at("/sku"))?,
            price: price.transpose().map_err(at("/price"))?,
            stock,
            options: wish.options,
        })
    }

    fn member(self, options: &[ProductOption], price: Money) -> Result<Member, EditError> {
        Ok(Member {
            values: values(options, self.options)?,
            sku: self
                .sku
                .unwrap_or_else(|| tail(self.id).to_ascii_uppercase()),
            price: self.price.unwrap_or(price),
            stock: self.stock,
            id: self.id,
        })
    }
}

impl Altered {
    pub(crate) fn check(wish: PatchVariant, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price = wish
            .price
            .map(|price| price.resolve(shop).and_then(text::price));
        let sku = wish.sku.map(|sku| text::sku(&sku)).transpose();
        Ok(Self {
            sku: sku.map_err(at("/sku"))?,
            price: price.transpose().map_err(at("/price"))?,
            options: wish.options,
        })
    }

    fn apply(self, options: &[ProductOption], member: &mut Member) -> Result<(), EditError> {
        if let Some(sku) = self.sku {
            member.sku = sku;
        }
        if let Some(price) = self.price {
            member.price = price;
        }
        if let Some(others) = self.options {
            let mut all: BTreeMap<String, String> = BTreeMap::new();
            for (option, value) in options.iter().zip(&member.values) {
                all.insert(option.name.clone(), value.clone());
            }
            all.extend(others);
            member.values = values(options, all)?;
        }
        Ok(())
    }
}

/// Checks options by themselves.
pub(crate) fn checked(options: Vec<ProductOption>) -> Result<Vec<ProductOption>, EditError> {
    if options.len() > OPTIONS_MAX {
        return Err(invalid(
            "/options",
            format!("must be at most {OPTIONS_MAX}"),
        ));
    }
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(options.len());
    for (index, option) in options.into_iter().enumerate() {
        let name = word(&option.name)
            .map_err(|error| text::invalid(&format!("/options/{index}/name"), error))?;
        if !names.insert(fold(&name)) {
            return Err(invalid(
                &format!("/options/{index}/name"),
                "must be another",
            ));
        }
        let values = words(option.values)
            .map_err(|error| text::invalid(&format!("/options/{index}/values"), error))?;
        checked.push(ProductOption { name, values });
    }
    Ok(checked)
}

fn word(text: &str) -> Result<String, ValueError> {
    text::one_line(text, 1, WORD_CHARS_MAX)
}

fn words(values: Vec<String>) -> Result<Vec<String>, ValueError> {
    if values.is_empty() || values.len() > VALUES_MAX {
        return Err(ValueError::new(format!("must be 1 to {VALUES_MAX}")));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(values.len());
    for value in values {
        let value = word(&value)?;
        if !seen.insert(fold(&value)) {
            return Err(ValueError::new("must name each value once"));
        }
        checked.push(value);
    }
    Ok(checked)
}

/// One value of each option, as the options write them.
fn values(
    options: &[ProductOption],
    mut given: BTreeMap<String, String>,
) -> Result<Vec<String>, EditError> {
    let mut values = Vec::with_capacity(options.len());
    for option in options {
        let at = format!(
            "/options/{}",
            option.name.replace('~', "~0").replace('/', "~1")
        );
        let Some(value) = given.remove(&option.name) else {
            return Err(invalid(&at, "must be said"));
        };
        let known = option
            .values
            .iter()
            .find(|known| fold(known) == fold(value.trim()));
        let Some(known) = known else {
            return Err(invalid(&at, "must be one of the option's values"));
        };
        values.push(known.clone());
    }
    match given.into_keys().next() {
        Some(_) => Err(invalid("/options", "must name options of the product only")),
        None => Ok(values),
    }
}

impl Lineup {
    /// The variants of a product that is made with all of them at once.
    pub(crate) fn new(
        options: Vec<ProductOption>,
        wishes: Vec<Wished>,
        price: Money,
    ) -> Result<Self, EditError> {
        let options = checked(options)?;
        if options.is_empty() != wishes.is_empty() {
            let reason = "must come with options, and options with variants";
            return Err(invalid("/variants", reason));
        }
        let mut variants = Vec::with_capacity(wishes.len());
        for (index, wish) in wishes.into_iter().enumerate() {
            let member = wish.member(&options, price);
            variants.push(member.map_err(|error| below(&format!("/variants/{index}"), error))?);
        }
        Self { options, variants }.in_order()
    }

    /// The lineup after a change.
    pub(crate) fn apply(mut self, change: LineupChange) -> Result<Self, EditError> {
        match change {
            LineupChange::Options(options) => return self.with(options)?.in_order(),
            LineupChange::Add(wish) => {
                if self.options.is_empty() {
                    let reason = "are needed first: without them a product has one variant";
                    return Err(invalid("/options", reason));
                }
                let price = self.variants.first().map(|first| first.price);
                let price = price.ok_or(EditError::NotFound)?;
                self.variants.push(wish.member(&self.options, price)?);
            }
            LineupChange::Edit(id, altered) => {
                let member = self.variants.iter_mut().find(|member| member.id == id);
                altered.apply(&self.options, member.ok_or(EditError::NotFound)?)?;
            }
            LineupChange::Withdraw(id) => {
                let before = self.variants.len();
                self.variants.retain(|member| member.id != id);
                if self.variants.len() == before {
                    return Err(EditError::NotFound);
                }
                if self.variants.is_empty() {
                    return Err(EditError::LastVariant);
                }
            }
        }
        self.in_order()
    }

    /// Each combination once, one currency, and the cheapest first: it is what lists show, sort and filter by. Of
    /// equally cheap ones the first stays first.
    fn in_order(mut self) -> Result<Self, EditError> {
        if self.variants.len() > VARIANTS_MAX {
            let most = VARIANTS_MAX;
            return Err(EditError::TooManyVariants { most });
        }
        let mut seen = HashSet::new();
        for member in &self.variants {
            if !seen.insert(&member.values) {
                let title = variant_title(&member.values);
                return Err(EditError::VariantExists { title });
            }
        }
        let mut currencies = self.variants.iter().map(|member| member.price.currency);
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err(invalid(
                "/price",
                "must be in the currency of the other variants",
            ));
        }
        let cheapest = self.variants.iter().enumerate();
        let cheapest = cheapest.min_by_key(|(_, member)| member.price.minor);
        if let Some(index) = cheapest.map(|(index, _)| index) {
            let member = self.variants.remove(index);
            self.variants.insert(0, member);
        }
        Ok(self)
    }

    fn with(mut self, options: Vec<ProductOption>) -> Result<Self, EditError> {
        let before = std::mem::replace(&mut self.options, options);
        let sources: Vec<Option<usize>> = (0..self.options.len())
            .map(|index| source(&before, &self.options, index, &self.variants))
            .collect();
        for member in &mut self.variants {
            let mut values = Vec::with_capacity(self.options.len());
            for (index, (option, source)) in self.options.iter().zip(&sources).enumerate() {
                let kept = source.and_then(|place| member.values.get(place));
                let known = match kept {
                    None => option.values.first(),
                    Some(kept) => option.values.iter().find(|known| fold(known) == fold(kept)),
                };
                let Some(known) = known else {
                    let lost = kept.map_or("", String::as_str);
                    let reason = format!("must keep {lost}, which a variant has");
                    return Err(invalid(&format!("/options/{index}/values"), reason));
                };
                values.push(known.clone());
            }
            member.values = values;
        }
        Ok(self)
    }
}

/// Which option of before this one is: the one of its name, or else the one in its place that no other has the name of,
/// if this one keeps all its values in use.
fn source(
    before: &[ProductOption],
    next: &[ProductOption],
    index: usize,
    variants: &[Member],
) -> Option<usize> {
    let same = |one: &ProductOption, other: &ProductOption| fold(&one.name) == fold(&other.name);
    let option = next.get(index)?;
    if let Some(place) = before.iter().position(|old| same(old, option)) {
        return Some(place);
    }
    let old = before.get(index)?;
    let keeps = |value: &String| option.values.iter().any(|known| fold(known) == fold(value));
    let renamed = !next.iter().any(|other| same(other, old))
        && variants
            .iter()
            .all(|member| member.values.get(index).is_some_and(keeps));
    renamed.then_some(index)
}

/// Puts variants into the order of their options.
pub(crate) fn arrange(options: &[ProductOption], variants: &mut [VariantView]) {
    if options.is_empty() {
        return;
    }
    variants.sort_by_cached_key(|variant| {
        let place = |option: &ProductOption| {
            let value = variant.options.get(&option.name)?;
            option.values.iter().position(|known| known == value)
        };
        options.iter().map(place).collect::<Vec<_>>()
    });
}

/// SKU and price of a product with options are its variants'.
pub(crate) fn not_here(field: &str) -> EditError {
    invalid(field, "is its variants', since the product has options")
}

fn invalid(field: &str, reason: impl Into<String>) -> EditError {
    EditError::Invalid {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

/// A refusal of something that stands below this.
fn below(place: &str, error: EditError) -> EditError {
    match error {
        EditError::Invalid { field, reason } => EditError::Invalid {
            field: format!("{place}{field}"),
            reason,
        },
        other => other,
    }
}

/// The same, of a wish that was checked by itself.
pub(crate) fn wishes(wishes: Vec<NewVariant>, shop: Currency) -> Result<Vec<Wished>, EditError> {
    if wishes.len() > VARIANTS_MAX {
        let most = VARIANTS_MAX;
        return Err(EditError::TooManyVariants { most });
    }
    let mut checked = Vec::with_capacity(wishes.len());
    for (index, wish) in wishes.into_iter().enumerate() {
        let wish = Wished::check(wish, shop);
        checked.push(wish.map_err(|error| below(&format!("/variants/{index}"), error))?);
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    fn options(of: Value) -> Vec<ProductOption> {
        checked(serde_json::from_value(of).unwrap()).unwrap()
    }

    fn sizes() -> Value {
        json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red", "blue"]}])
    }

    fn wished(size: &str, colour: &str, price: &str) -> Wished {
        let wish = json!({"options": {"Size": size, "Colour": colour}, "price": price});
        Wished::check(serde_json::from_str(&wish.to_string()).unwrap(), usd()).unwrap()
    }

    fn shirt() -> Lineup {
        let wishes = vec![
            wished("S", "red", "10"),
            wished("m", "Blue", "9"),
            wished("S", "blue", "9"),
        ];
        Lineup::new(options(sizes()), wishes, Money::new(1, usd())).unwrap()
    }

    fn titles(lineup: &Lineup) -> Vec<String> {
        lineup
            .variants
            .iter()
            .map(|one| variant_title(&one.values))
            .collect()
    }

    fn set(of: Value) -> Result<Vec<String>, String> {
        let changed = shirt().apply(LineupChange::Options(options(of)));
        changed
            .map(|lineup| titles(&lineup))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_cheapest_comes_first_and_stays_there_among_equals() {
        let shirt = shirt();
        assert_eq!(titles(&shirt), ["M / blue", "S / red", "S / blue"]);
        let dear = json!({"price": "20"}).to_string();
        let dear = Altered::check(serde_json::from_str(&dear).unwrap(), usd()).unwrap();
        let id = shirt.variants[0].id;
        let next = shirt.apply(LineupChange::Edit(id, dear)).unwrap();
        assert_eq!(titles(&next), ["S / blue", "M / blue", "S / red"]);
    }

    #[test]
    fn no_two_variants_are_alike() {
        let again = shirt().apply(LineupChange::Add(wished("M", "blue", "9")));
        assert!(matches!(again, Err(EditError::VariantExists { title }) if title == "M / blue"));
        let euro = json!({"options": {"Size": "M", "Colour": "red"}, "price": {"amount": 1, "currency": "EUR"}});
        let euro = Wished::check(serde_json::from_str(&euro.to_string()).unwrap(), usd()).unwrap();
        assert!(shirt().apply(LineupChange::Add(euro)).is_err());
    }

    #[test]
    fn options_are_known_by_name_or_place_and_keep_what_variants_have() {
        let turned = json!([{"name": "colour", "values": ["Blue", "Red"]}, {"name": "Size", "values": ["S", "M"]}]);
        assert_eq!(set(turned).unwrap(), ["Blue / M", "Red / S", "Blue / S"]);
        let renamed = json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Color", "values": ["red", "blue"]}]);
        assert_eq!(set(renamed).unwrap()[0], "M / blue");
        let more = json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red", "blue"]},
                          {"name": "Cut", "values": ["long", "short"]}]);
        assert_eq!(set(more).unwrap()[0], "M / blue / long");
        let fewer =
            json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red"]}]);
        assert_eq!(
            set(fewer).unwrap_err(),
            "/options/1/values must keep blue, which a variant has"
        );
        assert_eq!(
            set(json!([sizes()[0]])).unwrap_err(),
            "another variant is S"
        );
        assert!(set(json!([])).is_err(), "three variants would be one");
    }

    #[test]
    fn the_last_variant_stays() {
        let mut lineup = shirt();
        for left in [2, 1] {
            let id = lineup.variants[0].id;
            lineup = lineup.apply(LineupChange::Withdraw(id)).unwrap();
            assert_eq!(lineup.variants.len(), left);
        }
        let plain = lineup
            .clone()
            .apply(LineupChange::Options(Vec::new()))
            .unwrap();
        assert_eq!(titles(&plain), [""]);
        let id = lineup.variants[0].id;
        let last = lineup.apply(LineupChange::Withdraw(id));
        assert!(matches!(last, Err(EditError::LastVariant)));
    }

    #[test]
    fn each_broken_rule_is_named_by_its_pointer() {
        for (of, pointer) in [
            (
                json!(vec![json!({"name": "a", "values": ["x"]}); 4]),
                "/options",
            ),
            (
                json!(vec![json!({"name": "a", "values": ["x"]}); 2]),
                "/options/1/name",
            ),
            (json!([{"name": " ", "values": ["x"]}]), "/options/0/name"),
            (json!([{"name": "a", "values": []}]), "/options/0/values"),
            (
                json!([{"name": "a", "values": ["x", "X"]}]),
                "/options/0/values",
            ),
            (
                json!([{"name": "a", "values": vec!["x"; 101]}]),
                "/options/0/values",
            ),
        ] {
            let refused = checked(serde_json::from_value(of.clone()).unwrap());
            match refused {
                Err(EditError::Invalid { field, .. }) => assert_eq!(field, pointer, "{of}"),
                other => panic!("{of}: {other:?}"),
            }
        }
        let odd = shirt().apply(LineupChange::Add(wished("XL", "red", "9")));
        assert!(matches!(odd, Err(EditError::Invalid { field, .. }) if field == "/options/Size"));
    }
}
