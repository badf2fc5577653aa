//! How the values look in the `OpenAPI` document: texts and numbers with their rules, in place.

/// Describes a value as a plain JSON type; the builder's calls say the rest.
macro_rules! plain_schema {
    ($name:ty, $kind:ident $(, $method:ident($($argument:expr),*))*) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::$kind)
                    $(.$method($($argument),*))*
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

pub(crate) use plain_schema;
