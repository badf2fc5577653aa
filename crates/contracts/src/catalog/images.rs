//! Pictures of products that the shop keeps itself: as they are shown, changed and refused. What somebody else keeps is
//! a product's `image_url`, and none of these.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::{ImageId, Version},
};
use serde::{Deserialize, Serialize};

/// A file of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageFile {
    /// Where it is, on this shop. Another picture has another address, so it may be kept for good.
    pub url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductImage {
    /// The picture's id.
    pub id: ImageId,
    /// What it shows, in words; empty where it adds nothing to the product's name.
    pub alt: String,
    /// For the product's page.
    pub full: ImageFile,
    /// For lists.
    pub thumbnail: ImageFile,
    /// Counts edits.
    pub version: Version,
}

/// How a picture is added.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewImage {
    /// What it shows, in words: up to 200 characters.
    #[param(max_length = 200)]
    #[serde(default)]
    pub alt: String,
}

/// A change of some fields of a picture (RFC 7396 merge patch): absent fields stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchImage {
    /// What it shows, in words: up to 200 characters.
    #[schema(max_length = 200)]
    pub alt: Option<String>,
    /// Where it stands among the product's pictures: 0 is the first; beyond the last is the last.
    pub position: Option<u32>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// Why a picture was not taken, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// None that the caller may know of, or no such product.
    #[error("not found")]
    NotFound,
    /// Neither JPEG, PNG nor WebP, or something else than it was said to be.
    #[error("it is not of the kind that was said")]
    OtherKind,
    /// A field breaks a rule; of the picture itself the pointer is empty.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer, or a parameter's name.
        field: String,
        /// The rule.
        reason: String,
    },
    /// The product has as many as one may have.
    #[error("the product has {most} pictures already")]
    TooMany {
        /// How many.
        most: u32,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// Too many pictures wait to be drawn, or the writer's queue is full.
    #[error("the catalog has too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the catalog failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for ImageError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::OtherKind => Problem::new(Code::UnsupportedMediaType)
                .detail("send image/jpeg, image/png or image/webp, and what it says"),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::TooMany { most } => Problem::new(Code::TooManyImages)
                .detail(format!("a product has {most} pictures at most")),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
