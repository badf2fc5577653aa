//! Pictures in a bucket of an S3-compatible store, with a shop on its own files and with one on PostgreSQL: what is
//! sent is in the bucket and shown, what goes is gone from it, and a store that is away is said to be away and loses
//! nothing.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Cursor;
use testkit::{Answer, Bucket, Client, Mood, Shop, on_both_stores, postgres::Postgres};

/// A shop whose pictures are in this bucket.
async fn shop(bucket: &Bucket, more: &[(&str, &str)]) -> Shop {
    let given = bucket.settings("shop/one");
    let mut settings: Vec<(&str, &str)> = given
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    settings.extend(more);
    Shop::start_with(&settings).await
}

/// The same, with a bucket of its own.
async fn open(more: &[(&str, &str)]) -> (Bucket, Shop) {
    let bucket = Bucket::open();
    let shop = shop(&bucket, more).await;
    (bucket, shop)
}

on_both_stores! {
    open:
    a_picture_is_put_there_shown_exchanged_and_taken_away,
    what_is_refused_leaves_nothing_there,
    a_store_that_is_away_is_said_to_be_and_the_old_picture_stays,
    two_products_with_one_picture_have_files_of_their_own,
}

/// A picture of one colour, large enough for two files.
fn picture(red: u8) -> Vec<u8> {
    let pixels: DynamicImage = RgbImage::from_pixel(900, 600, Rgb([red, 90, 120])).into();
    let mut file = Cursor::new(Vec::new());
    pixels
        .write_to(&mut file, ImageFormat::Png)
        .expect("a picture");
    file.into_inner()
}

/// Sends a picture; where it is one for another, of this version.
async fn send(seller: &Client, method: Method, path: &str, (red, version): (u8, i64)) -> Answer {
    let request = seller
        .request(method, path)
        .header("content-type", "image/png");
    let request = request.header("if-match", format!("\"{version}\""));
    seller.send(request.body(picture(red))).await
}

async fn add(seller: &Client, images: &str, red: u8) -> Answer {
    let request = seller.request(Method::POST, images);
    let request = request
        .header("content-type", "image/png")
        .body(picture(red));
    seller.send(request).await
}

async fn remove(seller: &Client, image: &str, version: i64) -> Answer {
    let request = seller.request(Method::DELETE, image);
    seller
        .send(request.header("if-match", format!("\"{version}\"")))
        .await
}

/// Where a product's pictures are.
async fn product(seller: &Client, name: &str) -> String {
    let made = seller
        .post("/api/v1/products", &json!({"name": name, "price": "4.00"}))
        .await;
    format!("/api/v1/products/{}/images", made.str("/id"))
}

/// The bytes of a file that anybody may see, or the status.
async fn file(shop: &Shop, path: &str) -> Result<Vec<u8>, u16> {
    let answer = shop
        .visitor()
        .request(Method::GET, path)
        .send()
        .await
        .expect("an answer");
    match answer.status().as_u16() {
        200 => Ok(answer.bytes().await.expect("a file").to_vec()),
        status => Err(status),
    }
}

/// Both files of a picture are shown as they are in the bucket.
async fn is_shown(shop: &Shop, bucket: &Bucket, image: &Answer) {
    let keys = bucket.keys();
    for pointer in ["/full/url", "/thumbnail/url"] {
        let url = image.str(pointer);
        let name = url.rsplit('/').next().unwrap_or_default();
        let folder = format!("shop/one/{}/", image.str("/id"));
        let key = keys
            .iter()
            .find(|key| key.starts_with(&folder) && key.ends_with(name));
        let kept = bucket.object(key.expect("an object")).expect("its bytes");
        assert_eq!(file(shop, url).await, Ok(kept), "{url}");
    }
}

async fn a_picture_is_put_there_shown_exchanged_and_taken_away((bucket, mut shop): (Bucket, Shop)) {
    let admin = shop.admin().await;
    let images = product(&admin, "Teapot").await;
    let first = add(&admin, &images, 10).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(bucket.keys().len(), 2);
    is_shown(&shop, &bucket, &first).await;
    let again = add(&admin, &images, 10).await;
    assert_eq!(
        again.header("idempotent-replayed"),
        "true",
        "{}",
        again.text
    );
    assert_eq!(bucket.keys().len(), 2, "{:?}", bucket.keys());
    let here = format!("{images}/{}", first.str("/id"));
    let other = send(&admin, Method::PUT, &here, (200, 1)).await;
    assert_eq!(other.status, 200, "{}", other.text);
    is_shown(&shop, &bucket, &other).await;
    assert_eq!(
        bucket.keys().len(),
        2,
        "the old files are gone: {:?}",
        bucket.keys()
    );
    assert_eq!(file(&shop, first.str("/full/url")).await, Err(404));
    // The same one in its own place is another time that it was sent.
    let same = send(&admin, Method::PUT, &here, (200, 2)).await;
    assert_eq!(same.status, 200, "{}", same.text);
    is_shown(&shop, &bucket, &same).await;
    assert_eq!(bucket.keys().len(), 2, "{:?}", bucket.keys());
    let words = admin
        .patch(&here, &json!({"alt": "red", "version": 3}))
        .await;
    assert_eq!(words.status, 200, "{}", words.text);
    is_shown(&shop, &bucket, &words).await;
    let gone = remove(&admin, &here, 4).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(bucket.keys(), [""; 0]);
    assert_eq!(file(&shop, other.str("/full/url")).await, Err(404));
    assert_eq!(bucket.refused(), 0, "all was signed as it must be");
    shop.verify().await;
}

async fn what_is_refused_leaves_nothing_there((bucket, mut shop): (Bucket, Shop)) {
    let admin = shop.admin().await;
    let images = product(&admin, "Teapot").await;
    let first = add(&admin, &images, 10).await;
    let (here, before) = (format!("{images}/{}", first.str("/id")), bucket.keys());
    for red in [200, 10] {
        let stale = send(&admin, Method::PUT, &here, (red, 9)).await;
        assert_eq!(stale.status, 412, "{}", stale.text);
        assert_eq!(bucket.keys(), before);
    }
    let stale = remove(&admin, &here, 9).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    let broken = admin
        .request(Method::POST, &images)
        .header("content-type", "image/png");
    let broken = admin.send(broken.body("no picture")).await;
    assert!((400..500).contains(&broken.status), "{}", broken.text);
    let ann = shop.customer("ann").await;
    let foreign = add(&ann, &images, 30).await;
    assert!(matches!(foreign.status, 403 | 404), "{}", foreign.text);
    assert_eq!(bucket.keys(), before);
    is_shown(&shop, &bucket, &first).await;
}

async fn a_store_that_is_away_is_said_to_be_and_the_old_picture_stays(
    (bucket, mut shop): (Bucket, Shop),
) {
    let admin = shop.admin().await;
    let images = product(&admin, "Teapot").await;
    let first = add(&admin, &images, 10).await;
    let (here, before) = (format!("{images}/{}", first.str("/id")), bucket.keys());
    for mood in [Mood::Away, Mood::Unwell, Mood::TakesOneMore] {
        for method in [Method::POST, Method::PUT] {
            bucket.is(mood);
            let (path, is_new) = (&here, method == Method::POST);
            let path = if is_new { &images } else { path };
            let refused = send(&admin, method, path, (200, 1)).await;
            assert_eq!(
                (refused.status, refused.code()),
                (503, "dependency_unavailable"),
                "{mood:?}: {}",
                refused.text
            );
        }
        if mood != Mood::TakesOneMore {
            assert_eq!(
                file(&shop, first.str("/full/url")).await,
                Err(503),
                "{mood:?}"
            );
        }
        let product = admin.get(images.trim_end_matches("/images")).await;
        assert_eq!(product.status, 200, "nothing else asks it");
        bucket.is(Mood::Well);
        is_shown(&shop, &bucket, &first).await;
        let shown = admin.get(&images).await;
        assert_eq!(
            shown
                .json
                .pointer("/data")
                .and_then(Value::as_array)
                .map(Vec::len),
            Some(1),
            "{}",
            shown.text
        );
        assert_eq!(shown.str("/data/0/full/url"), first.str("/full/url"));
    }
    // What was taken before the store went away is an object that nobody is shown.
    let kept = bucket.keys();
    assert!(before.iter().all(|key| kept.contains(key)), "{kept:?}");
    let other = send(&admin, Method::PUT, &here, (200, 1)).await;
    assert_eq!(other.status, 200, "{}", other.text);
    is_shown(&shop, &bucket, &other).await;
    // A store that is away keeps nobody from taking a picture away; its files stay there.
    bucket.is(Mood::Away);
    let gone = remove(&admin, &here, 2).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    bucket.is(Mood::Well);
    assert_eq!(file(&shop, other.str("/full/url")).await, Err(404));
    shop.verify().await;
}

async fn two_products_with_one_picture_have_files_of_their_own((bucket, mut shop): (Bucket, Shop)) {
    let admin = shop.admin().await;
    let (pots, cups) = (
        product(&admin, "Teapot").await,
        product(&admin, "Cup").await,
    );
    let (one, other) = (add(&admin, &pots, 10).await, add(&admin, &cups, 10).await);
    assert_eq!(one.str("/full/url"), other.str("/full/url"));
    assert_eq!(bucket.keys().len(), 4);
    let gone = remove(&admin, &format!("{pots}/{}", one.str("/id")), 1).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(bucket.keys().len(), 2);
    is_shown(&shop, &bucket, &other).await;
}

#[tokio::test]
async fn what_was_kept_before_is_shown_from_where_it_is() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let (bucket, database) = (Bucket::open(), server.database());
    let db = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let mut before = Shop::start_with(&db).await;
    let admin = before.admin().await;
    let images = product(&admin, "Teapot").await;
    let old = add(&admin, &images, 10).await;
    assert_eq!(old.status, 201, "{}", old.text);
    let after = shop(&bucket, &db).await;
    let admin = admin.at(after.url());
    let new = add(&admin, &images, 200).await;
    is_shown(&after, &bucket, &new).await;
    assert!(file(&after, old.str("/full/url")).await.is_ok());
    // A node that knows no bucket does not have what is in it, and says so.
    assert_eq!(file(&before, new.str("/full/url")).await, Err(500));
    let here = format!("{images}/{}", old.str("/id"));
    let exchanged = send(&admin, Method::PUT, &here, (90, 1)).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.text);
    is_shown(&after, &bucket, &exchanged).await;
    assert_eq!(file(&after, old.str("/full/url")).await, Err(404));
    assert_eq!(bucket.keys().len(), 4);
}

#[tokio::test]
async fn a_wrong_key_is_refused_by_the_store_and_nothing_is_kept() {
    let bucket = Bucket::open();
    let wrong = ("SOUK_CATALOG__IMAGES__S3__SECRET_ACCESS_KEY", "another");
    let mut shop = shop(&bucket, &[wrong]).await;
    let admin = shop.admin().await;
    let images = product(&admin, "Teapot").await;
    let refused = add(&admin, &images, 10).await;
    assert_eq!(refused.status, 500, "{}", refused.text);
    assert!(bucket.refused() > 0 && bucket.keys().is_empty());
    assert!(!refused.text.contains("another"), "{}", refused.text);
    assert_eq!(admin.get(&images).await.json["data"], json!([]));
}
