//! `souk admin keys`, beside a running shop.

use crate::refusal;
use serde_json::json;
use testkit::{Said, Shop, run};

async fn keys(shop: &Shop, words: &[&str]) -> Said {
    let data = shop.folder().to_str().unwrap_or_default();
    let words = [&["admin", "keys"], words, &["--data", data]].concat();
    run(&words, "").await
}

async fn status(shop: &Shop, key: &str) -> u16 {
    let visitor = shop.visitor();
    let request = visitor.request(reqwest::Method::GET, "/api/v1/orders");
    visitor.send(request.bearer_auth(key)).await.status
}

#[tokio::test]
async fn a_key_that_is_made_while_the_shop_is_open_works_until_it_is_revoked() {
    let shop = Shop::start().await;
    shop.customer("ann").await;
    let of_ann = ["--email", "ann@souk.example"];
    let create = [
        &["create"],
        &of_ann[..],
        &["--name", "till", "--scope", "orders:read"],
    ]
    .concat();
    let said = keys(&shop, &create).await;
    assert_eq!(said.code, 0, "{said:?}");
    let key = said.out.trim();
    assert!(
        key.starts_with("souk_") && !key.contains(char::is_whitespace),
        "{said:?}"
    );
    assert!(!said.err.contains(key), "{said:?}");
    assert_eq!(status(&shop, key).await, 200);
    let listed = keys(&shop, &[&["list"], &of_ann[..]].concat()).await;
    let (id, rest) = listed.out.split_once(' ').unwrap_or_default();
    assert!(
        rest.contains("orders:read") && !listed.out.contains(&key[31..]),
        "{listed:?}"
    );
    let revoked = keys(&shop, &["revoke", id]).await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    let begun = std::time::Instant::now();
    while status(&shop, key).await != 401 {
        assert!(begun.elapsed().as_secs() < 5, "it still opens");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_made_is_refused_in_one_line() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    for (email, scope, expected) in [
        ("bob@souk.example", "orders:read", "Not found"),
        (
            "ann@souk.example",
            "products:write",
            "scopes your roles make nothing of products:write",
        ),
        ("ann", "orders:read", "--email"),
    ] {
        let words = [
            "create", "--email", email, "--name", "till", "--scope", scope,
        ];
        let said = keys(&shop, &words).await;
        assert!(refusal(&said).contains(expected), "{said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
    let unknown = "key_01h455vb4pex5vsknk084sn02q";
    let said = keys(&shop, &["revoke", unknown]).await;
    assert_eq!(refusal(&said), format!("souk: there is no key {unknown}"));
    assert_eq!(ann.get("/api/v1/api-keys").await.json["data"], json!([]));
}
