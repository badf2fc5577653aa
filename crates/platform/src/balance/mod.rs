//! Calling one of several instances that are alike: finding them, choosing one, noticing who is ill, trying
//! again where that is safe. A pool is made of sources and options; [`Balanced`] is the service in front of it.
//! It never repeats what may have had an effect, unless the other side knows it by its key.

mod body;
mod budget;
mod discover;
mod headers;
mod health;
mod instance;
mod latency;
mod metrics;
mod options;
mod pick;
mod pool;
mod probe;
mod service;
mod tries;
mod view;
mod wire;

pub use discover::Source;
pub use health::Word;
pub use instance::InstanceView;
pub use metrics::register_metrics;
pub use options::{DEFAULTS, Discover, Eject, Options, Probe, Retry};
pub use pool::Pool;
pub use service::{Balanced, OnlyReads};
pub use view::{PoolView, Pools};
