//! A service somewhere else: asked with a deadline, again where that is safe, and with a signature on everything.

use super::{
    Call, CallError, Kind, Options, ROOT, Why,
    budget::Budget,
    instance::{Instances, Nobody, Visit},
    metrics::Handles,
    signature::{self, Signable, Signer},
};
use crate::{
    deadline::{self, Deadline},
    digest,
};
use contracts::{
    BoxError, Outage,
    wire::{CallFailed, Cause},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The other side closes what is idle for longer (`http::listen`): a connection must not be closed while a call
/// is being written to it.
const IDLE: Duration = Duration::from_secs(4);

/// A service somewhere else. Clones share connections, breakers and the budget.
#[derive(Clone)]
pub struct Peer(Arc<Inner>);

struct Inner {
    name: &'static str,
    options: Options,
    signer: Signer,
    instances: Instances,
    budget: Mutex<Budget>,
    http: Client<HttpConnector, Full<Bytes>>,
    handles: Handles,
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Each try has a time of its own, where another may follow.
    Usual,
    /// A try may take all the time there is.
    Whole,
    /// So may it, and that is longer.
    Long,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Header fields; those of the signature are added.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// In whose name, as the door proved it: empty for nobody.
    pub principal: String,
    /// The client's address, if the door knows it.
    pub client: String,
    /// Whether it may be asked again.
    pub kind: Kind,
    /// Whether 503 and 504 are answers like any other, for whoever hands them on.
    pub hands_on: bool,
    /// How long it may take.
    pub patience: Patience,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// How a try failed.
struct Failure {
    why: Why,
    /// Whether nothing of it was begun over there.
    is_unbegun: bool,
    /// Whether the instance is to blame.
    is_instance: bool,
}

impl Peer {
    /// A peer of these instances. Connects to nobody yet.
    #[must_use]
    pub fn new(
        name: &'static str,
        addresses: &[String],
        options: &Options,
        signer: Signer,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(options.connect_timeout_ms)));
        let idle_max = usize::try_from(options.idle_connections_max).unwrap_or(usize::MAX);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle_max)
            .build(connector);
        Self(Arc::new(Inner {
            name,
            options: options.clone(),
            signer,
            instances: Instances::new(addresses, options),
            budget: Mutex::new(Budget::new(options.retry_reserve, options.retry_percent)),
            http,
            handles: Handles::of(name),
        }))
    }

    /// Makes a call.
    ///
    /// # Errors
    /// What the other side refused with; or, if it gave no answer, that the call failed.
    pub async fn ask<A, T, E>(&self, call: Call<A, Result<T, E>>, arguments: &A) -> Result<T, E>
    where
        A: Serialize,
        Result<T, E>: DeserializeOwned,
        E: CallFailed,
    {
        let answer = self.call(call, arguments).await;
        answer.map_err(|error| E::call_failed(error.into()))?
    }

    /// Makes a call about many things, which has an answer for each of them, in order. If there is no answer at all,
    /// each hears so.
    pub async fn ask_each<W, T, E>(
        &self,
        call: Call<Vec<W>, Vec<Result<T, E>>>,
        batch: &Vec<W>,
    ) -> Vec<Result<T, E>>
    where
        W: Serialize,
        Vec<Result<T, E>>: DeserializeOwned,
        E: CallFailed,
    {
        if batch.is_empty() {
            return Vec::new();
        }
        let cause: BoxError = match self.call(call, batch).await {
            Ok(answers) if answers.len() == batch.len() => return answers,
            Ok(_) => "the answers are not as many as the wishes".into(),
            Err(error) => error.into(),
        };
        let cause = Cause::from(&cause);
        let failed = |_| Err(E::call_failed(cause.clone().into()));
        batch.iter().map(failed).collect()
    }

    async fn call<A: Serialize, B: DeserializeOwned>(
        &self,
        call: Call<A, B>,
        arguments: &A,
    ) -> Result<B, CallError> {
        let target = format!("{ROOT}/{}/{}", self.0.name, call.name);
        let unreadable = |error: serde_json::Error| CallError {
            peer: self.0.name,
            what: call.name.to_owned(),
            why: Why::Unreadable(error.into()),
            outage: None,
        };
        let body = serde_json::to_vec(arguments).map_err(unreadable)?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let ask = Ask {
            method: Method::POST,
            target,
            headers,
            body: body.into(),
            principal: String::new(),
            client: String::new(),
            kind: call.kind,
            hands_on: false,
            patience: call.patience,
        };
        let answer = self.exchange(ask).await?;
        if answer.status != StatusCode::OK {
            return Err(CallError {
                peer: self.0.name,
                what: call.name.to_owned(),
                why: Why::Refused(answer.status.as_u16()),
                outage: None,
            });
        }
        serde_json::from_slice(&answer.body).map_err(unreadable)
    }

    /// Asks, again where that is safe, until somebody answers or it is too late. What is answered is an answer, but
    /// for 503 and 504: those are like none, unless they are handed on.
    ///
    /// # Errors
    /// [`CallError`], whose source says what callers hear of it.
    pub async fn exchange(&self, ask: Ask) -> Result<Answer, CallError> {
        let began = Instant::now();
        let outcome = self.0.tries(&ask).await;
        let handles = &self.0.handles;
        handles.seconds.observe(began.elapsed().as_secs_f64());
        match outcome {
            Ok(answer) => {
                handles.answered.inc();
                Ok(answer)
            }
            Err(why) => {
                handles.failed.inc();
                let outage = outage_of(&why, ask.kind);
                Err(CallError {
                    peer: self.0.name,
                    what: ask.target,
                    why,
                    outage,
                })
            }
        }
    }
}

/// What callers hear of it. A read that was not answered had no effect that they would have to find out.
const fn outage_of(why: &Why, kind: Kind) -> Option<Outage> {
    match (why, kind) {
        (Why::NotBegun(_), _) => Some(Outage::Overloaded),
        (Why::Unreachable(_), _) | (Why::Unanswered(_), Kind::Read) => Some(Outage::Unreachable),
        (Why::Unanswered(_), Kind::Repeatable | Kind::Once) => Some(Outage::Unanswered),
        (Why::Refused(_) | Why::Unreadable(_), _) => None,
    }
}

impl Inner {
    async fn tries(&self, ask: &Ask) -> Result<Answer, Why> {
        let until = self.until(ask.patience);
        self.budget().earn();
        let mut tried: u32 = 0;
        loop {
            let why = match self.try_once(ask, until).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    let is_safe = failure.is_unbegun || ask.kind != Kind::Once;
                    let again = is_safe && tried < self.options.retries_max;
                    if !again || !self.budget().spend() || !self.wait(tried, until).await {
                        return Err(failure.why);
                    }
                    failure.why
                }
            };
            tried = tried.saturating_add(1);
            self.handles.retries.inc();
            tracing::debug!(peer = self.name, error = %why, "a call is tried again");
        }
    }

    /// Until when an answer is of use.
    fn until(&self, patience: Patience) -> Deadline {
        let ours = match patience {
            Patience::Usual | Patience::Whole => self.options.timeout_ms,
            Patience::Long => self.options.long_timeout_ms,
        };
        let ours = Deadline::after(Duration::from_millis(ours));
        deadline::current().map_or(ours, |theirs| theirs.min(ours))
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits before a retry: any time up to a bound that doubles (full jitter). False if it would then be too late.
    async fn wait(&self, tried: u32, until: Deadline) -> bool {
        let doubled = 1_u64.checked_shl(tried).unwrap_or(u64::MAX);
        let bound = self.options.retry_wait_ms.saturating_mul(doubled);
        // Without randomness the bound itself will do.
        let random = digest::random::<8>().map_or(u64::MAX, u64::from_be_bytes);
        let pause = random.checked_rem(bound.saturating_add(1)).unwrap_or(bound);
        let next = Instant::now().checked_add(Duration::from_millis(pause));
        match next.filter(|next| *next < until.moment()) {
            Some(next) => {
                tokio::time::sleep_until(next).await;
                true
            }
            None => false,
        }
    }

    async fn try_once(&self, ask: &Ask, until: Deadline) -> Result<Answer, Failure> {
        let left = until.moment().saturating_duration_since(Instant::now());
        let hop = Duration::from_millis(self.options.hop_ms);
        let Some(there) = left.checked_sub(hop).filter(|there| !there.is_zero()) else {
            return Err(Failure::not_begun("its caller waits no longer"));
        };
        let usual = Duration::from_millis(self.options.try_timeout_ms);
        let may_follow = ask.kind != Kind::Once && ask.patience == Patience::Usual;
        let there = if may_follow { there.min(usual) } else { there };
        let visit = self.instances.pick().map_err(|nobody| match nobody {
            Nobody::IsWell => Failure::unreachable("no instance is well".to_owned()),
            Nobody::HasRoom => Failure::not_begun("no instance has room"),
        })?;
        let request = self.request(ask, &visit, there)?;
        let answer = tokio::time::timeout(there.saturating_add(hop), self.send(request)).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(Failure {
                why: Why::Unanswered("it took too long".to_owned()),
                is_unbegun: false,
                // A caller in a hurry says nothing about the instance.
                is_instance: there >= usual,
            })
        });
        match &answer {
            Err(failure) if failure.is_instance => visit.failed(&self.handles),
            Err(_) => drop(visit),
            Ok(_) => visit.answered(&self.handles),
        }
        answer.and_then(|answer| {
            if ask.hands_on {
                Ok(answer)
            } else {
                answered(answer)
            }
        })
    }

    fn request(
        &self,
        ask: &Ask,
        visit: &Visit,
        there: Duration,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let signed = self.signer.sign(&Signable {
            method: ask.method.as_str(),
            target: &ask.target,
            principal: &ask.principal,
            client: &ask.client,
            body: &ask.body,
        });
        let unusable = |error: hyper::http::Error| Failure {
            why: Why::Unreadable(error.into()),
            is_unbegun: true,
            is_instance: false,
        };
        let uri = format!("{}{}", visit.instance.address, ask.target);
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(uri)
            .body(Full::new(ask.body.clone()))
            .map_err(unusable)?;
        let headers = request.headers_mut();
        headers.clone_from(&ask.headers);
        let there = there.as_millis().to_string();
        for (name, value) in [
            (deadline::HEADER, there.as_str()),
            (signature::CALLER, &signed.caller),
            (signature::TIME, &signed.time),
            (signature::SIGNATURE, &signed.signature),
            (signature::PRINCIPAL, &ask.principal),
            (signature::CLIENT, &ask.client),
        ] {
            if !value.is_empty() {
                let value = HeaderValue::from_str(value).map_err(|error| unusable(error.into()))?;
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let response = self.http.request(request).await.map_err(|error| {
            if error.is_connect() {
                return Failure::unreachable(chain(&error));
            }
            Failure {
                why: Why::Unanswered(chain(&error)),
                is_unbegun: false,
                is_instance: true,
            }
        })?;
        let (parts, body) = response.into_parts();
        let most = usize::try_from(self.options.answer_bytes_max).unwrap_or(usize::MAX);
        let collected = Limited::new(body, most).collect().await;
        let collected = collected.map_err(|error| Failure {
            why: Why::Unanswered(format!("the answer broke off: {error}")),
            is_unbegun: false,
            is_instance: true,
        })?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: collected.to_bytes(),
        })
    }
}

impl Failure {
    const fn not_begun(why: &'static str) -> Self {
        Self {
            why: Why::NotBegun(why),
            is_unbegun: true,
            is_instance: false,
        }
    }

    const fn unreachable(why: String) -> Self {
        Self {
            why: Why::Unreachable(why),
            is_unbegun: true,
            is_instance: true,
        }
    }
}

/// What the stack of the other side says before or instead of an answer is none.
fn answered(answer: Answer) -> Result<Answer, Failure> {
    match answer.status {
        StatusCode::SERVICE_UNAVAILABLE => {
            Err(Failure::not_begun("the instance has too much to do"))
        }
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => Err(Failure {
            why: Why::Unanswered("it took too long over there".to_owned()),
            is_unbegun: false,
            is_instance: false,
        }),
        _ => Ok(answer),
    }
}

/// An error with what is behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
