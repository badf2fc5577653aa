//! Variants as they are written: all of a product's in one transaction, under its lock, as the next version of its
//! document. Stock is touched for what is new only.

use super::{PostgresStore, broken, edit_error, history, read, rows, stock, write};
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
    values::{ProductId, Timestamp, UserId, VariantId, Version, fold},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, keys},
};
use rows::Fresh;
use std::collections::{HashMap, HashSet};

#[async_trait]
impl Variants for PostgresStore {
    async fn change_lineup(&self, edit: LineupEdit) -> Result<Answered<ProductView>, EditError> {
        let write = self.database.write(edit, |c, edit| {
            let once = (edit.request.as_ref(), edit.at);
            let made = async move { Ok::<_, Abort<EditError>>(Kept::of(&change(c, edit).await?)) };
            Box::pin(keys::once(c, once, || EditError::KeyReused, made))
        });
        let changed = write.await.map_err(edit_error)?;
        Ok(changed.map(Kept::into_view))
    }
}

async fn change(
    connection: &Connection,
    edit: &LineupEdit,
) -> Result<ProductView, Abort<EditError>> {
    let found = write::current(connection, edit.product_id, edit.scope, edit.sent).await?;
    let number = found.number;
    let before = Lineup {
        variants: members(connection, number).await?,
        options: found.options,
    };
    let next = before.clone().apply(edit.change.clone());
    let next = next.map_err(Abort::Refused)?;
    let product = Product {
        number,
        version: found.version.get().saturating_add(1),
        owner_id: found.owner_id,
        at: edit.at,
    };
    let written = product.change(connection, &before, &next).await;
    written.map_err(write::taken)?;
    let made = (number, product.version);
    history::made_by(connection, made, edit.by).await?;
    let changes = edited::variants(&before, &next);
    history::edited(connection, made, &changes, edit.at).await?;
    let view = read::numbered(connection, number).await?;
    Ok(schedule::seen(view, edit.at))
}

/// The variants that can be bought, the default one first.
pub(super) async fn members(
    connection: &Connection,
    number: i64,
) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT variant_id, sku, price_minor, currency, options, prices
                 FROM variants
                WHERE product_number = $1 AND position >= 0
                ORDER BY position";
    let rows = connection.query(sql, &[&number]).await?;
    rows.iter()
        .map(|row| {
            Ok(Member {
                id: VariantId::from_bytes(read::id(row, 0)?),
                sku: row.try_get(1)?,
                price: read::money(row, 2, 3)?,
                values: read::json_of(row, 4)?,
                prices: read::prices(row, 5)?,
                stock: 0,
            })
        })
        .collect()
}

const CHOICES: &str = "SELECT p.product_id, v.variant_id, v.sku, v.options
       FROM products p
       JOIN variants v ON v.product_number = p.product_number AND v.position >= 0
      WHERE p.product_id = ANY($1)
      ORDER BY v.position";

/// What may be chosen of these products.
pub(super) async fn choices(
    connection: &Connection,
    products: &HashSet<ProductId>,
) -> Result<HashMap<ProductId, Vec<VariantChoice>>, StoreError> {
    let mut choices: HashMap<ProductId, Vec<VariantChoice>> = HashMap::new();
    if products.is_empty() {
        return Ok(choices);
    }
    let ids: Vec<Bytes<16>> = products.iter().map(|id| Bytes(*id.as_bytes())).collect();
    for row in connection.query(CHOICES, &[&ids]).await? {
        let values: Vec<String> = read::json_of(&row, 3)?;
        let choice = VariantChoice {
            variant_id: VariantId::from_bytes(read::id(&row, 1)?),
            sku: row.try_get(2)?,
            title: variant_title(&values),
        };
        let product = ProductId::from_bytes(read::id(&row, 0)?);
        choices.entry(product).or_default().push(choice);
    }
    Ok(choices)
}

/// What a variant is called on an order, from the product's name and the variant's values.
pub(super) fn sold_as(row: &Row, name: usize, options: usize) -> Result<String, StoreError> {
    variants::sold_as(row.try_get(name)?, row.try_get(options)?)
}

const UPDATE_PRODUCT: &str =
    "UPDATE products SET options = $3, updated_at_ms = $4, version = $2::bigint
      WHERE product_number = $1 AND version = $2::bigint - 1";

/// A product whose variants are written, and under which version.
pub(super) struct Product {
    pub(super) number: i64,
    pub(super) version: i64,
    pub(super) owner_id: UserId,
    pub(super) at: Timestamp,
}

impl Product {
    /// Writes the next version of a product, which differs by its variants.
    pub(super) async fn change(
        &self,
        connection: &Connection,
        before: &Lineup,
        next: &Lineup,
    ) -> Result<(), StoreError> {
        let (options, at_ms) = (rows::json(&next.options)?, self.at.as_ms());
        let values: [&(dyn ToSql + Sync); 4] = [&self.number, &self.version, &options, &at_ms];
        let changed = connection.execute(UPDATE_PRODUCT, &values).await?;
        if !stock::is(changed, 1) {
            return Err(broken("a product changed under its lock"));
        }
        self.carry_out(connection, &Steps::between(before, next))
            .await
    }

    async fn carry_out(
        &self,
        connection: &Connection,
        steps: &Steps<'_>,
    ) -> Result<(), StoreError> {
        let gone: Vec<Bytes<16>> = steps.gone.iter().map(|one| bytes(one.id)).collect();
        if !gone.is_empty() {
            // Behind all places, where nobody finds it who looks for something to buy.
            let sql = "UPDATE variants SET position = -variant_number, withdrawn_in = $2
                        WHERE variant_id = ANY($1)";
            connection.execute(sql, &[&gone, &self.version]).await?;
        }
        let mut free = self.free_place(connection).await?;
        if let Some(member) = steps.makes_way {
            place(connection, member.id, free).await?;
            free = free.saturating_add(1);
        }
        // Values of variants may be exchanged: for a moment these have none.
        let kept: Vec<Bytes<16>> = steps.kept().map(|one| bytes(one.id)).collect();
        let sql = "UPDATE variants SET options = '[]' WHERE variant_id = ANY($1)";
        connection.execute(sql, &[&kept]).await?;
        update(connection, &steps.changed).await?;
        let fresh: Vec<Goods> = (free..)
            .zip(&steps.fresh)
            .map(|(place, member)| self.goods(place, member))
            .collect();
        insert(connection, &fresh).await?;
        match steps.first {
            Some((member, true)) => insert(connection, &[self.goods(0, member)]).await,
            Some((member, false)) => {
                place(connection, member.id, 0).await?;
                update(connection, &[member]).await
            }
            None => Err(broken("a product has no variant")),
        }
    }

    async fn free_place(&self, connection: &Connection) -> Result<i64, StoreError> {
        let sql = "SELECT GREATEST(MAX(position), 0) + 1 FROM variants WHERE product_number = $1";
        Ok(connection
            .query_one(sql, &[&self.number])
            .await?
            .try_get(0)?)
    }

    fn goods(&self, place: i64, member: &Member) -> Goods {
        Goods {
            product: self.number,
            place,
            version: self.version,
            owner_id: self.owner_id,
            at: self.at,
            member: member.clone(),
        }
    }
}

async fn place(connection: &Connection, id: VariantId, place: i64) -> Result<(), StoreError> {
    let sql = "UPDATE variants SET position = $2 WHERE variant_id = $1";
    let placed = connection.execute(sql, &[&bytes(id), &place]).await;
    placed.map(drop)
}

const UPDATE: &str = "UPDATE variants
    SET sku = next.sku, sku_key = next.sku_key, price_minor = next.price_minor, currency = next.currency,
        options = next.options, prices = next.prices
   FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[])
        AS next (variant_id, sku, sku_key, price_minor, currency, options, prices)
  WHERE variants.variant_id = next.variant_id";

async fn update(connection: &Connection, members: &[&Member]) -> Result<(), StoreError> {
    if members.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(members.iter().copied())?;
    let values: [&(dyn ToSql + Sync); 7] = [
        &columns.ids,
        &columns.skus,
        &columns.sku_keys,
        &columns.minors,
        &columns.currencies,
        &columns.options,
        &columns.prices,
    ];
    connection.execute(UPDATE, &values).await.map(drop)
}

/// What is kept of variants, a column each.
struct Columns {
    ids: Vec<Bytes<16>>,
    skus: Vec<String>,
    sku_keys: Vec<String>,
    minors: Vec<i64>,
    currencies: Vec<String>,
    options: Vec<String>,
    prices: Vec<String>,
}

impl Columns {
    fn of<'m>(members: impl Iterator<Item = &'m Member> + Clone) -> Result<Self, StoreError> {
        Ok(Self {
            ids: members.clone().map(|one| bytes(one.id)).collect(),
            skus: members.clone().map(|one| one.sku.clone()).collect(),
            sku_keys: members.clone().map(|one| fold(&one.sku)).collect(),
            minors: members.clone().map(|one| one.price.minor).collect(),
            currencies: members
                .clone()
                .map(|one| one.price.currency.code().to_owned())
                .collect(),
            options: members
                .clone()
                .map(|one| rows::json(&one.values))
                .collect::<Result<_, _>>()?,
            prices: members
                .map(|one| rows::json(&one.prices))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// A variant to be inserted.
pub(super) struct Goods {
    product: i64,
    place: i64,
    version: i64,
    owner_id: UserId,
    at: Timestamp,
    member: Member,
}

impl Goods {
    /// The default variant of a product that is made.
    pub(super) fn first(product: i64, fresh: &Fresh<'_>) -> Self {
        Self::of(product, fresh, 0, fresh.row.first_member())
    }

    /// Its other variants.
    pub(super) fn others(product: i64, fresh: &Fresh<'_>) -> Vec<Self> {
        let others = (1_i64..).zip(fresh.row.draft.other_variants());
        others
            .map(|(place, member)| Self::of(product, fresh, place, member.clone()))
            .collect()
    }

    fn of(product: i64, fresh: &Fresh<'_>, place: i64, member: Member) -> Self {
        Self {
            product,
            place,
            version: Version::FIRST.get(),
            owner_id: fresh.row.owner_id,
            at: fresh.row.at,
            member,
        }
    }
}

const INSERT: &str = "INSERT INTO variants (variant_id, product_number, position, sku, sku_key, price_minor, currency,
                           options, made_in, prices)
     SELECT variant_id, product_number, position, sku, sku_key, price_minor, currency, options, made_in, prices
       FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                   $8::text[], $9::bigint[], $10::text[])
            AS fresh (variant_id, product_number, position, sku, sku_key, price_minor, currency, options, made_in,
                      prices)
     RETURNING variant_id, variant_number";

/// Inserts variants with their first stock: the default ones of products, or others of products that have one.
pub(super) async fn insert(connection: &Connection, goods: &[Goods]) -> Result<(), StoreError> {
    if goods.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(goods.iter().map(|one| &one.member))?;
    let products: Vec<i64> = goods.iter().map(|one| one.product).collect();
    let places: Vec<i64> = goods.iter().map(|one| one.place).collect();
    let versions: Vec<i64> = goods.iter().map(|one| one.version).collect();
    let values: [&(dyn ToSql + Sync); 10] = [
        &columns.ids,
        &products,
        &places,
        &columns.skus,
        &columns.sku_keys,
        &columns.minors,
        &columns.currencies,
        &columns.options,
        &versions,
        &columns.prices,
    ];
    let mut numbers: HashMap<[u8; 16], i64> = HashMap::with_capacity(goods.len());
    for row in connection.query(INSERT, &values).await? {
        numbers.insert(read::id(&row, 0)?, row.try_get(1)?);
    }
    insert_stock(connection, goods, &numbers).await
}

const INSERT_STOCK: &str = "INSERT INTO stock (variant_number, on_hand, reserved, version)
     SELECT variant_number, units, 0, 1 FROM UNNEST($1::bigint[], $2::bigint[]) AS first (variant_number, units)";

const INSERT_FIRST: &str =
    "INSERT INTO stock_adjustments (variant_number, kind, delta, reason, actor, at_ms)
     SELECT variant_number, 'initial', units, 'first stock', actor, at_ms
       FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
            AS first (variant_number, units, actor, at_ms)
      WHERE units > 0";

async fn insert_stock(
    connection: &Connection,
    goods: &[Goods],
    variants: &HashMap<[u8; 16], i64>,
) -> Result<(), StoreError> {
    let numbers = goods
        .iter()
        .map(|one| variants.get(one.member.id.as_bytes()).copied())
        .collect::<Option<Vec<i64>>>()
        .ok_or_else(|| broken("a variant that was written has no number"))?;
    let units: Vec<i64> = goods.iter().map(|one| one.member.stock).collect();
    let actors: Vec<String> = goods.iter().map(|one| one.owner_id.to_string()).collect();
    let times: Vec<i64> = goods.iter().map(|one| one.at.as_ms()).collect();
    let first: [&(dyn ToSql + Sync); 4] = [&numbers, &units, &actors, &times];
    let (stocked, noted) = tokio::join!(
        async { connection.execute(INSERT_STOCK, &[&numbers, &units]).await },
        connection.execute(INSERT_FIRST, &first)
    );
    stocked?;
    noted.map(drop)
}

fn bytes(id: VariantId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}
