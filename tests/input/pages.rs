//! The pages' addresses with what no browser would send, and the pages that explain every refusal.

use super::{
    ask::{Ask, tells_inside},
    world::World,
};
use contracts::problem::Code;

const FORM: &str = "application/x-www-form-urlencoded";
const FORMS: &[&str] = &["POST /sign-in", "POST /register-account", "POST /sign-out"];

/// Bodies that are no form of ours, each with its kind.
const BODIES: &[(&str, &[u8])] = &[
    ("", b""),
    (FORM, b""),
    (FORM, b"csrf=&email=&password="),
    (
        FORM,
        b"csrf=x&email=carl%40souk.example&password=correct+horse+battery",
    ),
    (FORM, b"csrf[]=x&email[$ne]=&password[$gt]="),
    (FORM, b"email=a&email=b&password=c&password=d&csrf=e&csrf=f"),
    (FORM, b"%zz=%zz&%00=%00&%ff=%ff"),
    (FORM, b"\xff\xfe=\x00"),
    (FORM, b"{\"csrf\":\"x\"}"),
    (
        "application/json",
        b"{\"csrf\":\"x\",\"email\":\"carl@souk.example\",\"password\":\"x\"}",
    ),
    (
        "multipart/form-data; boundary=x",
        b"--x\r\ncontent-disposition: form-data; name=csrf\r\n\r\nx\r\n--x--",
    ),
    ("text/plain", b"csrf=x"),
];

/// Forms are for people, who get a page; it refuses all the same.
pub(crate) async fn assert_forms_refuse(world: &World) {
    let large = [b"csrf=".to_vec(), vec![b'a'; 70_000]].concat();
    for (kind, body) in BODIES.iter().copied().chain([(FORM, large.as_slice())]) {
        for line in FORMS {
            let ask = Ask::new(*line).header("accept", "text/html");
            let ask = if kind.is_empty() {
                ask
            } else {
                ask.header("content-type", kind)
            };
            let answer = ask.body(body).send(world.url()).await.unwrap();
            let shown = format!(
                "{line} {}",
                String::from_utf8_lossy(body)
                    .chars()
                    .take(100)
                    .collect::<String>()
            );
            assert!(
                (400..500).contains(&answer.status),
                "{shown}: {}",
                answer.status
            );
            assert_eq!(tells_inside("", &answer), None, "{shown}");
            assert_eq!(
                answer.header("set-cookie").find("souk_access=e"),
                None,
                "{shown}"
            );
        }
    }
}

/// Texts in the place of a part of a page's address.
const TEXTS: &[&str] = &[
    "x",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "%27%20OR%201=1--",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%F0%9F%98%80",
    "..%2f..%2fetc",
];

/// Pages answer whatever they are asked for, and write nothing of it as markup.
pub(crate) async fn assert_pages_hold(world: &World) {
    let long = "a".repeat(5_000);
    for text in TEXTS.iter().copied().chain([long.as_str()]) {
        for before in [
            "/p/",
            "/problems/",
            "/media/demo/",
            "/?q=",
            "/?category=",
            "/?cursor=",
            "/?sort=",
            "/c/tea-coffee?page=",
            "/sign-in?next=",
            "/?x=",
        ] {
            let ask = Ask::new(format!("GET {before}{text}")).header("accept", "text/html");
            let answer = ask.send(world.url()).await.unwrap();
            assert!(
                answer.status < 500,
                "{before}{text}: {} {}",
                answer.status,
                answer.text
            );
            // Ours is on every page.
            let others = answer.text.replace("<script src=\"/assets/site.js?", "");
            assert!(
                !others.contains("<script"),
                "{before}{text}: {}",
                answer.text
            );
            assert!(
                !answer.header("location").starts_with("//"),
                "{before}{text}"
            );
        }
    }
}

/// The address in a problem's `type` leads to what explains it.
pub(crate) async fn assert_problems_are_explained(world: &World) {
    for code in Code::ALL {
        let page = world
            .nobody
            .get(&format!("/problems/{}", code.slug()))
            .await;
        assert_eq!(page.status, 200, "{code:?}");
        assert!(
            page.text.contains(code.title()) || page.text.contains(code.slug()),
            "{code:?}"
        );
    }
}

/// A bad product fails alone, with the status that it would have had alone.
pub(crate) async fn assert_a_batch_tells_each(world: &World) {
    #[rustfmt::skip] // a product a line
    let products: &[(&str, i64)] = &[
        ("{}", 422), ("[]", 400), ("1", 400), ("null", 400), ("\"x\"", 400), ("{\"$ne\":null}", 422),
        ("{\"name\":\"x\"}", 422), ("{\"name\":\"x\",\"price\":-1}", 422), ("{\"name\":{\"$ne\":1},\"price\":1}", 400),
        ("{\"name\":\"x\",\"name\":\"x\",\"price\":1}", 400), ("{\"name\":\"x\",\"price\":1e400}", 422),
        ("{\"name\":\"x\",\"price\":1,\"stock\":18446744073709551616}", 400),
        ("{\"name\":\"x\",\"price\":1,\"sku\":\"Tea\"}", 409),
        ("{\"name\":\"\\u0000\",\"price\":1}", 422), ("{\"name\":\"x\",\"price\":1,\"owner_id\":\"$ann\"}", 422),
    ];
    let list: Vec<&str> = products.iter().map(|(product, _)| *product).collect();
    let body = format!("{{\"products\":[{}]}}", list.join(","));
    let answer = Ask::new("POST /api/v1/products/batch")
        .by(&world.admin)
        .json(body)
        .send(world.url())
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    for (index, (product, expected)) in products.iter().enumerate() {
        let result = &answer.json["results"][index];
        assert_eq!(result["status"], *expected, "{product}: {result}");
        let code = result["problem"]["code"].as_str().and_then(Code::from_slug);
        assert_eq!(
            code.map(|code| i64::from(code.status())),
            Some(*expected),
            "{product}: {result}"
        );
    }
}

/// Each row that cannot be is refused for a reason, whether it is to be written or not.
pub(crate) async fn assert_an_import_tells_each(world: &World) {
    const PRICE: &str = r#""price":{"amount":1,"currency":"USD"}"#;
    let rows = [
        "{}".to_owned(),
        "[]".to_owned(),
        "1".to_owned(),
        "null".to_owned(),
        r#"{"$ne":null}"#.to_owned(),
        r#"{"sku":"x","name":"x"}"#.to_owned(),
        r#"{"sku":"x","name":"x","price":1}"#.to_owned(),
        r#"{"sku":"x","name":"x","price":{"amount":-1,"currency":"USD"}}"#.to_owned(),
        r#"{"sku":"x","name":"x","price":{"amount":1,"currency":"XXX"}}"#.to_owned(),
        format!(r#"{{"sku":"","name":"x",{PRICE}}}"#),
        format!(r#"{{"sku":"x","name":"",{PRICE}}}"#),
        format!(r#"{{"sku":{{"$ne":1}},"name":"x",{PRICE}}}"#),
        format!(r#"{{"sku":"x","sku":"y","name":"x",{PRICE}}}"#),
        format!(r#"{{"sku":"x","name":"\u0000",{PRICE}}}"#),
        format!(r#"{{"sku":"x","name":"x",{PRICE},"stock":-1}}"#),
        format!(r#"{{"sku":"x","name":"x",{PRICE},"owner_id":"$ann"}}"#),
        format!(r#"{{"sku":"x","name":"x",{PRICE},"image_url":"javascript:x"}}"#),
    ];
    for dry_run in [true, false] {
        let body = format!(r#"{{"rows":[{}],"dry_run":{dry_run}}}"#, rows.join(","));
        let answer = Ask::new("POST /api/v1/products/import")
            .by(&world.admin)
            .json(body)
            .send(world.url())
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        for (index, row) in rows.iter().enumerate() {
            let told = &answer.json["data"][index];
            assert_eq!(told["outcome"], "refused", "{row}: {told}");
            let reason = told["reason"].as_str().unwrap_or_default();
            assert!(!reason.is_empty(), "{row}: {told}");
        }
    }
}
