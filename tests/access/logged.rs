//! What the log says of those who may not: a line for each refusal, by which its request is found again, and never the
//! token that was no use.

use crate::{cast::make_key, forged::Forger};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Folder, PASSWORD, Running, binary};

/// A shop whose log is read.
struct Logged {
    folder: Folder,
    door: Client,
    setup_token: String,
    _process: Running,
}

impl Logged {
    async fn start() -> Self {
        let folder = Folder::default();
        let (data, log) = (folder.at("data"), folder.at("log"));
        let settings = [
            ("SOUK_SHOP__DEMO", "false"),
            ("SOUK_LIMITS__ENABLED", "false"),
            ("SOUK_IDENTITY__ARGON2_MEMORY_KIB", "64"),
            ("SOUK_IDENTITY__ARGON2_PASSES", "1"),
            ("SOUK_LOG", "json"),
            // All that it can say: what is not there is not there at any level.
            ("SOUK_LOG_LEVEL", "debug"),
        ];
        let arguments = ["serve", "--data", &data, "--listen", "127.0.0.1:0"];
        let mut process = Running::start_logged(binary(), &arguments, &settings, log.as_ref());
        let token = process.after("-d '{\"setup_token\":\"").await;
        let url = process.after("listening on").await;
        Self {
            door: Client::new(&url),
            setup_token: token.split('"').next().unwrap().to_owned(),
            folder,
            _process: process,
        }
    }

    async fn person(&self, name: &str) -> Client {
        let body = json!({"email": format!("{name}@souk.example"), "password": PASSWORD});
        let answer = self.door.post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.door.signed_in(&answer)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.at("log")).unwrap()
    }
}

/// The lines of one request that tell of a refusal.
fn lines(log: &str, id: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| {
            line["security.event"] == "request_refused" && line["request.id"] == id
        })
        .collect()
}

#[tokio::test]
async fn every_refusal_of_authority_leaves_a_line_that_names_the_request_and_never_the_token() {
    let shop = Logged::start().await;
    let (ann, gone) = (shop.person("ann").await, shop.person("gone").await);
    let key = make_key(&ann, &["products:read"]).await;
    let (key, ann_s) = (key.str("/secret"), Some(ann.user_id()));
    let left = gone.post("/api/v1/auth/logout", &json!({})).await;
    assert_eq!(left.status, 204, "{}", left.text);
    // Another last letter, whatever the last one is.
    let last = if key.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{last}", &key[..key.len() - 1]);
    let data = shop.folder.at("data");
    let forged = Forger::of(data.as_ref(), ann.token()).tokens();
    let mut cases = vec![
        // May not, and who it was.
        (ann.token(), "/api/v1/users", "forbidden", ann_s),
        (ann.token(), "/api/v1/audit", "forbidden", ann_s),
        (key, "/api/v1/orders", "scope_missing", ann_s),
        (key, "/api/v1/me/sessions", "forbidden", ann_s),
        // Is nobody.
        (gone.token(), "/api/v1/me", "invalid_token", None),
        (&mistyped, "/api/v1/orders", "invalid_token", None),
        ("rubbish-canary", "/orders", "invalid_token", None),
    ];
    let of_nobody = |(_, token): &(String, String)| (token.clone(), "/api/v1/products");
    let nobodies: Vec<_> = forged.iter().map(of_nobody).collect();
    let nobodies = nobodies
        .iter()
        .map(|(token, path)| (token.as_str(), *path, "invalid_token", None));
    cases.extend(nobodies);
    for (number, (token, path, ..)) in cases.iter().enumerate() {
        let request = shop.door.request(Method::GET, path).bearer_auth(token);
        let request = request.header("x-request-id", format!("refused-{number}"));
        let answer = shop.door.send(request).await;
        assert!(
            matches!(answer.status, 401 | 403),
            "{path}: {}",
            answer.text
        );
    }
    // Whoever is asked to sign in was not refused anything, and a secret in an address is kept out as well.
    let plain = shop
        .door
        .request(Method::GET, "/api/v1/me?token=canary-in-an-address");
    let plain = plain.header("x-request-id", "asked");
    assert_eq!(shop.door.send(plain).await.status, 401);
    let log = shop.log();
    for (number, (token, path, code, user)) in cases.iter().enumerate() {
        let told = lines(&log, &format!("refused-{number}"));
        assert_eq!(told.len(), 1, "{path} {code}: {told:?}");
        let line = &told[0];
        let seen = (line["level"].as_str(), line["problem.code"].as_str());
        assert_eq!(seen, (Some("INFO"), Some(*code)), "{line}");
        let seen = (line["http.method"].as_str(), line["http.path"].as_str());
        assert_eq!(seen, (Some("GET"), Some(*path)), "{line}");
        assert_eq!(line["user.id"].as_str(), *user, "{line}");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        // Three bytes may stand anywhere by chance.
        let is_told = token.len() > 8 && log.contains(token);
        assert!(!is_told, "a token is in the log: {token}");
    }
    assert!(lines(&log, "asked").is_empty());
    for secret in ["canary-in-an-address", PASSWORD, &shop.setup_token] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// Whether this stands in any file of the shop's folder.
fn is_kept(folder: &std::path::Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(Result::unwrap).any(|entry| {
        if entry.file_type().unwrap().is_dir() {
            return is_kept(&entry.path(), text);
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        let mut windows = bytes.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    })
}

/// What an answer says, without the request's own name: by chance that has any digits.
fn told(answer: &Answer) -> String {
    let name = answer.header("x-request-id");
    assert!(!name.is_empty());
    answer.text.replace(name, "")
}

#[tokio::test]
async fn a_cards_number_that_somebody_sends_is_refused_and_is_in_no_row_and_no_log() {
    const CARD: &str = "5555555555554444";
    let shop = Logged::start().await;
    let body = json!({"email": "owner@souk.example", "password": PASSWORD, "setup_token": shop.setup_token});
    let owner = shop.door.post("/api/v1/auth/setup", &body).await;
    assert_eq!(owner.status, 201, "{}", owner.text);
    let owner = shop.door.signed_in(&owner);
    let product = owner.sell("tea", 1_999, 10).await;
    let ann = shop.person("ann").await;
    let order = ann.order("k", &product, 1).await;
    let id = order.str("/id").to_owned();
    for method in [CARD, "5555 5555 5555 4444", "pm_5555555555554444"] {
        let body = json!({"order_id": id, "method": method});
        let refused = ann.post_with_key("/api/v1/payments", "p", &body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("/method"), "{}", refused.text);
        assert!(!told(&refused).contains("4444"), "{}", refused.text);
        let items = json!([{"product_id": product, "quantity": 1}]);
        let body = json!({"items": items, "payment": {"method": method}});
        let refused = ann.post_with_key("/api/v1/orders", "k2", &body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(!told(&refused).contains("4444"), "{}", refused.text);
        // Addresses are written into the log.
        let address = format!("/api/v1/payments?method={CARD}");
        let body = json!({"order_id": id, "method": CARD});
        ann.post_with_key(&address, "p", &body).await;
    }
    let paid = json!({"order_id": id, "method": "tok_ok"});
    let paid = ann.post_with_key("/api/v1/payments", "p", &paid).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    for text in [CARD, "5555 5555"] {
        assert!(!shop.log().contains(text), "{text} is in the log");
        assert!(
            !is_kept(shop.folder.at("data").as_ref(), text),
            "{text} is kept"
        );
    }
}
