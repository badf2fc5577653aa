//! Which request work is done for: its id goes along into tasks and batches, and to other nodes, so that their logs
//! can be read together. Nothing is decided by it.

use std::{future::Future, sync::Arc};

tokio::task_local! {
    static CURRENT: Option<Arc<str>>;
}

/// The id of the request that this work is done for, if it is done for one.
#[must_use]
pub fn current() -> Option<Arc<str>> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// Does the work in the name of a request.
pub async fn within<F: Future>(id: Option<Arc<str>>, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}
