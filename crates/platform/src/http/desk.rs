//! A service's outbox for the other nodes: what was committed to it, what is parked in it, and sending that on.

use super::internal::Answering;
use crate::outbox::{
    Desk,
    desk::{PARKED, REDRIVE, SINCE},
};
use axum::Router;
use contracts::wire::Cause;
use std::sync::Arc;

/// The desk of the service of this name as calls, for a port that only our own nodes reach.
pub fn desk_routes(service: &'static str, desk: Arc<dyn Desk>) -> Router {
    Answering::of(service, desk)
        .on(PARKED, async |desk, (after, limit)| {
            desk.parked(after, limit).await.map_err(Cause::from)
        })
        .on(REDRIVE, async |desk, number| {
            desk.redrive(number).await.map_err(Cause::from)
        })
        .on(SINCE, async |desk, number| {
            desk.since(number).await.map_err(Cause::from)
        })
        .routes()
}
