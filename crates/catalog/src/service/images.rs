//! Pictures: added, put in order, put into words, exchanged and taken away by whoever sells the product. The old one is
//! there until the commit that has the new one.

use super::{
    Service,
    darkroom::{Darkroom, Sent, Upload},
};
use crate::{
    domain::{scope::Scope, text},
    store::{ImageChange, ImageEdit, ImageRow},
};
use contracts::{
    access::Principal,
    catalog::{ImageError, NewImage, PatchImage, ProductImage, ProductRef},
    request::{Answered, Precondition},
    values::{ImageId, ProductId, ValueError},
};

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
        let row = ImageRow {
            image_id: ImageId::generate(),
            product_id,
            scope: Scope::of(Some(who)),
            alt: alt(&wish.alt)?,
            files: self.darkroom.draw(upload).await?,
            most: self.darkroom.per_product_max(),
            at: self.clock.now(),
        };
        let added = self.store.add_image(row).await;
        // Whatever came of it: of a failure nobody knows whether it was kept.
        self.window.extras_changed(product_id);
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
        let files = self.darkroom.draw(upload).await?;
        self.edit_image(who, which, ImageChange::Draw(files)).await
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
        let removed = self.edit_image(who, which, ImageChange::Remove).await;
        removed.map(drop)
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
        self.darkroom.send(found.ok_or(ImageError::NotFound)?)
    }
}

fn alt(words: &str) -> Result<String, ImageError> {
    text::one_line(words, 0, ALT_CHARS_MAX).map_err(|ValueError(reason)| ImageError::Invalid {
        field: "/alt".to_owned(),
        reason,
    })
}
