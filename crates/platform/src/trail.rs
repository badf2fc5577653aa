//! Which request work is done for, from where it came, and to which trace it belongs: the request's id, the client's
//! address and the place in the trace go along into tasks, and to other nodes, so that logs and spans can be read
//! together and the audit log says from where. Nothing is decided by any of them.

use contracts::trace::TraceParent;
use std::{future::Future, net::IpAddr, sync::Arc};

tokio::task_local! {
    static CURRENT: Trail;
    static CLIENT: Option<IpAddr>;
}

/// In whose name work is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// The id of the request.
    pub id: Option<Arc<str>>,
    /// The place in its trace, if anybody follows one.
    pub trace: Option<TraceParent>,
}

/// All of it, as it is here.
#[must_use]
pub fn here() -> Trail {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// The id of the request that this work is done for, if it is done for one.
#[must_use]
pub fn current() -> Option<Arc<str>> {
    CURRENT.try_with(|trail| trail.id.clone()).ok().flatten()
}

/// The same, to be kept.
#[must_use]
pub fn request_id() -> Option<String> {
    current().map(|id| id.to_string())
}

/// The place in the trace that this work belongs to, if it belongs to one.
#[must_use]
pub fn trace() -> Option<TraceParent> {
    CURRENT.try_with(|trail| trail.trace).ok().flatten()
}

// None of these is an `async fn`: such a one holds the work twice, once as it came and once as it waits for it.

/// Does the work in this name.
pub fn along<F: Future>(trail: Trail, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(trail, work)
}

/// Does the work in the name of a request.
pub fn within<F: Future>(id: Option<Arc<str>>, work: F) -> impl Future<Output = F::Output> {
    let trace = trace();
    along(Trail { id, trace }, work)
}

/// Does the work at another place of the trace.
pub fn traced<F: Future>(trace: Option<TraceParent>, work: F) -> impl Future<Output = F::Output> {
    let id = current();
    along(Trail { id, trace }, work)
}

/// The address of the client that this work is done for, as the door knows it, if it is done for one.
#[must_use]
pub fn client() -> Option<IpAddr> {
    CLIENT.try_with(|client| *client).ok().flatten()
}

/// Does the work for a client at this address.
pub fn coming_from<F: Future>(client: Option<IpAddr>, work: F) -> impl Future<Output = F::Output> {
    CLIENT.scope(client, work)
}
