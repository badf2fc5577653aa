//! `souk export products`: all products, a line each, as `souk import products` reads them. A file is put in its place
//! once it is whole; nothing is changed.

use super::import::{cell, path_cell};
use crate::{
    args::DataArgs,
    console::{complain, say},
    shop::open_services,
};
use contracts::{
    BoxError,
    access::{Principal, Role, SHOP},
    catalog::{Catalog, CategoryView, ProductQuery, ProductSort, ProductStatus, ProductView},
    values::{PageSize, SessionId},
};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Products that are asked for at a time.
const PAGE: u32 = 100;
/// Categories above one another; a circle would be longer.
const DEPTH_MAX: usize = 64;
/// The columns of a table, as they are read back.
const COLUMNS: [&str; 10] = [
    "sku",
    "name",
    "description",
    "category_path",
    "price",
    "currency",
    "stock",
    "status",
    "image_url",
    "attributes",
];

pub(super) async fn run(file: &Path, data: &DataArgs) -> Result<(), BoxError> {
    let config = data.load()?;
    let (services, _work) = open_services(&config, true).await?;
    let is_stream = file == Path::new("-");
    let part = part_of(file);
    let out: Box<dyn Write + Send> = if is_stream {
        Box::new(io::stdout())
    } else {
        let cannot = |error| format!("{} cannot be written: {error}", part.display());
        Box::new(File::create(&part).map_err(cannot)?)
    };
    let is_table = file
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let sheet = Sheet::open(out, is_table)?;
    let count = write(&*services.catalog, sheet).await?;
    if is_stream {
        complain(format!("{count} products"));
        return Ok(());
    }
    fs::rename(&part, file)?;
    say(format!("{count} products in {}", file.display()));
    Ok(())
}

/// Where the file is written until it is whole.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

async fn write(catalog: &dyn Catalog, mut sheet: Sheet) -> Result<usize, BoxError> {
    let paths = paths(&catalog.categories().await?);
    let keeper = Principal {
        user_id: SHOP,
        session_id: SessionId::from_bytes([0; 16]),
        roles: vec![Role::Admin],
        key: None,
    };
    let bar = ProgressBar::new_spinner();
    let mut count = 0_usize;
    for status in [
        ProductStatus::Active,
        ProductStatus::Draft,
        ProductStatus::Archived,
    ] {
        let mut cursor = None;
        loop {
            let query = ProductQuery {
                status: Some(status),
                sort: Some(ProductSort::Oldest),
                limit: PageSize::try_from(PAGE)?,
                cursor,
                ..ProductQuery::default()
            };
            let page = catalog.products(Some(&keeper), query).await?;
            for product in &page.data {
                let slug = product.category.as_deref().unwrap_or_default();
                sheet.put(product, paths.get(slug).map_or(&[], Vec::as_slice))?;
                count = count.saturating_add(1);
            }
            bar.set_message(format!("{count} products"));
            bar.tick();
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    bar.finish_and_clear();
    sheet.close()?;
    Ok(count)
}

/// The names of each category and those above it, the topmost first, by its slug.
fn paths(categories: &[CategoryView]) -> HashMap<String, Vec<String>> {
    let known: HashMap<&str, &CategoryView> = categories
        .iter()
        .map(|category| (category.slug.as_str(), category))
        .collect();
    let path = |category: &CategoryView| {
        let mut names = vec![category.name.clone()];
        let mut above = category.parent.as_deref();
        while let Some(parent) = above.and_then(|slug| known.get(slug))
            && names.len() < DEPTH_MAX
        {
            names.push(parent.name.clone());
            above = parent.parent.as_deref();
        }
        names.reverse();
        names
    };
    categories
        .iter()
        .map(|category| (category.slug.clone(), path(category)))
        .collect()
}

/// What is written to.
enum Sheet {
    Lines(BufWriter<Box<dyn Write + Send>>),
    Table(Box<csv::Writer<Box<dyn Write + Send>>>),
}

impl Sheet {
    fn open(out: Box<dyn Write + Send>, is_table: bool) -> Result<Self, BoxError> {
        if !is_table {
            return Ok(Self::Lines(BufWriter::new(out)));
        }
        let mut table = csv::Writer::from_writer(out);
        table.write_record(COLUMNS)?;
        Ok(Self::Table(Box::new(table)))
    }

    fn put(&mut self, product: &ProductView, path: &[String]) -> Result<(), BoxError> {
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, &line(product, path))?;
                out.write_all(b"\n")?;
            }
            Self::Table(table) => table.write_record(row(product, path)?)?,
        }
        Ok(())
    }

    fn close(self) -> Result<(), BoxError> {
        match self {
            Self::Lines(mut out) => out.flush()?,
            Self::Table(mut table) => table.flush()?,
        }
        Ok(())
    }
}

fn line(product: &ProductView, path: &[String]) -> Value {
    json!({
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category_path": path,
        "price_minor": product.price.minor,
        "currency": product.price.currency,
        "stock": product.stock.on_hand,
        "status": product.status,
        "image_url": product.image_url,
        "attributes": product.attributes,
    })
}

fn row(product: &ProductView, path: &[String]) -> Result<[String; 10], BoxError> {
    let attributes = if product.attributes.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&product.attributes)?
    };
    Ok([
        cell(&product.sku),
        cell(&product.name),
        cell(&product.description),
        path_cell(path),
        product.price.decimal(),
        product.price.currency.to_string(),
        product.stock.on_hand.to_string(),
        product.status.as_str().to_owned(),
        product.image_url.clone().unwrap_or_default(),
        attributes,
    ])
}
