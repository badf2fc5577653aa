//! What a review may say. Whether its author has bought the product is not known here.

use contracts::{
    catalog::{NewReview, ReviewError},
    values::{ValueError, bounded_text, one_line},
};

const RATINGS: std::ops::RangeInclusive<i64> = 1..=5;
const TITLE_CHARS_MAX: usize = 120;
const TEXT_CHARS_MAX: usize = 5_000;
const AUTHOR_CHARS_MAX: usize = 60;

/// A review's words, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) rating: i64,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) author: String,
}

impl Review {
    pub(crate) fn check(wish: &NewReview) -> Result<Self, ReviewError> {
        let at = |field: &'static str| {
            move |error: ValueError| ReviewError::Invalid {
                field: field.to_owned(),
                reason: error.0,
            }
        };
        if !RATINGS.contains(&wish.rating) {
            return Err(at("/rating")(ValueError::new("must be 1 to 5")));
        }
        Ok(Self {
            rating: wish.rating,
            title: one_line(&wish.title, 0, TITLE_CHARS_MAX).map_err(at("/title"))?,
            text: bounded_text(&wish.text, 0, TEXT_CHARS_MAX).map_err(at("/text"))?,
            author: one_line(&wish.author, 0, AUTHOR_CHARS_MAX).map_err(at("/author"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn field(body: Value) -> Option<String> {
        let wish: NewReview = serde_json::from_value(body).unwrap();
        match Review::check(&wish) {
            Err(ReviewError::Invalid { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn a_rating_is_one_to_five_and_words_are_bounded() {
        for rating in [-50, 0, 6, 4_000] {
            assert_eq!(field(json!({"rating": rating})).as_deref(), Some("/rating"));
        }
        for rating in 1..=5 {
            assert_eq!(field(json!({"rating": rating})), None);
        }
        for (name, longest) in [("title", 120), ("text", 5_000), ("author", 60)] {
            let with = |length: usize| json!({"rating": 5, name: "é".repeat(length)});
            assert_eq!(field(with(longest)), None);
            assert_eq!(field(with(longest + 1)), Some(format!("/{name}")));
        }
        assert_eq!(
            field(json!({"rating": 5, "author": "a\nb"})).as_deref(),
            Some("/author")
        );
    }
}
