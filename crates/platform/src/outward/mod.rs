//! The one way out: asks addresses that settings or people outside name, and cannot be led astray by them. Nothing is
//! sent to this machine or a private network unless the settings allow it; a name is asked for once, and the
//! connection goes to the address that was looked at. It follows no redirect, uses no proxy, keeps no cookie and no
//! connection, and repeats nothing by itself.

mod address;
mod connect;
mod networks;
mod options;
mod resolve;
#[cfg(test)]
mod tests;

pub use address::{Address, Refusal};
pub use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderValue},
};
pub use networks::Network;
pub use options::{DEFAULTS, Options};

use crate::trace::{self, Kind, Span};
use base64::{Engine, engine::general_purpose::STANDARD};
use connect::Stream;
use contracts::BoxError;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use resolve::{Resolve, System};
use secrecy::{ExposeSecret, SecretString};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tokio_rustls::TlsConnector;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Who we say that we are: always the same, and nothing of the machine.
const AGENT: HeaderValue = HeaderValue::from_static("souk");

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutwardError {
    /// The address is not one that is asked.
    #[error("the address is not asked: {0}")]
    Refused(#[from] Refusal),
    /// As many exchanges are on their way as may be.
    #[error("too many others are asked just now")]
    Overloaded,
    /// Its name has no address.
    #[error("the name of the address was not found")]
    Unresolved(#[source] BoxError),
    /// Nobody answers there, or somebody who cannot prove the name.
    #[error("no connection could be made")]
    Unreachable(#[source] BoxError),
    /// It took too long.
    #[error("{0} did not come in time")]
    Late(&'static str),
    /// More came than is read.
    #[error("the answer is larger than is read")]
    TooLarge,
    /// What came is no answer.
    #[error("the answer cannot be read")]
    Broken(#[source] BoxError),
}

/// What is asked.
#[derive(Clone)]
pub struct Question {
    method: Method,
    address: Address,
    headers: HeaderMap,
    body: Bytes,
}

impl std::fmt::Debug for Question {
    /// Without what may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.address)
    }
}

impl Question {
    /// For what is there.
    #[must_use]
    pub fn get(address: Address) -> Self {
        Self {
            method: Method::GET,
            address,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// For what is there to go.
    #[must_use]
    pub fn delete(address: Address) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(address)
        }
    }

    /// With something to keep there.
    #[must_use]
    pub fn put(address: Address, kind: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::PUT,
            ..Self::post(address, kind, body)
        }
    }

    /// With something to take.
    #[must_use]
    pub fn post(address: Address, kind: HeaderValue, body: impl Into<Bytes>) -> Self {
        let question = Self {
            method: Method::POST,
            body: body.into(),
            ..Self::get(address)
        };
        question.with(CONTENT_TYPE, kind)
    }

    /// With the fields of a form.
    #[must_use]
    pub fn form(address: Address, fields: &[(&str, &str)]) -> Self {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(address, kind, body)
    }

    /// The same with another field in its head.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same by a client of an OAuth server, which encodes both before it writes them down (RFC 6749, 2.3.1).
    ///
    /// # Errors
    /// Never in practice: what is encoded can stand in a head.
    pub fn by_client(self, id: &str, secret: &SecretString) -> Result<Self, BoxError> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(id), encoded(secret.expose_secret()));
        self.authorized("Basic", &STANDARD.encode(pair))
    }

    /// The same by whoever has this token.
    ///
    /// # Errors
    /// When the token cannot stand in a head.
    pub fn by_bearer(self, token: &SecretString) -> Result<Self, BoxError> {
        self.authorized("Bearer", token.expose_secret())
    }

    fn authorized(self, scheme: &str, proof: &str) -> Result<Self, BoxError> {
        let mut value = HeaderValue::from_str(&format!("{scheme} {proof}"))?;
        value.set_sensitive(true);
        Ok(self.with(AUTHORIZATION, value))
    }
}

/// What was answered. A redirect is an answer like any other.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The head.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Asks. Clones share the bound on exchanges.
#[derive(Clone)]
pub struct Outward(Arc<Inside>);

struct Inside {
    options: Options,
    tls: TlsConnector,
    resolver: Box<dyn Resolve>,
    seats: Semaphore,
}

impl Outward {
    /// A way out with these bounds. It reads root certificates and the name servers' addresses, and asks nobody.
    ///
    /// # Errors
    /// When an option cannot be used, or there are no root certificates or name servers.
    pub fn new(options: Options) -> Result<Self, BoxError> {
        Self::by(options, Box::new(System::new()?))
    }

    fn by(options: Options, resolver: Box<dyn Resolve>) -> Result<Self, BoxError> {
        options.check()?;
        Ok(Self(Arc::new(Inside {
            tls: connect::tls(&options.roots)?,
            resolver,
            seats: Semaphore::new(options.in_flight_max.into()),
            options,
        })))
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`OutwardError`]; nothing was sent if the address was refused.
    pub async fn ask(&self, question: Question) -> Result<Answer, OutwardError> {
        let seat = self.0.seats.try_acquire();
        let _seat = seat.map_err(|_| OutwardError::Overloaded)?;
        let whole = self.0.options.timeout();
        let (mut span, question) = told(question);
        // On the heap: TLS and HTTP make it too large to be moved about.
        let exchange = Box::pin(self.0.exchange(question));
        let answered = within(whole, "the whole answer", exchange).await;
        match &answered {
            Ok(answer) => span.say("http.response.status_code", || answer.status.as_u16()),
            Err(_) => span.fail(),
        }
        answered
    }
}

/// Whoever is asked may follow the trace, and nothing but its ids: where the way leads is told by its host alone.
fn told(mut question: Question) -> (Span, Question) {
    let method = question.method.clone();
    let mut span = Span::below(Kind::Client, || method.to_string().into());
    span.say("server.address", || question.address.to_string());
    span.say("http.request.method", || method.to_string());
    trace::say_in(&mut question.headers, span.place());
    (span, question)
}

impl Inside {
    async fn exchange(&self, question: Question) -> Result<Answer, OutwardError> {
        let options = &self.options;
        let connecting = connect::connect(&question.address, options, &*self.resolver, &self.tls);
        let stream = within(options.connect_timeout(), "a connection", connecting).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(usize::try_from(options.head_bytes_max).unwrap_or(usize::MAX))
            .max_headers(options.headers_max.into())
            .handshake::<TokioIo<Box<dyn Stream>>, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // The connection works only while somebody waits for the answer, and is closed with it.
        let talking = pin!(talk(options, sender, question));
        match select(talking, pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            // Whatever ended it is told to whoever waits for the answer.
            Either::Right((_, talking)) => talking.await,
        }
    }
}

async fn talk(
    options: &Options,
    mut sender: SendRequest<Full<Bytes>>,
    question: Question,
) -> Result<Answer, OutwardError> {
    let request = written(question)?;
    let sending = async { sender.send_request(request).await.map_err(broken) };
    let head = within(options.head_timeout(), "the head of the answer", sending).await?;
    let (head, body) = head.into_parts();
    let longest = usize::try_from(options.body_bytes_max).unwrap_or(usize::MAX);
    let body = Limited::new(body, longest).collect().await;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.map_err(unread)?.to_bytes(),
    })
}

fn written(question: Question) -> Result<Request<Full<Bytes>>, OutwardError> {
    // hyper says nothing of no body, and a server may want to hear that there is none (RFC 9110, 8.6).
    let is_bare = question.method == Method::POST && question.body.is_empty();
    let mut request = Request::new(Full::new(question.body));
    *request.method_mut() = question.method;
    *request.uri_mut() = question.address.path()?;
    *request.headers_mut() = question.headers;
    let headers = request.headers_mut();
    headers.insert(HOST, question.address.authority()?);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if is_bare {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}

async fn within<T>(
    longest: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, OutwardError>>,
) -> Result<T, OutwardError> {
    let done = timeout(longest, work).await;
    done.map_err(|_| OutwardError::Late(what))?
}

fn broken(error: hyper::Error) -> OutwardError {
    if error.is_parse_too_large() {
        OutwardError::TooLarge
    } else {
        OutwardError::Broken(error.into())
    }
}

fn unread(error: BoxError) -> OutwardError {
    if error.is::<LengthLimitError>() {
        OutwardError::TooLarge
    } else {
        OutwardError::Broken(error)
    }
}
