//! What operators see of the pools: `/services` at the private listener.

use super::{instance::InstanceView, pool::Pool};
use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

/// A pool as it is just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolView {
    /// What the instances are alike in.
    pub role: &'static str,
    /// Each of them.
    pub instances: Vec<InstanceView>,
}

/// All pools of a process. Clones share the list.
#[derive(Clone, Default)]
pub struct Pools(Arc<Mutex<Vec<Pool>>>);

impl Pools {
    /// Adds one.
    pub fn add(&self, pool: Pool) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.push(pool);
    }

    /// Each as it is just now.
    #[must_use]
    pub fn view(&self) -> Vec<PoolView> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().map(Pool::view).collect()
    }

    /// `GET /services`.
    pub fn routes(&self) -> Router {
        let show = |State(pools): State<Self>| async move { Json(pools.view()) };
        Router::new()
            .route("/services", get(show))
            .with_state(self.clone())
    }
}
