//! The API for pages in the same process: the routers behind the door, found by the door's own table. Whoever asks here
//! was proven at the door already and stands beside the request; limits were taken there, too.

use crate::routes::{self, Route, Upstreams};
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use platform::http::Fault;
use std::sync::Arc;
use tower::ServiceExt;

/// The canonical addresses of all services, and nothing else that the door knows.
pub fn api(upstreams: Upstreams) -> Router {
    Router::new()
        .fallback(answer)
        .with_state(Arc::new(upstreams))
}

async fn answer(State(upstreams): State<Arc<Upstreams>>, request: Request) -> Response {
    let Route::Service(service) = routes::find(request.uri().path()) else {
        return Fault::new(Code::NotFound).into_response();
    };
    match upstreams.at(service).clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
