//! What mails lead to: the default mailer writes them as files, and the links in them open pages of this shop.

use super::browser::{Browser, field};
use std::{path::Path, time::Duration};
use testkit::{Client, Folder, PASSWORD, Shop, on_both_stores};

const ANN: &str = "ann@souk.example";
const NEW: &str = "another horse battery";

/// A shop whose mails are files in a folder of this one, with these settings more.
pub(crate) async fn open(more: &[(&str, &str)]) -> (Folder, Shop) {
    let files = Folder::default();
    let folder = files.at("mails");
    let mut settings = vec![
        ("SOUK_SHOP__DEMO", "false"),
        ("SOUK_MAIL__FOLDER", folder.as_str()),
        ("SOUK_MAIL__POLL_MS", "20"),
    ];
    settings.extend(more);
    let shop = Shop::start_with(&settings).await;
    (files, shop)
}

on_both_stores! {
    open:
    who_forgot_the_password_follows_the_link_in_a_mail_and_sets_another,
    an_address_is_verified_by_a_button_and_not_by_opening_the_link,
    a_guest_s_mail_opens_the_order_in_any_browser,
}

/// The path of the link to this page in the one mail that has one. It takes the mail away.
pub(crate) async fn link(shop: &Shop, files: &Folder, page: &str) -> String {
    let start = format!("{}{page}?token=", shop.url());
    let looking = async {
        loop {
            if let Some(link) = find(&files.path().join("mails"), &start) {
                return link;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
    let link = found.expect("a mail with a link");
    link.strip_prefix(shop.url())
        .expect("a link to this shop")
        .to_owned()
}

/// What the one mail that is there is about. It takes the mail away.
pub(crate) async fn subject(files: &Folder) -> String {
    let folder = files.path().join("mails");
    let looking = async {
        loop {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut mails = entries.map(|entry| entry.path());
            let found = mails.find(|path| path.extension().is_some_and(|kind| kind == "eml"));
            if let Some(path) = found {
                let text = std::fs::read_to_string(&path).expect("a mail");
                std::fs::remove_file(&path).expect("a mail");
                assert!(text.contains(&format!("To: {ANN}\r\n")), "{text}");
                let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
                return line.expect("a subject").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
    found.expect("a mail")
}

fn find(folder: &Path, start: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        let text = std::fs::read_to_string(&path).ok()?;
        let line = text.lines().find(|line| line.starts_with(start));
        if let Some(line) = line.filter(|_| path.extension().is_some_and(|kind| kind == "eml")) {
            assert!(text.contains(&format!("To: {ANN}\r\n")), "{text}");
            std::fs::remove_file(&path).ok()?;
            return Some(line.to_owned());
        }
    }
    None
}

async fn who_forgot_the_password_follows_the_link_in_a_mail_and_sets_another(
    (files, shop): (Folder, Shop),
) {
    let before = shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    let sign_in = browser.get("/sign-in").await;
    assert!(sign_in.text.contains("href=\"/forgot-password\""));
    let csrf = browser.proof("/forgot-password").await;
    let evil = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
    ];
    let mut told = Vec::new();
    for email in [ANN, "nobody@souk.example"] {
        let fields = [("email", email), ("csrf", csrf.as_str())];
        let page = browser
            .submit_with("/forgot-password", &fields, &evil)
            .await;
        assert!(
            page.text.contains("If there is an account"),
            "{}",
            page.text
        );
        told.push((page.status, page.text));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "whoever asks is told the same");
    let link = link(&shop, &files, "/reset-password").await;
    let page = browser.get(&link).await;
    let token = field(&page, "token").expect("the token goes on");
    let mut fields = [
        ("token", token.as_str()),
        ("password", "seven77"),
        ("csrf", csrf.as_str()),
    ];
    let weak = browser.submit("/reset-password", &fields).await;
    assert_eq!(weak.status, 422);
    assert!(weak.text.contains("id=\"password-error\""), "{}", weak.text);
    fields[1].1 = NEW;
    let done = browser.submit("/reset-password", &fields).await;
    assert_eq!((done.status, done.header("location")), (303, "/sign-in"));
    assert_eq!(before.get("/api/v1/me").await.status, 401, "signed out");
    assert_eq!(browser.sign_in(ANN, PASSWORD, "").await.status, 401);
    assert_eq!(browser.sign_in(ANN, NEW, "").await.status, 303);
    let again = browser.submit("/reset-password", &fields).await;
    assert_eq!(again.status, 403, "the form's secret is another one now");
    let mut other = Browser::new(&shop);
    let csrf = other.proof(&link).await;
    fields[2].1 = &csrf;
    let used = other.submit("/reset-password", &fields).await;
    assert_eq!(used.status, 422);
    assert!(used.text.contains("has been used"), "{}", used.text);
}

async fn orders_of(who: &Client) -> Vec<serde_json::Value> {
    let list = who.get("/api/v1/orders").await;
    let orders = list.json.pointer("/data").and_then(|data| data.as_array());
    orders.cloned().unwrap_or_default()
}

async fn an_address_is_verified_by_a_button_and_not_by_opening_the_link(
    (files, mut shop): (Folder, Shop),
) {
    let tea = shop.admin().await.sell("tea", 250, 9).await;
    for email in ["Ann@Souk.example", "eve@souk.example"] {
        let items = [serde_json::json!({"product_id": tea, "quantity": 1})];
        let wish = serde_json::json!({"email": email, "items": items});
        let placed = shop
            .visitor()
            .post_with_key("/api/v1/orders", "k1", &wish)
            .await;
        assert_eq!(placed.status, 201, "{}", placed.text);
    }
    let ann = shop.customer("ann").await;
    assert!(
        orders_of(&ann).await.is_empty(),
        "whoever registers may name any address"
    );
    let nothing = serde_json::json!({});
    let asked = ann.post("/api/v1/me/verification", &nothing).await;
    assert_eq!(asked.status, 202);
    let link = link(&shop, &files, "/verify-email").await;
    let mut browser = Browser::new(&shop);
    let page = browser.get(&link).await;
    let verified = async || {
        let me = ann.get("/api/v1/me").await;
        me.json
            .pointer("/verified_at")
            .is_some_and(serde_json::Value::is_string)
    };
    assert!(!verified().await, "programs open links too");
    let token = field(&page, "token").expect("the token goes on");
    let csrf = browser.proof(&link).await;
    let fields = [("token", token.as_str()), ("csrf", csrf.as_str())];
    let done = browser.submit("/verify-email", &fields).await;
    assert_eq!(done.status, 200);
    assert!(done.text.contains("is confirmed"), "{}", done.text);
    assert!(verified().await);
    let claiming = async {
        while orders_of(&ann).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let claimed = tokio::time::timeout(Duration::from_secs(30), claiming).await;
    claimed.expect("what she bought as a guest");
    assert_eq!(orders_of(&ann).await.len(), 1, "and nobody else's");
    let again = browser.submit("/verify-email", &fields).await;
    assert_eq!(again.status, 422);
}

async fn a_guest_s_mail_opens_the_order_in_any_browser((files, mut shop): (Folder, Shop)) {
    let tea = shop.admin().await.sell("tea", 250, 9).await;
    let wish = serde_json::json!({"items": [{"product_id": tea, "quantity": 1}], "email": ANN,
        "payment": {"method": "tok_ok"}});
    let guest = shop.visitor();
    let placed = guest.post_with_key("/api/v1/orders", "k1", &wish).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let page = format!("/order/{}", placed.str("/id"));
    let link = link(&shop, &files, &page).await;
    let mut browser = Browser::new(&shop);
    assert_eq!(browser.get(&page).await.status, 404, "nobody else's");
    let wrong = format!("{page}?token=wrong");
    assert_eq!(browser.get(&wrong).await.status, 404);
    let opened = browser.get(&link).await;
    let to = opened.header("location");
    assert_eq!((opened.status, to), (303, page.as_str()));
    let shown = browser.get(&page).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("Order 10001"), "{}", shown.text);
}

#[tokio::test]
async fn a_shop_writes_to_its_buyers_in_words_of_its_own() {
    let words = [
        ("SOUK_ORDERS__MAILS__WORDS__HELLO", "Guten Tag,"),
        (
            "SOUK_ORDERS__MAILS__WORDS__SUBJECT",
            "Bestellung {number}: {title}",
        ),
        ("SOUK_ORDERS__MAILS__WORDS__PAID_TITLE", "bezahlt"),
        (
            "SOUK_ORDERS__MAILS__WORDS__PAID_TEXT",
            "vielen Dank: {total} sind bezahlt.",
        ),
        ("SOUK_ORDERS__MAILS__WORDS__TOTAL", "Summe"),
    ];
    let (files, mut shop) = open(&words).await;
    let tea = shop.admin().await.sell("tea", 250, 9).await;
    let ann = shop.customer("ann").await;
    let bought = ann.buy("k1", &tea, 2, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    let folder = files.path().join("mails");
    let looking = async {
        loop {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut mails = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
            if let Some(mail) = mails.find(|mail| mail.contains("Summe")) {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
    let mail = found.expect("a mail of the order");
    for said in [
        "Subject: Bestellung 10001: bezahlt\r\n",
        "\r\nGuten Tag,\r\n\r\nvielen Dank: 5.00 USD sind bezahlt.\r\n",
        "  Summe: 5.00 USD\r\n",
        "<p>Guten Tag,</p>",
    ] {
        assert!(mail.contains(said), "{said}: {mail}");
    }
}
