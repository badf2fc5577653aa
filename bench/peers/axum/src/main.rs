//! The smallest program with axum that answers as a shop does: bytes that are ready, with a tag, or that they are the
//! same as before. It has no limits, no metrics, no ids of requests and nothing that changes.
//! usage: axum-peer ADDRESS FOLDER, with product.json, list.json and order.json in it

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{env, error::Error, fs};

/// The tag of everything here: nothing ever changes.
const TAG: HeaderValue = HeaderValue::from_static("\"1\"");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let address = words.next().ok_or("which address?")?;
    let folder = words.next().ok_or("which folder?")?;
    let mut router = Router::new();
    for name in ["product.json", "list.json", "order.json"] {
        let bytes = Bytes::from(fs::read(format!("{folder}/{name}"))?);
        let answer = move |asked: HeaderMap| {
            let bytes = bytes.clone();
            async move { read(&asked, bytes) }
        };
        router = router.route(&format!("/{name}"), get(answer));
    }
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

fn read(asked: &HeaderMap, bytes: Bytes) -> Response {
    if asked.get(header::IF_NONE_MATCH) == Some(&TAG) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, TAG)]).into_response();
    }
    ([(header::CONTENT_TYPE, JSON), (header::ETAG, TAG)], bytes).into_response()
}
