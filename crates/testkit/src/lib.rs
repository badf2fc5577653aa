//! Real shops for tests: the real binary on a free port with a folder of its own, and clients who talk to it.
//! No mocks, and nothing that a user could not do. Only tests may depend on this.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

/// Each of these twice: with what `$open` makes of the settings of a shop on its own files, and of one on PostgreSQL.
#[macro_export]
macro_rules! on_both_stores {
    ($open:ident: $($what:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $what() {
                super::$what(super::$open(&[]).await).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test]
            async fn $what() {
                let Some(server) = $crate::postgres::Postgres::shared() else { return };
                let database = server.database();
                let db = [("SOUK_DB", database.as_str()), ("SOUK_POSTGRES__MIGRATE", "true")];
                super::$what(super::$open(&db).await).await;
            })*
        }
    };
}

mod app;
mod authority;
mod binary;
mod bucket;
mod client;
mod command;
#[cfg(target_os = "linux")]
mod disk;
mod ear;
mod folder;
mod issuer;
mod link;
mod nats;
mod pair;
pub mod postgres;
mod process;
mod provider;
mod raw;
mod redis;
mod served;
mod servers;
mod stripe;

pub use app::App;
pub use authority::Authority;
pub use binary::{Build, binary};
pub use bucket::{Bucket, Mood};
pub use client::{Answer, Client};
pub use command::{Running, Said, run, run_with};
#[cfg(target_os = "linux")]
pub use disk::{Disk, Unsynced};
pub use ear::{Ear, Span};
pub use folder::Folder;
pub use issuer::{Broken, Issuer, Signs};
pub use link::{Link, Weather};
pub use nats::Nats;
pub use pair::Pair;
/// The points at which a shop with fail points can be told to die.
pub use platform::fault::POINTS;
pub use process::{PASSWORD, Shop};
pub use provider::Provider;
pub use raw::{raw, raw_in_pieces, raw_in_turn};
pub use redis::Redis;
pub use stripe::{Stripe, Trouble, sign as stripe_signature};
