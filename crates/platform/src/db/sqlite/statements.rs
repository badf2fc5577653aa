//! Every statement of a file, written down for a test that counts them: in a binary that heeds tests, where one of them
//! named a file for it. A release has nothing of this.

use crate::{config, db::StoreError, fault};
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};
use std::{
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex},
};

/// Where they are written down, a line each.
static LIST: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let path = config::statements_file()?;
    let list = File::options().create(true).append(true).open(path);
    list.map(Mutex::new).ok()
});

/// Has what runs on a connection written down, if a test wants it.
pub(super) fn watch(connection: &mut Connection) -> Result<(), StoreError> {
    if !fault::heeds_tests() {
        return Ok(());
    }
    let Some(list) = LIST.as_ref() else {
        return Ok(());
    };
    let heard = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(_, sql) = event {
            write_down(list, sql);
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(heard))?;
    Ok(())
}

/// One that cannot be written down is missed by whoever counts, and nobody else.
fn write_down(list: &Mutex<File>, sql: &str) {
    let words: Vec<&str> = sql.split_whitespace().collect();
    if let Ok(mut list) = list.lock() {
        drop(list.write_all(format!("{}\n", words.join(" ")).as_bytes()));
    }
}
