//! `GET /api/v1/me/export`: all that is kept of whoever asks, out of the services that keep it. It is put together
//! while it is sent, a page at a time, so that many orders need no more memory than few. Nothing of anybody else is
//! asked for.

mod http;

pub(crate) use http::routes;

use axum::body::Bytes;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{Catalog, ProductReview},
    identity::{
        ApiKeyQuery, ApiKeyView, Identity, OwnSecurityEventQuery, SecondFactorView,
        SecurityEventView, SessionQuery, SessionView, UserView,
    },
    orders::{
        Beside, CartView, EarlierOrderQuery, EarlierOrderView, KeptAddress, NoteView,
        OrderEventView, OrderQuery, OrderView, Orders, Reader, ReturnView, ShipmentView,
    },
    payments::{PaymentView, Payments},
    values::{Cursor, OrderId, Page, PageSize, PaymentId, Timestamp},
};
use futures_util::{Stream, stream};
use serde::Serialize;
use std::sync::Arc;

/// Rows of a list that are asked for at a time.
const PAGE: u32 = 100;
/// Payments of one order that are asked for at a time: few orders have more than one.
const PAYMENTS: u32 = 8;

/// Whose books are read.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) payments: Arc<dyn Payments>,
}

/// An order with what happened to it and how it was paid.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ExportedOrder {
    /// The order with its lines.
    order: OrderView,
    /// What happened to it.
    timeline: Vec<OrderEventView>,
    /// How it was paid, or was not.
    payments: Vec<PaymentView>,
    /// What was sent of it.
    shipments: Vec<ShipmentView>,
    /// What came back of it, or is to.
    returns: Vec<ReturnView>,
    /// What was noted about it for its buyer.
    notes: Vec<NoteView>,
}

/// A provider that leads into the account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LinkedProvider {
    /// Its name.
    name: String,
    /// Since when it does.
    linked_at: Timestamp,
}

/// What of an account is no list that may be long.
#[derive(Debug)]
struct Account {
    account: UserView,
    second_factor: SecondFactorView,
    providers: Vec<LinkedProvider>,
}

/// All that is kept of a user. It is sent in this order, and ends with it: one that breaks off is no JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AccountExport {
    /// When it began to be put together.
    exported_at: Timestamp,
    /// The account.
    account: UserView,
    /// Whether signing in asks for a code; neither the codes nor what they are made of.
    second_factor: SecondFactorView,
    /// The providers that lead into it.
    providers: Vec<LinkedProvider>,
    /// The sessions that have not ended.
    sessions: Vec<SessionView>,
    /// The API keys, without their secrets.
    api_keys: Vec<ApiKeyView>,
    /// What happened to the account.
    security_events: Vec<SecurityEventView>,
    /// What they wrote of products.
    reviews: Vec<ProductReview>,
    /// The addresses that they keep.
    addresses: Vec<KeptAddress>,
    /// The cart that they have open, as a list of at most one.
    carts: Vec<CartView>,
    /// What they bought at another shop, before this one.
    earlier_orders: Vec<EarlierOrderView>,
    /// The orders, newest first.
    orders: Vec<ExportedOrder>,
}

/// Where the writing stands.
enum Part {
    Sessions,
    ApiKeys,
    SecurityEvents,
    Reviews,
    Addresses,
    Carts,
    EarlierOrders,
    Orders,
    End,
}

/// Rows as JSON, where their list goes on, and what is written once it has ended.
type Rows = (Vec<String>, Option<Cursor>, (Part, &'static str));

struct Writing {
    sources: Sources,
    who: Principal,
    part: Part,
    /// Where the list that is being written goes on.
    cursor: Option<Cursor>,
    /// Whether nothing of that list is written.
    is_first: bool,
    /// What comes before the next rows.
    head: String,
}

/// The document, a page a piece. The account was read already, and stands first.
fn write(
    sources: Sources,
    who: Principal,
    account: &Account,
    at: Timestamp,
) -> Result<impl Stream<Item = Result<Bytes, BoxError>> + use<>, BoxError> {
    let at = serde_json::to_string(&at)?;
    let factor = serde_json::to_string(&account.second_factor)?;
    let providers = serde_json::to_string(&account.providers)?;
    let account = serde_json::to_string(&account.account)?;
    let writing = Writing {
        sources,
        who,
        part: Part::Sessions,
        cursor: None,
        is_first: true,
        head: format!(
            r#"{{"exported_at":{at},"account":{account},"second_factor":{factor},"providers":{providers},"sessions":["#
        ),
    };
    Ok(stream::try_unfold(writing, Writing::next))
}

impl Writing {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        let (limit, cursor) = (PageSize::try_from(PAGE)?, self.cursor.take());
        let (rows, next_cursor, then) = match self.part {
            Part::Sessions | Part::ApiKeys | Part::SecurityEvents => {
                self.of_account(limit, cursor).await?
            }
            Part::Reviews | Part::Addresses | Part::Carts | Part::EarlierOrders | Part::Orders => {
                self.of_shop(limit, cursor).await?
            }
            Part::End => return Ok(None),
        };
        let mut text = std::mem::take(&mut self.head);
        for row in rows {
            if !self.is_first {
                text.push(',');
            }
            text.push_str(&row);
            self.is_first = false;
        }
        self.cursor = next_cursor;
        if self.cursor.is_none() {
            let (part, closing) = then;
            text.push_str(closing);
            (self.part, self.is_first) = (part, true);
        }
        Ok(Some((Bytes::from(text), self)))
    }

    /// Rows of what identity keeps, where they go on, and what comes after them.
    async fn of_account(&self, limit: PageSize, cursor: Option<Cursor>) -> Result<Rows, BoxError> {
        Ok(match self.part {
            Part::Sessions => {
                let query = SessionQuery { limit, cursor };
                let page = self.sources.identity.sessions(&self.who, query).await?;
                let next = page.next_cursor.clone();
                (written(&page)?, next, (Part::ApiKeys, r#"],"api_keys":["#))
            }
            Part::ApiKeys => {
                let query = ApiKeyQuery {
                    owner: Some(self.who.user_id),
                    limit,
                    cursor,
                };
                let page = self.sources.identity.api_keys(&self.who, query).await?;
                let next = page.next_cursor.clone();
                (
                    written(&page)?,
                    next,
                    (Part::SecurityEvents, r#"],"security_events":["#),
                )
            }
            Part::SecurityEvents => {
                let query = OwnSecurityEventQuery { limit, cursor };
                let events = self.sources.identity.own_security_events(&self.who, query);
                let page = events.await?;
                let next = page.next_cursor.clone();
                (written(&page)?, next, (Part::Reviews, r#"],"reviews":["#))
            }
            Part::Reviews
            | Part::Addresses
            | Part::Carts
            | Part::EarlierOrders
            | Part::Orders
            | Part::End => {
                return Err("this is no list of an account's".into());
            }
        })
    }

    /// The same of what the others keep.
    async fn of_shop(&self, limit: PageSize, cursor: Option<Cursor>) -> Result<Rows, BoxError> {
        Ok(match self.part {
            Part::Reviews => {
                let reviews = self
                    .sources
                    .catalog
                    .reviews_by(self.who.user_id, limit, cursor);
                let page = reviews.await?;
                let next = page.next_cursor.clone();
                (
                    written(&page)?,
                    next,
                    (Part::Addresses, r#"],"addresses":["#),
                )
            }
            Part::Addresses => {
                let kept = self.sources.orders.kept_addresses(self.who.user_id);
                let kept = kept.await?;
                let rows = kept.iter().map(serde_json::to_string);
                let rows = rows.collect::<Result<_, _>>()?;
                (rows, None, (Part::Carts, r#"],"carts":["#))
            }
            Part::Carts => {
                let cart = self.sources.orders.own_cart(self.who.user_id).await?;
                let rows = cart.iter().map(serde_json::to_string);
                let rows = rows.collect::<Result<_, _>>()?;
                (rows, None, (Part::EarlierOrders, r#"],"earlier_orders":["#))
            }
            Part::EarlierOrders => {
                let query = EarlierOrderQuery {
                    customer_id: Some(self.who.user_id),
                    limit,
                    cursor,
                    ..EarlierOrderQuery::default()
                };
                let page = self.sources.orders.earlier_orders(&self.who, query).await?;
                let next = page.next_cursor.clone();
                (written(&page)?, next, (Part::Orders, r#"],"orders":["#))
            }
            Part::Orders => {
                let page = self.orders(limit, cursor).await?;
                let next = page.next_cursor.clone();
                (written(&page)?, next, (Part::End, "]}"))
            }
            Part::Sessions | Part::ApiKeys | Part::SecurityEvents | Part::End => {
                return Err("this is no list of the shop's".into());
            }
        })
    }

    /// Their own alone, an admin's as well.
    async fn orders(
        &self,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ExportedOrder>, BoxError> {
        let query = OrderQuery {
            customer_id: Some(self.who.user_id),
            limit,
            cursor,
            ..OrderQuery::default()
        };
        let page = self.sources.orders.orders(&self.who, query).await?;
        let reader = Reader {
            principal: Some(self.who.clone()),
            order_token: None,
        };
        let mut data = Vec::with_capacity(page.data.len());
        for order in page.data {
            let Beside {
                shipments,
                notes,
                returns,
            } = self.sources.orders.beside(&reader, order.id).await?;
            data.push(ExportedOrder {
                shipments,
                returns,
                notes,
                timeline: self.sources.orders.timeline(&reader, order.id).await?,
                payments: self.payments(&reader, order.id).await?,
                order,
            });
        }
        Ok(Page {
            data,
            next_cursor: page.next_cursor,
        })
    }

    /// As the payer may see them.
    async fn payments(
        &self,
        reader: &Reader,
        order: OrderId,
    ) -> Result<Vec<PaymentView>, BoxError> {
        let mut views = Vec::new();
        let mut after = (order, PaymentId::from_bytes([0; 16]));
        loop {
            let found = self.sources.payments.audit(Some(after), PAYMENTS).await?;
            let count = found.len();
            let theirs = found
                .into_iter()
                .filter(|payment| payment.order_id == order);
            let ids: Vec<PaymentId> = theirs.map(|payment| payment.id).collect();
            for id in &ids {
                views.push(self.sources.payments.payment(reader, *id).await?);
            }
            match ids.last() {
                Some(last) if ids.len() == count && count >= usize::try_from(PAYMENTS)? => {
                    after = (order, *last);
                }
                Some(_) | None => return Ok(views),
            }
        }
    }
}

fn written<T: Serialize>(page: &Page<T>) -> Result<Vec<String>, serde_json::Error> {
    page.data.iter().map(serde_json::to_string).collect()
}
