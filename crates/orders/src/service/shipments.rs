//! Sending what was sold, all of it or a parcel at a time. Who may is decided before whether it is possible.

use super::{Service, internal};
use crate::{
    domain::order::Order,
    store::{Acting, shipments::Sending},
};
use contracts::{
    access::Actor,
    orders::{NewShipment, OrderError, Reader, ShipError, ShipmentView},
    request::{Answered, IdempotencyKey},
    values::{OrderId, ShipmentId, ValueError, one_line},
};
use platform::{db::Abort, db::keys::KeyedRequest, outward::Address};

impl Service {
    pub(crate) async fn ship(
        &self,
        who: &Reader,
        id: OrderId,
        key: Option<IdempotencyKey>,
        wish: NewShipment,
    ) -> Result<Answered<ShipmentView>, ShipError> {
        let (_, access) = self.find_for(who, id).await?;
        if !(access.shop || access.seller) {
            return Err(OrderError::Forbidden.into());
        }
        let actor = who.actor();
        let scope = format!("{} POST /api/v1/orders/{id}/shipments", actor.label());
        let request = key.map(|key| KeyedRequest::new(&scope, &key, &wish));
        let request = request.transpose().map_err(OrderError::Internal)?;
        let sending = Sending {
            lines: wish.lines,
            carrier: text(wish.carrier, "/carrier")?,
            tracking_url: address(wish.tracking_url)?,
            request,
            ..self.rest(id, text(wish.tracking, "/tracking")?, &actor)
        };
        let sent = self.store.send(sending).await.map_err(refusal)?;
        let all = self.store.shipments(id).await.map_err(internal)?;
        let value = all.into_iter().find(|one| one.id == sent.id);
        Ok(Answered {
            value: value.ok_or(OrderError::NotFound)?,
            replayed: sent.replayed,
        })
    }

    pub(crate) async fn shipments(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<Vec<ShipmentView>, OrderError> {
        self.find_for(who, id).await?;
        self.store.shipments(id).await.map_err(internal)
    }

    /// Sends all that was not sent before, as one parcel.
    pub(super) async fn send_rest(
        &self,
        id: OrderId,
        tracking: Option<String>,
        actor: &Actor,
    ) -> Result<(), OrderError> {
        let sent = self.store.send(self.rest(id, tracking, actor)).await;
        match sent.map_err(refusal) {
            Ok(_) => Ok(()),
            Err(ShipError::Order(error)) => Err(error),
            Err(error @ ShipError::KeyReused) => Err(internal(error)),
        }
    }

    fn rest(&self, id: OrderId, tracking: Option<String>, actor: &Actor) -> Sending {
        Sending {
            order: id,
            id: ShipmentId::generate(),
            lines: None,
            carrier: None,
            tracking,
            tracking_url: None,
            by: Acting::here(actor.label()),
            at: self.clock.now(),
            request: None,
        }
    }

    pub(super) async fn call_off(
        &self,
        id: OrderId,
        actor: &Actor,
    ) -> Result<(Order, Order), OrderError> {
        let by = Acting::here(actor.label());
        let called_off = self.store.call_off(id, by, self.clock.now());
        called_off
            .await
            .map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))
    }
}

fn refusal(abort: Abort<ShipError>) -> ShipError {
    abort.into_refusal(
        || OrderError::Overloaded.into(),
        |cause| OrderError::Internal(cause).into(),
    )
}

fn invalid(field: &'static str, reason: String) -> OrderError {
    OrderError::Invalid {
        field: field.into(),
        reason,
    }
}

fn text(given: Option<String>, field: &'static str) -> Result<Option<String>, OrderError> {
    let checked = given.map(|text| one_line(&text, 1, 100)).transpose();
    checked.map_err(|ValueError(reason)| invalid(field, reason))
}

/// People are led there: by encrypted ways only, and by an address that reads in one way.
fn address(given: Option<String>) -> Result<Option<String>, OrderError> {
    let Some(text) = given else { return Ok(None) };
    match Address::parse(&text) {
        Ok(address) if address.is_encrypted() => Ok(Some(address.as_str().to_owned())),
        Ok(_) => Err(invalid(
            "/tracking_url",
            "must begin with https://".to_owned(),
        )),
        Err(refusal) => Err(invalid(
            "/tracking_url",
            format!("is no address: {refusal}"),
        )),
    }
}
