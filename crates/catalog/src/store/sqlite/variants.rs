//! Variants as they are written: all of a product's in one transaction, as the next version of its document. Stock is
//! touched for what is new only.

use super::{SqliteStore, broken, edit_error, history, read, write};
use crate::{
    domain::{
        edited,
        lineup::{Lineup, Member},
        schedule,
    },
    store::{
        LineupEdit, Variants,
        kept::Kept,
        variants::{self, Steps},
    },
};
use async_trait::async_trait;
use contracts::{
    catalog::{EditError, ProductView, VariantChoice, variant_title},
    request::Answered,
    values::{ProductId, Timestamp, UserId, VariantId, fold},
};
use platform::db::{Abort, StoreError, keys};
use rusqlite::{Connection, params};

#[async_trait]
impl Variants for SqliteStore {
    async fn change_lineup(&self, edit: LineupEdit) -> Result<Answered<ProductView>, EditError> {
        let write = self.database.write(move |c| {
            let once = (edit.request.as_ref(), edit.at);
            let make = || change(c, &edit).map(|view| Kept::of(&view));
            keys::once(c, once, || EditError::KeyReused, make)
        });
        let changed = write.await.map_err(edit_error)?;
        Ok(changed.map(Kept::into_view))
    }
}

fn change(connection: &Connection, edit: &LineupEdit) -> Result<ProductView, Abort<EditError>> {
    let found = write::current(connection, edit.product_id, edit.scope, edit.sent)?;
    let before = Lineup {
        variants: members(connection, found.number)?,
        options: found.options,
    };
    let next = before.clone().apply(edit.change.clone());
    let next = next.map_err(Abort::Refused)?;
    let product = Product {
        connection,
        number: found.number,
        version: found.version.get().saturating_add(1),
        owner_id: found.owner_id,
        at: edit.at,
    };
    product.change(&before, &next)?;
    let made = (product.number, product.version);
    history::made_by(connection, made, edit.by)?;
    history::edited(connection, made, &edited::variants(&before, &next), edit.at)?;
    let view = read::numbered(connection, found.number)?;
    Ok(schedule::seen(view, edit.at))
}

/// The variants that can be bought, the default one first.
pub(super) fn members(connection: &Connection, number: i64) -> Result<Vec<Member>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT variant_id, sku, price_minor, currency, options, prices
           FROM variants
          WHERE product_number = ?1 AND position >= 0
          ORDER BY position",
    )?;
    let rows = statement.query_map([number], |row| {
        Ok(Member {
            id: VariantId::from_bytes(row.get(0)?),
            sku: row.get(1)?,
            price: read::money(row, 2, 3)?,
            values: read::json_of(row, 4)?,
            prices: read::prices(row, 5)?,
            stock: 0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What may be chosen of a product.
pub(super) fn choices(
    connection: &Connection,
    product: ProductId,
) -> Result<Vec<VariantChoice>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT v.variant_id, v.sku, v.options
           FROM products p
           JOIN variants v ON v.product_number = p.product_number AND v.position >= 0
          WHERE p.product_id = ?1
          ORDER BY v.position",
    )?;
    let rows = statement.query_map([product.as_bytes()], |row| {
        let values: Vec<String> = read::json_of(row, 2)?;
        Ok(VariantChoice {
            variant_id: VariantId::from_bytes(row.get(0)?),
            sku: row.get(1)?,
            title: variant_title(&values),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A product whose variants are written, and under which version.
pub(super) struct Product<'c> {
    pub(super) connection: &'c Connection,
    pub(super) number: i64,
    pub(super) version: i64,
    pub(super) owner_id: UserId,
    pub(super) at: Timestamp,
}

impl Product<'_> {
    /// Writes the next version of a product, which differs by its variants.
    pub(super) fn change(&self, before: &Lineup, next: &Lineup) -> Result<(), Abort<EditError>> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE products SET options = ?3, updated_at_ms = ?4, version = ?2
                  WHERE product_number = ?1 AND version = ?2 - 1",
            )?
            .execute(params![
                self.number,
                self.version,
                write::json(&next.options)?,
                self.at.as_ms()
            ])?;
        if changed != 1 {
            return Err(broken("a product changed under its only writer").into());
        }
        self.carry_out(&Steps::between(before, next))
    }

    fn carry_out(&self, steps: &Steps<'_>) -> Result<(), Abort<EditError>> {
        for member in &steps.gone {
            self.withdraw(member.id)?;
        }
        if let Some(member) = steps.makes_way {
            self.place(member.id, self.free_place()?)?;
        }
        for member in steps.kept() {
            self.unset(member.id)?;
        }
        for member in &steps.changed {
            self.update(member)?;
        }
        for member in &steps.fresh {
            self.insert(member, self.free_place()?)?;
        }
        match steps.first {
            Some((member, true)) => self.insert(member, 0),
            Some((member, false)) => {
                self.place(member.id, 0)?;
                self.update(member)
            }
            None => Err(broken("a product has no variant").into()),
        }
    }

    fn free_place(&self) -> Result<i64, StoreError> {
        let sql = "SELECT MAX(MAX(position), 0) + 1 FROM variants WHERE product_number = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([self.number], |row| row.get(0))?)
    }

    fn place(&self, id: VariantId, place: i64) -> Result<(), StoreError> {
        let sql = "UPDATE variants SET position = ?2 WHERE variant_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![id.as_bytes(), place])?;
        Ok(())
    }

    /// Values of variants may be exchanged: for a moment these have none.
    fn unset(&self, id: VariantId) -> Result<(), StoreError> {
        let sql = "UPDATE variants SET options = '[]' WHERE variant_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute([id.as_bytes()])?;
        Ok(())
    }

    /// Behind all places, where nobody finds it who looks for something to buy.
    fn withdraw(&self, id: VariantId) -> Result<(), StoreError> {
        let sql = "UPDATE variants SET position = -variant_number, withdrawn_in = ?2 WHERE variant_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![id.as_bytes(), self.version])?;
        Ok(())
    }

    fn update(&self, member: &Member) -> Result<(), Abort<EditError>> {
        self.connection
            .prepare_cached(
                "UPDATE variants SET sku = ?2, sku_key = ?3, price_minor = ?4, currency = ?5, options = ?6,
                                     prices = ?7
                  WHERE variant_id = ?1",
            )?
            .execute(params![
                member.id.as_bytes(),
                member.sku,
                fold(&member.sku),
                member.price.minor,
                member.price.currency.code(),
                write::json(&member.values)?,
                write::json(&member.prices)?,
            ])
            .map_err(write::taken)?;
        Ok(())
    }

    /// A variant with its first stock.
    pub(super) fn insert(&self, member: &Member, place: i64) -> Result<(), Abort<EditError>> {
        self.connection
            .prepare_cached(
                "INSERT INTO variants (variant_id, product_number, position, sku, sku_key, price_minor, currency,
                                       options, made_in, prices)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                member.id.as_bytes(),
                self.number,
                place,
                member.sku,
                fold(&member.sku),
                member.price.minor,
                member.price.currency.code(),
                write::json(&member.values)?,
                self.version,
                write::json(&member.prices)?,
            ])
            .map_err(write::taken)?;
        let variant = self.connection.last_insert_rowid();
        write::insert_stock(
            self.connection,
            variant,
            member.stock,
            self.owner_id,
            self.at,
        )?;
        Ok(())
    }
}

/// What a variant is called on an order, from the product's name and the variant's values.
pub(super) fn sold_as(
    row: &rusqlite::Row<'_>,
    name: usize,
    options: usize,
) -> rusqlite::Result<String> {
    let kept = row.get_ref(options)?.as_str()?;
    variants::sold_as(row.get(name)?, kept).map_err(|error| {
        let error = contracts::values::ValueError::new(error.to_string());
        read::unreadable(options, error)
    })
}
