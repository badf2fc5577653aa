//! An order's papers, through the router.

use crate::shop::{Ask, Shop, admin, ann, bob, tea, tea_merchant, with};
use axum::http::StatusCode;
use serde_json::json;

/// What a document shows: literal texts of it, in order.
fn shown(pdf: &[u8]) -> Vec<String> {
    let text: String = pdf.iter().map(|byte| char::from(*byte)).collect();
    let shown = text.lines().filter_map(|line| line.strip_suffix(" Tj"));
    let plain = |shown: &str| {
        shown
            .strip_prefix('(')?
            .strip_suffix(')')
            .map(str::to_owned)
    };
    shown.filter_map(plain).collect()
}

#[tokio::test]
async fn an_invoice_is_there_once_the_order_was_paid_and_always_the_same() {
    let shop = Shop::open().await;
    let unpaid = shop.placed("k1", 1).await;
    let path = format!("/api/v1/orders/{unpaid}/invoice");
    assert_eq!(
        shop.ask(Ask::get(&path).by(&ann())).await.said(),
        "404 not_found"
    );
    let id = shop.paid("k2", 2).await;
    let path = format!("/api/v1/orders/{id}/invoice");
    let first = shop.ask(Ask::get(&path).by(&ann())).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.header("content-type"), "application/pdf");
    assert_eq!(
        first.header("content-disposition"),
        "inline; filename=\"invoice-10002.pdf\""
    );
    shop.clock.advance_seconds(1_000_000);
    let again = shop.ask(Ask::get(&path).by(&tea_merchant())).await;
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(
        shop.ask(Ask::get(&path).by(&bob())).await.said(),
        "404 not_found"
    );
    let lines = shown(&first.bytes);
    assert_eq!(lines[..2], ["Invoice 10002, page 1 of 1", "Souk Ltd"]);
    let words: Vec<Vec<&str>> = lines
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(words.contains(&vec!["Total", "39.98", "USD"]), "{lines:?}");
    let line = lines.iter().find(|line| line.contains("(TEA-1)")).unwrap();
    assert!(
        line.ends_with("19.99 USD                 39.98 USD"),
        "{line}"
    );
}

#[tokio::test]
async fn a_slip_is_for_those_who_send_and_tells_no_price() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 3).await;
    let orders = format!("/api/v1/orders/{id}");
    let slip = format!("{orders}/packing-slip");
    assert_eq!(
        shop.ask(Ask::get(&slip).by(&admin())).await.said(),
        "404 not_found"
    );
    for units in [1, 2] {
        let parcel = json!({"lines": [{"line": 1, "quantity": units}], "tracking": "1Z999"});
        let path = format!("{orders}/shipments");
        let sent = shop
            .ask(Ask::post(&path, parcel.to_string()).by(&admin()))
            .await;
        assert_eq!(sent.status, StatusCode::CREATED);
    }
    for (path, units) in [(slip.clone(), "2"), (format!("{slip}?shipment=1"), "1")] {
        let answer = shop.ask(Ask::get(&path).by(&tea_merchant())).await;
        let lines = shown(&answer.bytes);
        let line = lines.iter().find(|line| line.contains("(TEA-1)")).unwrap();
        assert_eq!(line.split_whitespace().next(), Some(units));
        assert!(lines.iter().all(|line| !line.contains("USD")), "{lines:?}");
        assert!(lines.contains(&"Tracking 1Z999".to_owned()));
    }
    let none = shop
        .ask(Ask::get(&format!("{slip}?shipment=3")).by(&admin()))
        .await;
    assert_eq!(none.said(), "404 not_found");
    assert_eq!(
        shop.ask(Ask::get(&slip).by(&ann())).await.said(),
        "403 forbidden"
    );
}

#[tokio::test]
async fn what_a_paper_has_no_letters_for_is_a_question_mark_and_it_says_where_all_of_it_stands() {
    let shop = Shop::open().await;
    let plain = shop.paid("k1", 1).await;
    let address =
        json!({"name": "Дмитрий 日本", "line1": "Οδός Ωμέγα 7", "city": "Köln", "country": "GR"});
    let wish = with(tea(1), "shipping_address", address);
    let wish = with(wish, "payment", json!({"method": "tok_ok"}));
    let greek = shop.ask(Ask::place(&wish).key("k2").by(&ann())).await;
    let greek = greek.order_id();
    let invoice = |id| format!("/api/v1/orders/{id}/invoice");
    let said = shown(&shop.ask(Ask::get(&invoice(greek)).by(&ann())).await.bytes);
    let note = [
        "A question mark stands for each letter that this paper does not have.".to_owned(),
        "All as it was written stands on the order's page:".to_owned(),
        format!("https://shop.test/order/{greek}"),
    ];
    assert!(said.contains(&"??????? ??".to_owned()), "{said:?}");
    assert!(said.contains(&"???? ????? 7".to_owned()), "{said:?}");
    assert!(said.ends_with(&note), "{said:?}");
    let path = format!("/api/v1/orders/{greek}/shipments");
    let parcel = json!({"lines": [{"line": 1, "quantity": 1}]});
    let sent = Ask::post(&path, parcel.to_string()).by(&admin());
    assert_eq!(shop.ask(sent).await.status, StatusCode::CREATED);
    let slip = format!("/api/v1/orders/{greek}/packing-slip");
    let slip = shown(&shop.ask(Ask::get(&slip).by(&admin())).await.bytes);
    assert!(slip.ends_with(&note), "{slip:?}");
    let said = shown(&shop.ask(Ask::get(&invoice(plain)).by(&ann())).await.bytes);
    assert!(said.iter().all(|line| !line.contains('?')), "{said:?}");
    assert!(!said.contains(&note[0]), "{said:?}");
}
