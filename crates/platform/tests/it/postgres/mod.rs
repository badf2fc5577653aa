//! Writes and reads on a real PostgreSQL: what is kept, what is refused, and what waits for nobody.

mod faults;
mod keys;
mod migrations;
mod outbox;
mod proxy;

use platform::{
    db::{
        Abort, StoreError,
        migrate::Migration,
        postgres::{BASE, Bytes, Connection, Database, Place},
    },
    deadline::{self, Deadline},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use testkit::postgres::Postgres;
use tokio::sync::Notify;

pub(crate) const THINGS: Migration = Migration {
    number: 1,
    name: "things",
    sql: "CREATE TABLE things (
              thing_id UUID NOT NULL,
              name     TEXT NOT NULL,
              CONSTRAINT things_pk PRIMARY KEY (thing_id),
              CONSTRAINT things_name_unique UNIQUE (name)
          )",
};

pub(crate) async fn open(place: Place) -> Database {
    Database::open(place, &[BASE, THINGS], 1).await.unwrap()
}

pub(crate) async fn add(c: &Connection, name: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO things (thing_id, name) VALUES (gen_random_uuid(), $1)";
    c.execute(sql, &[&name]).await.map(drop)
}

pub(crate) async fn names(database: &Database) -> Vec<String> {
    let sql = "SELECT name FROM things ORDER BY name";
    let connection = database.read().await.unwrap();
    let rows = connection.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) async fn write(database: &Database, name: &'static str) -> Result<(), StoreError> {
    let written: Result<(), Abort<Infallible>> = database
        .write(name, |c, name| {
            Box::pin(async move { Ok(add(c, name).await?) })
        })
        .await;
    written.map_err(|abort| match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    })
}

#[tokio::test]
async fn a_write_is_kept_as_a_whole_or_not_at_all() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    write(&database, "kept").await.unwrap();
    let refused: Result<(), Abort<&str>> = database
        .write((), |c, ()| {
            Box::pin(async move {
                add(c, "refused").await?;
                Err(Abort::Refused("no"))
            })
        })
        .await;
    assert!(matches!(refused, Err(Abort::Refused("no"))));
    let twice = write(&database, "kept").await.unwrap_err();
    assert!(twice.violates("things_name_unique"), "{twice:?}");
    assert_eq!(names(&database).await, ["kept"]);
}

#[tokio::test]
async fn nothing_is_committed_behind_a_statement_that_failed() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    write(&database, "there").await.unwrap();
    let careless: Result<(), Abort<Infallible>> = database
        .write((), |c, ()| {
            Box::pin(async move {
                add(c, "new").await?;
                drop(add(c, "there").await);
                Ok(())
            })
        })
        .await;
    assert!(careless.is_err());
    assert_eq!(names(&database).await, ["there"]);
}

#[tokio::test]
async fn ids_and_hashes_come_back_as_they_went() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let connection = database.read().await.unwrap();
    let (id, hash) = (Bytes([7; 16]), Bytes([9; 32]));
    let sql = "SELECT $1::uuid, $2::bytea, $3::uuid[]";
    let row = connection
        .query_one(sql, &[&id, &hash, &vec![id, id]])
        .await
        .unwrap();
    assert_eq!(row.get::<_, Bytes<16>>(0), id);
    assert_eq!(row.get::<_, Bytes<32>>(1), hash);
    assert_eq!(row.get::<_, Vec<Bytes<16>>>(2), [id, id]);
}

#[tokio::test]
async fn a_snapshot_sees_one_state_and_changes_nothing() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let snapshot = database.snapshot().await.unwrap();
    let count = async || -> i64 {
        let row = snapshot
            .query_one("SELECT COUNT(*) FROM things", &[])
            .await
            .unwrap();
        row.get(0)
    };
    assert_eq!(count().await, 0);
    write(&database, "later").await.unwrap();
    assert_eq!(count().await, 0);
    assert!(add(&snapshot, "never").await.is_err());
    drop(snapshot);
    assert_eq!(names(&database).await, ["later"]);
}

#[tokio::test]
async fn nothing_is_begun_for_whoever_does_not_wait() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let late = deadline::within(
        Some(Deadline::after(Duration::ZERO)),
        write(&database, "late"),
    );
    assert!(matches!(late.await, Err(StoreError::Late)));
    assert_eq!(names(&database).await, [""; 0]);
}

#[tokio::test]
async fn a_full_pool_a_held_lock_and_a_slow_statement_are_said_to_be_too_much() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let mut place = server.place("things");
    place.options.connections_max = 2;
    place.options.connection_wait_ms = 50;
    place.options.lock_timeout_ms = 50;
    place.options.statement_timeout_ms = 300;
    let database = open(place).await;
    write(&database, "held").await.unwrap();
    let holder = database.read().await.unwrap();
    holder
        .execute_batch("BEGIN; UPDATE things SET name = 'held too'")
        .await
        .unwrap();
    let locked: Result<(), Abort<Infallible>> = database
        .write((), |c, ()| {
            Box::pin(async move {
                c.execute("UPDATE things SET name = 'mine'", &[]).await?;
                Ok(())
            })
        })
        .await;
    let overloaded =
        |abort: &Abort<Infallible>| matches!(abort, Abort::Failed(StoreError::Overloaded));
    assert!(locked.is_err_and(|abort| overloaded(&abort)));
    let slow = database.read().await.unwrap();
    let slept = slow.query("SELECT pg_sleep(5)", &[]).await;
    assert!(matches!(slept, Err(StoreError::Overloaded)));
    let third = database.read().await;
    assert!(matches!(third, Err(StoreError::Overloaded)));
    holder.execute_batch("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_left_in_the_middle_is_not_used_again() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let mut place = server.place("things");
    place.options.connections_max = 1;
    let database = open(place).await;
    let session = async |connection: &Connection| -> i32 {
        let row = connection.query_one("SELECT pg_backend_pid()", &[]).await;
        row.unwrap().get(0)
    };
    let connection = database.read().await.unwrap();
    let first = session(&connection).await;
    connection.execute_batch("BEGIN").await.unwrap();
    drop(connection);
    let connection = database.read().await.unwrap();
    assert_eq!(session(&connection).await, first, "it is as good as new");
    let sleeping = connection.query("SELECT pg_sleep(2)", &[]);
    let soon = tokio::time::timeout(Duration::from_millis(100), sleeping);
    assert!(soon.await.is_err());
    drop(connection);
    let connection = database.read().await.unwrap();
    assert_ne!(session(&connection).await, first);
}

#[tokio::test]
async fn a_write_goes_on_when_its_caller_leaves() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    let begun = Arc::new(Notify::new());
    let writing = database.write(Arc::clone(&begun), |c, begun| {
        Box::pin(async move {
            add(c, "slowly").await?;
            begun.notify_one();
            c.query("SELECT pg_sleep(0.5)", &[]).await?;
            Ok::<_, Abort<Infallible>>(())
        })
    });
    let has_left = tokio::select! {
        biased;
        () = begun.notified() => true,
        _ = writing => false,
    };
    assert!(has_left, "in the middle of it");
    let mut commits = database.commits();
    while names(&database).await.is_empty() {
        commits.changed().await.unwrap();
    }
    assert_eq!(names(&database).await, ["slowly"]);
}
