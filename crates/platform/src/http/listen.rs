//! The socket: accepts, serves HTTP/1 and HTTP/2 with bounds on headers and time, and stops gracefully.

use super::auth::ClientAddress;
use crate::tasks::Tasks;
use axum::{Router, body::Body, extract::Request};
use contracts::BoxError;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Room for a header block that is refused politely; beyond it hyper refuses by itself.
const HEADER_BUFFER_BYTES: usize = 64 * 1_024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts serving a router at a listener until the tasks stop; open requests are then finished.
pub fn start(tasks: &Tasks, listener: TcpListener, router: Router, connections_max: u32) {
    let connections = tasks.clone();
    let limit = usize::try_from(connections_max)
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(limit));
    tasks.start("http", move |stop| async move {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return Ok(());
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let serving = serve(stream, address, router.clone(), stop.clone());
                    drop(connections.finish(async move {
                        if let Err(error) = serving.await {
                            tracing::debug!(error = %error, "a connection ended badly");
                        }
                        drop(permit);
                    }));
                }
                // Out of file handles, most likely: breathe, and go on with those we have.
                Err(error) => {
                    tracing::warn!(error = %error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    });
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(address.ip()));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(HEADER_BUFFER_BYTES)?)
        .max_pending_accept_reset_streams(Some(64));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended?,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await?;
        }
    }
    Ok(())
}
