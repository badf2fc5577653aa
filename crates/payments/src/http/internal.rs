//! Payments for the other services: each call of `calls`, and the method that answers it.

use crate::calls::{self, NAME};
use axum::Router;
use contracts::{payments::Payments, wire::Cause};
use platform::http::internal::Answering;
use std::sync::Arc;

type Table = Answering<dyn Payments>;

/// The calls as routes, for a port that only our own nodes reach.
pub fn internal_routes(service: Arc<dyn Payments>) -> Router {
    audits(sagas(money(Answering::of(NAME, service)))).routes()
}

fn money(table: Table) -> Table {
    table
        .on(calls::ACCEPTS, async |payments, method| {
            payments.accepts(&method).await.map_err(Cause::from)
        })
        .on(calls::PAY, async |payments, (who, key, wish)| {
            payments.pay(&who.into(), key, wish).await
        })
        .on(calls::PAYMENT, async |payments, (who, id)| {
            payments.payment(&who.into(), id).await
        })
        .on(calls::VOID, async |payments, (who, id)| {
            payments.void(&who.into(), id).await
        })
        .on(calls::REFUND, async |payments, (who, key, of, wish)| {
            payments.refund(&who.into(), key, of, wish).await
        })
        .on(calls::REFUNDS, async |payments, (who, id)| {
            payments.refunds(&who.into(), id).await
        })
        .on(
            calls::CALLBACK,
            async |payments, (provider, signature, body)| {
                payments.callback(&provider, &signature, &body).await
            },
        )
}

fn sagas(table: Table) -> Table {
    table
        .on(calls::LIST, async |payments, query| {
            payments.list(query).await
        })
        .on(calls::COUNTS, async |payments, ()| payments.counts().await)
        .on(calls::RECORD, async |payments, id| {
            payments.record(id).await
        })
        .on(calls::SAGAS, async |payments, query| {
            payments.sagas(query).await
        })
        .on(calls::RETRY_SAGA, async |payments, id| {
            payments.retry_saga(id).await
        })
        .on(calls::REVIEWS, async |payments, limit| {
            payments.reviews(limit).await.map_err(Cause::from)
        })
}

fn audits(table: Table) -> Table {
    table
        .on(calls::AUDIT, async |payments, (after, limit)| {
            payments.audit(after, limit).await.map_err(Cause::from)
        })
        .on(calls::AUDIT_REFUNDS, async |payments, (after, limit)| {
            let rows = payments.audit_refunds(after, limit).await;
            rows.map_err(Cause::from)
        })
        .on(calls::AUDIT_LEDGER, async |payments, ()| {
            payments.audit_ledger().await.map_err(Cause::from)
        })
        .on(calls::AUDIT_CHARGES, async |payments, (after, limit)| {
            let rows = payments.audit_charges(after, limit).await;
            rows.map_err(Cause::from)
        })
}
