//! Writes to buyers: what the outbox tells of their orders becomes mails that are owed, at a pace of its own, and what
//! is owed is sent, at least once each and not for ever. No order waits for it, and it never logs whom a mail is for.

use super::{Service, internal};
use crate::{
    Post,
    domain::letter::{Facts, amount_of, letter},
    metrics::METRICS,
    store::mails::{DueMail, Gathered, MailTake, NewMail, Settled},
};
use contracts::{
    BoxError,
    event::{Envelope, Event},
    orders::{
        OrderCancelled, OrderError, OrderEventView, OrderMailKind, OrderMailView, OrderMoved,
        OrderPlaced, OrderStatus, OrderView, ReturnStatus, SendMail,
    },
    values::{Email, MailId, OrderId, RefundId, ReturnId, ShipmentId, Timestamp},
};
use platform::{
    db::StoreError,
    mail::Mail,
    outbox::{Desk, NearDesk},
    tasks::Tasks,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What did not go within this time says nothing new.
const NEWS_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Pages of the outbox between two rests. A page is a write.
const PAGES_AT_A_LOOK: u32 = 16;

/// Starts what writes to buyers, if this process does.
pub(crate) fn start(service: &Arc<Service>, outbox: NearDesk, tasks: &Tasks) {
    if service.post.is_none() {
        return;
    }
    let service = Arc::clone(service);
    tasks.start("orders-mails", |stop| async move {
        let Some(post) = &service.post else {
            return Ok(());
        };
        let pause = Duration::from_millis(post.options.poll_ms);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = service.gather_mails(&outbox).await {
                tracing::warn!(error = %error, "mails to buyers wait: what they tell of could not be read");
            }
            if let Err(error) = service.send_due(post, &stop).await {
                tracing::warn!(error = %error, "mails to buyers wait: their queue could not be worked on");
            }
        }
    });
}

impl Service {
    /// Owes what the outbox tells of. No more is owed than may wait: the rest stays in the outbox.
    async fn gather_mails(&self, outbox: &NearDesk) -> Result<(), BoxError> {
        let most = self.config.mails.waiting_max;
        for _ in 0..PAGES_AT_A_LOOK {
            if self.store.mails_waiting(most).await? >= most {
                return Ok(());
            }
            let from = self.store.mails_place().await?;
            let page = outbox.since(u64::try_from(from)?).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            let gathered = Gathered {
                from,
                to: i64::try_from(*last)?,
                mails: page.iter().filter_map(|(_, one)| self.owed(one)).collect(),
            };
            // Otherwise another node reads it.
            if !self.store.gather_mails(gathered).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The mail that an event causes. Parcels and refunds are not among them: theirs are owed in their own commits.
    fn owed(&self, envelope: &Envelope) -> Option<NewMail> {
        let (order, kind) = match told(envelope) {
            Ok(told) => told?,
            Err(error) => {
                let (id, name) = (envelope.id, &envelope.name);
                tracing::error!(event.id = %id, event.name = name, error = %error, "no buyer can be told of it");
                return None;
            }
        };
        let mails = &self.config.mails;
        let wait = match kind {
            OrderMailKind::Received => i64::from(mails.received_after_seconds),
            OrderMailKind::Paid
            | OrderMailKind::Shipped
            | OrderMailKind::Delivered
            | OrderMailKind::Cancelled
            | OrderMailKind::Refunded
            | OrderMailKind::ReturnApproved
            | OrderMailKind::ReturnRefused => 0,
        };
        mails.sends(kind).then(|| NewMail {
            id: MailId::generate(),
            order,
            kind,
            subject: None,
            due_at: envelope.at.plus_seconds(wait),
            at: envelope.at,
        })
    }

    async fn send_due(&self, post: &Post, stop: &CancellationToken) -> Result<(), StoreError> {
        let now = self.clock.now();
        // An idle shop writes nothing.
        if !self.store.mails_are_due(now).await? {
            return Ok(());
        }
        let options = &post.options;
        // Longer than all of them may take, one after the other.
        let longest = options
            .timeout_ms
            .saturating_mul(u64::from(options.batch_max).saturating_add(1));
        let take = MailTake {
            now,
            until: later(now, longest),
            limit: options.batch_max,
        };
        let mut settled = Vec::new();
        for mail in self.store.take_mails(take).await? {
            if stop.is_cancelled() {
                break;
            }
            settled.push(self.try_one(post, &mail).await);
        }
        self.store.settle_mails(settled).await
    }

    /// One try, and what becomes of the mail.
    async fn try_one(&self, post: &Post, due: &DueMail) -> Settled {
        let (id, tries) = (due.id, due.tries);
        let sent = match self.write_mail(post, due).await {
            // Nobody to write to any more, or nothing to say.
            Ok(None) => {
                METRICS.mail("dropped");
                return (id, None);
            }
            Ok(Some(mail)) => post.mailer.send(&mail).await,
            Err(error) => Err(error),
        };
        let Err(error) = sent else {
            METRICS.mail("sent");
            tracing::info!(mail.id = %id, order.id = %due.order, "mail {id} went");
            return (id, None);
        };
        let now = self.clock.now();
        let options = &post.options;
        if tries >= options.tries_max || due.at.plus_seconds(NEWS_SECONDS) <= now {
            METRICS.mail("given_up");
            tracing::error!(mail.id = %id, mail.tries = tries, error = %error, "mail {id} was given up");
            return (id, None);
        }
        METRICS.mail("put_off");
        tracing::warn!(mail.id = %id, mail.tries = tries, error = %error, "mail {id} did not go and waits");
        (id, Some(later(now, options.wait_ms(tries))))
    }

    async fn write_mail(&self, post: &Post, due: &DueMail) -> Result<Option<Mail>, BoxError> {
        if !self.config.mails.sends(due.kind) {
            return Ok(None);
        }
        let Some(to) = self.address_of(due).await? else {
            return Ok(None);
        };
        let Some(order) = self.store.view(due.order).await? else {
            return Ok(None);
        };
        if due.kind == OrderMailKind::Received && order.status != OrderStatus::Pending {
            return Ok(None);
        }
        let shipments = match due.subject {
            Some(_) => self.store.shipments(due.order).await?,
            None => Vec::new(),
        };
        let returns = match due.subject {
            Some(_) => self.store.returns(due.order).await?,
            None => Vec::new(),
        };
        let shipment = due.subject.map(ShipmentId::from_bytes);
        let returned = due.subject.map(ReturnId::from_bytes);
        let returned = returns.iter().find(|one| Some(one.id) == returned);
        let timeline = self.store.timeline(due.order).await?;
        let refund = due.subject.map(|id| RefundId::from_bytes(id).to_string());
        let amounts = |entry| refund.as_deref().and_then(|id| amount_of(entry, id));
        let reason = timeline.iter().find(|entry| entry.kind == "cancelled");
        let letter = letter(
            due.kind,
            &Facts {
                order: &order,
                parcel: shipments.iter().find(|one| Some(one.id) == shipment),
                refund: notes(&timeline).find_map(amounts),
                reason: reason.and_then(|entry| entry.note.as_deref()),
                note: returned.and_then(|one| one.note.as_deref()),
                link: &self.link(post, &order),
            },
            &self.config.mails.words,
        );
        Ok(Some(Mail {
            id: due.id.to_string(),
            to,
            text: letter.text(),
            html: Some(letter.html()),
            subject: letter.subject.into(),
        }))
    }

    async fn address_of(&self, due: &DueMail) -> Result<Option<Email>, BoxError> {
        match (due.customer, &due.guest_email) {
            (Some(customer), _) => {
                let addresses = self.addresses.get();
                let addresses = addresses.ok_or("nobody here knows addresses")?;
                addresses.address(customer).await
            }
            (None, email) => Ok(email.clone()),
        }
    }

    /// The order's page: guests have no account to sign in to, so theirs carries what opens it.
    fn link(&self, post: &Post, order: &OrderView) -> String {
        let page = page(post, order.id);
        match order.customer_id {
            Some(_) => page,
            None => format!("{page}?token={}", self.order_token(order.id)),
        }
    }

    /// The same without what opens it, for what is handed on; where this process knows the shop's address.
    pub(super) fn page(&self, id: OrderId) -> Option<String> {
        self.post.as_ref().map(|post| page(post, id))
    }

    /// Writes to an order's buyer once more, about what happened to it.
    pub(crate) async fn send_mail_again(
        &self,
        id: OrderId,
        wish: SendMail,
    ) -> Result<OrderMailView, OrderError> {
        let order = self.view(id).await?;
        let timeline = self.store.timeline(id).await.map_err(internal)?;
        let shipments = self.store.shipments(id).await.map_err(internal)?;
        let happened = |kind: &str| timeline.iter().any(|entry| entry.kind == kind);
        let parcel = shipments.last().map(|one| *one.id.as_bytes());
        let refund = last_refund(&timeline);
        let returns = self.store.returns(id).await.map_err(internal)?;
        let last = |refused: bool| {
            let answered = returns
                .iter()
                .rev()
                .filter(|one| one.status != ReturnStatus::Requested);
            let mut answered =
                answered.filter(|one| (one.status == ReturnStatus::Refused) == refused);
            answered.next().map(|one| *one.id.as_bytes())
        };
        let (is_so, subject) = match wish.kind {
            OrderMailKind::Received => (order.status == OrderStatus::Pending, None),
            OrderMailKind::Paid | OrderMailKind::Delivered | OrderMailKind::Cancelled => {
                (happened(wish.kind.as_str()), None)
            }
            OrderMailKind::Shipped => (parcel.is_some(), parcel),
            OrderMailKind::Refunded => (refund.is_some(), refund),
            OrderMailKind::ReturnApproved => (last(false).is_some(), last(false)),
            OrderMailKind::ReturnRefused => (last(true).is_some(), last(true)),
        };
        if !is_so || !self.config.mails.sends(wish.kind) {
            let reason = "did not happen to this order, or is written to nobody (orders.mails)";
            return Err(OrderError::Invalid {
                field: "/kind".into(),
                reason: reason.to_owned(),
            });
        }
        let at = self.clock.now();
        let mail = NewMail {
            id: MailId::generate(),
            order: id,
            kind: wish.kind,
            subject,
            due_at: at,
            at,
        };
        let view = OrderMailView {
            id: mail.id,
            order_id: id,
            kind: wish.kind,
            created_at: at,
        };
        let owed = self.store.owe_mail(mail).await;
        owed.map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))?;
        Ok(view)
    }
}

/// What an event tells a buyer: shipped orders by their parcels, refunded ones by their refunds.
fn told(envelope: &Envelope) -> Result<Option<(OrderId, OrderMailKind)>, BoxError> {
    if let Some(placed) = OrderPlaced::open(envelope).transpose()? {
        return Ok(Some((placed.order_id, OrderMailKind::Received)));
    }
    if let Some(cancelled) = OrderCancelled::open(envelope).transpose()? {
        return Ok(Some((cancelled.order_id, OrderMailKind::Cancelled)));
    }
    let Some(moved) = OrderMoved::open(envelope).transpose()? else {
        return Ok(None);
    };
    let kind = match moved.status {
        OrderStatus::Paid => OrderMailKind::Paid,
        OrderStatus::Delivered => OrderMailKind::Delivered,
        OrderStatus::Pending
        | OrderStatus::Shipped
        | OrderStatus::Cancelled
        | OrderStatus::Refunded => return Ok(None),
    };
    Ok(Some((moved.order_id, kind)))
}

fn notes(timeline: &[OrderEventView]) -> impl Iterator<Item = &str> {
    timeline.iter().filter_map(|entry| entry.note.as_deref())
}

/// The refund that the timeline tells of last.
fn last_refund(timeline: &[OrderEventView]) -> Option<[u8; 16]> {
    let refunds = timeline.iter().rev();
    let mut refunds = refunds.filter(|entry| entry.kind.starts_with("refunded"));
    let (id, _) = refunds.next()?.note.as_deref()?.split_once(' ')?;
    Some(*id.parse::<RefundId>().ok()?.as_bytes())
}

fn page(post: &Post, id: OrderId) -> String {
    format!("{}/order/{id}", post.public_url)
}

fn later(now: Timestamp, ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_add(ms))
}
