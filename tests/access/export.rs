//! What is kept of a customer: all of it goes out to them and to nobody else, and none of it is left in any table when
//! the account has gone.

use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};
use testkit::{Answer, Client, PASSWORD, Shop};

/// Somebody whose address and name are words of their own.
async fn person(shop: &Shop, word: &str) -> Client {
    let body = json!({
        "email": format!("{word}@souk.example"), "username": word, "name": format!("{word} name"), "password": PASSWORD,
    });
    let answer = shop.visitor().post("/api/v1/auth/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let client = shop.visitor().signed_in(&answer);
    let address =
        json!({"name": word, "line1": format!("{word} lane"), "city": "London", "country": "GB"});
    let kept = client.post("/api/v1/me/addresses", &address).await;
    assert_eq!(kept.status, 201, "{}", kept.text);
    client
}

async fn export(client: &Client) -> Answer {
    let answer = client.get("/api/v1/me/export").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn all<'d>(document: &'d Value, list: &str, pointer: &str) -> Vec<&'d str> {
    let rows = document[list].as_array().unwrap().iter();
    rows.filter_map(|row| row.pointer(pointer)?.as_str())
        .collect()
}

/// The order of this id.
fn order<'d>(document: &'d Value, id: &str) -> &'d Value {
    let mut orders = document["orders"].as_array().unwrap().iter();
    orders.find(|one| one["order"]["id"] == id).unwrap()
}

/// A note for the buyer, and one that is none of theirs.
async fn notes(admin: &Client, order: &str) {
    for note in [
        json!({"text": "Thank you", "for_customer": true}),
        json!({"text": "a note of the shop's own, admin-canary"}),
    ] {
        let noted = admin
            .post(&format!("/api/v1/orders/{order}/notes"), &note)
            .await;
        assert_eq!(noted.status, 201, "{}", noted.text);
    }
}

/// What the account of the canary itself has.
fn check_account(document: &Value) {
    assert_eq!(document["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(document["second_factor"]["on"], false);
    assert_eq!(document["providers"], json!([]));
    assert_eq!(all(document, "api_keys", "/name"), ["till"]);
    assert_eq!(
        all(document, "addresses", "/address/name"),
        ["ann-canary-7f3a"]
    );
    let kinds = all(document, "security_events", "/kind");
    assert!(
        kinds.contains(&"registered") && kinds.contains(&"data_exported"),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn an_export_holds_all_of_one_s_own_and_nothing_of_anybody_else_s() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    let product = admin.sell("Tea", 100, 1_000).await;
    let ann = person(&shop, "ann-canary-7f3a").await;
    let bob = person(&shop, "bob-canary-91bc").await;
    let mut orders = BTreeSet::new();
    // More than a page of a list.
    for number in 0..103 {
        let placed = ann.order(&format!("a{number}"), &product, 1).await;
        orders.insert(placed.str("/id").to_owned());
    }
    let paid = ann.buy("paid", &product, 2, "tok_ok").await;
    orders.insert(paid.str("/id").to_owned());
    let foreign = bob.buy("bobs", &product, 3, "tok_ok").await;
    let login = json!({"email": "ann-canary-7f3a@souk.example", "password": "wrong horse"});
    shop.visitor().post("/api/v1/auth/login", &login).await;
    let key = json!({"name": "till", "scopes": ["orders:read"], "password": PASSWORD});
    let key = ann.post("/api/v1/api-keys", &key).await;
    assert_eq!(key.status, 201, "{}", key.text);
    notes(&admin, paid.str("/id")).await;
    let answer = export(&ann).await;
    let head = ["content-type", "cache-control", "content-disposition"];
    let head = head.map(|name| answer.header(name));
    let file = "attachment; filename=\"souk-export.json\"";
    assert_eq!(head, ["application/json", "no-store", file]);
    let document: Value = serde_json::from_str(&answer.text).unwrap();
    let me: Value = serde_json::from_str(&ann.get("/api/v1/me").await.text).unwrap();
    assert_eq!(document["account"], me);
    let found = all(&document, "orders", "/order/id");
    assert_eq!(found.len(), orders.len(), "each once");
    assert_eq!(
        found
            .iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<_>>(),
        orders
    );
    let hers = order(&document, paid.str("/id"));
    assert_eq!(hers["order"]["items"][0]["quantity"], 2);
    assert_eq!(hers["payments"][0]["status"], "captured");
    assert_eq!(hers["timeline"][0]["kind"], "placed");
    assert_eq!(hers["notes"][0]["text"], "Thank you");
    assert_eq!(hers["shipments"], json!([]));
    check_account(&document);
    for canary in [
        "bob-canary-91bc",
        "admin-canary",
        bob.user_id(),
        foreign.str("/id"),
        key.str("/secret"),
        PASSWORD,
        "argon2",
        "tok_ok",
    ] {
        assert!(!answer.text.contains(canary), "{canary}");
    }
    // An admin has no more than their own, either.
    let own = export(&admin).await;
    assert!(!own.text.contains("canary") && own.text.contains(admin.user_id()));
    let nobody = shop.visitor().get("/api/v1/me/export").await;
    assert_eq!(nobody.status, 401);
}

/// Every value of every table that holds the word.
fn left(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "sqlite")
        {
            continue;
        }
        let open = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&path, open).unwrap();
        let mut tables = connection
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(!tables.is_empty(), "{}", path.display());
        for table in tables {
            let mut rows = connection
                .prepare(&format!("SELECT * FROM \"{table}\""))
                .unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let value = row.get_ref(column).unwrap();
                    let bytes = value.as_bytes().unwrap_or_default();
                    if String::from_utf8_lossy(bytes).contains(word) {
                        found.push(format!("{} {table} {column}", path.display()));
                    }
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn of_an_account_that_has_gone_no_table_holds_a_name_or_a_place() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    let product = admin.sell("Tea", 100, 1_000).await;
    let ann = person(&shop, "ann-canary-7f3a").await;
    ann.buy("paid", &product, 2, "tok_ok").await;
    let sent = json!({"items": [{"product_id": product, "quantity": 1}], "shipping_address": {
        "name": "ann-canary-7f3a", "line1": "Weg 1", "city": "Köln", "country": "DE"}});
    let sent = ann.post_with_key("/api/v1/orders", "sent", &sent).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let exported = export(&ann).await.text;
    assert!(exported.contains("\"line1\":\"Weg 1\""), "{exported}");
    ann.post("/api/v1/me/verification", &json!({})).await;
    let forgot = json!({"email": "ann-canary-7f3a@souk.example"});
    shop.visitor()
        .post("/api/v1/auth/password/forgot", &forgot)
        .await;
    let request = ann.request(Method::GET, "/api/v1/me/export");
    let traced = request.header("x-request-id", "ann-canary-7f3a-request");
    assert_eq!(ann.send(traced).await.status, 200);
    assert!(
        !left(shop.folder(), "ann-canary-7f3a").is_empty(),
        "the canary sings"
    );
    let goodbye = json!({"password": PASSWORD});
    assert_eq!(ann.delete("/api/v1/me", Some(&goodbye)).await.status, 204);
    let path = format!(
        "/api/v1/audit/security-events?limit=100&user_id={}",
        ann.user_id()
    );
    let events = admin.get(&path).await;
    assert!(
        events.text.contains("data_exported") && !events.text.contains("127.0.0.1"),
        "{}",
        events.text
    );
    let orders = format!("/api/v1/orders?customer_id={}", ann.user_id());
    admin
        .get_until(&orders, |answer| answer.text.contains("\"data\":[]"))
        .await;
    assert_eq!(left(shop.folder(), "ann-canary-7f3a"), Vec::<String>::new());
}
