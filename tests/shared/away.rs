//! A database that is killed under a shop: the shop is not ready, and says what it lacks, but lives; and is ready again
//! by itself once the database is back.

use testkit::{Answer, Shop, postgres::Postgres};

/// The parts that are asked of their database and do not have it.
fn without(answer: &Answer) -> Vec<&str> {
    let checks = answer.json["checks"].as_array();
    let failing = checks
        .into_iter()
        .flatten()
        .filter(|check| check["state"] == "failing");
    failing.filter_map(|check| check["name"].as_str()).collect()
}

#[tokio::test]
async fn a_shop_whose_database_is_killed_is_not_ready_until_it_is_back() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let database = server.database();
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let shop = Shop::start_with(&settings).await;
    let visitor = shop.visitor();
    let ready = visitor.get("/readyz?verbose").await;
    assert_eq!((ready.status, without(&ready)), (200, Vec::new()));
    server.kill();
    let away = visitor
        .get_until("/readyz?verbose", |answer| answer.status == 503)
        .await;
    let stores = without(&away);
    assert!(
        stores.iter().any(|name| name.ends_with("store")),
        "{stores:?}"
    );
    assert_eq!(visitor.get("/livez").await.status, 200);
    server.restart();
    visitor
        .get_until("/readyz?verbose", |answer| {
            answer.status == 200 && without(answer).is_empty()
        })
        .await;
}
