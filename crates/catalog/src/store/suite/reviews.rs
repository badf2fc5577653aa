//! Reviews: one of each buyer, counted exactly whoever writes at the same time; and addresses and prices that were.

use super::{NOW, Room};
use crate::{
    domain::review::Review,
    store::{ReviewChange, ReviewEdit, ReviewRow, Reviewed},
};
use contracts::{
    catalog::{ProductRef, ProductReview, RatingView, ReviewError, ReviewStatus},
    request::Precondition,
    values::{PageSize, ProductId, ReviewId, UserId},
};
use futures_util::future::join_all;
use serde_json::json;

fn says(rating: i64) -> Review {
    Review {
        rating,
        title: String::new(),
        text: "so".to_owned(),
        author: String::new(),
    }
}

async fn write(
    room: &Room,
    product_id: ProductId,
    user_id: UserId,
    rating: i64,
) -> Result<ProductReview, ReviewError> {
    let row = ReviewRow {
        review_id: ReviewId::generate(),
        product_id,
        user_id,
        review: says(rating),
        at: NOW,
        request: None,
    };
    let written = room.store.create_review(row).await;
    written.map(|written| written.value)
}

async fn change(
    room: &Room,
    review: &ProductReview,
    change: ReviewChange,
) -> Result<ProductReview, ReviewError> {
    let edit = ReviewEdit {
        review_id: review.id,
        user_id: None,
        sent: Precondition::Body(review.version),
        change,
        at: NOW,
    };
    room.store.edit_review(edit).await
}

pub(super) async fn the_average_is_exact_whoever_writes_at_the_same_time(room: Room) {
    let tea = room.tea(1).await.id;
    assert_eq!(room.seen(tea).await.rating, RatingView::default());
    let posts = (0_u8..60).map(|number| {
        write(
            &room,
            tea,
            UserId::generate(),
            i64::from(number % 5_u8).saturating_add(1),
        )
    });
    let written: Vec<ProductReview> = join_all(posts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(room.seen(tea).await.rating, RatingView::of(60, 180));
    let edits = written.iter().enumerate().map(|(number, review)| {
        let becomes = match number % 4 {
            0 => ReviewChange::Write(says(5)),
            1 => ReviewChange::Moderate(ReviewStatus::Hidden),
            2 => ReviewChange::Remove,
            _ => ReviewChange::Moderate(ReviewStatus::Shown),
        };
        change(&room, review, becomes)
    });
    assert!(join_all(edits).await.iter().all(Result::is_ok));
    let kept = written
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 4 == 3);
    let sum: i64 = kept.map(|(_, review)| review.rating).sum();
    assert_eq!(
        room.seen(tea).await.rating,
        RatingView::of(30, sum.saturating_add(75))
    );
}

pub(super) async fn of_twins_of_one_buyer_one_is_written(room: Room) {
    let (tea, ann) = (room.tea(1).await, UserId::generate());
    let twins = join_all((0..8).map(|_| write(&room, tea.id, ann, 4))).await;
    assert_eq!(twins.iter().filter(|twin| twin.is_ok()).count(), 1);
    assert!(
        twins
            .iter()
            .flat_map(|twin| twin.as_ref().err())
            .all(|error| matches!(error, ReviewError::Exists))
    );
    let seen = room.seen(tea.id).await;
    assert_eq!((seen.rating.count, seen.version), (1, tea.version));
    assert!(
        seen.stock_version > tea.stock_version,
        "its entity tag is another"
    );
    let unknown = write(&room, ProductId::generate(), ann, 4).await;
    assert!(matches!(unknown, Err(ReviewError::NotFound)));
}

pub(super) async fn a_stale_review_is_not_changed_and_who_goes_takes_theirs_along(room: Room) {
    let (tea, ann) = (room.tea(1).await.id, UserId::generate());
    let first = write(&room, tea, ann, 4).await.unwrap();
    change(&room, &first, ReviewChange::Write(says(2)))
        .await
        .unwrap();
    let stale = change(&room, &first, ReviewChange::Write(says(3))).await;
    assert!(
        matches!(stale, Err(ReviewError::VersionConflict { current, .. }) if current.get() == 2)
    );
    let foreign = ReviewEdit {
        review_id: first.id,
        user_id: Some(UserId::generate()),
        sent: Precondition::LastWriterWins,
        change: ReviewChange::Remove,
        at: NOW,
    };
    assert!(matches!(
        room.store.edit_review(foreign).await,
        Err(ReviewError::NotFound)
    ));
    write(&room, tea, UserId::generate(), 5).await.unwrap();
    let own = room
        .store
        .reviews(Reviewed::By(ann), PageSize::default(), None)
        .await
        .unwrap();
    assert_eq!(own.data.len(), 1);
    assert_eq!(room.store.forget_reviewer(ann).await.unwrap(), [tea]);
    assert_eq!(room.seen(tea).await.rating, RatingView::of(1, 5));
    assert!(room.store.forget_reviewer(ann).await.unwrap().is_empty());
}

pub(super) async fn reviews_are_listed_newest_first_without_what_is_hidden(room: Room) {
    let tea = room.tea(1).await.id;
    let mut ids = Vec::new();
    for rating in [1, 2, 3, 4, 5] {
        ids.push(write(&room, tea, UserId::generate(), rating).await.unwrap());
    }
    change(&room, &ids[2], ReviewChange::Moderate(ReviewStatus::Hidden))
        .await
        .unwrap();
    let shown = Reviewed::Product(tea, ReviewStatus::Shown);
    let limit = PageSize::try_from(3).unwrap();
    let page = room.store.reviews(shown, limit, None).await.unwrap();
    let next = room
        .store
        .reviews(shown, limit, page.next_cursor)
        .await
        .unwrap();
    let ratings: Vec<i64> = page
        .data
        .iter()
        .chain(&next.data)
        .map(|review| review.rating)
        .collect();
    assert_eq!((ratings, next.next_cursor), (vec![5, 4, 2, 1], None));
    let hidden = Reviewed::Product(tea, ReviewStatus::Hidden);
    assert_eq!(
        room.store
            .reviews(hidden, limit, None)
            .await
            .unwrap()
            .data
            .len(),
        1
    );
    // Whoever runs the shop sees what is said of all products, and what is hidden of it.
    let cup = room.tea(2).await.id;
    write(&room, cup, UserId::generate(), 1).await.unwrap();
    let (mut all, mut cursor, mut pages) = (Vec::new(), None, Vec::new());
    loop {
        let page = room.store.reviews(Reviewed::All, limit, cursor).await;
        let page = page.unwrap();
        pages.push(page.data.len());
        all.extend(
            page.data
                .into_iter()
                .map(|one| (one.product_id, one.rating)),
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let teas = [5, 4, 3, 2, 1].map(|rating| (tea, rating));
    assert_eq!(all, [&[(cup, 1)][..], &teas].concat());
    assert_eq!(pages, [3, 3]);
}

pub(super) async fn an_address_that_was_leads_to_the_product_until_another_has_it(room: Room) {
    let tea = room.tea(1).await;
    room.patched(tea.id, json!({"slug": "green-tea"})).await;
    room.patched(tea.id, json!({"slug": "black-tea"})).await;
    for slug in ["tea", "green-tea", "black-tea"] {
        let which = ProductRef::Slug(slug.to_owned());
        let found = room
            .store
            .product(which, crate::domain::scope::Scope::Nothing, NOW)
            .await
            .unwrap();
        assert_eq!(found.unwrap().slug, "black-tea", "{slug}");
    }
    assert_eq!(
        room.tea(1).await.slug,
        "tea-2",
        "what was given away is not given again unasked"
    );
    let other = room
        .product(json!({"name": "Other", "price": 1, "slug": "tea"}))
        .await;
    let which = ProductRef::Slug("tea".to_owned());
    let found = room
        .store
        .product(which, crate::domain::scope::Scope::Nothing, NOW)
        .await
        .unwrap();
    assert_eq!(found.unwrap().id, other.id);
}

pub(super) async fn the_prices_that_a_product_had_are_told_newest_first(room: Room) {
    let tea = room.tea(1).await.id;
    for body in [
        json!({"price": "3"}),
        json!({"name": "Other"}),
        json!({"price": "3"}),
        json!({"price": "2"}),
    ] {
        room.patched(tea, body).await;
    }
    let prices = room.store.prices(tea, None, 100).await.unwrap();
    let minors: Vec<i64> = prices.iter().map(|one| one.price.minor).collect();
    assert_eq!(minors, [200, 300, 250]);
    assert_eq!(room.store.prices(tea, None, 1).await.unwrap().len(), 1);
}
