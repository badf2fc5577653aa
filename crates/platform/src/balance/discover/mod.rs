//! Finding the instances of a role: named ones, a name in DNS, a service in DNS, a file. What was found last
//! stands until something better is found: a name server that is away, or a file half written, takes nobody away.

mod dns;
mod file;

use super::{options::Discover, pool::Pool};
use crate::tasks::Tasks;
use contracts::BoxError;
use dns::Resolver;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Where instances are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// One that is named: `10.0.0.1:8080`.
    One(SocketAddr),
    /// All addresses of a name: `souk.internal:8080`.
    Name {
        /// The name.
        host: String,
        /// The port of each.
        port: u16,
    },
    /// A service in DNS (SRV), which names ports as well: `srv:_souk._tcp.internal`.
    Service(String),
    /// A file: `file:/etc/souk/nodes`; an address a line, or a JSON array of addresses.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(name) = text.strip_prefix("srv:").filter(|name| is_name(name)) {
            return Ok(Self::Service(name.to_owned()));
        }
        // As people write addresses; there is no other scheme, since between nodes it is plain HTTP.
        let text = text.strip_prefix("http://").unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        if let Ok(address) = text.parse() {
            return Ok(Self::One(address));
        }
        let parts = text.rsplit_once(':');
        let named = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match named.filter(|(host, port)| is_name(host) && *port > 0) {
            Some((host, port)) => Ok(Self::Name {
                host: host.to_owned(),
                port,
            }),
            None => Err(format!(
                "`{text}` is no instance such as 10.0.0.1:8080, souk.internal:8080, srv:_souk._tcp.internal or \
                 file:/etc/souk/nodes"
            )),
        }
    }
}

/// A name as DNS has them.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits)
}

impl TryFrom<String> for Source {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => write!(out, "{address}"),
            Self::Name { host, port } => write!(out, "{host}:{port}"),
            Self::Service(name) => write!(out, "srv:{name}"),
            Self::File(path) => write!(out, "file:{}", path.display()),
        }
    }
}

/// What a source said, and until when it stands.
struct Answer {
    addresses: BTreeSet<SocketAddr>,
    look_again: Duration,
}

/// What all sources said last, in their order.
#[derive(Clone)]
struct Known {
    pool: Pool,
    said: Arc<Mutex<Vec<BTreeSet<SocketAddr>>>>,
}

impl Known {
    /// What was known before anybody was asked.
    fn begin(&self, said: Vec<BTreeSet<SocketAddr>>) {
        // All at once: none of the first is newer than the others.
        self.pool.set(&said.iter().flatten().copied().collect());
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    fn learn(&self, place: usize, addresses: BTreeSet<SocketAddr>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = said.get_mut(place) else {
            return;
        };
        if *before == addresses {
            return;
        }
        *before = addresses;
        // Under the lock, so that two sources do not overtake each other.
        self.pool.set(&said.iter().flatten().copied().collect());
    }
}

/// Tells the pool who is there, now and until the tasks stop.
pub(super) fn start(pool: &Pool, sources: Vec<Source>, tasks: &Tasks) -> Result<(), BoxError> {
    let known = Known {
        pool: pool.clone(),
        said: Arc::default(),
    };
    let options = &pool.options().discover;
    let asks = |source: &Source| matches!(source, Source::Name { .. } | Source::Service(_));
    let resolver = match sources.iter().any(asks) {
        true => Some(Resolver::new(options)?),
        false => None,
    };
    let first = |source: &Source| match source {
        Source::One(address) => Ok(BTreeSet::from([*address])),
        Source::File(path) => {
            file::read(path).map_err(|error| format!("{source} names no instance: {error}"))
        }
        Source::Name { .. } | Source::Service(_) => Ok(BTreeSet::new()),
    };
    known.begin(sources.iter().map(first).collect::<Result<_, _>>()?);
    for (place, source) in sources.into_iter().enumerate() {
        if !matches!(source, Source::One(_)) {
            follow(known.clone(), place, source, resolver.clone(), tasks);
        }
    }
    Ok(())
}

/// Asks a source again and again.
fn follow(known: Known, place: usize, source: Source, resolver: Option<Resolver>, tasks: &Tasks) {
    tasks.start("discover", move |stop| async move {
        let mut fails = false;
        loop {
            let options = known.pool.options().discover.clone();
            let answer = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                answer = ask(&source, resolver.as_ref(), &options) => answer,
            };
            let wait = match answer {
                Ok(answer) => {
                    fails = false;
                    known.learn(place, answer.addresses);
                    answer.look_again
                }
                Err(error) => {
                    known.pool.metrics().discovery_failures.inc();
                    // Once, not every second.
                    if !fails {
                        tracing::warn!(%source, %error, "instances cannot be found; those known before stay");
                    }
                    fails = true;
                    Duration::from_millis(options.resolve_min_ms.max(options.file_every_ms))
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    });
}

async fn ask(
    source: &Source,
    resolver: Option<&Resolver>,
    options: &Discover,
) -> Result<Answer, BoxError> {
    match (source, resolver) {
        (Source::Name { host, port }, Some(resolver)) => resolver.name(host, *port).await,
        (Source::Service(name), Some(resolver)) => resolver.service(name).await,
        (Source::File(path), _) => {
            let path = path.clone();
            let addresses = tokio::task::spawn_blocking(move || file::read(&path)).await??;
            Ok(Answer {
                addresses,
                look_again: Duration::from_millis(options.file_every_ms.max(10)),
            })
        }
        (Source::One(_) | Source::Name { .. } | Source::Service(_), _) => {
            Err("there is nobody to ask".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_strictly_and_written_back() {
        for text in [
            "10.0.0.1:8080",
            "[2001:db8::1]:8080",
            "souk.internal:8080",
            "srv:_souk._tcp.internal",
            "file:/etc/souk/nodes",
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
        }
        let written: Source = "http://souk.internal:8080/".parse().unwrap();
        assert_eq!(written.to_string(), "souk.internal:8080");
        for text in [
            "",
            "souk",
            "souk:",
            "souk:0",
            "souk:99999",
            "https://souk:8080",
            "souk:80/path",
            "srv:",
            "file:",
            ":8080",
        ] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
