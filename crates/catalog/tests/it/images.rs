//! Pictures through the router: what comes in is drawn anew, what goes out can be kept for good, and nobody touches
//! another's.

use super::{Answer, Shop, Who};
use axum::{body::Body, http::Request};
use futures_util::{future::join, stream};
use http_body_util::BodyExt;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::io::Cursor;
use tower::ServiceExt;

/// A picture of one colour.
fn picture(format: ImageFormat, width: u32, red: u8) -> Vec<u8> {
    let pixels: DynamicImage = RgbImage::from_pixel(width, 20, Rgb([red, 90, 20])).into();
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// So far from each other that they are still others when they were drawn anew.
fn png(number: u8) -> Vec<u8> {
    picture(ImageFormat::Png, 30, number.saturating_mul(25))
}

async fn send(shop: &Shop, who: Who, line: &str, kind: &str, file: Vec<u8>) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind)
        .body(Body::from(file));
    shop.send(who, request.unwrap()).await
}

/// A product, and the address of its pictures.
async fn shop() -> (Shop, String) {
    let shop = Shop::open().await;
    let made = shop.product(json!({"name": "Tea", "price": 1})).await;
    let images = format!("/api/v1/products/{}/images", made.text("id"));
    (shop, images)
}

async fn added(shop: &Shop, images: &str, red: u8) -> Value {
    let answer = send(
        shop,
        Who::Merchant,
        &format!("POST {images}"),
        "image/png",
        png(red),
    )
    .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_picture_is_shown_with_its_product_and_kept_for_good() {
    let (shop, images) = shop().await;
    let product = images.trim_end_matches("/images");
    let before = shop.get(Who::Nobody, product).await;
    let file = picture(ImageFormat::WebP, 900, 200);
    let line = format!("POST {images}?alt=Green%20leaves");
    let made = send(&shop, Who::Merchant, &line, "image/webp", file.clone()).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (201, "\"1\""),
        "{made:?}"
    );
    let again = send(&shop, Who::Merchant, &line, "image/webp", file).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.body),
        ("true", &made.body)
    );
    let shown = shop.get(Who::Nobody, product).await;
    assert_eq!(shown.body["images"], json!([made.body]));
    assert_ne!(shown.header("etag"), before.header("etag"));
    assert_eq!(
        shop.get(Who::Nobody, &images).await.body["data"],
        json!([made.body])
    );
    let list = shop.get(Who::Nobody, "/api/v1/products").await;
    assert_eq!(list.body["data"][0]["images"][0]["alt"], "Green leaves");
    assert_eq!(made.body["thumbnail"]["width"], 400);
    let url = made.body["full"]["url"].as_str().unwrap();
    let ask = |tag: &str| {
        Request::get(url)
            .header("if-none-match", tag)
            .body(Body::empty())
            .unwrap()
    };
    let response = shop.router.clone().oneshot(ask("\"x\"")).await.unwrap();
    let headers = response.headers().clone();
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("content-encoding"));
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let drawn = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (900, 20));
    let tag = headers["etag"].to_str().unwrap();
    let known = shop.router.clone().oneshot(ask(tag)).await.unwrap();
    assert_eq!(known.status(), 304);
}

#[tokio::test]
async fn what_is_no_picture_or_too_much_of_one_is_refused() {
    let (shop, images) = shop().await;
    let add = format!("POST {images}");
    let broken = png(1)[..60].to_vec();
    let large = picture(ImageFormat::Png, 300_000, 1);
    for (kind, file, refusal) in [
        ("application/json", png(1), "415 unsupported_media_type"),
        (
            "image/svg+xml",
            b"<svg/>".to_vec(),
            "415 unsupported_media_type",
        ),
        ("image/jpeg", png(1), "415 unsupported_media_type"),
        ("image/png", Vec::new(), "415 unsupported_media_type"),
        ("image/png", broken, "422 validation_failed "),
        ("image/png", large, "422 validation_failed "),
        ("image/png", vec![0; 200_001], "413 body_too_large"),
    ] {
        let answer = send(&shop, Who::Merchant, &add, kind, file).await;
        assert_eq!(answer.refusal(), refusal, "{kind}");
    }
    let long = format!("{add}?alt={}", "x".repeat(201));
    let answer = send(&shop, Who::Merchant, &long, "image/png", png(1)).await;
    assert_eq!(answer.refusal(), "422 validation_failed /alt");
    for red in 1..=3 {
        added(&shop, &images, red).await;
    }
    let fourth = send(&shop, Who::Merchant, &add, "image/png", png(4)).await;
    assert_eq!(fourth.refusal(), "409 too_many_images");
    for name in [
        "x.jpg",
        "../../etc/passwd",
        &format!("{}.svg", "a".repeat(43)),
    ] {
        assert_eq!(
            shop.get(Who::Nobody, &format!("/images/{name}"))
                .await
                .status,
            404,
            "{name}"
        );
    }
    let absent = format!("/images/{}.jpg", "a".repeat(43));
    assert_eq!(shop.get(Who::Nobody, &absent).await.status, 404);
}

#[tokio::test]
async fn more_pictures_than_there_are_seats_are_refused_at_once() {
    let (shop, images) = shop().await;
    let on_its_way = async || {
        // Whoever finds no seat comes again; whoever has one keeps it, for the picture is never whole.
        let mut told = 503;
        while told == 503 {
            let body = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
            let request = Request::post(&images).header("content-type", "image/png");
            let request = request.body(body).unwrap();
            told = shop.send(Who::Merchant, request).await.status;
        }
    };
    let answered = async |status: u16| {
        let add = format!("POST {images}");
        loop {
            let answer = send(&shop, Who::Merchant, &add, "image/png", png(1)).await;
            if answer.status == status {
                break;
            }
        }
    };
    tokio::select! {
        () = answered(503) => {}
        ((), ()) = join(on_its_way(), on_its_way()) => {}
    }
    answered(201).await;
}

#[tokio::test]
async fn pictures_are_moved_and_put_into_words_by_their_seller_alone() {
    let (shop, images) = shop().await;
    let one = added(&shop, &images, 1).await;
    let two = added(&shop, &images, 2).await;
    let at = |image: &Value| format!("{images}/{}", image["id"].as_str().unwrap());
    let patch = format!("PATCH {}", at(&two));
    let wish = json!({"alt": "First now", "position": 0, "version": 1});
    for (who, status) in [
        (Who::Nobody, 401),
        (Who::Customer, 403),
        (Who::Other, 404),
        (Who::Admin, 200),
    ] {
        assert_eq!(
            shop.call(who, &patch, &[], &wish).await.status,
            status,
            "{who:?}"
        );
    }
    assert_eq!(
        shop.call(Who::Merchant, &patch, &[], &wish).await.refusal(),
        "409 version_conflict"
    );
    let listed = shop.get(Who::Nobody, &images).await.body;
    assert_eq!(
        (&listed["data"][0]["alt"], &listed["data"][1]),
        (&json!("First now"), &one)
    );
}

#[tokio::test]
async fn the_old_picture_is_there_until_the_new_one_is_and_goes_with_it() {
    let (shop, images) = shop().await;
    let one = added(&shop, &images, 1).await;
    let two = added(&shop, &images, 2).await;
    let at = |image: &Value| format!("{images}/{}", image["id"].as_str().unwrap());
    let put = format!("PUT {}", at(&two));
    let exchange = |line: String, file| {
        let shop = &shop;
        async move { send(shop, Who::Merchant, &line, "image/png", file).await }
    };
    assert_eq!(exchange(put.clone(), png(3)).await.status, 428);
    let put = format!("{put}?version=1");
    let old = two["full"]["url"].as_str().unwrap();
    let broken = exchange(put.clone(), png(3)[..50].to_vec()).await;
    assert_eq!(
        (broken.status, shop.get(Who::Nobody, old).await.status),
        (422, 200)
    );
    let new = exchange(put.clone(), png(3)).await;
    assert_eq!((new.status, new.header("etag")), (200, "\"2\""), "{new:?}");
    assert_eq!(shop.get(Who::Nobody, old).await.status, 404);
    assert_eq!(
        exchange(put, png(4)).await.refusal(),
        "409 version_conflict"
    );
    let delete = format!("DELETE {}", at(&one));
    for (who, status) in [
        (Who::Other, 404),
        (Who::Merchant, 204),
        (Who::Merchant, 404),
    ] {
        assert_eq!(
            shop.call(who, &delete, &["if-match: \"1\""], "")
                .await
                .status,
            status
        );
    }
    let gone = one["full"]["url"].as_str().unwrap();
    assert_eq!(shop.get(Who::Nobody, gone).await.status, 404);
    assert_eq!(
        shop.get(Who::Nobody, &images).await.body["data"],
        json!([new.body])
    );
}
