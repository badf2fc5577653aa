//! The words of products, as a search finds them: folded by the domain, weighed by where they stand. PostgreSQL's own
//! dictionaries are never asked, so that both databases find the same.

use crate::domain::{
    category::CategoryName,
    document::{Document, Draft},
    words,
};
use platform::db::{StoreError, postgres::Connection};

/// Positions in a text of this kind end here; words behind it are found all the same.
const POSITION_MAX: usize = 16_383;

pub(super) fn of_draft(draft: &Draft, sku: &str) -> String {
    vector(&[
        ('A', &draft.name),
        ('B', sku),
        ('C', category(draft.category.as_ref())),
        ('D', &draft.description),
    ])
}

pub(super) fn of_document(document: &Document) -> String {
    vector(&[
        ('A', &document.name),
        ('B', &document.sku),
        ('C', category(document.category.as_ref())),
        ('D', &document.description),
    ])
}

fn category(named: Option<&CategoryName>) -> &str {
    named.map_or("", |named| named.name.as_str())
}

/// A `tsvector` as text. Words are letters and digits only, so quotes keep them whole.
fn vector(parts: &[(char, &str)]) -> String {
    let mut vector = String::new();
    let mut position = 0_usize;
    for (weight, text) in parts {
        for word in words::all_folded(text) {
            position = position.saturating_add(1).min(POSITION_MAX);
            vector.push_str(&format!("'{word}':{position}{weight} "));
        }
    }
    vector
}

/// Writes the words of these products, by number, whether there were any before or not.
pub(super) async fn put(
    connection: &Connection,
    shown: &[(i64, String)],
) -> Result<(), StoreError> {
    let numbers: Vec<i64> = shown.iter().map(|(number, _)| *number).collect();
    let vectors: Vec<&str> = shown.iter().map(|(_, vector)| vector.as_str()).collect();
    let sql = "INSERT INTO product_search (product_number, words)
               SELECT product_number, words::tsvector
                 FROM UNNEST($1::bigint[], $2::text[]) AS shown (product_number, words)
               ON CONFLICT (product_number) DO UPDATE SET words = EXCLUDED.words";
    connection
        .execute(sql, &[&numbers, &vectors])
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_weighed_by_where_they_stand() {
        assert_eq!(
            vector(&[
                ('A', "Green Tea"),
                ('B', "GT-77"),
                ('C', ""),
                ('D', "o'tea\\")
            ]),
            "'green':1A 'tea':2A 'gt':3B '77':4B 'o':5D 'tea':6D "
        );
    }
}
