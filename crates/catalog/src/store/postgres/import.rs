//! Imports: many products in one transaction, in a few statements whatever their number. Whatever could go wrong with
//! a line is looked at before it is written, so that a bad line leaves nothing and fails no other.

use super::{
    broken, categories, import_variants,
    rows::{self, Found, Fresh, Next},
    write,
};
use crate::{
    domain::{
        category::CategoryName,
        document::{self, Document, Draft},
        price_list::PriceList,
        slug,
    },
    store::{Import, NewRow},
};
use contracts::{
    catalog::{ImportOutcome, ImportProduct},
    values::{ProductId, Timestamp, fold},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Connection, Database},
};
use std::collections::{HashMap, HashSet};

/// The right to import: one import at a time, whatever the node. Its number is ours to choose.
const MAY_IMPORT: &str = "SELECT pg_advisory_xact_lock(7103)";

pub(super) type Outcome = Result<ImportOutcome, String>;

/// Category numbers and slugs by their path, so that a batch looks each up once.
type Paths = HashMap<Vec<String>, (i64, String)>;

pub(super) async fn all(database: &Database, import: Import) -> Result<Vec<Outcome>, StoreError> {
    let write = database.write(import, |c, import| {
        Box::pin(async move {
            let outcomes = run(c, import).await?;
            // A dry run does everything and then undoes it, so that it foretells exactly.
            if import.commit {
                Ok(outcomes)
            } else {
                Err(Abort::Refused(outcomes))
            }
        })
    });
    match write.await {
        Ok(outcomes) | Err(Abort::Refused(outcomes)) => Ok(outcomes),
        Err(Abort::Failed(error)) => Err(error),
    }
}

/// A line that was checked.
struct Line {
    /// Folded SKUs.
    keys: Vec<String>,
    draft: Draft,
    path: Vec<CategoryName>,
    /// SKUs of what goes with it.
    related: Option<Vec<String>>,
}

async fn run(connection: &Connection, import: &Import) -> Result<Vec<Outcome>, StoreError> {
    connection.execute_batch(MAY_IMPORT).await?;
    let mut paths = Paths::new();
    let mut outcomes = Vec::with_capacity(import.lines.len());
    let mut group: Vec<Result<Line, String>> = Vec::new();
    let mut keys: HashSet<String> = HashSet::new();
    for line in &import.lines {
        let line = check(line.clone());
        // A SKU that comes once more must find what was written for it.
        if let Ok(line) = &line
            && !line.keys.iter().all(|key| !keys.contains(key))
        {
            let whole = std::mem::take(&mut group);
            outcomes.extend(write_group(connection, import, whole, &mut paths).await?);
            keys.clear();
        }
        keys.extend(line.iter().flat_map(|line| line.keys.clone()));
        group.push(line);
    }
    outcomes.extend(write_group(connection, import, group, &mut paths).await?);
    Ok(outcomes)
}

fn check(mut line: ImportProduct) -> Result<Line, String> {
    let related = line.related.take();
    let (draft, path) = Draft::import(line)?;
    Ok(Line {
        related,
        keys: draft.sku_keys(),
        draft,
        path,
    })
}

/// A product that is made by a line.
struct Made {
    row: NewRow,
    category: Option<i64>,
}

/// Writes lines of which each has SKUs of its own.
async fn write_group(
    connection: &Connection,
    import: &Import,
    lines: Vec<Result<Line, String>>,
    paths: &mut Paths,
) -> Result<Vec<Outcome>, StoreError> {
    let keys: Vec<String> = lines
        .iter()
        .flatten()
        .flat_map(|line| line.keys.clone())
        .collect();
    let mut group = Group {
        connection,
        import,
        found: rows::lock_by_sku(connection, &keys).await?,
        made: Vec::new(),
        changed: Vec::new(),
        slugs: HashSet::new(),
    };
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        outcomes.push(match line {
            Ok(line) => group.line(line, paths).await?,
            Err(reason) => Err(reason),
        });
    }
    insert(connection, &group.made, group.slugs).await?;
    rows::update(connection, &group.changed, import.at).await?;
    Ok(outcomes)
}

/// Lines that are written together, and what is there of them.
struct Group<'a> {
    connection: &'a Connection,
    import: &'a Import,
    found: HashMap<String, Found>,
    made: Vec<Made>,
    changed: Vec<Next>,
    /// Those that lines of it chose.
    slugs: HashSet<String>,
}

impl Group<'_> {
    async fn line(&mut self, mut line: Line, paths: &mut Paths) -> Result<Outcome, StoreError> {
        let (connection, import) = (self.connection, self.import);
        if let Some(skus) = line.related.take() {
            match related(connection, &skus).await? {
                Ok(ids) => line.draft.related = Some(ids),
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let names_variants = !line.draft.lineup.variants.is_empty();
        let before = if names_variants {
            import_variants::known(connection, &line.draft, &self.found).await?
        } else {
            let known = line.keys.iter().find_map(|key| self.found.remove(key));
            plain(known)
        };
        let before = match before {
            Ok(before) => before,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(slug) = line.draft.slug.clone() {
            let own = before.as_ref().map(|before| before.number);
            if !self.may_have_slug(&slug, own).await? {
                return Ok(Err(document::slug_taken(&slug)));
            }
        }
        let Some(before) = before else {
            let category = category(connection, import, &line.path, paths).await?;
            self.made.push(Made {
                category: category.map(|(number, _)| number),
                row: new_row(import, line.draft),
            });
            return Ok(Ok(ImportOutcome::Created));
        };
        if before.owner_id != import.owner_id {
            return Ok(Err("sku is in use by another seller".to_owned()));
        }
        let category = category(connection, import, &line.path, paths).await?;
        // Prices in further currencies are the variant's, whose versions are written one product at a time.
        if names_variants || line.draft.prices != PriceList::default() {
            let written = import_variants::update(connection, import, before, line.draft, category);
            return written.await;
        }
        Ok(Ok(match next_of(before, line.draft, category, import.at) {
            None => ImportOutcome::Unchanged,
            Some(next) => {
                self.changed.push(next);
                ImportOutcome::Updated
            }
        }))
    }

    /// Whether a line may have the slug that it chose: no other product has it, and no line before it chose it.
    async fn may_have_slug(&mut self, slug: &str, own: Option<i64>) -> Result<bool, StoreError> {
        let holder = write::product_by_slug(self.connection, slug).await?;
        let is_let_go = |next: &Next| Some(next.number) == holder && next.document.slug != slug;
        let is_free = holder.is_none() || holder == own;
        if !is_free && self.changed.iter().any(is_let_go) {
            // A line before it let go of it, which is not written yet.
            rows::update(self.connection, &self.changed, self.import.at).await?;
            self.changed.clear();
        } else if !is_free {
            return Ok(false);
        }
        Ok(self.slugs.insert(slug.to_owned()))
    }
}

/// The products of these SKUs. Nobody has to hold them: a product is archived, and never taken away.
async fn related(
    connection: &Connection,
    skus: &[String],
) -> Result<Result<Vec<ProductId>, String>, StoreError> {
    let known = rows::products_by_sku(connection, skus).await?;
    let ids = skus.iter().map(|sku| {
        let id = known.get(&fold(sku)).copied();
        id.ok_or_else(|| document::unknown_sku(sku))
    });
    Ok(ids
        .collect::<Result<_, _>>()
        .and_then(document::related_in_words))
}

/// What a line finds that names no variants.
fn plain(known: Option<Found>) -> Result<Option<Found>, String> {
    match known {
        Some(known) if !known.is_default || !known.options.is_empty() => {
            Err("sku is a variant's of a product with options".to_owned())
        }
        known => Ok(known),
    }
}

fn new_row(import: &Import, draft: Draft) -> NewRow {
    let draft = draft.made();
    NewRow {
        product_id: ProductId::generate(),
        variant_id: draft.first_variant(),
        owner_id: import.owner_id,
        draft,
        at: import.at,
    }
}

/// The next version of a product; none if a line says what is there already.
pub(super) fn next_of(
    found: Found,
    draft: Draft,
    category: Option<(i64, String)>,
    at: Timestamp,
) -> Option<Next> {
    let number = category.as_ref().map(|(number, _)| *number);
    let mut before = found.document.at(at);
    let names_variants = !draft.lineup.variants.is_empty();
    let mut document: Document = draft.replacing(before.clone()).at(at);
    if names_variants {
        document.sku.clone_from(&before.sku);
        document.price = before.price;
    }
    // The path decides which category is meant; its slug may be another than its name's.
    document.category = category
        .zip(document.category)
        .map(|((_, slug), named)| CategoryName {
            slug,
            name: named.name,
        });
    if number == found.category {
        before.category.clone_from(&document.category);
    }
    let is_new = before != document || number != found.category;
    is_new.then_some(Next {
        number: found.number,
        version: found.version,
        category: number,
        document,
    })
}

/// The category at the end of a path; what is missing on the way is made.
async fn category(
    connection: &Connection,
    import: &Import,
    path: &[CategoryName],
    paths: &mut Paths,
) -> Result<Option<(i64, String)>, StoreError> {
    let names: Vec<String> = path.iter().map(|named| named.name.clone()).collect();
    if let Some(known) = paths.get(&names) {
        return Ok(Some(known.clone()));
    }
    let mut parent: Option<(i64, String)> = None;
    for named in path {
        let above = parent
            .as_ref()
            .map(|(number, slug)| (*number, slug.as_str()));
        let next = categories::find_or_make_below(connection, above, named, import.at).await?;
        parent = Some(next);
    }
    if let Some(found) = &parent {
        paths.insert(names, found.clone());
    }
    Ok(parent)
}

const fn fresh(made: &Made, slug: String) -> Fresh<'_> {
    Fresh {
        row: &made.row,
        slug,
        category: made.category,
    }
}

/// Inserts products, each under the slug that its line chose, or else under the first of its slugs that is free.
async fn insert(
    connection: &Connection,
    made: &[Made],
    mut given: HashSet<String>,
) -> Result<(), StoreError> {
    let mut waiting: Vec<(&Made, Vec<String>)> = made
        .iter()
        .filter(|one| one.row.draft.slug.is_none())
        .map(|one| {
            let tail = document::tail(one.row.product_id);
            let mut slugs: Vec<String> =
                slug::candidates(&one.row.draft.slug_base(), &tail).collect();
            slugs.reverse();
            (one, slugs)
        })
        .collect();
    let chosen = made.iter().filter_map(|one| {
        let slug = one.row.draft.slug.clone()?;
        Some(fresh(one, slug))
    });
    let mut all: Vec<Fresh<'_>> = chosen.collect();
    while !waiting.is_empty() {
        let asked: Vec<String> = waiting
            .iter()
            .filter_map(|(_, slugs)| slugs.last().cloned())
            .collect();
        let used = write::used_slugs(connection, &asked).await?;
        let mut rest = Vec::new();
        for (one, mut slugs) in waiting {
            let slug = slugs.pop().ok_or_else(|| broken("no slug is free"))?;
            if !used.contains(&slug) && given.insert(slug.clone()) {
                all.push(fresh(one, slug));
            } else {
                rest.push((one, slugs));
            }
        }
        waiting = rest;
    }
    if all.is_empty() {
        return Ok(());
    }
    if rows::insert(connection, &all).await?.len() == all.len() {
        Ok(())
    } else {
        Err(StoreError::Constraint("products_slug_key".to_owned()))
    }
}
