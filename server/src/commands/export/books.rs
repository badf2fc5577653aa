//! Where an export reads: in the databases of a shop on this machine, or by the public API of one that is elsewhere,
//! with the rights of whoever asks there. Both give the same rows. Changes nothing.

use super::{keeper, page};
use crate::{
    commands::daily::{Door, path},
    config::Config,
    file_args::ExportArgs,
    shop::open_services,
    wiring::Services,
};
use contracts::{
    BoxError,
    catalog::{
        CategoryView, CurrencyView, EditError, InventoryQuery, InventoryView, ProductQuery,
        ProductRef, ProductSort, ProductStatus, ProductView,
    },
    identity::{ProfileError, UserQuery, UserView},
    orders::{EarlierOrderQuery, EarlierOrderView, OrderEventView, OrderQuery, OrderView, Reader},
    values::{Currency, Cursor, OrderId, Page, ProductId, UserId},
};
use platform::tasks::Tasks;

/// What a shop has.
pub(super) enum Books {
    /// Opened here.
    Near(Box<Shop>),
    /// Asked for.
    Far(Door),
}

/// A shop that is opened for this.
pub(super) struct Shop {
    services: Services,
    /// What the services have under way ends with it.
    _work: Tasks,
}

impl Books {
    /// Opens them, and says where pictures of the shop's own are seen.
    pub(super) async fn open(args: &ExportArgs) -> Result<(Self, String), BoxError> {
        if let Some(door) = args.elsewhere.door() {
            let seen_at = door.url.clone().unwrap_or_default();
            return Ok((Self::Far(Door::open(&door).await?), seen_at));
        }
        let config: Config = args.data.load()?;
        let (services, work) = open_services(&config, true).await?;
        let shop = Shop {
            services,
            _work: work,
        };
        Ok((Self::Near(Box::new(shop)), config.http.public_url))
    }

    pub(super) async fn stock(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<Page<InventoryView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let query = InventoryQuery {
                    limit: page()?,
                    cursor,
                    ..InventoryQuery::default()
                };
                Ok(shop.services.catalog.inventory(&keeper(), query).await?)
            }
            Self::Far(door) => {
                door.page(&path(&["inventory"])?, &[], cursor.as_ref())
                    .await
            }
        }
    }

    /// Refuses whoever does not see all orders: they would get a file of their own alone, and take it for the whole.
    pub(super) async fn must_see_all_orders(&self) -> Result<(), BoxError> {
        if let Self::Far(door) = self {
            let seen = door.get(&path(&["orders", "figures"])?).await;
            seen.map_err(|error| format!("only an admin sees all orders: {error}"))?;
        }
        Ok(())
    }

    pub(super) async fn orders(&self, cursor: Option<Cursor>) -> Result<Page<OrderView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let query = OrderQuery {
                    limit: page()?,
                    cursor,
                    ..OrderQuery::default()
                };
                Ok(shop.services.orders.orders(&keeper(), query).await?)
            }
            Self::Far(door) => door.page(&path(&["orders"])?, &[], cursor.as_ref()).await,
        }
    }

    /// What happened to an order.
    pub(super) async fn timeline(&self, order: OrderId) -> Result<Vec<OrderEventView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let reader = Reader {
                    principal: Some(keeper()),
                    order_token: None,
                };
                Ok(shop.services.orders.timeline(&reader, order).await?)
            }
            Self::Far(door) => {
                let path = path(&["orders", &order.to_string(), "timeline"])?;
                Ok(door.read::<Page<OrderEventView>>(&path).await?.data)
            }
        }
    }

    pub(super) async fn earlier_orders(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<Page<EarlierOrderView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let query = EarlierOrderQuery {
                    limit: page()?,
                    cursor,
                    ..EarlierOrderQuery::default()
                };
                Ok(shop
                    .services
                    .orders
                    .earlier_orders(&keeper(), query)
                    .await?)
            }
            Self::Far(door) => {
                let path = path(&["earlier-orders"])?;
                door.page(&path, &[], cursor.as_ref()).await
            }
        }
    }

    pub(super) async fn accounts(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<Page<UserView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let query = UserQuery {
                    limit: page()?,
                    cursor,
                    ..UserQuery::default()
                };
                Ok(shop.services.identity.users(query).await?)
            }
            Self::Far(door) => door.page(&path(&["users"])?, &[], cursor.as_ref()).await,
        }
    }

    /// One account; nothing, if it has gone.
    pub(super) async fn account(&self, id: UserId) -> Result<Option<UserView>, BoxError> {
        match self {
            Self::Near(shop) => match shop.services.identity.user(id).await {
                Ok(user) => Ok(Some(user)),
                Err(ProfileError::NotFound) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Far(door) => door.find(&path(&["users", &id.to_string()])?).await,
        }
    }

    /// Products that stand so, the oldest first.
    pub(super) async fn products(
        &self,
        status: ProductStatus,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let query = ProductQuery {
                    status: Some(status),
                    sort: Some(ProductSort::Oldest),
                    limit: page()?,
                    cursor,
                    ..ProductQuery::default()
                };
                let keeper = keeper();
                Ok(shop.services.catalog.products(Some(&keeper), query).await?)
            }
            Self::Far(door) => {
                let query = [
                    ("status", Some(status.as_str().to_owned())),
                    ("sort", Some("created_at".to_owned())),
                ];
                let path = path(&["products"])?;
                door.page(&path, &query, cursor.as_ref()).await
            }
        }
    }

    /// One product; nothing, if it has gone.
    pub(super) async fn product(&self, id: ProductId) -> Result<Option<ProductView>, BoxError> {
        match self {
            Self::Near(shop) => {
                let which = ProductRef::Id(id);
                match shop.services.catalog.product(Some(&keeper()), which).await {
                    Ok(product) => Ok(Some(product)),
                    Err(EditError::NotFound) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Far(door) => door.find(&path(&["products", &id.to_string()])?).await,
        }
    }

    pub(super) async fn categories(&self) -> Result<Vec<CategoryView>, BoxError> {
        match self {
            Self::Near(shop) => Ok(shop.services.catalog.categories().await?),
            Self::Far(door) => {
                let all: Page<CategoryView> = door.read(&path(&["categories"])?).await?;
                Ok(all.data)
            }
        }
    }

    /// What the shop sells in.
    pub(super) async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        match self {
            Self::Near(shop) => shop.services.catalog.currencies().await,
            Self::Far(door) => {
                let all: Page<CurrencyView> = door.read(&path(&["currencies"])?).await?;
                Ok(all.data.into_iter().map(|one| one.currency).collect())
            }
        }
    }
}
