//! Records of earlier orders: kept once, in order, whole; their customer's when it is certain, and nobody's afterwards.

use super::{Bench, at};
use crate::{
    domain::earlier::{check, tests::row},
    store::earlier::{EarlierWish, NewEarlier, Place},
};
use contracts::values::{EarlierOrderId, Email, UserId};

const ALL: EarlierWish = EarlierWish {
    customer: None,
    source: None,
    before: Place {
        placed_at_ms: i64::MAX,
        number: i64::MAX,
    },
    limit: 100,
};

/// A record of this number, of somebody with this address if there is one.
fn record(number: u8, email: Option<&str>) -> NewEarlier {
    let mut row = row(&number.to_string());
    row.email = email.map(str::to_owned);
    row.customer_ref = Some("17850".to_owned());
    row.placed_at = at(i64::from(number));
    NewEarlier {
        order: check(EarlierOrderId::from_bytes([number; 16]), "old", row).unwrap(),
        customer: None,
    }
}

pub(super) async fn records_are_kept_once_listed_claimed_and_forgotten(bench: Bench) {
    let store = &*bench.store;
    let batch = || {
        vec![
            record(1, Some("Ann@x.example")),
            record(2, None),
            record(2, None),
        ]
    };
    for (commit, fresh) in [
        (false, [true, true, false]),
        (true, [true, true, false]),
        (true, [false; 3]),
        (false, [false; 3]),
    ] {
        let kept = store.import_earlier(batch(), at(50), commit).await.unwrap();
        assert_eq!(kept, fresh, "{commit}");
    }
    let third = vec![record(3, Some("eve@x.example"))];
    assert_eq!(
        store.import_earlier(third, at(60), true).await.unwrap(),
        [true]
    );

    let first = EarlierWish { limit: 2, ..ALL };
    let page = store.earlier_orders(first.clone()).await.unwrap();
    let before = Place::read(page.next_cursor.as_ref()).unwrap();
    let rest = store
        .earlier_orders(EarlierWish { before, ..first })
        .await
        .unwrap();
    assert_eq!(rest.next_cursor, None);
    let all: Vec<_> = page.data.iter().chain(&rest.data).collect();
    let numbers: Vec<&str> = all.iter().map(|one| one.number.as_str()).collect();
    assert_eq!(numbers, ["3", "2", "1"]);
    assert_eq!(
        (all[0].lines.len(), all[0].lines[1].unit_price.minor),
        (2, 600)
    );

    let ann = UserId::generate();
    let address = Email::parse("ann@x.example").unwrap();
    let claimed = store.claim_orders(ann, address.clone(), 9).await.unwrap();
    assert_eq!(
        (claimed, store.claim_orders(ann, address, 9).await.unwrap()),
        (1, 0)
    );
    let theirs = EarlierWish {
        customer: Some(ann),
        ..ALL
    };
    let own = store.earlier_orders(theirs.clone()).await.unwrap().data;
    assert_eq!((own.len(), own[0].number.as_str()), (1, "1"));
    store.forget_customer(ann, None).await.unwrap();
    assert!(store.earlier_orders(theirs).await.unwrap().data.is_empty());
    let left = store.earlier_order(own[0].id).await.unwrap().unwrap();
    assert_eq!((left.customer_id, left.customer_ref), (None, None));
    assert_eq!(left.total.minor, 1_100);
    let sums = store.earlier_totals(Some("old".to_owned())).await.unwrap();
    assert_eq!((sums[0].orders, sums[0].lines, sums[0].units), (3, 6, 9));
    assert_eq!(sums[0].total.minor, 3_300);
}
