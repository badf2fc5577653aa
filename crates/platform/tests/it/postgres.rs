//! Writes, reads and migrations on a real PostgreSQL: what is kept, what is made once more, and what is refused.

use platform::{
    db::{
        Abort, StoreError,
        migrate::Migration,
        postgres::{BASE, Bytes, Connection, Database, Place},
    },
    deadline::{self, Deadline},
};
use std::{convert::Infallible, time::Duration};
use testkit::postgres::Postgres;

const THINGS: Migration = Migration {
    number: 1,
    name: "things",
    sql: "CREATE TABLE things (
              thing_id UUID NOT NULL,
              name     TEXT NOT NULL,
              CONSTRAINT things_pk PRIMARY KEY (thing_id),
              CONSTRAINT things_name_unique UNIQUE (name)
          )",
};

async fn open(place: Place) -> Database {
    Database::open(place, &[BASE, THINGS], 1).await.unwrap()
}

async fn add(c: &Connection, name: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO things (thing_id, name) VALUES (gen_random_uuid(), $1)";
    c.execute(sql, &[&name]).await.map(drop)
}

async fn names(database: &Database) -> Vec<String> {
    let sql = "SELECT name FROM things ORDER BY name";
    let connection = database.read().await.unwrap();
    let rows = connection.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn write(database: &Database, name: &'static str) -> Result<(), StoreError> {
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
