//! The people of the simulation on a real street: a thousand accounts, goods on real shelves, and a way to the shop
//! over HTTP. What they do all day is the simulation's; every request and answer goes into a file as it happens.

use crate::cluster::{Cluster, TAX_COUNTRY};
use async_trait::async_trait;
use checker::Line;
use contracts::{
    access::{Principal, Role},
    values::{SessionId, ShippingMethodId, UserId},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sim::{
    Bytes, Good, Random, Record, Town, Way,
    http::{Request, Response},
};
use std::{collections::HashMap, fs::File, io::Write, sync::Arc, time::Duration};
use testkit::{Client, PASSWORD};

/// Of a thousand requests so many go past the door, to a node that is drawn by lot.
const PAST_THE_DOOR_PER_MILLE: u32 = 60;
/// How long somebody waits for an answer: longer than the door does, so that it says what it knows.
const PATIENCE: Duration = Duration::from_secs(12);
/// People who open an account at the same time.
const AT_ONCE: usize = 16;
/// A code that is in fewer orders than there are people who want it, and in one of each.
const CODE: &str = "FEW";
const CODED_ORDERS: i64 = 60;
/// What there is plenty of, and what everybody wants.
const PLENTY: (usize, i64) = (8, 100_000);
const SCARCE: (usize, i64) = (3, 25);

/// Everybody, and where they write.
pub(crate) struct Street {
    pub(crate) town: Town,
    pub(crate) buyers: Vec<Principal>,
    pub(crate) keepers: [Principal; 2],
    pub(crate) admin: Client,
    /// Where the history is.
    pub(crate) history: String,
    way: Http,
}

impl Street {
    /// So many buyers in front of full shelves; each rests so long at most between two things.
    pub(crate) async fn open(cluster: &Cluster, buyers: usize, rest: Duration) -> Self {
        let mut tokens = HashMap::new();
        let mut keepers = Vec::new();
        for name in ["keeper-1", "keeper-2"] {
            keepers.push(admin(cluster, name).await);
        }
        let people = registered(cluster, buyers).await;
        let known = |client: &Client| principal(client, Role::Customer);
        let buyers: Vec<Principal> = people.iter().map(known).collect();
        for client in people.iter().chain(&keepers) {
            let id: UserId = client.user_id().parse().unwrap();
            tokens.insert(id, client.token().to_owned());
        }
        let admin = keepers[0].clone();
        let goods = shelves(&admin).await;
        make_code(&admin).await;
        let shipping = tax_and_shipping(&admin).await;
        let history = cluster.folder.at("history.jsonl");
        let record = written_to(&history);
        record.write(&Line::Patience(PATIENCE.as_millis() as i64));
        for good in &goods {
            record.write(&Line::Shelf {
                variant: good.variant,
                units: good.first_stock,
                price: good.first_price,
            });
        }
        let way = Http {
            past_the_door_per_mille: PAST_THE_DOOR_PER_MILLE,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            door: cluster.url.clone(),
            nodes: cluster
                .nodes
                .iter()
                .map(|node| format!("http://{}", node.address))
                .collect(),
            tokens,
        };
        Self {
            town: Town {
                way: Arc::new(way.clone()),
                record,
                goods: Arc::new(goods),
                code: Some(CODE),
                shipping: Some(shipping),
                patience: PATIENCE,
                rest_ms_max: rest.as_millis() as u64,
            },
            buyers,
            keepers: [&keepers[0], &keepers[1]].map(|client| principal(client, Role::Admin)),
            admin,
            history,
            way,
        }
    }

    /// Nobody asks past the door.
    pub(crate) fn through_the_door(mut self) -> Self {
        self.way.past_the_door_per_mille = 0;
        self.town.way = Arc::new(self.way.clone());
        self
    }

    /// What is still to be done: payments and refunds under way, orders that wait for money.
    pub(crate) async fn under_way(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in [
            "/api/v1/payments/sagas",
            "/api/v1/orders?status=pending&limit=5",
        ] {
            let answer = self.admin.get(path).await;
            match answer.json["data"].as_array() {
                Some(some) => all.extend(some.iter().cloned()),
                None => all.push(answer.json),
            }
        }
        all
    }
}

/// A record that is written to a file, a line at a time, before anything else happens.
fn written_to(path: &str) -> Record {
    let mut file = File::create(path).unwrap();
    Record::with_sink(move |line| {
        let mut text = serde_json::to_string(line).unwrap();
        text.push('\n');
        file.write_all(text.as_bytes()).unwrap();
    })
}

fn principal(client: &Client, role: Role) -> Principal {
    Principal {
        user_id: client.user_id().parse().unwrap(),
        session_id: SessionId::from_bytes([0; 16]),
        roles: vec![role],
        key: None,
    }
}

async fn admin(cluster: &Cluster, name: &str) -> Client {
    let email = format!("{name}@souk.example");
    let words = ["admin", "create", "--email", &email];
    let said = cluster.souk(&words, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let door = Client::new(&cluster.url);
    let body = json!({"email": email, "password": PASSWORD});
    let answer = door.post("/api/v1/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    door.signed_in(&answer)
}

async fn registered(cluster: &Cluster, count: usize) -> Vec<Client> {
    let door = Client::new(&cluster.url);
    let register = |number: usize| {
        let door = door.clone();
        async move {
            let email = format!("buyer-{number}@souk.example");
            let body = json!({"email": email, "password": PASSWORD, "name": "Somebody"});
            let answer = door.post("/api/v1/auth/register", &body).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            door.signed_in(&answer)
        }
    };
    let everybody = stream::iter(0..count).map(register);
    everybody.buffered(AT_ONCE).collect().await
}

async fn shelves(admin: &Client) -> Vec<Good> {
    let mut goods = Vec::new();
    for (kind, (count, stock)) in [("plenty", PLENTY), ("scarce", SCARCE)] {
        for number in 0..count {
            let name = format!("{kind}-{number}");
            let price = json!({"amount": 500 + number * 123, "currency": "USD"});
            let sizes = ["S", "L"].map(|size| {
                let sku = format!("{name}-{size}");
                json!({"options": {"Size": size}, "sku": sku, "stock": stock})
            });
            // Every third thing comes in two sizes.
            let body = if number % 3 == 2 {
                let options = json!([{"name": "Size", "values": ["S", "L"]}]);
                json!({"name": name, "price": price, "options": options, "variants": sizes})
            } else {
                json!({"name": name, "sku": name, "price": price, "stock": stock})
            };
            let view = made(admin, "/api/v1/products", &body).await;
            goods.extend(Good::of(&serde_json::from_value(view).unwrap()));
        }
    }
    goods
}

/// A rate of tax for all orders, and a way of shipping that some choose.
async fn tax_and_shipping(admin: &Client) -> ShippingMethodId {
    let rate = json!({"name": "Tax", "country": TAX_COUNTRY, "millionths": 190_000});
    made(admin, "/api/v1/tax-rates", &rate).await;
    let money = |minor: i64| json!({"amount": minor, "currency": "USD"});
    let way = json!({"name": "Parcel", "price": money(490), "free_from": money(10_000)});
    let way = made(admin, "/api/v1/shipping-methods", &way).await;
    serde_json::from_value(way["id"].clone()).unwrap()
}

async fn made(admin: &Client, path: &str, body: &Value) -> Value {
    let answer = admin.post(path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

async fn make_code(admin: &Client) {
    let few = json!({"code": CODE, "basis_points": 1_250, "uses_max": CODED_ORDERS, "customer_uses_max": 1});
    made(admin, "/api/v1/discounts", &few).await;
}

/// The way over HTTP, through the door or past it.
#[derive(Clone)]
struct Http {
    past_the_door_per_mille: u32,
    http: reqwest::Client,
    door: String,
    nodes: Vec<String>,
    tokens: HashMap<UserId, String>,
}

#[async_trait]
impl Way for Http {
    async fn send(&self, request: Request<Bytes>, mut random: Random) -> Option<Response<Bytes>> {
        let past = random.chance(self.past_the_door_per_mille);
        let node = random.pick(&self.nodes).unwrap_or(&self.door);
        let base = if past { node } else { &self.door };
        let (head, body) = request.into_parts();
        let who = head.extensions.get::<Principal>().unwrap();
        let sent = self
            .http
            .request(head.method, format!("{base}{}", head.uri))
            .headers(head.headers)
            .bearer_auth(&self.tokens[&who.user_id])
            .body(body)
            .send();
        let answer = sent.await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(answer.bytes().await.ok()?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }
}
