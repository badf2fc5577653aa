//! Pictures: their order, their words, their files, and that of two who change one at once one is refused.

use super::{NOW, Room, seller};
use crate::{
    domain::scope::Scope,
    store::{Files, ImageChange, ImageEdit, ImageRow, NamedFile},
};
use contracts::{
    catalog::{ImageError, ProductImage},
    request::{Answered, Precondition},
    values::{ImageId, ProductId, UserId},
};
use futures_util::future::join_all;
use serde_json::json;

fn files(name: &str) -> Files {
    let file = |size: &str, width| NamedFile {
        name: format!("{name}-{size}.jpg"),
        width,
        height: 3,
        bytes: format!("{name} {size}").into_bytes().into(),
    };
    Files {
        large: file("large", 40),
        small: file("small", 4),
    }
}

async fn add(
    room: &Room,
    product_id: ProductId,
    name: &str,
) -> Result<Answered<ProductImage>, ImageError> {
    let row = ImageRow {
        image_id: ImageId::generate(),
        product_id,
        scope: Scope::Of(seller()),
        alt: format!("\"{name}\""),
        files: files(name),
        most: 4,
        at: NOW,
    };
    room.store.add_image(row).await
}

async fn edit(
    room: &Room,
    product_id: ProductId,
    image: &ProductImage,
    change: ImageChange,
) -> Result<ProductImage, ImageError> {
    let edit = ImageEdit {
        image_id: image.id,
        product_id,
        scope: Scope::All,
        sent: Precondition::Body(image.version),
        change,
    };
    room.store.edit_image(edit).await
}

fn to(position: u32) -> ImageChange {
    ImageChange::Patch {
        alt: None,
        position: Some(position),
    }
}

async fn words(room: &Room, product: ProductId) -> String {
    let seen = room.seen(product).await;
    let words: Vec<_> = seen.images.into_iter().map(|image| image.alt).collect();
    words.join(" ")
}

async fn has(room: &Room, name: &str) -> bool {
    let file = room.store.image_file(name.to_owned()).await.unwrap();
    file.is_some_and(|bytes| name.starts_with(std::str::from_utf8(&bytes[..1]).unwrap()))
}

pub(super) async fn pictures_stand_in_the_order_that_was_wished_and_files_go_with_them(room: Room) {
    let (tea, other) = (room.tea(1).await, room.tea(1).await.id);
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(add(&room, tea.id, name).await.unwrap().value);
    }
    add(&room, other, "b").await.unwrap();
    assert_eq!(words(&room, tea.id).await, "\"a\" \"b\" \"c\"");
    let first = &room.seen(tea.id).await.images[0];
    assert_eq!(first, &made[0]);
    assert_eq!(
        (
            first.full.url.as_str(),
            first.full.width,
            first.thumbnail.height
        ),
        ("/images/a-large.jpg", 40, 3)
    );
    edit(&room, tea.id, &made[2], to(0)).await.unwrap();
    assert_eq!(words(&room, tea.id).await, "\"c\" \"a\" \"b\"");
    edit(&room, tea.id, &made[0], to(u32::MAX)).await.unwrap();
    assert_eq!(words(&room, tea.id).await, "\"c\" \"b\" \"a\"");
    edit(&room, tea.id, &made[1], ImageChange::Draw(files("d")))
        .await
        .unwrap();
    let seen = room.seen(tea.id).await;
    assert_eq!(seen.images[1].thumbnail.url, "/images/d-small.jpg");
    assert!(
        has(&room, "d-large.jpg").await && has(&room, "b-large.jpg").await,
        "b is another's as well"
    );
    edit(&room, tea.id, &seen.images[0], ImageChange::Remove)
        .await
        .unwrap();
    assert!(!has(&room, "c-large.jpg").await && !has(&room, "c-small.jpg").await);
    assert_eq!(words(&room, tea.id).await, "\"b\" \"a\"");
    let after = room.seen(tea.id).await;
    assert_eq!(after.version, tea.version, "the document is as it was");
    assert!(
        after.stock_version > tea.stock_version,
        "its entity tag is not"
    );
}

pub(super) async fn a_picture_is_added_once_and_no_more_than_there_is_room_for(room: Room) {
    let tea = room.tea(1).await.id;
    let adds = ["a", "b", "a", "c", "b", "d", "e", "f"].map(|name| add(&room, tea, name));
    let added = join_all(adds).await;
    let fresh = added.iter().flatten().filter(|one| !one.replayed).count();
    let refused = |error: &ImageError| matches!(error, ImageError::TooMany { most: 4 });
    assert_eq!(fresh, 4);
    assert!(
        added
            .iter()
            .filter_map(|one| one.as_ref().err())
            .all(refused)
    );
    assert_eq!(room.seen(tea).await.images.len(), 4);
    let row = ImageRow {
        image_id: ImageId::generate(),
        product_id: tea,
        scope: Scope::Of(UserId::from_bytes([9; 16])),
        alt: String::new(),
        files: files("x"),
        most: 100,
        at: NOW,
    };
    let foreign = room.store.add_image(row).await;
    assert!(matches!(foreign, Err(ImageError::NotFound)), "{foreign:?}");
    assert!(!has(&room, "x-large.jpg").await);
}

pub(super) async fn of_two_who_change_a_picture_at_once_one_is_refused(room: Room) {
    let tea = room.product(json!({"name": "Tea", "price": 1})).await.id;
    let one = add(&room, tea, "a").await.unwrap().value;
    let two = add(&room, tea, "b").await.unwrap().value;
    let (drawn, moved) = tokio::join!(
        edit(&room, tea, &one, ImageChange::Draw(files("c"))),
        edit(&room, tea, &one, to(1)),
    );
    assert_ne!(drawn.is_ok(), moved.is_ok(), "{drawn:?} {moved:?}");
    let stale = edit(&room, tea, &one, ImageChange::Remove).await;
    assert!(
        matches!(stale, Err(ImageError::VersionConflict { .. })),
        "{stale:?}"
    );
    let same = edit(
        &room,
        tea,
        &two,
        ImageChange::Draw(files(if drawn.is_ok() { "c" } else { "a" })),
    )
    .await;
    assert!(matches!(same, Err(ImageError::Invalid { .. })), "{same:?}");
    let elsewhere = edit(&room, room.tea(1).await.id, &two, to(0)).await;
    assert!(
        matches!(elsewhere, Err(ImageError::NotFound)),
        "{elsewhere:?}"
    );
}
