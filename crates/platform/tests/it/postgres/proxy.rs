//! A way to a server that is cut at the worst moment: around a COMMIT.

use std::{
    io,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::TaskTracker;

/// What happens at a COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtCommit {
    /// The server never hears of it.
    CutBefore,
    /// The server makes it; its answer is lost.
    CutAfter,
    /// The server makes it; its answer does not come.
    Hang,
}

type Next = Arc<Mutex<Option<AtCommit>>>;

pub(crate) struct Proxy {
    port: u16,
    next: Next,
}

impl Proxy {
    /// A way to the server at this port.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Next::default();
        let (at_commit, ways) = (Arc::clone(&next), TaskTracker::new());
        ways.clone().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let at_commit = Arc::clone(&at_commit);
                ways.spawn(async move { drop(carry(client, server, at_commit).await) });
            }
        });
        Self { port, next }
    }

    /// The address of a database behind it.
    pub(crate) fn url(&self, direct: &str, server: u16) -> String {
        direct.replace(&format!(":{server}/"), &format!(":{}/", self.port))
    }

    /// Decides about the next COMMIT; those after it pass.
    pub(crate) fn at_next_commit(&self, what: AtCommit) {
        *self.next.lock().unwrap() = Some(what);
    }
}

/// What came; empty at the end.
async fn read(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(65_536);
    from.read_buf(&mut bytes).await?;
    Ok(bytes)
}

async fn carry(mut client: TcpStream, server: u16, next: Next) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    loop {
        tokio::select! {
            sent = read(&mut client) => {
                let sent = sent?;
                if sent.is_empty() {
                    return Ok(());
                }
                let commits = sent.windows(7).any(|bytes| bytes == b"COMMIT\0");
                let what = if commits { next.lock().unwrap().take() } else { None };
                if what == Some(AtCommit::CutBefore) {
                    return Ok(());
                }
                server.write_all(&sent).await?;
                if let Some(what) = what {
                    // The server has made it when it says something.
                    read(&mut server).await?;
                    if what == AtCommit::Hang {
                        std::future::pending::<()>().await;
                    }
                    return Ok(());
                }
            }
            said = read(&mut server) => {
                let said = said?;
                if said.is_empty() {
                    return Ok(());
                }
                client.write_all(&said).await?;
            }
        }
    }
}
