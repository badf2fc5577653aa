//! Nodes that are no shops: each does what its test tells it, well or badly, and remembers what it was sent.
//! They speak just enough HTTP for that, byte by byte, since no server would break an answer off in its middle.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

/// What a node was sent.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// All values of a header, joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        values.join(", ")
    }
}

/// What a node does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers with this status, these header lines and the node's name.
    Status(u16, &'static str),
    /// Answers with a body of this size.
    Large(usize),
    /// Answers 200 as soon as the gate lets it through.
    Wait(Arc<Semaphore>),
    /// Closes the connection without a word.
    Close,
    /// Begins an answer, and closes the connection in its middle.
    Half,
    /// Takes the request and never answers.
    Silence,
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

struct Inside {
    name: String,
    ready: AtomicU16,
    script: Mutex<Arc<Script>>,
    seen: Mutex<Vec<Seen>>,
}

/// A node that listens until it is dropped, and then is gone at once, open connections too.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    inside: Arc<Inside>,
    _running: JoinSet<()>,
}

impl Node {
    /// A node that answers everything with its name.
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_at(name, "127.0.0.1:0").await
    }

    /// The same at an address.
    pub(crate) async fn start_at(name: &str, address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free address");
        let address = listener.local_addr().expect("an address");
        let inside = Arc::new(Inside {
            name: name.to_owned(),
            ready: AtomicU16::new(200),
            script: Mutex::new(Arc::new(|_: &Seen| Reply::Status(200, ""))),
            seen: Mutex::default(),
        });
        let mut running = JoinSet::new();
        let shared = Arc::clone(&inside);
        running.spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    drop(converse(stream, &shared).await);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            inside,
            _running: running,
        }
    }

    /// From now on it does this with requests.
    pub(crate) fn does(&self, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.inside.script.lock().expect("a lock") = Arc::new(script);
    }

    /// From now on it answers this to `/readyz`.
    pub(crate) fn says(&self, status: u16) {
        self.inside.ready.store(status, Ordering::SeqCst);
    }

    /// What it was sent so far, probes left out.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inside.seen.lock().expect("a lock").clone()
    }

    /// How much it was sent so far.
    pub(crate) fn count(&self) -> usize {
        self.seen().len()
    }
}

/// Reads requests from a connection and answers them, until one side has enough.
async fn converse(stream: TcpStream, inside: &Inside) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await? {
        if seen.path == "/readyz" {
            let status = inside.ready.load(Ordering::SeqCst);
            say(&mut stream, status, "", "probed").await?;
            continue;
        }
        let script = Arc::clone(&*inside.script.lock().expect("a lock"));
        inside.seen.lock().expect("a lock").push(seen.clone());
        match script(&seen) {
            Reply::Status(status, lines) => {
                let body = if seen.method == "HEAD" {
                    ""
                } else {
                    &inside.name
                };
                say(&mut stream, status, lines, body).await?;
            }
            Reply::Large(size) => say(&mut stream, 200, "", &"x".repeat(size)).await?,
            Reply::Wait(gate) => {
                let passed = gate.acquire().await;
                passed.expect("an open gate").forget();
                say(&mut stream, 200, "", &inside.name).await?;
            }
            Reply::Close => return Ok(()),
            Reply::Half => {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this";
                stream.write_all(half).await?;
                return stream.flush().await;
            }
            Reply::Silence => std::future::pending().await,
        }
    }
    Ok(())
}

async fn say(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    lines: &str,
    body: &str,
) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{lines}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}

/// The next request; none when the other side has closed.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Seen>> {
    let first = line(stream).await?;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    if seen.header("transfer-encoding") == "chunked" {
        loop {
            let size = line(stream).await?;
            // It broke off: what came of it is no request.
            let Ok(size) = usize::from_str_radix(&size, 16) else {
                return Ok(None);
            };
            let mut chunk = vec![0; size];
            stream.read_exact(&mut chunk).await?;
            line(stream).await?;
            if size == 0 {
                break;
            }
            seen.body.extend(chunk);
        }
    } else if let Ok(length) = seen.header("content-length").parse() {
        seen.body = vec![0; length];
        stream.read_exact(&mut seen.body).await?;
    }
    Ok(Some(seen))
}

async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}
