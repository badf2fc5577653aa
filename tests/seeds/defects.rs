//! D1 to D4 of the seeds' own implementations, each looked for at the seeds' own addresses.

use crate::program::{Expected, Program, account, filled, list, open};
use futures_util::future::join_all;
use serde_json::json;
use testkit::PASSWORD;

#[tokio::test]
async fn d1_parallel_registrations_open_one_account() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    for (name, spellings) in [
        ("username", ["amira", "AMIRA", "Amira", "aMira"]),
        (
            "email",
            [
                "b@example.com",
                "B@example.com",
                "b@EXAMPLE.com",
                "B@Example.Com",
            ],
        ),
    ] {
        let register = async |number: usize| {
            let body = json!({name: spellings[number % 4], "password": PASSWORD});
            let path = ["/register", "/auth/register", "/api/auth/register"][number % 3];
            nobody.post(path, body).await
        };
        let answers = join_all((0..32).map(register)).await;
        let opened = answers.iter().filter(|answer| answer.status == 201).count();
        let taken = answers.iter().filter(|answer| answer.status == 409).count();
        assert_eq!((opened, taken), (1, 31), "{name}");
    }
}

/// What a query language would run in place of a text.
const OPERATORS: &[&str] = &[
    r#"{"$ne": null}"#,
    r#"{"$gt": ""}"#,
    r#"{"$regex": ".*"}"#,
    r#"{"$where": "1"}"#,
    r#"{"$in": ["amira", "correct horse battery"]}"#,
    r#"["amira"]"#,
    r#"["correct horse battery"]"#,
    "true",
    "1",
];

/// Where one may be sent in place of a text, by whoever has a token and by whoever has none.
const OPENINGS: &str = r#"
POST /login {"username": OPERATOR, "password": OPERATOR}
POST /login {"username": "amira", "password": OPERATOR}
POST /auth/login {"username": OPERATOR, "password": "correct horse battery"}
POST /api/auth/login {"email": OPERATOR, "password": "correct horse battery"}
POST /api/auth/login {"email": OPERATOR, "username": "amira", "password": OPERATOR}
POST /register {"username": OPERATOR, "password": "correct horse battery"}
POST /auth/register {"username": "new", "password": OPERATOR}
POST /api/auth/refresh {"refresh_token": OPERATOR}
POST /api/auth/refresh {"token": OPERATOR}
PUT /api/auth/delete {"password": OPERATOR}
POST /products {"name": OPERATOR, "price": 1, "stock": 1}
POST /orders {"product_id": OPERATOR, "quantity": 1}
POST /orders {"productIds": OPERATOR, "quantities": OPERATOR}
POST /payments {"order_id": OPERATOR, "method": "tok_ok"}
POST /payments {"order_id": OPERATOR, "method": "tok_ok", "amount": 1}
"#;

#[tokio::test]
async fn d2_objects_in_place_of_texts_open_nothing() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let nobody = Program::new(&shop);
    for operator in OPERATORS {
        for line in OPENINGS.trim().lines() {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let body = filled(&words[2].replace("OPERATOR", operator), &[]);
            let answer = amira.call(words[0], words[1], Some(body.clone())).await;
            assert!(
                matches!(answer.status, 400 | 422),
                "{line}: {}",
                answer.text
            );
            let answer = nobody.call(words[0], words[1], Some(body)).await;
            assert!(
                matches!(answer.status, 400 | 401 | 422),
                "{line}: {}",
                answer.text
            );
        }
        let body = filled(&format!(r#"{{"refresh_token": {operator}}}"#), &[]);
        let answer = nobody.post("/api/auth/logout", body).await;
        answer.refused(400, "malformed");
    }
    for id in [
        "[object%20Object]",
        "%7B%22$ne%22:null%7D",
        "$ne",
        "_id[$ne]=1",
    ] {
        for root in ["/products", "/orders", "/orders/user"] {
            let answer = amira.get(&format!("{root}/{id}")).await;
            assert!(matches!(answer.status, 400 | 404), "{id}: {}", answer.text);
        }
    }
    assert_eq!(amira.orders().await, 0);
    nobody.post("/login", account("amira")).await.is(200);
}

#[tokio::test]
async fn d3_no_answer_holds_a_password_or_its_hash() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let registered = nobody.post("/register", account("amira")).await.is(201);
    let amira = nobody.with(registered.str("/token"));
    let tea = amira.sell("Tea", "2", 5).await;
    let texts = [
        registered.text,
        nobody.post("/login", account("amira")).await.is(200).text,
        nobody
            .post("/register", account("amira"))
            .await
            .is(409)
            .text,
        nobody
            .post("/login", json!({"username": "x", "password": PASSWORD}))
            .await
            .is(401)
            .text,
        nobody
            .post("/login", json!({"username": 1, "password": PASSWORD}))
            .await
            .is(400)
            .text,
        amira.order(&tea, 1).await.is(201).text,
        amira.get("/orders").await.is(200).text,
        amira.get(&format!("/products/{tea}")).await.is(200).text,
        amira.get("/api/v1/me").await.is(200).text,
    ];
    for text in texts {
        for secret in [
            PASSWORD,
            "argon2",
            "password_hash",
            "passwordHash",
            "\"password\"",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn d3_a_bad_token_is_told_so_and_opens_nothing() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let order = amira.place(&tea, 1).await;
    let parts: Vec<&str> = amira.token().split('.').collect();
    // {"alg":"none"} and {"alg":"HS256","kid":"../../dev/null"}
    let none = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let path = "eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2Rldi9udWxsIn0";
    let hmac = format!("{path}.{}.{}", parts[1], parts[2]);
    let cut = format!("{}.{}", parts[0], parts[1]);
    let long = "a".repeat(9_000);
    let ours = amira.user.clone();
    for token in ["x", "a.b.c", "undefined", "null", &none, &hmac, &cut, &long] {
        let bad = amira.with(token);
        let nobody = Program::new(&shop);
        for (method, path, body) in [
            ("GET", "/orders".to_owned(), None),
            ("GET", format!("/orders/{order}"), None),
            ("GET", format!("/orders/user/{ours}"), None),
            (
                "POST",
                "/orders".to_owned(),
                Some(json!({"product_id": tea, "quantity": 1})),
            ),
            (
                "PUT",
                format!("/orders/{order}"),
                Some(json!({"status": "cancelled"})),
            ),
            ("PUT", format!("/products/{tea}"), Some(json!({"price": 1}))),
            ("DELETE", format!("/products/{tea}"), None),
            (
                "POST",
                "/payments".to_owned(),
                Some(json!({"order_id": order, "method": "tok_ok"})),
            ),
            ("POST", "/api/auth/logout".to_owned(), None),
            ("PUT", "/api/auth/delete".to_owned(), Some(account("amira"))),
        ] {
            let answer = bad.call(method, &path, body.clone()).await;
            answer.refused(401, "invalid_token");
            let answer = nobody.call(method, &path, body).await;
            answer.refused(401, "unauthenticated");
        }
    }
    assert_eq!((amira.stock(&tea).await, amira.orders().await), (4, 1));
}

#[tokio::test]
async fn d3_headers_that_claim_to_be_somebody_are_not_believed() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let nobody = Program::new(&shop);
    for (name, value) in [
        ("x-user-id", amira.user.as_str()),
        ("x-user", "amira"),
        ("x-role", "admin"),
        ("x-forwarded-user", "amira"),
        ("x-authenticated-user", "amira"),
        ("x-principal", &amira.user),
        ("cookie", "token=x; user=amira; role=admin"),
    ] {
        let headers = [(name, value)];
        let answer = nobody.call_with("GET", "/orders", None, &headers).await;
        answer.refused(401, "unauthenticated");
        let wish = json!({"product_id": tea, "quantity": 1});
        let answer = nobody
            .call_with("POST", "/orders", Some(wish), &headers)
            .await;
        answer.refused(401, "unauthenticated");
    }
    let headers = [
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/orders"),
    ];
    let path = format!("/products/{tea}");
    amira.call_with("GET", &path, None, &headers).await.is(200);
    amira.get(&path).await.is(200);
}

#[tokio::test]
async fn d3_reading_changes_nothing() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let order = amira.place(&tea, 1).await;
    for (path, status) in [
        ("/api/auth/logout", 405),
        ("/api/auth/delete?password=correct%20horse%20battery", 405),
        ("/api/auth/refresh", 405),
        (
            "/register?username=new&password=correct%20horse%20battery",
            405,
        ),
        (
            "/login?username=amira&password=correct%20horse%20battery",
            405,
        ),
        ("/payments?order_id=1&method=tok_ok", 405),
        (&format!("/orders/{order}/status?status=cancelled"), 405),
        (
            &format!("/orders/{order}?status=cancelled&_method=DELETE"),
            200,
        ),
        (
            &format!("/products/{tea}?price=1&stock=0&_method=DELETE"),
            200,
        ),
    ] {
        let answer = amira.get(path).await.is(status);
        assert!(
            status == 200 || !answer.header("allow").contains("GET"),
            "{path}"
        );
        amira.call("HEAD", path, None).await.is(status);
    }
    assert_eq!((amira.stock(&tea).await, amira.orders().await), (4, 1));
    let kept = amira.get(&format!("/orders/{order}")).await.is(200);
    assert_eq!(kept.str("/status"), "pending");
}

#[tokio::test]
async fn d4_nobody_reads_or_changes_what_is_another_s() {
    let mut shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let nobody = Program::new(&shop);
    let tea = amira.sell("Tea", "2", 5).await;
    let order = amira.place(&tea, 1).await;
    let product = format!("/products/{tea}");
    for body in [
        json!({"price": 1}),
        json!({"price": 1, "version": 0}),
        json!({"stock": 0}),
    ] {
        let told = other.put(&product, body.clone()).await;
        told.refused(404, "not_found");
        let told = nobody.put(&product, body).await;
        told.refused(401, "unauthenticated");
    }
    other.delete(&product).await.refused(404, "not_found");
    let told = nobody.delete(&product).await;
    told.refused(401, "unauthenticated");
    let told = nobody
        .post("/products", json!({"name": "X", "price": 1}))
        .await;
    told.refused(401, "unauthenticated");
    let told = other.get(&format!("/orders/{order}")).await;
    told.refused(404, "not_found");
    let told = other.set_status(&order, "cancelled").await;
    told.refused(404, "not_found");
    other.pay(&order).await.refused(404, "not_found");
    assert_eq!(list(&other.get("/orders").await.is(200)).len(), 0);
    let seen = amira.get(&product).await.is(200);
    assert_eq!(
        (
            &seen.json["price"],
            seen.int("/stock"),
            seen.int("/version")
        ),
        (&json!(2), 4, 0)
    );
    // Who runs the shop may.
    let admin = nobody.with(shop.admin().await.token());
    let theirs = admin
        .get(&format!("/orders/user/{}", amira.user))
        .await
        .is(200);
    assert_eq!(list(&theirs).len(), 1);
    assert_eq!(admin.orders().await, 0, "their own");
    admin.put(&product, json!({"price": 3})).await.is(200);
}

#[tokio::test]
async fn d4_what_the_server_decides_cannot_be_assigned() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let mut body = account("amira");
    for (name, value) in [
        ("role", json!("admin")),
        ("roles", json!(["admin"])),
        ("isAdmin", json!(true)),
        ("id", json!("usr_01h455vb4pex5vsknk084sn02q")),
        ("_id", json!(1)),
        ("verified", json!(true)),
    ] {
        body[name] = value;
    }
    let answer = nobody.post("/register", body).await.is(201);
    assert_eq!(
        answer.json["user"]["roles"],
        json!(["customer", "merchant"])
    );
    assert_ne!(answer.str("/user/id"), "usr_01h455vb4pex5vsknk084sn02q");
    let amira = nobody.with(answer.str("/token"));
    let other = Program::register(&shop, "other").await;
    let raise = json!({"roles": ["admin"], "version": 1});
    let path = format!("/api/v1/users/{}", answer.str("/user/id"));
    amira.call("PATCH", &path, Some(raise)).await.is(403);

    let product = json!({
        "name": "Tea", "price": 2, "stock": 5, "version": 41, "_id": "prd_01h455vb4pex5vsknk084sn02q",
        "owner_id": other.user, "created_at": "1970-01-01T00:00:00Z", "reserved": -5, "on_hand": 900,
    });
    let made = amira.post("/products", product).await.is(201);
    assert_eq!((made.int("/version"), made.int("/stock")), (0, 5));
    assert_eq!(made.str("/owner_id"), answer.str("/user/id"));
    assert_ne!(made.str("/_id"), "prd_01h455vb4pex5vsknk084sn02q");
    assert!(!made.str("/created_at").starts_with("1970"));
    let tea = made.str("/_id").to_owned();
    let change = json!({"owner_id": other.user, "_id": "x", "created_at": "x", "price": 2});
    let changed = amira.put(&format!("/products/{tea}"), change).await.is(200);
    assert_eq!(changed.str("/owner_id"), answer.str("/user/id"));

    let order = json!({
        "product_id": tea, "quantity": 2, "price": 0.01, "unit_price": 0, "discount": 100,
        "status": "delivered", "paid": true, "payment_id": "pay_01h455vb4pex5vsknk084sn02q", "number": 1,
    });
    let placed = amira.post("/orders", order).await.is(201);
    assert_eq!(
        (placed.str("/status"), &placed.json["total"]),
        ("pending", &json!(4))
    );
}
