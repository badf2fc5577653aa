//! Reviews of one product that come at once: one of a buyer is kept, and what the product shows is what those that are
//! kept come to, exactly, whatever is written, changed and taken back beside each other.

use crate::{customers, ground::Ground, outcomes};
use futures_util::future::{join_all, join3};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Answer, Client};

/// A product that these have bought.
async fn bought_by(admin: &Client, buyers: &[Client]) -> String {
    let product = admin.sell("tea", 1_999, 100).await;
    let bought = buyers
        .iter()
        .map(|buyer| buyer.buy("k", &product, 1, "tok_ok"));
    let expected = BTreeMap::from([((201, ""), buyers.len())]);
    let bought = join_all(bought).await;
    // A payment that another node is at is not waited for there, but everybody has a key of their own.
    assert_eq!(outcomes(&bought), expected);
    product
}

/// What everybody is shown, and what is kept: so many reviews that come to this sum.
async fn shows(shop: &Ground, product: &str, count: i64, sum: i64) {
    let hundredths = (sum * 200 + count) / (count * 2);
    let fits = |answer: &Answer| {
        let average = answer.json["rating"]["average"].as_f64();
        // As text, so that a hundredth is a hundredth.
        let average = average.map(|average| format!("{average:.2}"));
        let exact = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        answer.int("/rating/count") == count && average == Some(exact)
    };
    let path = format!("/api/v1/products/{product}");
    shop.shown(&path, fits).await;
    let list = shop
        .visitor()
        .get(&format!("{path}/reviews?limit=100"))
        .await;
    let kept = list.json["data"].as_array().expect("a list");
    let ratings = kept.iter().filter_map(|one| one["rating"].as_i64());
    assert_eq!(
        (ratings.clone().count(), ratings.sum()),
        (usize::try_from(count).expect("few"), sum)
    );
}

async fn of_thirty_two_reviews_by_one_buyer_one_is_kept(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let product = bought_by(&admin, std::slice::from_ref(&ann)).await;
    let path = format!("/api/v1/products/{product}/reviews");
    let reviews = (0..32_i64).map(|number| {
        let (ann, path) = (&ann, &path);
        async move { ann.post(path, &json!({"rating": 1 + number % 5})).await }
    });
    let answers = join_all(reviews).await;
    let expected = BTreeMap::from([((201, ""), 1), ((409, "review_exists"), 31)]);
    assert_eq!(outcomes(&answers), expected);
    let kept = answers.iter().find(|answer| answer.status == 201);
    let rating = kept.map_or(0, |kept| kept.int("/rating"));
    shows(&shop, &product, 1, rating).await;
    shop.verify().await;
}

async fn fifty_who_review_at_once_are_all_counted_and_so_is_what_they_change(mut shop: Ground) {
    let admin = shop.admin().await;
    let buyers = customers(&shop, 50).await;
    let product = bought_by(&admin, &buyers).await;
    let path = format!("/api/v1/products/{product}/reviews");
    let write = async |(buyer, rating): (&Client, i64)| {
        buyer.post(&path, &json!({ "rating": rating })).await
    };
    // From 1 to 5, and once more a 4 for each that would be a 1: no average that any rating is.
    let ratings =
        (0..50_i64).map(|number| [4, 2, 3, 4, 5][usize::try_from(number % 5).expect("few")]);
    let ratings: Vec<i64> = ratings.collect();
    let written = join_all(buyers.iter().zip(ratings.iter().copied()).map(write)).await;
    assert_eq!(outcomes(&written), BTreeMap::from([((201, ""), 50)]));
    shows(&shop, &product, 50, ratings.iter().sum()).await;
    // Some think again, some take it back, an admin hides others, all at once.
    let of = |number: usize| format!("/api/v1/reviews/{}", written[number].str("/id"));
    let changed = (0..20).map(|number| {
        let (buyer, path) = (&buyers[number], of(number));
        async move { buyer.put(&path, &json!({"rating": 1, "version": 1})).await }
    });
    let taken_back = (20..33).map(|number| {
        let (buyer, path) = (&buyers[number], of(number));
        async move { buyer.delete(&format!("{path}?version=1"), None).await }
    });
    let hidden = (33..40).map(|number| {
        let (admin, path) = (&admin, format!("{}/status", of(number)));
        async move {
            admin
                .put(&path, &json!({"status": "hidden", "version": 1}))
                .await
        }
    });
    let (changed, taken_back, hidden) =
        join3(join_all(changed), join_all(taken_back), join_all(hidden)).await;
    assert_eq!(outcomes(&changed), BTreeMap::from([((200, ""), 20)]));
    assert_eq!(outcomes(&taken_back), BTreeMap::from([((204, ""), 13)]));
    assert_eq!(outcomes(&hidden), BTreeMap::from([((200, ""), 7)]));
    let left: i64 = ratings[40..].iter().sum();
    shows(&shop, &product, 30, 20 + left).await;
    shop.verify().await;
}

async fn a_review_and_what_is_done_to_it_at_once_end_as_one_of_them(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let product = bought_by(&admin, std::slice::from_ref(&ann)).await;
    let path = format!("/api/v1/products/{product}/reviews");
    let written = ann.post(&path, &json!({"rating": 3})).await;
    let review = format!("/api/v1/reviews/{}", written.str("/id"));
    let changes = (0..32_i64).map(|number| {
        let (ann, review) = (&ann, &review);
        let body: Value = json!({"rating": 1 + number % 5, "version": 1});
        async move { ann.put(review, &body).await }
    });
    let answers = join_all(changes).await;
    let expected = BTreeMap::from([((200, ""), 1), ((409, "version_conflict"), 31)]);
    assert_eq!(outcomes(&answers), expected);
    let kept = answers.iter().find(|answer| answer.status == 200);
    shows(
        &shop,
        &product,
        1,
        kept.map_or(0, |kept| kept.int("/rating")),
    )
    .await;
    shop.verify().await;
}

on_both_grounds! {
    of_thirty_two_reviews_by_one_buyer_one_is_kept,
    fifty_who_review_at_once_are_all_counted_and_so_is_what_they_change,
    a_review_and_what_is_done_to_it_at_once_end_as_one_of_them,
}
