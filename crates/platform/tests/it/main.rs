//! What the rooms of `platform` promise, tried from outside: the stack around a router, the outbox and its
//! relay, idempotency keys, calls between nodes, the bus in its forms.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod bus;
mod cache;
mod calls;
mod keys;
mod limits;
mod outbox;
mod postgres;
mod redis;
mod stack;

use platform::db::{
    migrate::{BASE, Migration},
    sqlite::{Database, Options},
};
use std::path::PathBuf;

/// A database in a folder of its own, which goes with it.
pub(crate) struct Place {
    folder: PathBuf,
    pub(crate) database: Database,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!(
            "souk-platform-{}",
            contracts::values::EventId::generate()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let options = Options {
            readers: 2,
            write_queue_max: 1_000,
            group_max: 100,
            wal_checkpoint_pages: 1_000,
            cache_kilobytes: 1_000,
            mapped_megabytes: 0,
        };
        let things = Migration {
            number: 1,
            name: "things",
            sql: "CREATE TABLE things (name TEXT NOT NULL) STRICT",
        };
        let database =
            Database::open(&folder.join("test.sqlite"), options, &[BASE, things], 0).unwrap();
        Self { folder, database }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
