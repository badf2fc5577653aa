//! `souk products`, `stock`, `orders`, `customers`: a day's work at a terminal, through the public door.

use crate::refusal;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use testkit::{Client, Folder, PASSWORD, Said, Shop, on_both_stores, run_with};

/// Who works: an admin's program with its key.
pub(crate) struct Desk {
    pub(crate) shop: Shop,
    pub(crate) admin: Client,
    key_file: String,
}

impl Desk {
    fn may_read_the_key(&self, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&self.key_file, permissions).expect("they are set");
    }

    pub(crate) async fn try_to(&self, words: &[&str]) -> Said {
        let url = self.shop.url();
        let settings = [
            ("SOUK_SHOP_URL", url),
            ("SOUK_SHOP_KEY_FILE", self.key_file.as_str()),
        ];
        run_with(words, &settings, "").await
    }

    pub(crate) async fn does(&self, words: &[&str]) -> String {
        let said = self.try_to(words).await;
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.out
    }

    pub(crate) async fn json(&self, words: &[&str]) -> Vec<Value> {
        let out = self.does(&[words, &["--json"]].concat()).await;
        let lines = out.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("lines of JSON")
    }
}

/// In a shop with these settings more.
pub(crate) async fn open(settings: &[(&str, &str)]) -> Desk {
    let mut shop = Shop::start_with(settings).await;
    let admin = shop.admin().await;
    let own_files = format!("sqlite:{}", shop.folder().display());
    let scopes = ["products", "inventory", "orders", "payments", "customers"];
    let scopes: Vec<String> = scopes
        .iter()
        .flat_map(|one| [format!("{one}:read"), format!("{one}:write")])
        .collect();
    let mut words = vec!["admin", "keys", "create"];
    words.extend(["--email", "admin@souk.example", "--name", "desk"]);
    words.extend(scopes.iter().flat_map(|scope| ["--scope", scope.as_str()]));
    // The last of two of a name holds.
    let place = [&[("SOUK_DB", own_files.as_str())], settings].concat();
    let said = run_with(&words, &place, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    // A shop that keeps nothing in files has no folder so far.
    std::fs::create_dir_all(shop.folder()).expect("a folder");
    let key_file = shop.folder().join("desk.key");
    std::fs::write(&key_file, &said.out).expect("it is written");
    let desk = Desk {
        shop,
        admin,
        key_file: key_file.display().to_string(),
    };
    desk.may_read_the_key(0o600);
    desk
}

on_both_stores! {
    open:
    products_and_stock_are_kept_from_a_terminal,
    an_order_is_brought_to_its_end_from_a_terminal,
    people_work_with_their_password,
    what_the_shop_refuses_is_said_in_one_line,
}

/// What stands behind a name in what was said of one thing.
fn said_of<'a>(out: &'a str, name: &str) -> &'a str {
    let line = out.lines().find(|line| line.starts_with(name));
    line.map_or("", |line| line[name.len()..].trim())
}

async fn products_and_stock_are_kept_from_a_terminal(desk: Desk) {
    let add = ["products", "add", "Green tea", "--price", "12.50"];
    let traits = ["--stock", "10", "--sku", "TEA-1", "--status", "active"];
    let added = desk.does(&[&add[..], &traits[..]].concat()).await;
    let id = said_of(&added, "id");
    assert_eq!(said_of(&added, "price"), "12.50 USD", "{added}");
    let changed = desk
        .does(&["products", "change", id, "--price", "9.00"])
        .await;
    assert_eq!(
        (said_of(&changed, "price"), said_of(&changed, "name")),
        ("9.00 USD", "Green tea")
    );
    desk.does(&["stock", "add", "TEA-1", "-3", "--reason", "broken"])
        .await;
    desk.does(&["stock", "set", "TEA-1", "6", "--reason", "counted"])
        .await;
    let listed = desk.does(&["stock", "list"]).await;
    assert!(
        listed.lines().any(|line| line.starts_with("TEA-1  6 ")),
        "{listed}"
    );
    let moved = desk.does(&["stock", "movements", "TEA-1"]).await;
    let reasons = ["counted", "broken"].map(|reason| moved.find(reason));
    assert!(reasons[0].is_some() && reasons[0] < reasons[1], "{moved}");
    let all = desk.json(&["products", "list", "--q", "green"]).await;
    assert_eq!((all.len(), &all[0]["stock"]["available"]), (1, &6.into()));
    for number in 0..3 {
        let name = format!("Cup {number}");
        desk.does(&["products", "add", &name, "--price", "1"]).await;
    }
    let some = desk.try_to(&["products", "list", "--limit", "2"]).await;
    assert_eq!(some.out.lines().count(), 3, "{some:?}");
    assert!(some.err.contains("there are more"), "{some:?}");
}

async fn an_order_is_brought_to_its_end_from_a_terminal(desk: Desk) {
    let words = [
        "products", "add", "Tea", "--price", "5", "--stock", "9", "--sku", "TEA-1",
    ];
    let tea = desk
        .does(&[&words[..], &["--status", "active"]].concat())
        .await;
    let ann = desk.shop.customer("ann").await;
    let order = ann.buy("k1", said_of(&tea, "id"), 3, "tok_ok").await;
    let id = order.str("/id");
    let listed = desk.does(&["orders", "list", "--status", "paid"]).await;
    assert!(
        listed.contains(id) && listed.contains("15.00 USD"),
        "{listed}"
    );
    let refund = ["orders", "refund", id, "--item", "TEA-1=1", "--key", "r1"];
    let first = desk.does(&refund).await;
    assert_eq!(said_of(&first, "amount"), "5.00 USD", "{first}");
    assert_eq!(
        desk.does(&refund).await,
        first,
        "said again, not given again"
    );
    // As people say it, and as lists show it.
    let number = &order.int("/number").to_string();
    let shipped = desk
        .does(&["orders", "ship", number, "--tracking", "1Z999"])
        .await;
    assert_eq!(said_of(&shipped, "status"), "shipped", "{shipped}");
    desk.does(&["orders", "note", number, "A gift"]).await;
    desk.does(&["orders", "deliver", id]).await;
    let shown = desk.does(&["orders", "show", number]).await;
    assert_eq!(desk.does(&["orders", "show", id]).await, shown);
    for expected in ["delivered", "TEA-1", "refunded_in_part", "tracking 1Z999"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let stock = desk.json(&["stock", "list"]).await;
    assert_eq!(stock[0]["available"], 7, "one came back");
    let cancelled = desk.try_to(&["orders", "cancel", id]).await;
    assert!(refusal(&cancelled).contains("illegal_transition"));
}

async fn people_work_with_their_password(desk: Desk) {
    let ann = desk.shop.customer("ann").await;
    let door = ["--url", desk.shop.url(), "--email", "admin@souk.example"];
    let work = async |words: &[&str]| run_with(&[words, &door[..]].concat(), &[], PASSWORD).await;
    let listed = work(&["customers", "list"]).await;
    assert!(listed.out.contains("ann@souk.example"), "{listed:?}");
    let disabled = work(&["customers", "disable", ann.user_id()]).await;
    assert_ne!(said_of(&disabled.out, "disabled"), "-", "{disabled:?}");
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    let enabled = work(&["customers", "enable", ann.user_id()]).await;
    assert_eq!(said_of(&enabled.out, "disabled"), "-", "{enabled:?}");
    let none = work(&["customers", "orders", ann.user_id()]).await;
    assert_eq!(none.out.lines().count(), 1, "{none:?}");
}

async fn what_the_shop_refuses_is_said_in_one_line(desk: Desk) {
    let nobody = ["--url", desk.shop.url()];
    let stranger = run_with(&[&["orders", "list"], &nobody[..]].concat(), &[], "").await;
    assert!(refusal(&stranger).contains("401 "), "{stranger:?}");
    for (words, expected) in [
        (&["orders", "show", "../users"][..], "400 "),
        (&["orders", "show", "99999"], "there is no order 99999"),
        (&["orders", "show", "99999999999999999999"], "400 "),
        (&["products", "show", "no such thing"], "404 "),
        (&["products", "change", "tea"], "nothing was named"),
        (&["products", "add", "x", "--price", "cheap"], "/price"),
        (&["stock", "movements", "NO-1"], "there is no NO-1"),
        (
            &["orders", "list", "--url", "http://127.0.0.1:1"],
            "127.0.0.1:1",
        ),
        (
            &["customers", "show", "usr_01h455vb4pex5vsknk084sn02q"],
            "404 ",
        ),
        (
            &["customers", "disable", "usr_01h455vb4pex5vsknk084sn02q"],
            "404 ",
        ),
    ] {
        let said = desk.try_to(words).await;
        assert!(refusal(&said).contains(expected), "{words:?}: {said:?}");
    }
    desk.may_read_the_key(0o644);
    let seen = desk.try_to(&["orders", "list"]).await;
    assert!(refusal(&seen).contains("everybody"), "{seen:?}");
}

#[tokio::test]
async fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run_with(&["completion", shell], &[], "").await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("movements"), "{shell}");
    }
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    let page = run_with(&["man"], &[], "").await;
    assert_eq!(page.code, 0, "{page:?}");
    assert!(page.out.contains(".TH souk 1"), "{}", page.out);
    let folder = Folder::default();
    let to = folder.at("man1");
    let said = run_with(&["man", "--to", &to], &[], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    for name in ["souk.1", "souk-serve.1", "souk-bench-orders.1"] {
        let text = std::fs::read_to_string(format!("{to}/{name}")).unwrap();
        assert!(text.contains(".SH OPTIONS"), "{name}: {text}");
    }
}
