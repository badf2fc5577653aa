//! The way to Redis (or Valkey): one connection that all share, every command sent behind the others without
//! waiting for their answers. It is never waited for long, and left alone for a while when it fails. What is kept
//! there is never truth: whoever asks must be able to go on without an answer.

mod keeper;
mod look;
mod options;

pub use look::{Looked, look};
pub use options::{DEFAULTS, Options, check_url};

use crate::{digest, metrics, tasks::Tasks};
use ::redis::{
    Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind,
    aio::MultiplexedConnection,
};
use contracts::BoxError;
use std::{
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

/// There was no answer that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away;

/// A Redis server, there or not. Clones share the connection.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    options: Options,
    link: RwLock<Option<Link>>,
    links: AtomicU32,
    failures: AtomicU32,
    lost: Notify,
    errands: mpsc::Sender<Cmd>,
    // Taken by the keeper when it starts.
    errands_due: Mutex<Option<mpsc::Receiver<Cmd>>>,
    metrics: metrics::Redis,
}

/// The present connection, with a number, so that nobody breaks off its successor.
#[derive(Clone)]
struct Link {
    connection: MultiplexedConnection,
    number: u32,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("is_away", &self.is_away())
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// A server at this address. Connects to nothing before [`Redis::start`].
    ///
    /// # Errors
    /// When the address or an option cannot be used.
    pub fn new(url: &str, options: Options) -> Result<Self, BoxError> {
        options.check()?;
        let client = options::client(url)?;
        let (errands, due) = mpsc::channel(usize::try_from(options.errands_max)?);
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                options,
                link: RwLock::new(None),
                links: AtomicU32::new(0),
                failures: AtomicU32::new(0),
                lost: Notify::new(),
                errands,
                errands_due: Mutex::new(Some(due)),
                metrics: metrics::Redis::of_the_process(),
            }),
        })
    }

    /// Connects, and again whenever the connection is lost, until the tasks stop. Nobody waits for it.
    pub fn start(&self, tasks: &Tasks) {
        keeper::start(self, tasks);
    }

    /// Whether there is no connection just now.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.link().is_none()
    }

    /// A key of this shop.
    #[must_use]
    pub fn key(&self, room: &str, name: &str) -> String {
        format!("{}:{room}:{name}", self.inner.options.prefix)
    }

    /// 32 bytes over the parts that only this shop's nodes can make, if they were given a secret.
    #[must_use]
    pub fn seal(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest::hmac_sha256(self.inner.options.secret.as_bytes(), parts)
    }

    /// Sends a command and waits for its answer, within the time-out.
    ///
    /// # Errors
    /// [`Away`], at once while the server is left alone.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        self.run(async |mut connection| command.query_async(&mut connection).await)
            .await
    }

    /// The same for whatever takes more than one command.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn run<T>(
        &self,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Away> {
        let Some(link) = self.link() else {
            self.inner.metrics.away.inc();
            return Err(Away);
        };
        let longest = Duration::from_millis(self.inner.options.timeout_ms);
        match tokio::time::timeout(longest, work(link.connection)).await {
            Ok(Ok(value)) => {
                self.inner.metrics.answered.inc();
                if self.inner.failures.load(Ordering::Relaxed) != 0 {
                    self.inner.failures.store(0, Ordering::Relaxed);
                }
                Ok(value)
            }
            Ok(Err(error)) => {
                self.inner.metrics.failed.inc();
                tracing::debug!(error = %error, "Redis gave no answer that can be used");
                self.failed(link.number, &error);
                Err(Away)
            }
            Err(_) => {
                self.inner.metrics.late.inc();
                self.count_failure(link.number);
                Err(Away)
            }
        }
    }

    /// Sends a command soon, behind others, and waits for nothing. It may be dropped.
    pub fn tell(&self, command: Cmd) {
        if self.is_away() || self.inner.errands.try_send(command).is_err() {
            self.inner.metrics.dropped.inc();
        }
    }

    fn link(&self) -> Option<Link> {
        self.inner.link.read().ok()?.clone()
    }

    fn failed(&self, number: u32, error: &RedisError) {
        if error.is_unrecoverable_error() || error.is_connection_dropped() {
            self.break_off(number);
        } else if is_the_server_s(error) {
            self.count_failure(number);
        }
    }

    fn count_failure(&self, number: u32) {
        let failures = self.inner.failures.fetch_add(1, Ordering::Relaxed);
        if failures.saturating_add(1) >= self.inner.options.failures_max {
            self.break_off(number);
        }
    }

    fn break_off(&self, number: u32) {
        let Ok(mut link) = self.inner.link.write() else {
            return;
        };
        if link.as_ref().is_some_and(|link| link.number == number) {
            *link = None;
            self.inner.metrics.up.set(0);
            self.inner.lost.notify_one();
        }
    }
}

/// Whether an error says something of the server, not of one key that somebody filled with something else.
fn is_the_server_s(error: &RedisError) -> bool {
    let kind = error.kind();
    let server_s = [
        ServerErrorKind::BusyLoading,
        ServerErrorKind::MasterDown,
        ServerErrorKind::ReadOnly,
        ServerErrorKind::ClusterDown,
        ServerErrorKind::NoPerm,
    ];
    if let ErrorKind::Server(kind) = kind {
        return server_s.contains(&kind);
    }
    kind != ErrorKind::UnexpectedReturnType && kind != ErrorKind::Extension
}
