//! Which request work is done for, and from where it came: the request's id and the client's address go along into
//! tasks, and to other nodes, so that logs can be read together and the audit log says from where. Nothing is decided
//! by either.

use std::{future::Future, net::IpAddr, sync::Arc};

tokio::task_local! {
    static CURRENT: Option<Arc<str>>;
    static CLIENT: Option<IpAddr>;
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

/// The address of the client that this work is done for, as the door knows it, if it is done for one.
#[must_use]
pub fn client() -> Option<IpAddr> {
    CLIENT.try_with(|client| *client).ok().flatten()
}

/// Does the work for a client at this address.
pub async fn coming_from<F: Future>(client: Option<IpAddr>, work: F) -> F::Output {
    CLIENT.scope(client, work).await
}
