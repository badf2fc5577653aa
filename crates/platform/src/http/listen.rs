//! The socket: accepts, serves HTTP/1 and HTTP/2 with bounds on headers and time, and stops gracefully: whoever
//! came before the end is answered, and told to come no more.

use super::{
    auth::ClientAddress,
    patience::Patient,
    places::{Place, Places},
};
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
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Room for a header block that is refused politely; beyond it hyper refuses by itself.
const HEADER_BUFFER_BYTES: usize = 64 * 1_024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may read nothing of what is sent to it.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection that has said nothing yet is listened to when we stop: its first request may be under
/// way, and closing the socket would make it one that nobody knows the fate of.
const FIRST_REQUEST: Duration = Duration::from_millis(250);
/// Connections taken from the socket's own queue when we stop.
const LAST_MAX: usize = 1_024;

/// How many connections a listener has at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub connections_max: u32,
    /// From one address, or from one IPv6 network of /64.
    pub per_address_max: u32,
}

impl Room {
    /// Where only those ask who are trusted with all of it.
    #[must_use]
    pub const fn for_any(connections_max: u32) -> Self {
        Self {
            connections_max,
            per_address_max: connections_max,
        }
    }
}

/// Starts serving a router at a listener until the tasks stop; open requests are then finished.
pub fn start(tasks: &Tasks, listener: TcpListener, router: Router, room: Room) {
    let limit = usize::try_from(room.connections_max)
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(limit));
    let door = Door {
        connections: tasks.clone(),
        router,
        stop: tasks.stopping(),
        places: Places::new(room.per_address_max),
    };
    tasks.start("http", move |stop| async move {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return Ok(());
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => door.admit(stream, address, permit),
                // Out of file handles, most likely: breathe, and go on with those we have.
                Err(error) => {
                    tracing::warn!(error = %error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        // Whoever is in the socket's queue believes to be connected: closing it would cut them off. The socket itself
        // is asked, since the runtime hears of connections a little later; then it is closed at once.
        let listener = listener.into_std()?;
        for _ in 0..LAST_MAX {
            let (Ok(permit), Ok((stream, address))) =
                (Arc::clone(&permits).try_acquire_owned(), listener.accept())
            else {
                break;
            };
            stream.set_nonblocking(true)?;
            door.admit(TcpStream::from_std(stream)?, address, permit);
        }
        drop(listener);
        Ok(())
    });
}

struct Door {
    connections: Tasks,
    router: Router,
    stop: CancellationToken,
    places: Places,
}

impl Door {
    fn admit(&self, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let Some(place) = self.places.take(address.ip()) else {
            tracing::debug!("an address has as many connections as one may have");
            return;
        };
        let serving = serve(stream, address, self.router.clone(), self.stop.clone());
        drop(self.connections.finish(async move {
            if let Err(error) = serving.await {
                tracing::debug!(error = %error, "a connection ended badly");
            }
            drop::<(Place, OwnedSemaphorePermit)>((place, permit));
        }));
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let stream = Patient::new(stream, SEND_TIMEOUT);
    let asked = CancellationToken::new();
    let first = asked.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        asked.cancel();
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
    let told = async {
        stop.cancelled().await;
        // An error means that nothing came: there is nobody to wait for.
        drop(tokio::time::timeout(FIRST_REQUEST, first.cancelled()).await);
    };
    tokio::select! {
        ended = connection.as_mut() => ended?,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await?;
        }
    }
    Ok(())
}
