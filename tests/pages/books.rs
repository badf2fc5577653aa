//! The books, for admins.

use crate::browser::{Browser, open};
use testkit::PASSWORD;

#[tokio::test]
async fn the_books_are_shown_to_admins_and_to_nobody_else() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    assert_eq!(ann.buy("k1", &tea, 2, "tok_ok").await.status, 201);
    let mut nobody = Browser::new(&shop);
    let page = nobody.get("/admin/books").await;
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), "/sign-in?next=%2Fadmin%2Fbooks");
    let mut customer = Browser::new(&shop);
    customer.sign_in("ann@souk.example", PASSWORD, "/").await;
    let page = customer.get("/admin/books").await;
    assert_eq!(page.status, 403);
    assert!(!page.text.contains("ledger"), "{}", page.text);
    let mut browser = Browser::new(&shop);
    browser.sign_in("admin@souk.example", PASSWORD, "/").await;
    let page = browser.get("/admin/books").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("All books balance"), "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
}
