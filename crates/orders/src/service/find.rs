//! Finding orders, and who may see them: the buyer, whoever has a guest's token, the one who sells all of its
//! lines, and admins. To everybody else the order does not exist.

use super::{Service, internal};
use crate::store::Found;
use contracts::{
    access::Principal,
    orders::{OrderError, OrderEventView, OrderQuery, OrderStatus, OrderView, Reader},
    values::{OrderId, Page, UserId, Version},
};
use platform::digest;

/// What a reader is to an order they may see: at least one of these, and who buys of their own is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Bought it.
    pub(super) buyer: bool,
    /// Sells all of it.
    pub(super) seller: bool,
    /// Runs the shop.
    pub(super) shop: bool,
}

impl Service {
    pub(super) async fn find_for(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<(Found, Access), OrderError> {
        let found = self
            .store
            .find(id)
            .await
            .map_err(internal)?
            .ok_or(OrderError::NotFound)?;
        let bought_by = (found.order.id, found.order.customer_id);
        let access = self.access(who, bought_by, found.sole_seller);
        let access = access.ok_or(OrderError::NotFound)?;
        Ok((found, access))
    }

    fn access(
        &self,
        who: &Reader,
        (id, customer_id): (OrderId, Option<UserId>),
        sole_seller: Option<UserId>,
    ) -> Option<Access> {
        let expected = self.order_token(id);
        let has_token = who
            .order_token
            .as_ref()
            .is_some_and(|token| digest::equal(token.as_bytes(), expected.as_bytes()));
        let is = |user: Option<UserId>, one: &Principal| user == Some(one.user_id);
        let known = who.principal.as_ref();
        let access = Access {
            buyer: has_token || known.is_some_and(|one| is(customer_id, one)),
            seller: known.is_some_and(|one| one.may_sell() && is(sole_seller, one)),
            shop: known.is_some_and(Principal::is_admin),
        };
        (access.buyer || access.seller || access.shop).then_some(access)
    }

    pub(super) async fn find_order(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<OrderView, OrderError> {
        let view = self.view(id).await?;
        // Buyers read most, and the order itself says whose it is: only for others is it looked up who sells it.
        if self.access(who, (id, view.customer_id), None).is_none() {
            self.find_for(who, id).await?;
        }
        Ok(view)
    }

    pub(super) async fn view(&self, id: OrderId) -> Result<OrderView, OrderError> {
        self.store
            .view(id)
            .await
            .map_err(internal)?
            .ok_or(OrderError::NotFound)
    }

    pub(super) async fn find_order_when_paid(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<OrderView, OrderError> {
        let view = self.find_order(who, id).await?;
        // Paying is the first move of any order that was paid.
        match self.store.paid_at(id).await.map_err(internal)? {
            Some(paid_at) => Ok(OrderView {
                status: OrderStatus::Paid,
                version: Version::FIRST.next(),
                updated_at: paid_at,
                tracking: None,
                ..view
            }),
            None => Ok(view),
        }
    }

    pub(super) async fn list_orders(
        &self,
        who: &Principal,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, OrderError> {
        let customer = if who.is_admin() {
            query.customer_id
        } else {
            Some(who.user_id)
        };
        if !who.is_admin() && query.customer_id.is_some_and(|asked| asked != who.user_id) {
            return Err(OrderError::Forbidden);
        }
        if !who.is_admin() && query.guest_email.is_some() {
            return Err(OrderError::Forbidden);
        }
        let page = self.store.list(customer, query).await;
        page.map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))
    }

    pub(super) async fn find_timeline(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<Vec<OrderEventView>, OrderError> {
        let (_, access) = self.find_for(who, id).await?;
        let mut timeline = self.store.timeline(id).await.map_err(internal)?;
        if !access.shop {
            // Whose requests the others were is the shop's to know.
            for event in &mut timeline {
                event.request_id = None;
            }
        }
        Ok(timeline)
    }
}
