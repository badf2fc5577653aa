//! Migrations that several nodes may begin at once: made once, found by the others, never half.

use super::{THINGS, open};
use platform::db::{
    migrate::Migration,
    postgres::{BASE, Database},
};
use testkit::postgres::Postgres;

#[tokio::test]
async fn two_nodes_that_start_at_once_migrate_once() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let nodes = (0..4).map(|_| open(server.place_at(url.clone(), "things")));
    let databases = futures_util::future::join_all(nodes).await;
    let connection = databases[0].read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM schema_migrations";
    let applied: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(applied, 2);
}

#[tokio::test]
async fn a_node_that_may_not_migrate_says_what_is_missing() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let mut place = server.place_at(url.clone(), "things");
    place.options.migrate = false;
    let refused = Database::open(place.clone(), &[BASE, THINGS], 1).await;
    let said = format!("{:?}", refused.unwrap_err());
    assert!(
        said.contains("lacks migration 0 (base): run `souk migrate up`"),
        "{said}"
    );
    open(server.place_at(url, "things")).await;
    Database::open(place.clone(), &[BASE, THINGS], 1)
        .await
        .unwrap();
    let before = Database::open(place, &[BASE], 1).await;
    assert!(
        before.is_ok(),
        "the release before runs on the schema of the next"
    );
}

#[tokio::test]
async fn an_edited_migration_is_found_out_and_a_failing_one_leaves_nothing() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let broken = Migration {
        sql: "CREATE TABLE half (id BIGINT); nonsense",
        ..THINGS
    };
    let place = server.place_at(url, "things");
    let failed = Database::open(place.clone(), &[BASE, broken], 1).await;
    assert!(failed.is_err());
    let database = open(place.clone()).await;
    let connection = database.read().await.unwrap();
    let sql = "SELECT to_regclass('half') IS NULL";
    assert!(
        connection
            .query_one(sql, &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
    );
    let edited = Database::open(place, &[BASE, broken], 1).await;
    let said = format!("{:?}", edited.unwrap_err());
    assert!(said.contains("was edited after it was applied"), "{said}");
}
