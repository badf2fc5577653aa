//! What an attribute of a product may hold, as the document of the API says it.

use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr,
    schema::{Schema, Type},
};

/// A value of an attribute in the document of the API. The shop itself keeps plain JSON, and the catalog says which.
pub enum AttributeValue {}

/// The same, or `null`, in a change: it takes the attribute away.
pub enum AttributeChange {}

/// A text, a number, a boolean. Numbers are those of RFC 8259, section 6, that keep their value everywhere: an IEEE 754
/// double.
fn plain() -> OneOfBuilder {
    OneOfBuilder::new()
        .item(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .max_length(Some(2_000)),
        )
        .item(
            ObjectBuilder::new()
                .schema_type(Type::Number)
                .minimum(Some(f64::MIN))
                .maximum(Some(f64::MAX)),
        )
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
}

fn value() -> OneOfBuilder {
    plain().item(ArrayBuilder::new().items(plain()).max_items(Some(64)))
}

impl utoipa::PartialSchema for AttributeValue {
    fn schema() -> RefOr<Schema> {
        value()
            .description(Some(
                "A text, a number that a double holds, a boolean, or a list of those.",
            ))
            .into()
    }
}

impl utoipa::PartialSchema for AttributeChange {
    fn schema() -> RefOr<Schema> {
        value()
            .item(ObjectBuilder::new().schema_type(Type::Null))
            .description(Some("What an attribute is from now on; `null` removes it."))
            .into()
    }
}

impl utoipa::ToSchema for AttributeValue {}
impl utoipa::ToSchema for AttributeChange {}
