//! The OpenAPI document of the whole shop, as the shop sends it. It is made by a test, and held against the file.

/// The document as it was made last.
pub(crate) const MADE: &str = include_str!("../../../docs/openapi.json");

#[cfg(test)]
mod made;
