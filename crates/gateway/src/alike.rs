//! The door of a door: in front of nodes that are whole shops and all alike. It says who the client is, and
//! chooses a node; tokens, limits and paths are the nodes' own business.

use crate::{Config, address, docs, lasting};
use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    response::Response,
};
use platform::{
    balance::Balanced,
    http::{
        Readiness,
        auth::ClientAddress,
        readiness::{Need, Reader},
    },
};
use std::{
    future::ready,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tower::ServiceExt;

struct Inside {
    config: Config,
    nodes: Balanced,
    readiness: Readiness,
}

/// All nodes behind one router. The server puts `platform::http::stack` around it.
pub fn alike(config: Config, nodes: Balanced, readiness: Readiness) -> Router {
    let pool = nodes.pool().clone();
    readiness.add("nodes", Need::Required, move || {
        ready(match pool.ready() {
            0 => Err("no node takes work".into()),
            _ => Ok(()),
        })
    });
    let inside = Inside {
        config,
        nodes,
        readiness,
    };
    Router::new().fallback(pass).with_state(Arc::new(inside))
}

async fn pass(State(inside): State<Arc<Inside>>, mut request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/livez" if reads => return docs::probe("ok"),
        "/readyz" if reads => {
            let query = request.uri().query();
            return inside.readiness.answer(query, Reader::Anybody);
        }
        _ => {}
    }
    let peer = request.extensions().get::<ClientAddress>();
    // A request without a socket comes from this process.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ClientAddress(ip)| *ip);
    let client = address::client(
        peer,
        request.headers().into(),
        &inside.config.trusted_proxies,
    );
    address::drop_claims(request.headers_mut());
    request.extensions_mut().insert(ClientAddress(client));
    match inside.nodes.clone().oneshot(request).await {
        // Who asks is the node's own business, and so is how long that holds.
        Ok(response) => lasting::bounded(response, None, &inside.readiness),
        Err(never) => match never {},
    }
}
