//! What the catalog keeps of pictures, as a trait beside the one of products: their order and words, and the files that
//! were drawn of them, in one commit. No statement.

use crate::domain::scope::Scope;
use async_trait::async_trait;
use contracts::{
    catalog::{ImageError, ImageFile, ProductImage},
    request::{Answered, Precondition},
    values::{ImageId, ProductId, Timestamp, UserId, Version},
};
use platform::db::StoreError;
use serde::Deserialize;
use std::sync::Arc;

/// Where their files are.
pub(crate) const FOLDER: &str = "/images/";

/// A file, named by what is in it.
#[derive(Debug, Clone)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: Arc<[u8]>,
}

/// A picture's two files; of a small one both are the same.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) large: NamedFile,
    pub(crate) small: NamedFile,
}

impl Files {
    /// Each once.
    pub(crate) fn all(&self) -> impl Iterator<Item = &NamedFile> {
        let other = (self.small.name != self.large.name).then_some(&self.small);
        [&self.large].into_iter().chain(other)
    }

    /// The picture that looks like this, if it is among these.
    pub(super) fn among<'i>(&self, images: &'i [ProductImage]) -> Option<&'i ProductImage> {
        let url = address(&self.large.name);
        images.iter().find(|image| image.full.url == url)
    }
}

/// A picture to be added.
#[derive(Debug, Clone)]
pub(crate) struct ImageRow {
    pub(crate) image_id: ImageId,
    pub(crate) product_id: ProductId,
    pub(crate) scope: Scope,
    pub(crate) alt: String,
    pub(crate) files: Files,
    /// How many a product may have.
    pub(crate) most: u32,
    pub(crate) at: Timestamp,
}

/// What becomes of a picture.
#[derive(Debug, Clone)]
pub(crate) enum ImageChange {
    /// Another one stands in its place.
    Draw(Files),
    /// Other words, another place, or both.
    Patch {
        alt: Option<String>,
        position: Option<u32>,
    },
    Remove,
}

/// A picture to be changed.
#[derive(Debug, Clone)]
pub(crate) struct ImageEdit {
    pub(crate) image_id: ImageId,
    pub(crate) product_id: ProductId,
    pub(crate) scope: Scope,
    pub(crate) sent: Precondition,
    pub(crate) change: ImageChange,
}

/// Keeps pictures.
#[async_trait]
pub(crate) trait Images: Send + Sync {
    /// Adds a picture behind the others; one that the product has already is answered again.
    async fn add_image(&self, row: ImageRow) -> Result<Answered<ProductImage>, ImageError>;
    /// Changes a picture if the version that was sent is current; as it is from then on, or was, if it goes.
    async fn edit_image(&self, edit: ImageEdit) -> Result<ProductImage, ImageError>;
    /// What is kept of a picture's files that are elsewhere.
    async fn image_keys(&self, id: ImageId) -> Result<Vec<Vec<u8>>, StoreError>;
    /// A file by its name, or what is kept of it where it is elsewhere.
    async fn image_file(&self, name: String) -> Result<Option<Vec<u8>>, StoreError>;
}

/// No key is longer. Of files, only the smallest are shorter.
pub(super) const KEY_BYTES_MAX: i64 = 512;

/// Where a file is found.
fn address(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// A picture as the database writes it: name, width and height of each file.
#[derive(Debug, Deserialize)]
struct Line {
    /// In hexadecimal digits.
    id: String,
    alt: String,
    version: i64,
    large: (String, u32, u32),
    small: (String, u32, u32),
}

/// A product's pictures, from the database's own JSON; none where there is none.
pub(super) fn read(json: Option<&str>) -> Result<Vec<ProductImage>, StoreError> {
    let Some(json) = json else {
        return Ok(Vec::new());
    };
    let lines: Vec<Line> = serde_json::from_str(json).map_err(unreadable)?;
    lines.into_iter().map(shown).collect()
}

fn shown(line: Line) -> Result<ProductImage, StoreError> {
    let file = |(name, width, height): (String, u32, u32)| ImageFile {
        url: address(&name),
        width,
        height,
    };
    let id = u128::from_str_radix(&line.id, 16).map_err(unreadable)?;
    Ok(ProductImage {
        id: ImageId::from_bytes(id.to_be_bytes()),
        alt: line.alt,
        full: file(line.large),
        thumbnail: file(line.small),
        version: Version::try_from(line.version).map_err(unreadable)?,
    })
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

/// Whether a product's pictures may be changed by whoever asks.
pub(super) fn may(scope: Scope, owner: UserId) -> Result<(), ImageError> {
    if scope.holds(owner) {
        Ok(())
    } else {
        Err(ImageError::NotFound)
    }
}

/// The picture that is meant, as it stands among a product's, if the edit may be made of it.
pub(super) fn found(edit: &ImageEdit, images: &[ProductImage]) -> Result<usize, ImageError> {
    let is_meant = |image: &ProductImage| image.id == edit.image_id;
    let place = images.iter().position(is_meant);
    let place = place.ok_or(ImageError::NotFound)?;
    let current = images.get(place).map(|image| image.version);
    match (edit.sent.version(), current) {
        (Some(sent), Some(current)) if sent != current => Err(ImageError::VersionConflict {
            sent: edit.sent,
            current,
        }),
        (Some(_) | None, _) => Ok(()),
    }?;
    if let ImageChange::Draw(files) = &edit.change
        && files.among(images).is_some_and(|same| !is_meant(same))
    {
        return Err(ImageError::Invalid {
            field: String::new(),
            reason: "is a picture that the product has already".to_owned(),
        });
    }
    Ok(place)
}

/// The ids in their new order, when the one at `from` comes to stand at `to`, or last.
pub(super) fn moved(images: &[ProductImage], from: usize, to: u32) -> Vec<ImageId> {
    let mut ids: Vec<ImageId> = images.iter().map(|image| image.id).collect();
    if from < ids.len() {
        let id = ids.remove(from);
        let to = usize::try_from(to).unwrap_or(usize::MAX).min(ids.len());
        ids.insert(to, id);
    }
    ids
}
