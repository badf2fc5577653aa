//! Notes: kept in order, bounded, and gone with the customer they are about.

use super::{Bench, at, order, order_by};
use crate::store::notes::Note;
use contracts::{
    orders::{NoteError, OrderError},
    values::{NoteId, OrderId, UserId},
};
use platform::db::Abort;

fn note(order: OrderId, text: &str, author: &str) -> Note {
    Note {
        order,
        id: NoteId::generate(),
        text: text.to_owned(),
        for_customer: text == "for you",
        author: author.to_owned(),
        at: at(20),
        most: 2,
        request: None,
    }
}

pub(super) async fn notes_stand_in_order_and_are_no_more_than_may_be(bench: Bench) {
    let id = bench.place(&order()).await.id;
    for text in ["first", "for you"] {
        bench.store.add_note(note(id, text, "ann")).await.unwrap();
    }
    let third = bench.store.add_note(note(id, "third", "ann")).await;
    assert!(matches!(
        third,
        Err(Abort::Refused(NoteError::Order(OrderError::Invalid { .. })))
    ));
    let notes = bench.store.notes(id).await.unwrap();
    let seen: Vec<_> = notes
        .iter()
        .map(|one| (one.text.as_str(), one.for_customer))
        .collect();
    assert_eq!(seen, [("first", false), ("for you", true)]);
    let nowhere = bench
        .store
        .add_note(note(OrderId::generate(), "x", "ann"))
        .await;
    assert!(matches!(
        nowhere,
        Err(Abort::Refused(NoteError::Order(OrderError::NotFound)))
    ));
}

pub(super) async fn notes_go_with_the_customer_and_their_author_with_theirs(bench: Bench) {
    let (bob, mona) = (UserId::generate(), UserId::generate());
    let bobs = bench.place(&order_by(bob, 1)).await.id;
    let others = bench.place(&order_by(mona, 2)).await.id;
    for (id, author) in [(bobs, "ann".to_owned()), (others, bob.to_string())] {
        bench
            .store
            .add_note(note(id, "text", &author))
            .await
            .unwrap();
    }
    bench.store.forget_customer(bob, None).await.unwrap();
    assert!(bench.store.notes(bobs).await.unwrap().is_empty());
    let left = bench.store.notes(others).await.unwrap();
    assert_eq!(left[0].author.as_deref(), Some("erased"));
}
