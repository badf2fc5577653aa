//! Names become addresses, once for each exchange. What may be done with them is decided elsewhere.

use async_trait::async_trait;
use contracts::BoxError;
use hickory_resolver::TokioResolver;
use std::net::IpAddr;

/// Knows the addresses of names.
#[async_trait]
pub(super) trait Resolve: Send + Sync {
    /// All addresses of a name.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, BoxError>;
}

/// The system's name servers.
pub(super) struct System(TokioResolver);

impl System {
    pub(super) fn new() -> Result<Self, BoxError> {
        let mut builder = TokioResolver::builder_tokio()?;
        // The address that is connected to is one that was looked at just now.
        builder.options_mut().cache_size = 0;
        Ok(Self(builder.build()?))
    }
}

#[async_trait]
impl Resolve for System {
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, BoxError> {
        Ok(self.0.lookup_ip(name).await?.iter().collect())
    }
}
