//! The socket: accepts, greets by TLS where it is spoken, serves HTTP/1 and HTTP/2 with bounds on headers and time,
//! and stops gracefully: whoever came before the end is answered, and told to come no more.

use super::{
    auth::ClientAddress,
    hesitant::Hesitant,
    lane::{Answered, Front, Key, Lane, Watched, Way},
    patience::{Pace, Patient},
    places::{Place, Places},
    tls::Tls,
};
use crate::tasks::Tasks;
use axum::{Router, body::Body, extract::Request, response::Response};
use contracts::BoxError;
use futures_util::future::{Either, ready};
use http_body_util::BodyExt;
use hyper::{
    Version,
    body::{Body as _, Incoming},
    header::{CONNECTION, HeaderValue, TRANSFER_ENCODING},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

/// Room for a header block that is refused politely; beyond it hyper refuses by itself.
const HEADER_BUFFER_BYTES: usize = 64 * 1_024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that has said nothing yet is listened to when we stop: its first request may be under
/// way, and closing the socket would make it one that nobody knows the fate of.
const FIRST_REQUEST: Duration = Duration::from_millis(250);
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
/// How often a connection of HTTP/2 is asked whether anybody is there, and how long the answer is waited for.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Connections taken from the socket's own queue when we stop.
const LAST_MAX: usize = 1_024;

/// How many connections a listener has at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub connections_max: u32,
    /// From one address, or from one IPv6 network of /64.
    pub per_address_max: u32,
    /// Of these, that have not said for a second what they want, with its body.
    pub hesitant_per_address_max: u32,
}

impl Room {
    /// Where only those ask who are trusted with all of it.
    #[must_use]
    pub const fn for_any(connections_max: u32) -> Self {
        Self {
            connections_max,
            per_address_max: connections_max,
            hesitant_per_address_max: connections_max,
        }
    }
}

/// How a listener serves.
#[derive(Clone)]
pub struct Manner {
    /// How many it serves at a time.
    pub room: Room,
    /// How slowly they may read.
    pub pace: Pace,
    /// The certificate that it shows, and what is said to those who do not ask for it, if anything; none: it speaks
    /// without TLS.
    pub tls: Option<(Tls, Option<Router>)>,
    /// What is given before the router is asked, if anything.
    pub lane: Option<Lane>,
}

/// Starts serving a router at a listener until the tasks stop; open requests are then finished.
pub fn start(tasks: &Tasks, listener: TcpListener, router: Router, manner: Manner) {
    let room = manner.room;
    let limit = usize::try_from(room.connections_max)
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(limit));
    let door = Door {
        connections: tasks.clone(),
        visit: Visit {
            router,
            stop: tasks.stopping(),
            pace: manner.pace,
            hesitant: Hesitant::new(room.hesitant_per_address_max),
            tls: manner.tls,
            lane: manner.lane,
        },
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
    visit: Visit,
    places: Places,
}

impl Door {
    fn admit(&self, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let Some(place) = self.places.take(address.ip()) else {
            tracing::debug!("an address has as many connections as one may have");
            return;
        };
        let visit = self.visit.clone();
        drop(self.connections.finish(async move {
            if let Err(error) = visit.receive(stream, address).await {
                tracing::debug!(error = %error, "a connection ended badly");
            }
            drop::<(Place, OwnedSemaphorePermit)>((place, permit));
        }));
    }
}

/// What a connection is served with.
#[derive(Clone)]
struct Visit {
    router: Router,
    stop: CancellationToken,
    pace: Pace,
    hesitant: Hesitant,
    tls: Option<(Tls, Option<Router>)>,
    lane: Option<Lane>,
}

impl Visit {
    async fn receive(mut self, stream: TcpStream, address: SocketAddr) -> Result<(), BoxError> {
        stream.set_nodelay(true)?;
        let Some((tls, elsewhere)) = self.tls.take() else {
            let stream = Patient::new(stream, self.pace);
            return self.serve(stream, address).await;
        };
        if let Some(elsewhere) = elsewhere
            && tls.is_plain(&stream).await?
        {
            (self.router, self.lane) = (elsewhere, None);
            let stream = Patient::new(stream, self.pace);
            return self.serve(stream, address).await;
        }
        let stream = Patient::new(stream, self.pace);
        let stream = tls.greet(stream, address.ip()).await?;
        self.serve(stream, address).await
    }

    async fn serve<S>(self, stream: S, address: SocketAddr) -> Result<(), BoxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = CancellationToken::new();
        let first = asked.clone();
        let (router, lane) = (self.router, self.lane);
        let stream = Front::new(stream, lane.clone(), address.ip());
        let answered = stream.answered();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let look = |lane: &Lane| lane.look(&request, address.ip(), answered.is_whole());
            let key = match lane.as_ref().map_or(Way::Long(None), look) {
                Way::Express(response) => {
                    asked.cancel();
                    return Either::Left(ready(Ok(response.map(|body| answered.tells(body)))));
                }
                Way::Long(key) => key,
            };
            let lane = key.zip(lane.clone());
            let asked = asked.clone().drop_guard();
            let request = request.map(|body| until_read(body, asked));
            let answered = answered.clone();
            Either::Right(answer((router.clone(), lane), address, request, answered))
        });
        let builder = builder()?;
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let told = async {
            self.stop.cancelled().await;
            // An error means that nothing came: there is nobody to wait for.
            drop(tokio::time::timeout(FIRST_REQUEST, first.cancelled()).await);
        };
        tokio::select! {
            ended = connection.as_mut() => ended?,
            () = self.hesitant.too_many(address.ip(), first.cancelled()) => {
                return Err("too many of an address do not say what they want".into());
            }
            () = told => {
                connection.as_mut().graceful_shutdown();
                connection.await?;
            }
        }
        Ok(())
    }
}

fn builder() -> Result<Builder<TokioExecutor>, BoxError> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BUFFER_BYTES)?)
        .max_pending_accept_reset_streams(Some(64))
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY);
    Ok(builder)
}

/// A body that lets go of what comes with it when it has been read, or nobody wants it any more; at once, if there is
/// none.
fn until_read(body: Incoming, asked: DropGuard) -> Body {
    if body.is_end_stream() {
        return Body::new(body);
    }
    Body::new(body.map_err(move |error| {
        let _held = &asked;
        error
    }))
}

/// What the router says, and whether anything may follow on the same connection. Where there is a lane, it may be kept
/// there under this key; the lane hears when the answer has been taken.
async fn answer(
    (router, lane): (Router, Option<(Key, Lane)>),
    address: SocketAddr,
    mut request: Request,
    answered: Answered,
) -> Result<Response<Watched>, Infallible> {
    // A length may have stood beside the chunks, and hyper has forgotten it: whoever stands in front of us may have
    // gone by it, and sees this request end elsewhere. What follows is not read (RFC 9112, 6.3).
    let is_last =
        request.version() < Version::HTTP_2 && request.headers().contains_key(TRANSFER_ENCODING);
    request.extensions_mut().insert(ClientAddress(address.ip()));
    let mut response = router.oneshot(request).await?;
    if is_last {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    if let Some((key, lane)) = lane {
        response = lane.keep(key, response).await;
    }
    Ok(response.map(|body| answered.tells(http_body_util::Either::Right(body))))
}
