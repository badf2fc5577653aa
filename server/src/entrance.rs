//! The sockets of the public door: the door's own, with its certificate if it has one, and the one beside it that only
//! sends people there. What is behind the door is not known here.

use crate::{config::Http, life::Life};
use axum::Router;
use contracts::BoxError;
use platform::{
    clock::Clock,
    http::{
        lane::Lane,
        listen, stack,
        tls::{self, Tls, nodes::Nodes},
    },
};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Listens already, and answers nobody yet.
pub(crate) struct Entrance {
    listener: TcpListener,
    beside: Option<TcpListener>,
    tls: Option<Tls>,
}

impl Entrance {
    /// Reads the certificate and takes the addresses.
    pub(crate) async fn take(http: &Http) -> Result<Self, BoxError> {
        let tls = Tls::open(&http.tls)?;
        let beside = match http.tls.redirect_address()? {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self {
            listener: bind(http.listen).await?,
            beside,
            tls,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr, BoxError> {
        Ok(self.listener.local_addr()?)
    }

    /// Lets everybody in, to the router and to what is given before it is asked; gives the certificate, if there is
    /// one.
    pub(crate) fn open(
        self,
        life: &Life,
        (router, lane): (Router, Option<Lane>),
        http: &Http,
        public_url: &str,
    ) -> Result<Opened, BoxError> {
        let router = tls::strict(router, public_url, &http.strict_transport_security);
        let elsewhere = tls::elsewhere(public_url);
        let elsewhere = stack::wrap(elsewhere, &http.stack(), public_url, Clock::System);
        let redirect_address = self
            .beside
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()?;
        if let Some(beside) = self.beside {
            let manner = http.plainly(http.room());
            listen::start(&life.doors, beside, elsewhere.clone(), manner);
        }
        if let Some(tls) = &self.tls {
            tls.keep(&life.work);
        }
        let manner = listen::Manner {
            tls: self.tls.clone().map(|tls| (tls, Some(elsewhere))),
            lane,
            ..http.plainly(http.room())
        };
        listen::start(&life.doors, self.listener, router, manner);
        Ok(Opened {
            tls: self.tls,
            nodes: None,
            redirect_address,
        })
    }
}

/// An entrance that is open.
#[derive(Default)]
pub(crate) struct Opened {
    tls: Option<Tls>,
    /// What the node shows to other nodes, if it speaks TLS with them.
    nodes: Option<Nodes>,
    /// Where people are only sent to the door, if anywhere.
    pub(crate) redirect_address: Option<SocketAddr>,
}

impl Opened {
    /// The same, beside this TLS between nodes.
    pub(crate) fn beside(mut self, nodes: Option<Nodes>) -> Self {
        self.nodes = nodes;
        self
    }

    /// `http` or `https`.
    pub(crate) const fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// The same, where other nodes ask.
    pub(crate) const fn scheme_between_nodes(&self) -> &'static str {
        match self.nodes {
            Some(_) => "https",
            None => "http",
        }
    }

    /// Reads the certificates' files again; whoever has none has nothing to read.
    pub(crate) fn read_again(&self) {
        if let Some(tls) = &self.tls {
            tls.read_again();
        }
        if let Some(nodes) = &self.nodes {
            nodes.read_again();
        }
    }
}

/// Takes an address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    let listener = TcpListener::bind(address).await;
    Ok(listener.map_err(|error| format!("{address} cannot be listened on: {error}"))?)
}
