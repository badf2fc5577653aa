//! Imports: many products in one transaction. Whatever could go wrong with a line is looked at before it
//! is written, so that a bad line leaves nothing and fails no other.

use super::{
    categories,
    variants::{self, Product},
    write::{self, Found},
};
use crate::{
    domain::{
        category::CategoryName,
        document::{self, Draft},
        lineup::Lineup,
        price_list::PriceList,
    },
    store::{Import, NewRow},
};
use contracts::{
    catalog::{EditError, ImportOutcome, ImportProduct},
    values::{ProductId, Timestamp, UserId, fold},
};
use platform::db::{Abort, StoreError};
use rusqlite::Connection;
use std::collections::HashMap;

/// Category numbers and slugs by their path, so that a batch looks each up once.
type Paths = HashMap<Vec<String>, (i64, String)>;

struct Importer<'a> {
    connection: &'a Connection,
    owner_id: UserId,
    at: Timestamp,
    paths: Paths,
}

pub(super) fn all(
    connection: &Connection,
    import: Import,
) -> Result<Vec<Result<ImportOutcome, String>>, StoreError> {
    let mut importer = Importer {
        connection,
        owner_id: import.owner_id,
        at: import.at,
        paths: Paths::new(),
    };
    import
        .lines
        .into_iter()
        .map(|line| match importer.one(line) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(Abort::Refused(reason)) => Ok(Err(reason)),
            Err(Abort::Failed(error)) => Err(error),
        })
        .collect()
}

impl Importer<'_> {
    fn one(&mut self, mut line: ImportProduct) -> Result<ImportOutcome, Abort<String>> {
        let related = line.related.take();
        let (mut draft, path) = Draft::import(line).map_err(Abort::Refused)?;
        draft.related = related.map(|skus| self.related(&skus)).transpose()?;
        let known = self.known(&draft)?;
        self.may_have_slug(&draft, known.as_ref().map(|found| found.number))?;
        let Some(found) = known else {
            let category = self.category(&path)?;
            return self.create(draft, category.map(|(number, _)| number));
        };
        if found.owner_id != self.owner_id {
            return Err(Abort::Refused("sku is in use by another seller".to_owned()));
        }
        if draft.lineup.variants.is_empty() && (!found.is_default || !found.options.is_empty()) {
            return Err(Abort::Refused(
                "sku is a variant's of a product with options".to_owned(),
            ));
        }
        let lineup = self.lineup(&found, &draft)?;
        let names_variants = !draft.lineup.variants.is_empty();
        let category = self.category(&path)?;
        let number = category.as_ref().map(|(number, _)| *number);
        let mut before = found.document.at(self.at);
        let mut next = draft.replacing(before.clone()).at(self.at);
        if names_variants {
            next.sku.clone_from(&before.sku);
            next.price = before.price;
        }
        // The path decides which category is meant; its slug may be another than its name's.
        next.category = category
            .zip(next.category)
            .map(|((_, slug), named)| CategoryName {
                slug,
                name: named.name,
            });
        if number == found.category {
            before.category.clone_from(&next.category);
        }
        let mut version = found.version.get();
        if before != next || number != found.category {
            let place = write::Place {
                number: found.number,
                version: found.version,
                category: number,
            };
            write::update(self.connection, &place, &next, self.at).map_err(in_words)?;
            version = version.saturating_add(1);
        }
        if let Some((before, next)) = lineup.filter(|(before, next)| before != next) {
            version = version.saturating_add(1);
            let product = Product {
                connection: self.connection,
                number: found.number,
                version,
                owner_id: self.owner_id,
                at: self.at,
            };
            product.change(&before, &next).map_err(in_words)?;
        }
        Ok(if version == found.version.get() {
            ImportOutcome::Unchanged
        } else {
            ImportOutcome::Updated
        })
    }

    /// The product that a line is known by; it is one.
    fn known(&self, draft: &Draft) -> Result<Option<Found>, Abort<String>> {
        let mut found: Option<Found> = None;
        for key in draft.sku_keys() {
            let one = write::find_by_sku(self.connection, &key)?;
            match (&found, one) {
                (Some(known), Some(one)) if known.number != one.number => {
                    return Err(Abort::Refused(document::two_products()));
                }
                (_, None) | (Some(_), Some(_)) => {}
                (None, Some(one)) => found = Some(one),
            }
        }
        match found {
            Some(one) if !one.is_default && !draft.lineup.variants.is_empty() => {
                Ok(write::find_numbered(self.connection, one.number)?)
            }
            found => Ok(found),
        }
    }

    fn may_have_slug(&self, draft: &Draft, own: Option<i64>) -> Result<(), Abort<String>> {
        let Some(slug) = &draft.slug else {
            return Ok(());
        };
        match write::product_by_slug(self.connection, slug)? {
            Some(other) if Some(other) != own => Err(Abort::Refused(document::slug_taken(slug))),
            Some(_) | None => Ok(()),
        }
    }

    /// The products of these SKUs.
    fn related(&self, skus: &[String]) -> Result<Vec<ProductId>, Abort<String>> {
        let mut ids = Vec::with_capacity(skus.len());
        for sku in skus {
            let found = write::product_by_sku(self.connection, &fold(sku))?;
            ids.push(found.ok_or_else(|| Abort::Refused(document::unknown_sku(sku)))?);
        }
        document::related_in_words(ids).map_err(Abort::Refused)
    }

    /// The variants of a known product before and after, if the line names any, or prices of the only one.
    fn lineup(
        &self,
        found: &Found,
        draft: &Draft,
    ) -> Result<Option<(Lineup, Lineup)>, Abort<String>> {
        if draft.lineup.variants.is_empty() && draft.prices == PriceList::default() {
            return Ok(None);
        }
        let before = Lineup {
            options: found.options.clone(),
            variants: variants::members(self.connection, found.number)?,
        };
        if draft.lineup.variants.is_empty() {
            return Ok(before.with_listed(draft).map(|next| (before, next)));
        }
        let next = before.clone().with_imported(&draft.lineup);
        let next = next.map_err(|error| Abort::Refused(error.to_string()))?;
        for member in next.without(&before) {
            if write::find_by_sku(self.connection, &fold(&member.sku))?.is_some() {
                return Err(Abort::Refused(document::withdrawn(&member.sku)));
            }
        }
        Ok(Some((before, next)))
    }

    fn create(&self, draft: Draft, category: Option<i64>) -> Result<ImportOutcome, Abort<String>> {
        let draft = draft.made();
        let row = NewRow {
            product_id: ProductId::generate(),
            variant_id: draft.first_variant(),
            owner_id: self.owner_id,
            draft,
            at: self.at,
        };
        write::insert(self.connection, &row, category).map_err(in_words)?;
        Ok(ImportOutcome::Created)
    }

    /// The category at the end of a path; what is missing on the way is made.
    fn category(&mut self, path: &[CategoryName]) -> Result<Option<(i64, String)>, StoreError> {
        let names: Vec<String> = path.iter().map(|named| named.name.clone()).collect();
        if let Some(known) = self.paths.get(&names) {
            return Ok(Some(known.clone()));
        }
        let mut parent: Option<(i64, String)> = None;
        for named in path {
            let above = parent
                .as_ref()
                .map(|(number, slug)| (*number, slug.as_str()));
            let next = categories::find_or_make_below(self.connection, above, named, self.at)?;
            parent = Some(next);
        }
        if let Some(found) = &parent {
            self.paths.insert(names, found.clone());
        }
        Ok(parent)
    }
}

/// Nothing refuses here, since the writer is alone and looked before; if something did, part of the line
/// would be written already, so the whole import fails.
fn in_words(abort: Abort<EditError>) -> Abort<String> {
    match abort {
        Abort::Refused(refusal) => Abort::Failed(StoreError::Other(Box::new(refusal))),
        Abort::Failed(error) => Abort::Failed(error),
    }
}
