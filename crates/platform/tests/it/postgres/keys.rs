//! A key on a database that several nodes share: twins that meet there have one effect and one answer.

use super::{add, names, open};
use contracts::{request::IdempotencyKey, values::Timestamp};
use platform::db::{
    Abort,
    keys::KeyedRequest,
    postgres::{
        Database,
        keys::{recall, remember},
    },
};
use testkit::postgres::Postgres;

fn request(body: &str) -> KeyedRequest {
    KeyedRequest::new("ann", &IdempotencyKey::parse("k1").unwrap(), &body).unwrap()
}

async fn work(database: &Database, request: KeyedRequest) -> Result<String, Abort<&'static str>> {
    let write = database.write(request, |c, request| {
        Box::pin(async move {
            if let Some(known) = recall::<String, _>(c, request, || "reused").await? {
                return Ok(known);
            }
            add(c, "one").await?;
            let answer = "done".to_owned();
            remember(c, request, &answer, Timestamp::from_ms(0)).await?;
            Ok(answer)
        })
    });
    write.await
}

#[tokio::test]
async fn a_hundred_twins_on_two_nodes_have_one_effect_and_one_answer() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    let one = open(server.place_at(url.clone(), "things")).await;
    let other = open(server.place_at(url, "things")).await;
    let twins = (0..50).flat_map(|_| [work(&one, request("body")), work(&other, request("body"))]);
    for answer in futures_util::future::join_all(twins).await {
        assert_eq!(answer.unwrap(), "done");
    }
    assert_eq!(names(&one).await, ["one"]);
    let reused = work(&other, request("another")).await;
    assert!(matches!(reused, Err(Abort::Refused("reused"))));
}
