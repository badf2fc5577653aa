//! `kill -9` and SIGTERM under load.

use crate::load::Load;
use futures_util::future::join;
use testkit::Shop;

const SETTINGS: [(&str, &str); 2] = [
    ("SOUK_LOG_LEVEL", "error"),
    ("SOUK_PAYMENTS__SANDBOX_SLOW_MS", "20"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_killed_at_any_moment_has_all_it_acknowledged_and_does_the_rest_once() {
    let mut shop = Shop::start_with(&SETTINGS).await;
    let mut load = Load::prepare(&mut shop).await;
    let mut lost = 0;
    for (round, acknowledged) in [1, 23, 150, 64, 301].into_iter().enumerate() {
        let enough = load.acknowledged(acknowledged);
        let killing = async {
            enough.await;
            shop.kill().await;
        };
        let (answered, ()) = join(load.run(round), killing).await;
        load.keep(answered);
        lost += load.lost();
        shop.restart().await;
        load.follow(&shop);
        load.check_acknowledged().await;
        load.send_lost_again().await;
        load.check_counts().await;
        shop.verify().await;
    }
    assert!(lost > 0, "nothing was under way at any of the kills");
    load.check_settled().await;
    load.check_acknowledged().await;
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_told_to_stop_answers_what_it_has_and_loses_nothing() {
    let mut shop = Shop::start_with(&SETTINGS).await;
    let mut load = Load::prepare(&mut shop).await;
    for (round, acknowledged) in [40, 200].into_iter().enumerate() {
        let enough = load.acknowledged(acknowledged);
        let stopping = async {
            enough.await;
            shop.stop().await
        };
        let (answered, well) = join(load.run(round), stopping).await;
        assert!(well, "it ended badly");
        load.keep(answered);
        shop.verify().await;
        shop.restart().await;
        load.follow(&shop);
        load.check_acknowledged().await;
        let done = load.send_lost_again().await;
        assert_eq!(done, 0, "what was done was answered");
        load.check_counts().await;
    }
    load.check_settled().await;
    shop.verify().await;
}
