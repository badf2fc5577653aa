//! Products, as the seeds' clients list, make, change and delete them. Stock named in a change becomes an
//! inventory adjustment, so that the ledger stays whole; nothing is ever written past the catalog.

use super::{
    call::{Answer, Caller},
    fields::{Draft, Fields},
    shapes::{Product, stale, version_in},
};
use axum::{
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{ETAG, IF_MATCH, LINK},
    },
    response::Response,
};
use contracts::{
    catalog::{InventoryView, ProductStatus, ProductView},
    problem::{Code, Problem},
    values::{Page, ProductId, VariantId, Version},
};
use platform::http::{Fault, etag};

const PRODUCTS: &str = "/api/v1/products";
/// How often a change is tried again when somebody else was faster.
const TRIES_MAX: u32 = 8;
const STOCK: &str = "stock";
const QUANTITY: &str = "quantity";
/// More units than the catalog takes of anything.
const UNITS_MAX: i64 = 4_294_967_295;
/// What passes between the seeds' bodies and the canonical ones unchanged.
const DOCUMENT: &[&str] = &[
    "name",
    "description",
    "price",
    "category",
    "status",
    "sku",
    "slug",
    "image_url",
    "attributes",
];

/// GET `/products`: the newest hundred.
pub(super) async fn list(caller: &Caller<'_>) -> Result<Response, Fault> {
    let query = caller.uri.query().unwrap_or_default();
    let answer = caller.get(&with_limit(PRODUCTS, query)).await?;
    if answer.is_bare() {
        return Ok(answer.unchanged());
    }
    let page: Page<ProductView> = answer.read()?;
    let products: Vec<Product> = page.data.into_iter().map(Product::from).collect();
    let mut response = answer.with(&products);
    relink(response.headers_mut(), PRODUCTS, &caller.uri);
    Ok(response)
}

/// The address of a list, with as many rows as one page may have unless the caller says otherwise.
pub(super) fn with_limit(path: &str, query: &str) -> String {
    let says = query.split('&').any(|pair| pair.starts_with("limit="));
    match (query.is_empty(), says) {
        (true, _) => format!("{path}?limit=100"),
        (false, true) => format!("{path}?{query}"),
        (false, false) => format!("{path}?{query}&limit=100"),
    }
}

/// Has the link to the next page lead to the address that was asked.
pub(super) fn relink(headers: &mut HeaderMap, canonical: &str, asked: &Uri) {
    let link = headers.get(LINK).and_then(|link| link.to_str().ok());
    let own =
        link.map(|link| link.replace(&format!("<{canonical}?"), &format!("<{}?", asked.path())));
    if let Some(link) = own.and_then(|link| HeaderValue::from_str(&link).ok()) {
        headers.insert(LINK, link);
    }
}

/// POST `/products`.
pub(super) async fn create(caller: &Caller<'_>, fields: &Fields) -> Result<Response, Fault> {
    caller.somebody()?;
    let mut draft = document(fields);
    if let Some(units) = units(fields, STOCK)?.or(units(fields, QUANTITY)?) {
        draft.put("stock", &units);
    }
    translated(caller.post_keyed(PRODUCTS, &draft, None).await?)
}

/// GET `/products/{id}`. What was deleted is gone here even for its owner.
pub(super) async fn read(caller: &Caller<'_>, id: &str) -> Result<Response, Fault> {
    let answer = caller.get(&format!("{PRODUCTS}/{id}")).await?;
    if answer.is_bare() {
        return Ok(answer.unchanged());
    }
    check_there(&answer.read()?)?;
    translated(answer)
}

/// PUT `/products/{id}`: changes what it names. With a version, in the body or as `If-Match`, only what is
/// still of that version; without one the last writer wins. The stock, if it is named, follows the document:
/// a change whose version is stale moves no stock.
pub(super) async fn change(
    caller: &Caller<'_>,
    id: &str,
    fields: &Fields,
) -> Result<Response, Fault> {
    caller.somebody()?;
    let wanted = (units(fields, STOCK)?, units(fields, QUANTITY)?);
    let draft = document(fields);
    let answer = edit(caller, Method::PATCH, id, fields, Some(&draft)).await?;
    if wanted == (None, None) {
        return translated(answer);
    }
    let mut view: ProductView = answer.read()?;
    if let Some(default) = view.variants.first() {
        let after = set_stock(caller, default.id, wanted).await?;
        let change = after.available.saturating_sub(default.stock.available);
        view.stock.available = view.stock.available.saturating_add(change);
    }
    let mut response = answer.with(&Product::from(view));
    // It named the stock as it was before.
    response.headers_mut().remove(ETAG);
    Ok(response)
}

/// DELETE `/products/{id}`, with a version or without.
pub(super) async fn delete(
    caller: &Caller<'_>,
    id: &str,
    fields: &Fields,
) -> Result<Response, Fault> {
    caller.somebody()?;
    let answer = edit(caller, Method::DELETE, id, fields, None).await?;
    Ok(answer.unchanged())
}

async fn edit(
    caller: &Caller<'_>,
    method: Method,
    id: &str,
    fields: &Fields,
    body: Option<&Draft>,
) -> Result<Answer, Problem> {
    // Canonical changes go by id only, and so do these: a slug may move to another product.
    let id: ProductId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let path = format!("{PRODUCTS}/{id}");
    let stated = fields.whole(&["version"])?.map(version_in).transpose()?;
    let current: ProductView = caller.look(&path).await?;
    check_there(&current)?;
    if let Some(version) = stated {
        let changed = caller.change(method, &path, tag(version)?, body).await;
        return changed.map_err(|problem| stale(problem, true));
    }
    if let Some(header) = caller.headers.get(IF_MATCH) {
        let changed = caller.change(method, &path, header.clone(), body).await;
        return changed.map_err(|problem| stale(problem, false));
    }
    last_writer_wins(caller, method, current, body).await
}

/// The canonical address wants to know what is replaced; whoever does not say replaces what there is.
async fn last_writer_wins(
    caller: &Caller<'_>,
    method: Method,
    current: ProductView,
    body: Option<&Draft>,
) -> Result<Answer, Problem> {
    let path = format!("{PRODUCTS}/{}", current.id);
    let mut version = current.version;
    for _ in 0..TRIES_MAX {
        match caller
            .change(method.clone(), &path, tag(version)?, body)
            .await
        {
            Ok(answer) => {
                tracing::info!(
                    product.id = %current.id, product.version = version.get(),
                    "a product was changed by somebody who named no version: the last writer wins"
                );
                return Ok(answer);
            }
            Err(problem) if problem.code == Code::PreconditionFailed => {
                version = caller.look::<ProductView>(&path).await?.version;
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::new(Code::Overloaded).detail("too many others change it at this moment"))
}

/// Makes this many units available, by setting what is on hand to as many more as are promised to orders.
/// An order that reserves in between comes after the change: its units are taken off what was asked for.
async fn set_stock(
    caller: &Caller<'_>,
    variant: VariantId,
    wanted: (Option<i64>, Option<i64>),
) -> Result<InventoryView, Problem> {
    for _ in 0..TRIES_MAX {
        let current: InventoryView = caller.look(&format!("/api/v1/inventory/{variant}")).await?;
        let Some(units) = meant(wanted, current.available) else {
            return Ok(current);
        };
        let mut change = Draft::default();
        change.put("variant_id", &variant);
        change.put("set", &units.saturating_add(current.reserved));
        change.put("expected", &current.on_hand);
        change.put("reason", &"set with the product");
        let mut draft = Draft::default();
        draft.put("changes", &[change]);
        match caller.post("/api/v1/inventory/adjust", &draft).await {
            Ok(_) => {
                let available = units;
                let on_hand = units.saturating_add(current.reserved);
                return Ok(InventoryView {
                    available,
                    on_hand,
                    ..current
                });
            }
            Err(problem) if problem.code == Code::StockChanged => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::new(Code::Overloaded).detail("the stock changes too fast to be set"))
}

/// Which stock is meant: a client that sends back what it read has both names, and changed one of them.
fn meant(wanted: (Option<i64>, Option<i64>), available: i64) -> Option<i64> {
    let (stock, quantity) = wanted;
    [stock, quantity]
        .into_iter()
        .flatten()
        .find(|units| *units != available)
}

fn document(fields: &Fields) -> Draft {
    let mut draft = Draft::default();
    for name in DOCUMENT {
        draft.keep(name, fields.raw(&[name]));
    }
    draft
}

fn units(fields: &Fields, name: &'static str) -> Result<Option<i64>, Problem> {
    let units = fields.whole(&[name])?;
    if units.is_some_and(|units| !(0..=UNITS_MAX).contains(&units)) {
        let pointer = format!("/{name}");
        return Err(Problem::invalid(&pointer, "must be a whole number from 0"));
    }
    Ok(units)
}

fn check_there(view: &ProductView) -> Result<(), Problem> {
    match view.status {
        ProductStatus::Draft | ProductStatus::Active => Ok(()),
        ProductStatus::Archived => Err(Problem::new(Code::NotFound)),
    }
}

fn tag(version: Version) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&etag::tag(version)).map_err(|_| Problem::new(Code::Malformed))
}

fn translated(answer: Answer) -> Result<Response, Fault> {
    let view: ProductView = answer.read()?;
    Ok(answer.with(&Product::from(view)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_names_for_the_stock_the_changed_one_counts() {
        for (wanted, available, expected) in [
            ((Some(7), None), 5, Some(7)),
            ((None, Some(7)), 5, Some(7)),
            ((Some(5), Some(7)), 5, Some(7)),
            ((Some(7), Some(5)), 5, Some(7)),
            ((Some(7), Some(8)), 5, Some(7)),
            ((Some(5), Some(5)), 5, None),
            ((Some(5), None), 5, None),
        ] {
            assert_eq!(
                meant(wanted, available),
                expected,
                "{wanted:?} of {available}"
            );
        }
    }

    #[test]
    fn a_list_has_as_many_rows_as_a_page_may() {
        for (query, expected) in [
            ("", "/p?limit=100"),
            ("q=tea", "/p?q=tea&limit=100"),
            ("limit=3", "/p?limit=3"),
        ] {
            assert_eq!(with_limit("/p", query), expected);
        }
    }
}
