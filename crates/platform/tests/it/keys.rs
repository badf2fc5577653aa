//! A key answers the same again, refuses another body, and is gone with its effect.

use crate::Place;
use contracts::{request::IdempotencyKey, values::Timestamp};
use platform::db::{
    Abort,
    keys::{KeyedRequest, recall, remember},
};

fn request(scope: &str, body: &str) -> KeyedRequest {
    KeyedRequest::new(scope, &IdempotencyKey::parse("k1").unwrap(), &body).unwrap()
}

async fn work(
    place: &Place,
    request: KeyedRequest,
    fails: bool,
) -> Result<String, Abort<&'static str>> {
    let write = place.database.write(move |c| {
        if let Some(known) = recall::<String, _>(c, &request, || "reused")? {
            return Ok(known);
        }
        c.execute("INSERT INTO things (name) VALUES ('one')", [])?;
        let answer = "done".to_owned();
        remember(c, &request, &answer, Timestamp::from_ms(0))?;
        if fails {
            Err(Abort::Refused("no"))
        } else {
            Ok(answer)
        }
    });
    write.await
}

async fn things(place: &Place) -> i64 {
    let count = place
        .database
        .read(|c| Ok(c.query_row("SELECT COUNT(*) FROM things", [], |row| row.get(0))?));
    count.await.unwrap()
}

#[tokio::test]
async fn a_hundred_twins_have_one_effect_and_one_answer() {
    let place = Place::new();
    let twins = (0..100).map(|_| work(&place, request("ann", "body"), false));
    for answer in futures_util::future::join_all(twins).await {
        assert_eq!(answer.unwrap(), "done");
    }
    assert_eq!(things(&place).await, 1);
}

#[tokio::test]
async fn another_body_is_refused_and_another_scope_is_another_key() {
    let place = Place::new();
    work(&place, request("ann", "body"), false).await.unwrap();
    assert!(matches!(
        work(&place, request("ann", "other"), false).await,
        Err(Abort::Refused("reused"))
    ));
    work(&place, request("bob", "body"), false).await.unwrap();
    assert_eq!(things(&place).await, 2);
}

#[tokio::test]
async fn a_key_is_not_kept_without_its_effect() {
    let place = Place::new();
    assert!(work(&place, request("ann", "body"), true).await.is_err());
    assert_eq!(things(&place).await, 0);
    work(&place, request("ann", "corrected"), false)
        .await
        .unwrap();
    assert_eq!(things(&place).await, 1);
}
