//! Pictures: added, put in order, put into words, exchanged and taken away by whoever sells the product. The old one is
//! there until the commit that has the new one.

use super::{
    Service,
    darkroom::{Darkroom, Sent, Upload},
};
use crate::{
    bucket,
    domain::scope::Scope,
    store::{Files, ImageChange, ImageEdit, ImageRow},
};
use contracts::{
    access::Principal,
    catalog::{ImageError, NewImage, PatchImage, ProductImage, ProductRef},
    request::{Answered, Precondition},
    values::{ImageId, ProductId, ValueError, one_line},
};
use platform::db::StoreError;

const ALT_CHARS_MAX: usize = 200;

/// A picture of a product, and the version of it that is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WhichImage {
    pub(crate) product: ProductId,
    pub(crate) image: ImageId,
    pub(crate) sent: Precondition,
}

impl Service {
    /// Where pictures are drawn.
    pub(crate) const fn darkroom(&self) -> &Darkroom {
        &self.darkroom
    }

    /// Says early, before a picture is read and drawn, whether it could be kept.
    pub(crate) async fn may_have_images(
        &self,
        who: &Principal,
        product: ProductId,
    ) -> Result<(), ImageError> {
        let found = self
            .store
            .product(
                ProductRef::Id(product),
                Scope::of(Some(who)),
                self.clock.now(),
            )
            .await
            .map_err(|error| ImageError::Internal(Box::new(error)))?;
        match found {
            Some(product) if Scope::of(Some(who)).holds(product.owner_id) => Ok(()),
            Some(_) | None => Err(ImageError::NotFound),
        }
    }

    pub(crate) async fn add_image<B>(
        &self,
        who: &Principal,
        product_id: ProductId,
        wish: NewImage,
        upload: Upload<B>,
    ) -> Result<Answered<ProductImage>, ImageError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let (image_id, alt) = (ImageId::generate(), alt(&wish.alt)?);
        let files = self.kept(image_id, upload).await?;
        let kept = kept_of(&files);
        let row = ImageRow {
            image_id,
            product_id,
            scope: Scope::of(Some(who)),
            alt,
            files,
            most: self.darkroom.per_product_max(),
            at: self.clock.now(),
        };
        let added = self.store.add_image(row).await;
        // Whatever came of it: of a failure nobody knows whether it was kept.
        self.window.extras_changed(product_id);
        let is_unused = match &added {
            Ok(added) => added.replayed,
            Err(error) => is_refused(error),
        };
        if is_unused {
            self.let_go(&kept).await;
        }
        let added = added?;
        tracing::info!(
            product.id = %product_id, user.id = %who.user_id, image.id = %added.value.id, "a picture was added"
        );
        Ok(added)
    }

    /// Another picture in the place of one, with its words.
    pub(crate) async fn replace_image<B>(
        &self,
        who: &Principal,
        which: WhichImage,
        upload: Upload<B>,
    ) -> Result<ProductImage, ImageError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let before = self.kept_before(who, which).await?;
        let files = self.kept(which.image, upload).await?;
        let kept = kept_of(&files);
        let edited = self.edit_image(who, which, ImageChange::Draw(files)).await;
        match &edited {
            // The one before was there until the commit that has the new one.
            Ok(_) => self.let_go(&before).await,
            Err(error) if is_refused(error) => self.let_go(&kept).await,
            // Nobody knows which of them is shown.
            Err(_) => {}
        }
        edited
    }

    /// Draws a picture, and puts its files where they are kept if that is not the database.
    async fn kept<B>(&self, id: ImageId, upload: Upload<B>) -> Result<Files, ImageError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let files = self.darkroom.draw(upload).await?;
        match &self.bucket {
            None => Ok(files),
            Some(bucket) => bucket.keep(id, files).await,
        }
    }

    async fn let_go(&self, kept: &[Vec<u8>]) {
        if let Some(bucket) = &self.bucket {
            bucket.forget(kept).await;
        }
    }

    /// What is kept elsewhere of the picture that is meant, if it is of the version that was sent: whatever then
    /// changes that version changes these files. Nothing where all of them are in the database.
    async fn kept_before(
        &self,
        who: &Principal,
        which: WhichImage,
    ) -> Result<Vec<Vec<u8>>, ImageError> {
        if self.bucket.is_none() {
            return Ok(Vec::new());
        }
        let failed = |error: StoreError| ImageError::Internal(Box::new(error));
        let (reference, now) = (ProductRef::Id(which.product), self.clock.now());
        let found = self.store.product(reference, Scope::of(Some(who)), now);
        let images = found.await.map_err(failed)?;
        let images = images.map(|product| product.images).unwrap_or_default();
        let is_meant = images
            .iter()
            .any(|image| image.id == which.image && which.sent.version() == Some(image.version));
        if !is_meant {
            return Ok(Vec::new());
        }
        self.store.image_keys(which.image).await.map_err(failed)
    }

    pub(crate) async fn patch_image(
        &self,
        who: &Principal,
        which: WhichImage,
        wish: PatchImage,
    ) -> Result<ProductImage, ImageError> {
        let change = ImageChange::Patch {
            alt: wish.alt.as_deref().map(alt).transpose()?,
            position: wish.position,
        };
        self.edit_image(who, which, change).await
    }

    pub(crate) async fn remove_image(
        &self,
        who: &Principal,
        which: WhichImage,
    ) -> Result<(), ImageError> {
        let before = self.kept_before(who, which).await?;
        self.edit_image(who, which, ImageChange::Remove).await?;
        self.let_go(&before).await;
        Ok(())
    }

    async fn edit_image(
        &self,
        who: &Principal,
        which: WhichImage,
        change: ImageChange,
    ) -> Result<ProductImage, ImageError> {
        let edit = ImageEdit {
            image_id: which.image,
            product_id: which.product,
            scope: Scope::of(Some(who)),
            sent: which.sent,
            change,
        };
        let edited = self.store.edit_image(edit).await;
        self.window.extras_changed(which.product);
        let image = edited?;
        tracing::info!(
            product.id = %which.product, user.id = %who.user_id, image.id = %image.id, "a picture was changed"
        );
        Ok(image)
    }

    /// A file by its name.
    pub(crate) async fn image_file(&self, name: String) -> Result<Sent, ImageError> {
        let found = self.store.image_file(name).await;
        let found = found.map_err(|error| ImageError::Internal(Box::new(error)))?;
        let kept = found.ok_or(ImageError::NotFound)?;
        let bytes = match (bucket::key_of(&kept), &self.bucket) {
            (None, _) => kept,
            (Some(key), Some(bucket)) => bucket.fetch(key).await?,
            (Some(_), None) => {
                let what = "the picture is in a bucket, and catalog.images.store names none";
                return Err(ImageError::Internal(what.into()));
            }
        };
        self.darkroom.send(bytes)
    }
}

/// What the database is given of a picture's files, where they are elsewhere.
fn kept_of(files: &Files) -> Vec<Vec<u8>> {
    let all = files.all().map(|file| &file.bytes);
    let keys = all.filter(|bytes| bucket::key_of(bytes).is_some());
    keys.map(|bytes| bytes.to_vec()).collect()
}

/// Whether nothing was written for certain.
fn is_refused(error: &ImageError) -> bool {
    !matches!(error, ImageError::Internal(_) | ImageError::Overloaded)
}

fn alt(words: &str) -> Result<String, ImageError> {
    one_line(words, 0, ALT_CHARS_MAX).map_err(|ValueError(reason)| ImageError::Invalid {
        field: "/alt".to_owned(),
        reason,
    })
}
