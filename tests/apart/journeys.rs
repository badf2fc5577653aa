//! The same people do the same things in a shop of one process and in shops of several: they are told the same.

use crate::{
    transcript::Transcript,
    world::{ALL_APART, Apart, DOOR_AND_REST},
};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{App, Client, PASSWORD, Shop, postgres::Postgres};
use tokio::time::timeout;

/// Who takes part.
struct People {
    visitor: Client,
    admin: Client,
}

/// A buyer, what they are told, and what is on sale.
struct Tour {
    people: People,
    told: Transcript,
    ann: Client,
    tea: String,
}

#[tokio::test]
async fn a_door_on_its_own_answers_as_one_shop_does() {
    let near = tour_of_one().await;
    let Some(mut apart) = Apart::start(DOOR_AND_REST).await else {
        return;
    };
    assert_same(&near, &tour_of(&mut apart).await);
}

#[tokio::test]
async fn a_shop_all_apart_answers_as_one_shop_does() {
    let near = tour_of_one().await;
    let Some(mut apart) = Apart::start(ALL_APART).await else {
        return;
    };
    assert_same(&near, &tour_of(&mut apart).await);
}

#[tokio::test]
async fn a_shop_on_postgresql_answers_as_one_on_its_own_files_does() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let db = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let other = Shop::start_with(&db).await;
    assert_same_but_numbers(&tour_of_one().await, &tour_of_shop(other).await);
}

/// Two shops on different databases: PostgreSQL leaves a number out for an order that was refused while it was written.
/// A cart's entity tag is made of all that it shows, ids as well.
pub(crate) fn assert_same_but_numbers(near: &Transcript, far: &Transcript) {
    for (near, far) in near.lines().iter().zip(far.lines()) {
        assert_eq!(unnumbered(far), unnumbered(near));
    }
    assert_eq!(near.lines().len(), far.lines().len());
}

fn unnumbered(line: &str) -> String {
    let digits = |one: char| one.is_ascii_digit();
    let mut parts = line.split("\"number\":");
    let first = parts.next().unwrap_or_default().to_owned();
    let line = parts.fold(first, |text, part| text + part.trim_start_matches(digits));
    let tagged = line.split_once("etag: ");
    let cut = tagged.and_then(|(before, tag)| Some((before, tag.split_once('-')?)));
    match cut {
        Some((before, (version, rest))) => {
            format!("{before}etag: {version}{}", rest.trim_start_matches(digits))
        }
        None => line,
    }
}

pub(crate) fn assert_same(near: &Transcript, far: &Transcript) {
    for (near, far) in near.lines().iter().zip(far.lines()) {
        assert_eq!(far, near);
    }
    assert_eq!(near.lines().len(), far.lines().len());
}

async fn tour_of_one() -> Transcript {
    tour_of_shop(Shop::start().await).await
}

async fn tour_of_shop(mut shop: Shop) -> Transcript {
    let people = People {
        admin: shop.admin().await,
        visitor: shop.visitor(),
    };
    tour(people).await
}

async fn tour_of(apart: &mut Apart) -> Transcript {
    let people = People {
        admin: apart.admin().await,
        visitor: apart.visitor(),
    };
    tour(people).await
}

async fn tour(people: People) -> Transcript {
    let mut told = Transcript::default();
    let ann = json!({"email": "ann@souk.example", "password": PASSWORD, "name": "Ann"});
    let registered = people.visitor.post("/api/v1/auth/register", &ann).await;
    told.note("register", &registered);
    let mut tour = Tour {
        ann: people.visitor.signed_in(&registered),
        tea: people.admin.sell("TEA", 1_250, 5).await,
        people,
        told,
    };
    tour.accounts().await;
    tour.second_factor().await;
    tour.shelves().await;
    tour.orders().await;
    tour.money().await;
    tour.pages_and_seeds().await;
    tour.books().await;
    tour.goodbye().await;
    tour.told
}

impl Tour {
    async fn get(&mut self, who: Who, path: &str) -> Value {
        let answer = self.client(who).get(path).await;
        self.told.note(&format!("GET {path}"), &answer);
        answer.json
    }

    async fn post(&mut self, who: Who, path: &str, body: Value) -> Value {
        let answer = self.client(who).post(path, &body).await;
        self.told.note(&format!("POST {path}"), &answer);
        answer.json
    }

    async fn keyed(&mut self, who: Who, key: &str, path: &str, body: Value) -> Value {
        let answer = self.client(who).post_with_key(path, key, &body).await;
        self.told.note(&format!("POST {path} {key}"), &answer);
        answer.json
    }

    async fn delete(&mut self, who: Who, path: &str, body: Value) {
        let answer = self.client(who).delete(path, Some(&body)).await;
        self.told.note(&format!("DELETE {path}"), &answer);
    }

    async fn patch(&mut self, who: Who, path: &str, body: Value) {
        let answer = self.client(who).patch(path, &body).await;
        self.told.note(&format!("PATCH {path}"), &answer);
    }

    fn client(&self, who: Who) -> Client {
        match who {
            Who::Nobody => self.people.visitor.clone(),
            Who::Ann => self.ann.clone(),
            Who::Admin => self.people.admin.clone(),
        }
    }

    async fn accounts(&mut self) {
        let auth = |part: &str| format!("/api/v1/auth/{part}");
        for (path, body) in [
            (
                "register",
                json!({"email": "ann@souk.example", "password": PASSWORD}),
            ),
            (
                "register",
                json!({"email": "eve@souk.example", "password": "short"}),
            ),
            ("register", json!({"password": PASSWORD})),
            (
                "login",
                json!({"email": "ann@souk.example", "password": "wrong one"}),
            ),
            (
                "login",
                json!({"email": "ann@souk.example", "password": PASSWORD}),
            ),
            ("refresh", json!({"refresh_token": "none"})),
            ("login", json!({"nothing": 1})),
        ] {
            self.post(Who::Nobody, &auth(path), body).await;
        }
        self.get(Who::Ann, "/api/v1/me").await;
        self.get(Who::Nobody, "/api/v1/me").await;
        self.patch(
            Who::Ann,
            "/api/v1/me",
            json!({"name": "Anne", "version": 1}),
        )
        .await;
        self.patch(
            Who::Ann,
            "/api/v1/me",
            json!({"name": "Anna", "version": 1}),
        )
        .await;
        let user = format!("/api/v1/users/{}", self.ann.user_id());
        self.get(Who::Ann, &user).await;
        self.get(Who::Admin, &user).await;
    }

    /// From its secret to its end.
    async fn second_factor(&mut self) {
        let factor = |part: &str| format!("/api/v1/me/second-factor{part}");
        let begun = json!({"password": PASSWORD});
        let begun = self.post(Who::Ann, &factor(""), begun).await;
        let app = App::new(begun["secret"].as_str().unwrap());
        let confirm = factor("/confirm");
        self.post(Who::Ann, &confirm, json!({"code": "no code"}))
            .await;
        let code = json!({"code": app.now(0)});
        let on = self.post(Who::Ann, &confirm, code).await;
        self.get(Who::Ann, &factor("")).await;
        let login = json!({"email": "ann@souk.example", "password": PASSWORD});
        let asked = self.post(Who::Nobody, "/api/v1/auth/login", login).await;
        for code in ["no code", &app.now(1)] {
            let answer = json!({"challenge": asked["challenge"], "code": code});
            let path = "/api/v1/auth/login/second-factor";
            self.post(Who::Nobody, path, answer).await;
        }
        let both = |code: &Value| json!({"password": PASSWORD, "code": code});
        let wish = both(&on["recovery_codes"][0]);
        let made = self.post(Who::Ann, &factor("/recovery-codes"), wish).await;
        let wish = both(&made["recovery_codes"][0]);
        self.delete(Who::Ann, &factor(""), wish).await;
        let of_ann = format!("/api/v1/users/{}/second-factor", self.ann.user_id());
        self.delete(Who::Admin, &of_ann, json!({})).await;
    }

    async fn shelves(&mut self) {
        let product =
            |sku: &str, price: Value| json!({"name": sku, "sku": sku, "price": price, "stock": 2});
        let usd = json!({"amount": 500, "currency": "USD"});
        let products = "/api/v1/products";
        self.post(Who::Admin, products, product("CUP", usd.clone()))
            .await;
        self.post(Who::Admin, products, product("CUP", usd.clone()))
            .await;
        self.post(Who::Admin, products, product("POT", json!("1.005")))
            .await;
        self.post(Who::Ann, products, product("POT", usd)).await;
        let tea = format!("{products}/{}", self.tea);
        self.patch(
            Who::Admin,
            &tea,
            json!({"description": "green", "version": 1}),
        )
        .await;
        self.patch(
            Who::Admin,
            &tea,
            json!({"description": "black", "version": 1}),
        )
        .await;
        self.patch(Who::Admin, &tea, json!({"description": "black"}))
            .await;
        let image = self.people.admin.show(&self.tea).await;
        self.told.note("a picture", &image);
        let file = self.people.visitor.get(image.str("/full/url")).await;
        assert_eq!(file.header("content-type"), "image/jpeg");
        self.told.note("its file", &file);
        for path in [
            tea.as_str(),
            "/api/v1/products?q=tea&limit=1",
            "/api/v1/products?limit=1",
            "/api/v1/products?cursor=foreign",
            "/api/v1/products?colour=red",
            "/api/v1/products/prd_00000000000000000000000000",
            "/api/v1/products/nothing/here",
            "/api/v1/categories",
        ] {
            self.get(Who::Nobody, path).await;
        }
        self.get(Who::Admin, "/api/v1/inventory?sku=TEA").await;
        let adjust =
            |delta: i64| json!({"changes": [{"sku": "TEA", "delta": delta, "reason": "counted"}]});
        let path = "/api/v1/inventory/adjust";
        self.keyed(Who::Admin, "a1", path, adjust(5)).await;
        self.keyed(Who::Admin, "a1", path, adjust(5)).await;
        self.keyed(Who::Admin, "a1", path, adjust(6)).await;
        self.post(Who::Admin, path, adjust(-100)).await;
        self.post(Who::Nobody, path, adjust(1)).await;
    }

    async fn orders(&mut self) {
        let path = "/api/v1/orders";
        let (tea, none) = (self.tea.clone(), "prd_00000000000000000000000000");
        let wish = |product: &str, quantity: i64| json!({"items": [{"product_id": product, "quantity": quantity}]});
        self.keyed(Who::Ann, "too-many", path, wish(&tea, 99)).await;
        self.keyed(Who::Ann, "unknown", path, wish(none, 1)).await;
        self.keyed(Who::Ann, "none", path, json!({"items": []}))
            .await;
        let mut dear = wish(&tea, 1);
        dear["total"] = json!({"amount": 1, "currency": "USD"});
        self.keyed(Who::Ann, "price", path, dear).await;
        self.post(Who::Ann, path, wish(&tea, 1)).await;
        let placed = self.keyed(Who::Ann, "o1", path, wish(&tea, 1)).await;
        self.keyed(Who::Ann, "o1", path, wish(&tea, 1)).await;
        self.keyed(Who::Ann, "o1", path, wish(&tea, 2)).await;
        let order = format!("{path}/{}", placed["id"].as_str().unwrap());
        self.get(Who::Ann, &order).await;
        self.get(Who::Nobody, &order).await;
        self.post(Who::Admin, &format!("{order}/ship"), json!({}))
            .await;
        self.post(Who::Ann, &format!("{order}/cancel"), json!({}))
            .await;
        self.post(Who::Ann, &format!("{order}/cancel"), json!({}))
            .await;
        self.get(Who::Ann, &format!("{order}/timeline")).await;
        self.get(Who::Ann, "/api/v1/orders?limit=1").await;
        self.get(Who::Ann, "/api/v1/orders?cursor=foreign").await;
        let mut guest = wish(&tea, 1);
        self.keyed(Who::Nobody, "g1", path, guest.clone()).await;
        guest["email"] = json!("guest@souk.example");
        let placed = self.keyed(Who::Nobody, "g2", path, guest).await;
        let order = format!("{path}/{}", placed["id"].as_str().unwrap());
        let token = placed["order_token"].as_str().unwrap();
        let request = self.people.visitor.request(reqwest::Method::GET, &order);
        let request = request.header("order-token", token);
        let answer = self.people.visitor.send(request).await;
        self.told.note("a guest's order", &answer);
    }

    async fn money(&mut self) {
        let path = "/api/v1/orders";
        let paid = |method: &str, product: &str| {
            json!({
                "items": [{"product_id": product, "quantity": 1}], "payment": {"method": method},
            })
        };
        let tea = self.tea.clone();
        let bought = self.keyed(Who::Ann, "p1", path, paid("tok_ok", &tea)).await;
        self.keyed(Who::Ann, "p1", path, paid("tok_ok", &tea)).await;
        let declined = self
            .keyed(Who::Ann, "p2", path, paid("tok_declined", &tea))
            .await;
        self.keyed(Who::Ann, "p3", path, paid("tok_of_nobody", &tea))
            .await;
        let pay = |order: &Value, method: &str| json!({"order_id": order, "method": method});
        let payments = "/api/v1/payments";
        let order = &declined["order_id"];
        let payment = self
            .keyed(Who::Ann, "pay2", payments, pay(order, "tok_ok"))
            .await;
        self.keyed(Who::Ann, "pay2", payments, pay(order, "tok_ok"))
            .await;
        self.keyed(Who::Ann, "pay3", payments, pay(order, "tok_ok"))
            .await;
        let payment = format!("{payments}/{}", payment["id"].as_str().unwrap());
        self.get(Who::Ann, &payment).await;
        self.get(Who::Nobody, &payment).await;
        let refunds = format!("{payment}/refunds");
        let usd = |amount: i64| json!({"amount": {"amount": amount, "currency": "USD"}});
        self.keyed(Who::Admin, "r1", &refunds, usd(250)).await;
        self.keyed(Who::Admin, "r2", &refunds, usd(250_000)).await;
        self.keyed(Who::Ann, "r3", &refunds, usd(1)).await;
        self.get(Who::Ann, &refunds).await;
        let order = format!("{path}/{}", bought["id"].as_str().unwrap());
        self.post(
            Who::Admin,
            &format!("{order}/ship"),
            json!({"tracking": "T1"}),
        )
        .await;
        self.get(Who::Ann, &format!("{order}/timeline")).await;
        self.get(Who::Admin, "/api/v1/payments/sagas").await;
        self.get(Who::Ann, "/api/v1/payments/sagas").await;
        let dead = "/api/v1/events/dead";
        self.get(Who::Admin, dead).await;
        self.get(Who::Ann, dead).await;
        for id in ["identity-9", "orders-9", "broker-9", "carts-9"] {
            let path = format!("{dead}/{id}/redrive");
            self.post(Who::Admin, &path, json!({})).await;
        }
        self.get(Who::Admin, "/api/v1/payments/providers/sandbox/knobs")
            .await;
    }

    async fn pages_and_seeds(&mut self) {
        for path in [
            "/",
            "/?q=tea",
            "/p/tea",
            "/p/nothing",
            "/sign-in",
            "/nowhere",
            "/assets/souk.css",
        ] {
            self.get(Who::Nobody, path).await;
        }
        for path in [
            "/products",
            "/products/none",
            "/api/products",
            "/orders/none",
            "/livez",
            "/readyz",
            "/api/nothing",
        ] {
            self.get(Who::Nobody, path).await;
        }
        self.get(Who::Ann, "/orders").await;
        self.post(
            Who::Nobody,
            "/login",
            json!({"email": "ann@souk.example", "password": PASSWORD}),
        )
        .await;
        self.post(
            Who::Nobody,
            "/login",
            json!({"email": "ann@souk.example", "password": "wrong one"}),
        )
        .await;
        let wish = json!({"productId": self.tea, "quantity": 99});
        self.post(Who::Ann, "/orders", wish).await;
    }

    /// Events have come to their ends, wherever they had to go: the books balance.
    async fn books(&mut self) {
        let report = async {
            loop {
                let answer = self.people.admin.get("/api/v1/audit").await;
                if answer.status == 200 && answer.json["notes"] == json!([]) {
                    return answer.json;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let report = timeout(Duration::from_secs(60), report).await;
        let report = report.unwrap();
        assert_eq!(report["balanced"], true, "{report}");
        assert_eq!(report["violations"], json!([]));
        let stock = format!("/api/v1/products/{}", self.tea);
        self.get(Who::Nobody, &stock).await;
    }

    /// Whoever signs out is out at every door, within a few seconds.
    async fn goodbye(&mut self) {
        self.post(Who::Ann, "/api/v1/auth/logout", json!({})).await;
        let out = async {
            while self.ann.get("/api/v1/me").await.status != 401 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(5), out).await.unwrap();
        self.get(Who::Ann, "/api/v1/me").await;
    }
}

/// Who does something.
#[derive(Debug, Clone, Copy)]
enum Who {
    Nobody,
    Ann,
    Admin,
}
