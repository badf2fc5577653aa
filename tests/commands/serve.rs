//! `souk serve` and `souk health`: how a shop opens, what keeps it from opening, and what it leaves behind.

use crate::{note, refusal};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{Client, Folder, Running, Shop, binary, run};

#[tokio::test]
async fn a_shop_says_where_it_listens_and_answers_there() {
    let shop = Shop::start().await;
    assert!(
        shop.url().starts_with("http://127.0.0.1:"),
        "{}",
        shop.url()
    );
    for path in [
        "/livez",
        "/readyz",
        "/version",
        "/openapi.json",
        "/docs",
        "/",
    ] {
        let answer = shop.visitor().get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_warm_start_is_timed() {
    let mut shop = Shop::start().await;
    let mut times = Vec::new();
    for _ in 0..3 {
        assert!(shop.stop().await);
        let started = Instant::now();
        shop.restart().await;
        times.push(started.elapsed());
        assert_eq!(shop.visitor().get("/readyz").await.status, 200);
    }
    note(&format!(
        "warm starts, with a debug build's weight: {times:.1?}"
    ));
}

#[tokio::test]
async fn a_second_shop_on_the_same_folder_is_refused() {
    let shop = Shop::start().await;
    let data = shop.folder().to_str().unwrap_or_default();
    for command in [&["serve"] as &[&str], &[]] {
        let command = [command, &["--listen", "127.0.0.1:0", "--data", data]].concat();
        let said = run(&command, "").await;
        assert!(
            refusal(&said).starts_with(&format!("souk: another shop is open on {data}")),
            "{said:?}"
        );
        assert!(!said.out.contains("listening on"));
    }
    assert_eq!(
        shop.visitor().get("/readyz").await.status,
        200,
        "the first goes on"
    );
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let shop = Shop::start().await;
    let address = shop.url().trim_start_matches("http://");
    let files = Folder::default();
    let said = run(
        &["serve", "--listen", address, "--data", &files.at("data")],
        "",
    )
    .await;
    let line = refusal(&said);
    assert!(
        line.contains(&format!("{address} cannot be listened on")) && line.contains("in use"),
        "{line}"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said() {
    let files = Folder::default();
    let file = files.write("file", "");
    let said = run(
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            &format!("{file}/data"),
        ],
        "",
    )
    .await;
    assert!(refusal(&said).contains("cannot be made"), "{said:?}");
}

#[tokio::test]
async fn an_ephemeral_shop_leaves_no_folder_behind() {
    let arguments = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
    let mut shop = Running::start(&arguments, &[("SOUK_SHOP__DEMO", "false")]);
    let folder = shop.after("Data ").await;
    let url = shop.after("listening on ").await;
    assert!(Path::new(&folder).is_dir(), "{folder}");
    assert_eq!(run(&["health", &url], "").await.code, 0);
    assert!(shop.stop().await);
    assert!(!Path::new(&folder).exists(), "{folder} stays");
}

#[tokio::test]
async fn a_new_shop_opens_with_a_demo_catalog_and_an_old_one_as_it_was() {
    let files = Folder::default();
    let data = files.at("data");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let mut shop = Running::start(&arguments, &[]);
    let demo = shop.after("Souk ").await;
    assert!(demo.contains("with a demo catalog of "), "{demo}");
    shop.after("listening on ").await;
    assert!(shop.stop().await);
    let verified = run(&["verify", "--data", &data], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    let mut shop = Running::start(&arguments, &[]);
    shop.after("listening on ").await;
    assert!(shop.stop().await);
    let again = run(&["verify", "--data", &data], "").await;
    let count = |out: &str| out.split(" in ").next().unwrap_or_default().to_owned();
    assert_eq!(count(&again.out), count(&verified.out), "filled once");
}

#[tokio::test]
async fn health_tells_a_running_shop_from_a_stopped_one() {
    let mut shop = Shop::start().await;
    let url = shop.url().to_owned();
    let well = run(&["health", &url], "").await;
    assert_eq!((well.code, well.out.as_str()), (0, "ready\n"), "{well:?}");
    assert!(shop.stop().await);
    let gone = run(&["health", &url], "").await;
    assert!(refusal(&gone).contains("does not answer"), "{gone:?}");
    let strange = run(&["health", "ftp://127.0.0.1"], "").await;
    assert!(
        refusal(&strange).contains("neither http:// nor https://"),
        "{strange:?}"
    );
}

#[tokio::test]
async fn metrics_are_served_beside_the_door_and_never_at_it() {
    let arguments = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
    let settings = [
        ("SOUK_SHOP__DEMO", "false"),
        ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
    ];
    let mut shop = Running::start(&arguments, &settings);
    let metrics = shop.after("Metrics ").await;
    let url = shop.after("listening on ").await;
    let scraped = reqwest::get(&metrics).await.unwrap();
    assert_eq!(scraped.status(), 200);
    let text = scraped.text().await.unwrap();
    for name in [
        "souk_orders_placed_total{result=\"placed\"} 0",
        "souk_order_commit_batch_size_count 0",
        "souk_queue_depth{queue=\"place-orders\"} 0",
        "souk_sqlite_commit_seconds_count{file=\"orders\"}",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let public = reqwest::get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(public.status(), 404);
    let root = metrics.replace("/metrics", "/");
    let pages = reqwest::get(&root).await.unwrap().text().await.unwrap();
    assert!(
        pages.starts_with("souk 0.") && pages.contains(", ready."),
        "{pages}"
    );
    let named = pages.lines().filter(|line| line.starts_with('/'));
    let named: Vec<&str> = named.filter_map(|line| line.split(' ').next()).collect();
    assert!(named.contains(&"/info") && named.len() == 9, "{pages}");
    for page in named {
        let there = reqwest::get(format!("{}{page}", root.trim_end_matches('/')));
        assert_eq!(there.await.unwrap().status(), 200, "{page}");
    }
    let other = metrics.replace("/metrics", "/api/v1/products");
    assert_eq!(reqwest::get(&other).await.unwrap().status(), 404);
    assert!(shop.stop().await);
}

#[tokio::test]
async fn operators_see_what_is_inside_a_process_and_no_secret_and_say_how_much_its_log_tells() {
    let secret = "sEcr3t-0f-all-nodes-that-nobody-reads";
    let settings = [
        ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
        ("SOUK_INTERNAL__SECRET", secret),
        ("SOUK_LOG_LEVEL", "warn"),
    ];
    let shop = Shop::start_with(&settings).await;
    let ops = shop.visitor().at(shop.ops_url());
    assert_eq!(ops.get("/startupz").await.text, "started");
    let scraped = ops.get("/metrics").await.text;
    let bytes = |name: &str| -> f64 {
        let value = scraped.lines().find_map(|line| line.strip_prefix(name));
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or_default()
    };
    let (free, all) = (bytes("souk_disk_free_bytes "), bytes("souk_disk_bytes "));
    assert!(0.0 < free && free < all, "{free} of {all}");
    let version = ops.get("/version").await;
    assert_eq!(version.json, shop.visitor().get("/version").await.json);
    let info = ops.get("/info").await;
    assert_eq!(info.str("/version"), version.str("/version"));
    assert_eq!(info.str("/what"), "a shop (all)");
    assert_eq!(info.json["ready"], true, "{}", info.text);
    assert_eq!(
        (info.str("/parts/payments"), info.str("/stores/database")),
        ("here", "SQLite")
    );
    assert!(info.int("/open_for_seconds") < 3_600, "{}", info.text);
    let inside = ops.get("/debug/config").await.text;
    assert!(inside.contains("log_level = \"warn\""), "{inside}");
    assert!(!inside.contains(secret), "{inside}");

    let put = async |level: &str| {
        let request = ops.request("PUT".parse().unwrap(), "/loglevel");
        ops.send(request.body(level.to_owned())).await
    };
    assert_eq!(ops.get("/loglevel").await.text, "warn");
    let set = put("warn,gateway=debug").await;
    assert_eq!((set.status, set.code()), (200, ""), "{}", set.text);
    let now = ops.get("/loglevel").await.text;
    assert!(
        now.contains("warn") && now.contains("gateway=debug"),
        "{now}"
    );
    for wrong in ["loud", "", &"x=info,".repeat(1_000)] {
        let refused = put(wrong).await;
        assert!([400, 413].contains(&refused.status), "{}", refused.text);
    }
    assert_eq!(ops.get("/loglevel").await.text, now, "nothing changed");
    for path in ["/startupz", "/info", "/debug/config", "/loglevel"] {
        assert_eq!(shop.visitor().get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn after_sighup_logs_say_as_much_as_the_settings_ask_for_then() {
    let files = Folder::default();
    let log = files.at("log");
    let put = |level: &str| {
        let text = format!("log_level = \"{level}\"\n[shop]\ndemo = false\n");
        files.write("souk.toml", text)
    };
    let settings = put("warn");
    let arguments = [
        "serve",
        "--ephemeral",
        "--listen",
        "127.0.0.1:0",
        "--config",
        &settings,
    ];
    let mut shop = Running::start_logged(binary(), &arguments, &[], log.as_ref());
    let client = Client::new(&shop.after("listening on").await);
    let said = async |words: &str| {
        client.get("/livez").await;
        std::fs::read_to_string(&log)
            .unwrap_or_default()
            .contains(words)
    };
    assert!(!said("/livez").await, "too much for `warn`");
    for (level, words) in [("debug", "/livez"), ("loud", "could not be read again")] {
        put(level);
        shop.signal("HUP").await;
        let telling = async {
            while !said(words).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(30), telling).await;
        assert!(told.is_ok(), "{level}: {words}");
    }
    assert!(shop.stop().await);
}

/// What came in the last minute is told when the shop closes.
#[tokio::test]
async fn metrics_are_told_in_the_log_for_whoever_reads_them_there_and_lines_say_their_trace() {
    let files = Folder::default();
    let log = files.at("log");
    let environment = [
        ("SOUK_LOG", "emf"),
        ("SOUK_LOG_LEVEL", "debug"),
        ("SOUK_SHOP__DEMO", "false"),
        ("SOUK_HTTP__SHUTDOWN_DELAY_MS", "0"),
    ];
    let arguments = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
    let mut shop = Running::start_logged(binary(), &arguments, &environment, log.as_ref());
    let client = Client::new(&shop.after("listening on").await);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = client.request("GET".parse().unwrap(), "/api/v1/products");
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(client.try_send(request).await.unwrap().status, 200);
    assert!(shop.stop().await);
    let log = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let told = |metric: &str| lines.iter().find(|line| line[metric].is_number());
    let ready = told("souk_ready").unwrap_or_else(|| panic!("{log}"));
    let directive = &ready["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Souk");
    assert_eq!(directive["Dimensions"][0][0], "job");
    let asked = told("souk_http_request_seconds_count").unwrap();
    assert_eq!(
        (&asked["door"], &asked["status"]),
        (&"shop".into(), &"2xx".into())
    );
    assert_eq!(asked["souk_http_request_seconds_count"], 1.0);
    let answered = lines.iter().find(|line| line["message"] == "answered");
    assert_eq!(answered.unwrap()["trace_id"], trace);
}
