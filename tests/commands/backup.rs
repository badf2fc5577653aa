//! `souk backup` and `souk restore`: a shop that is at work is copied as it is at one moment, and comes back whole.

use crate::refusal;
use futures_util::future::join_all;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};
use testkit::{Answer, Client, Folder, Provider, Shop, run, run_with};

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Buys one unit after the other until it is told to stop; gives what was acknowledged.
async fn buys(buyer: &Client, who: usize, product: &str, stop: &AtomicBool) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0_u32.. {
        let order = buyer
            .buy(&format!("k{who}-{number}"), product, 1, "tok_ok")
            .await;
        assert_eq!(order.status, 201, "{}", order.text);
        ids.push(order.str("/id").to_owned());
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    ids
}

#[tokio::test]
async fn a_shop_at_work_is_copied_at_one_moment_and_comes_back_with_all_that_was_acknowledged() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 500, 1_000_000).await;
    let buyers = join_all((0..4).map(|number| {
        let name = format!("ann{number}");
        let shop = &shop;
        async move { shop.customer(&name).await }
    }))
    .await;
    let before = buyers[0].buy("before", &tea, 2, "tok_ok").await;
    let before = before.str("/id").to_owned();
    let files = Folder::default();
    let data = text(shop.folder()).to_owned();
    let copies = [files.at("first"), files.at("second")];
    let stop = AtomicBool::new(false);
    let buying = buyers.iter().enumerate();
    let buying = join_all(buying.map(|(who, buyer)| buys(buyer, who, &tea, &stop)));
    let copying = async {
        for copy in &copies {
            let said = run(&["backup", copy, "--data", &data], "").await;
            assert_eq!(said.code, 0, "{said:?}");
            assert!(said.out.contains("databases"), "{said:?}");
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (bought, ()) = futures_util::future::join(buying, copying).await;
    let bought: usize = bought.iter().map(Vec::len).sum();
    let back = files.at("back");
    let said = run(&["restore", &copies[1], "--data", &back], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let opened = Shop::start_with(&[("SOUK_DB", &format!("sqlite:{back}"))]).await;
    let ann = buyers[0].at(opened.url());
    let seen = ann.get(&format!("/api/v1/orders/{before}")).await;
    assert_eq!((seen.status, seen.str("/status")), (200, "paid"));
    let more = ann.buy("after", &tea, 1, "tok_ok").await;
    assert_eq!(more.status, 201, "{}", more.text);
    assert!(bought > 4, "it was at work meanwhile");
    opened.verify().await;
    shop.verify().await;
}

#[tokio::test]
async fn what_was_paid_after_the_backup_is_found_in_the_books_of_the_provider() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 500, 10).await;
    let ann = shop.customer("ann").await;
    ann.buy("k1", &tea, 1, "tok_ok").await;
    let files = Folder::default();
    let (copy, back) = (files.at("copy"), files.at("back"));
    let data = text(shop.folder()).to_owned();
    assert_eq!(run(&["backup", &copy, "--data", &data], "").await.code, 0);
    let lost = ann.buy("k2", &tea, 2, "tok_ok").await;
    assert_eq!(lost.str("/status"), "paid");
    shop.stop().await;
    assert_eq!(run(&["restore", &copy, "--data", &back], "").await.code, 0);
    // The provider is somebody else: its books did not go back.
    for name in ["sandbox.sqlite", "sandbox.sqlite-wal"] {
        let (from, to) = (Path::new(&data).join(name), Path::new(&back).join(name));
        if from.exists() {
            fs::copy(from, to).expect("it is copied");
        }
    }
    let settings = [
        ("SOUK_DB", format!("sqlite:{back}")),
        ("SOUK_PAYMENTS__RECONCILE_EVERY_SECONDS", "1".to_owned()),
    ];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let opened = Shop::start_with(&settings).await;
    let admin = admin.at(opened.url());
    let found = |answer: &Answer| {
        answer.json["data"]
            .as_array()
            .is_some_and(|all| all.len() == 1)
    };
    let reviews = admin.get_until("/api/v1/payments/reviews", found).await;
    assert!(
        reviews
            .text
            .contains("10.00 USD of no payment was given back"),
        "{}",
        reviews.text
    );
    // Whoever asks again, with the same key or another, is charged anew or not at all.
    let ann = ann.at(opened.url());
    let again = ann.buy("k2", &tea, 2, "tok_ok").await;
    let paid = if again.str("/status") == "paid" {
        1_000
    } else {
        0
    };
    assert_eq!(
        Provider::of(&admin).net().await,
        500 + paid,
        "{}",
        again.text
    );
    let other = ann.buy("k3", &tea, 2, "tok_ok").await;
    assert_eq!(other.str("/status"), "paid", "{}", other.text);
    assert_eq!(Provider::of(&admin).net().await, 1_500 + paid);
    opened.verify().await;
}

#[tokio::test]
async fn what_is_no_backup_or_would_take_the_place_of_something_is_refused() {
    let shop = Shop::start().await;
    let data = text(shop.folder()).to_owned();
    let files = Folder::default();
    let copy = files.at("copy");
    assert_eq!(run(&["backup", &copy, "--data", &data], "").await.code, 0);
    let again = run(&["backup", &copy, "--data", &data], "").await;
    assert!(refusal(&again).contains("is there already"));
    let nothing = run(
        &["backup", &files.at("none"), "--data", &files.at("empty")],
        "",
    )
    .await;
    assert!(refusal(&nothing).contains("there is no shop in"));
    let over = run(&["restore", &copy, "--data", &data], "").await;
    assert!(refusal(&over).contains("there is a shop in"));
    let strange = run(&["restore", &data, "--data", &files.at("back")], "").await;
    assert!(refusal(&strange).contains("SHA256SUMS"));
    let catalog = Path::new(&copy).join("catalog.sqlite");
    let mut bytes = fs::read(&catalog).expect("it is read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&catalog, bytes).expect("it is written");
    let back = files.at("back");
    let damaged = run(&["restore", &copy, "--data", &back], "").await;
    assert!(refusal(&damaged).contains("is not what it was"));
    assert!(
        fs::read_dir(&back).expect("a folder").next().is_none(),
        "nothing is left of it"
    );
    fs::create_dir(Path::new(&back).join("restore.unfinished")).expect("a folder");
    let half = run(&["serve", "--listen", "127.0.0.1:0", "--data", &back], "").await;
    assert!(
        refusal(&half).contains("did not come to its end"),
        "{half:?}"
    );
    let settings = [("SOUK_DB", "postgres://nobody@127.0.0.1:1/souk")];
    let elsewhere = run_with(&["backup", &files.at("pg")], &settings, "").await;
    assert!(refusal(&elsewhere).contains("pg_dump"), "{elsewhere:?}");
}

/// Somebody is told when they stop coming, whoever makes them.
#[tokio::test]
async fn how_old_the_newest_backup_is_is_measured() {
    let files = Folder::default();
    let backups = files.at("backups");
    fs::create_dir(&backups).expect("a folder");
    let settings = [
        ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
        ("SOUK_BACKUPS__FOLDER", &backups),
        ("SOUK_WATCH__EVERY_MS", "1000"),
    ];
    let shop = Shop::start_with(&settings).await;
    let ops = shop.visitor().at(shop.ops_url());
    let finished = |text: &str| -> f64 {
        let name = "souk_backup_finished_timestamp_seconds ";
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(-1.0)
    };
    assert!(finished(&ops.get("/metrics").await.text).abs() < 1.0);
    // What a crash left is none.
    let left = Path::new(&backups).join("left.unfinished");
    fs::create_dir(&left).expect("a folder");
    fs::write(left.join("SHA256SUMS"), "").expect("it is written");
    let (data, to) = (text(shop.folder()), format!("{backups}/one"));
    let made = run(&["backup", &to, "--data", data], "").await;
    assert_eq!(made.code, 0, "{made:?}");
    let sums = fs::metadata(Path::new(&backups).join("one/SHA256SUMS")).expect("sums");
    let at = sums
        .modified()
        .expect("a time")
        .duration_since(std::time::UNIX_EPOCH);
    let at = at.expect("after 1970").as_secs_f64();
    let told = |text: &str| (at - finished(text)).abs() < 2.0;
    ops.get_until("/metrics", |answer| told(&answer.text)).await;
}
