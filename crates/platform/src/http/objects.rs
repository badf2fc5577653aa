//! Structures are read from objects only. What serde derives reads a structure from a list of its fields as well, and
//! `{"only": []}` would be one that nobody sent. A reader around another reader, as `serde_path_to_error` is one.

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess,
        Visitor,
    },
};
use std::fmt;

/// A reader whose structures are objects, however deep they stand.
pub(super) struct Objects<R>(pub(super) R);

/// Who is told what was read: whatever stands in it is read by [`Objects`] too.
struct Listener<V> {
    inner: V,
    takes_lists: bool,
}

impl<V> Listener<V> {
    const fn of(inner: V) -> Self {
        Self {
            inner,
            takes_lists: true,
        }
    }

    const fn of_structure(inner: V) -> Self {
        Self {
            inner,
            takes_lists: false,
        }
    }
}

/// Passes a wish on as it is.
macro_rules! wishes {
    ($($wish:ident($($name:ident: $kind:ty),*);)*) => {$(
        fn $wish<V: Visitor<'de>>(self $(, $name: $kind)*, visitor: V) -> Result<V::Value, R::Error> {
            self.0.$wish($($name,)* Listener::of(visitor))
        }
    )*};
}

impl<'de, R: Deserializer<'de>> Deserializer<'de> for Objects<R> {
    type Error = R::Error;

    wishes! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, R::Error> {
        self.0
            .deserialize_struct(name, fields, Listener::of_structure(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Passes a value on as it is.
macro_rules! values {
    ($($visit:ident: $kind:ty;)*) => {$(
        fn $visit<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.inner.$visit(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Listener<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    values! {
        visit_bool: bool;
        visit_i8: i8;
        visit_i16: i16;
        visit_i32: i32;
        visit_i64: i64;
        visit_i128: i128;
        visit_u8: u8;
        visit_u16: u16;
        visit_u32: u32;
        visit_u64: u64;
        visit_u128: u128;
        visit_f32: f32;
        visit_f64: f64;
        visit_char: char;
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
        visit_bytes: &[u8];
        visit_borrowed_bytes: &'de [u8];
        visit_byte_buf: Vec<u8>;
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<R: Deserializer<'de>>(self, reader: R) -> Result<V::Value, R::Error> {
        self.inner.visit_some(Objects(reader))
    }

    fn visit_newtype_struct<R: Deserializer<'de>>(self, reader: R) -> Result<V::Value, R::Error> {
        self.inner.visit_newtype_struct(Objects(reader))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        if self.takes_lists {
            self.inner.visit_seq(Objects(list))
        } else {
            Err(Error::invalid_type(Unexpected::Seq, &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Objects(object))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Objects(choice))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<R: Deserializer<'de>>(self, reader: R) -> Result<S::Value, R::Error> {
        self.0.deserialize(Objects(reader))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Objects<A> {
    type Error = A::Error;
    type Variant = Objects<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(seed)?;
        Ok((value, Objects(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Objects(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, Listener::of(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0
            .struct_variant(fields, Listener::of_structure(visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use serde::Deserialize;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: Option<i64>,
        #[serde(default)]
        y: i64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Point);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Nothing,
        One(Point),
        Pair(i64, Point),
        Named { point: Point },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        point: Option<Point>,
        #[serde(default)]
        wrapped: Option<Wrapped>,
        #[serde(default)]
        list: Vec<Point>,
        #[serde(default)]
        pair: Option<(i64, Point)>,
        #[serde(default)]
        by_name: BTreeMap<String, Point>,
        #[serde(default)]
        choice: Option<Choice>,
        #[serde(default)]
        raw: Option<Box<RawValue>>,
    }

    #[test]
    fn objects_are_read_at_every_place() {
        let body: Body = parse(
            br#"{"point":{"x":1},"wrapped":{"x":2,"y":3},"list":[{},{"y":4}],"pair":[5,{"x":null}],
                "by_name":{"a":{"x":6}},"choice":{"named":{"point":{"x":7}}},"raw":[1, {"x":8}]}"#,
        )
        .unwrap();
        let point = |x, y| Point { x, y };
        assert_eq!(body.point, Some(point(Some(1), 0)));
        assert_eq!(body.wrapped, Some(Wrapped(point(Some(2), 3))));
        assert_eq!(body.list, [point(None, 0), point(None, 4)]);
        assert_eq!(body.pair, Some((5, point(None, 0))));
        assert_eq!(body.by_name.get("a"), Some(&point(Some(6), 0)));
        let named = Choice::Named {
            point: point(Some(7), 0),
        };
        assert_eq!(body.choice, Some(named));
        assert_eq!(body.raw.unwrap().get(), r#"[1, {"x":8}]"#);
        for (json, expected) in [
            (r#"{"choice":"nothing"}"#, Choice::Nothing),
            (
                r#"{"choice":{"one":{"x":1}}}"#,
                Choice::One(point(Some(1), 0)),
            ),
            (
                r#"{"choice":{"pair":[1,{"y":2}]}}"#,
                Choice::Pair(1, point(None, 2)),
            ),
        ] {
            let body: Body = parse(json.as_bytes()).unwrap();
            assert_eq!(body.choice, Some(expected), "{json}");
        }
    }

    #[test]
    fn a_list_is_no_structure_at_any_place_and_the_place_is_named() {
        for (json, place) in [
            (r#"[{"x":1}]"#, ""),
            (r#"{"point":[1]}"#, "/point"),
            (r#"{"point":[]}"#, "/point"),
            (r#"{"wrapped":[1,2]}"#, "/wrapped"),
            (r#"{"list":[{},[1,2]]}"#, "/list/1"),
            (r#"{"pair":[5,[1]]}"#, "/pair/1"),
            (r#"{"by_name":{"a":[1]}}"#, "/by_name/a"),
            (r#"{"choice":{"one":[1]}}"#, "/choice/one"),
            (r#"{"choice":{"pair":[1,[2]]}}"#, "/choice/pair/1"),
            (r#"{"choice":{"named":[{"x":1}]}}"#, "/choice/named"),
            (
                r#"{"choice":{"named":{"point":[1]}}}"#,
                "/choice/named/point",
            ),
        ] {
            let problem = parse::<Body>(json.as_bytes()).unwrap_err();
            let error = problem.errors.first().unwrap();
            let seen = (error.field.as_str(), error.code.as_str());
            assert_eq!(seen, (place, "wrong_type"), "{json}");
            assert!(error.message.ends_with("an object"), "{}", error.message);
        }
    }
}
