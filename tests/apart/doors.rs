//! What is between the nodes is between the nodes: nobody else gets in, at either door.

use crate::world::{Apart, DOOR_AND_REST};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_doors_between_nodes_are_closed_to_everybody_else() {
    let Some(mut apart) = Apart::start(DOOR_AND_REST).await else {
        return;
    };
    let admin = apart.admin().await;
    let public = apart.visitor();
    let (services, pages) = (
        apart.node("catalog").internal_url().to_owned(),
        apart.node("storefront").internal_url().to_owned(),
    );
    for (node, path) in [
        (&services, "/internal/catalog/reserve_all"),
        (&services, "/internal/identity/login"),
        (&services, "/api/v1/products"),
        (&services, "/api/v1/orders"),
        (&pages, "/"),
        (&pages, "/sign-in"),
    ] {
        let inside = public.at(node);
        let unsigned = inside.post(path, &json!([])).await;
        let told = (unsigned.status, unsigned.code());
        assert_eq!(told, (401, "unauthenticated"), "{path}");
        // An admin's token is of no use there.
        let token = admin.at(node).post(path, &json!([])).await;
        assert_eq!(token.status, 401, "{path}");
        let forged = inside
            .request(Method::POST, path)
            .header("x-souk-caller", "orders")
            .header("x-souk-time", "1")
            .header("x-souk-signature", "AAAA")
            .json(&json!([]));
        let forged = inside.send(forged).await;
        assert_eq!((forged.status, forged.code()), (403, "forbidden"), "{path}");
    }
    let inside = public.at(&services);
    for probe in ["/livez", "/readyz"] {
        assert_eq!(inside.get(probe).await.status, 200, "{probe}");
    }
}

#[tokio::test]
async fn nothing_internal_is_to_be_had_at_the_public_door() {
    let Some(mut apart) = Apart::start(DOOR_AND_REST).await else {
        return;
    };
    let public = apart.visitor();
    for path in [
        "/internal/catalog/reserve_all",
        "/internal/catalog/products",
        "/internal",
        "/api/v1/products/..%2f..%2f..%2finternal/catalog/products",
        "/%69nternal/catalog/products",
        "/api/v1/orders/..;/internal/orders/audit",
        "//internal/catalog/products",
    ] {
        let asked = public.post(path, &json!([])).await;
        assert!(
            matches!(asked.status, 400 | 404 | 405),
            "{path}: {}",
            asked.text
        );
        let read = public.get(path).await;
        assert!(matches!(read.status, 400 | 404), "{path}: {}", read.text);
    }
    // Whoever claims to be somebody in the nodes' own words is nobody.
    let claimed = public
        .request(Method::GET, "/api/v1/me")
        .header("x-souk-principal", "eyJ1c2VyX2lkIjoiIn0")
        .header("x-souk-caller", "gateway")
        .header("x-souk-signature", "AAAA");
    let claimed = public.send(claimed).await;
    assert_eq!((claimed.status, claimed.code()), (401, "unauthenticated"));
}
