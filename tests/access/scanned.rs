//! All that a shop keeps, read as it is kept: every value of every table of its database. And what of that looks like a
//! card's number, by the standard's own words and no code of the shop's.

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use std::path::Path;
use testkit::postgres::Postgres;

/// What is kept somewhere.
pub(crate) struct Kept {
    /// The table.
    pub(crate) at: String,
    pub(crate) value: String,
}

/// What a shop on its own files keeps.
pub(crate) fn on_files(folder: &Path) -> Vec<Kept> {
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let databases = files.filter(|path| path.extension().is_some_and(|kind| kind == "sqlite"));
    databases.flat_map(|path| in_file(&path)).collect()
}

fn in_file(path: &Path) -> Vec<Kept> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let tables =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut tables = file.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap();
    let tables: Vec<String> = tables.map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in tables {
        let name = path.file_stem().unwrap().to_string_lossy();
        let at = format!("{name}.{table}");
        let mut rows = file.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|column| text(row.get_ref(column).unwrap()));
            all.extend(values.map(|value| Kept {
                at: at.clone(),
                value,
            }));
        }
    }
    all
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => letters(bytes),
    }
}

/// A letter a byte: what is no text may have some in it.
fn letters(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What a shop in this database keeps, in whichever schema.
pub(crate) fn in_database(server: &Postgres, database: &str) -> Vec<Kept> {
    let tables = "SELECT format('%s.%s %s', t.table_schema, t.table_name,
                                string_agg(format('%I::text', c.column_name), ', '))
                    FROM information_schema.tables t
                    JOIN information_schema.columns c USING (table_schema, table_name)
                   WHERE t.table_type = 'BASE TABLE'
                     AND t.table_schema NOT IN ('pg_catalog', 'information_schema')
                   GROUP BY t.table_schema, t.table_name";
    let mut all = Vec::new();
    for table in server.sql(database, tables).lines() {
        let (at, columns) = table.split_once(' ').unwrap();
        let values = format!("SELECT concat_ws(E'\\n', {columns}) FROM {at}");
        let values = server.sql(database, &values);
        all.extend(values.lines().map(|value| {
            Kept {
                at: at.to_owned(),
                // Bytes are shown by their values.
                value: value
                    .strip_prefix("\\x")
                    .map_or_else(|| value.to_owned(), from_hex),
            }
        }));
    }
    all
}

fn from_hex(text: &str) -> String {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).unwrap()
    };
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    letters(&bytes)
}

/// The cards' numbers in a text (ISO/IEC 7812-1): 13 to 19 digits, in one piece or in groups, the last of which follows
/// from the others. What begins with a 0 is nobody's, and 13 digits that begin with a 1 are a time in milliseconds.
pub(crate) fn card_numbers(text: &str) -> Vec<String> {
    let letters = without_ids(text.chars().collect());
    let (mut found, mut groups) = (Vec::new(), Vec::new());
    let mut place = 0;
    while place < letters.len() {
        let digits: String = letters[place..]
            .iter()
            .take_while(|letter| letter.is_ascii_digit())
            .collect();
        if digits.is_empty() {
            place += 1;
            continue;
        }
        let end = place + digits.len();
        if is_in_digest(&letters, place) {
            groups.clear();
        } else {
            groups.push(digits);
        }
        let is_followed = letters.get(end + 1).is_some_and(char::is_ascii_digit);
        let goes_on = is_followed && [' ', '-', '.', '\u{a0}'].contains(&letters[end]);
        if !goes_on {
            found.extend(among(&groups));
            groups.clear();
        }
        place = end + 1;
    }
    found
}

/// The same without what has the form of a UUID, which is no card's: some have digits alone in some of their groups.
fn without_ids(mut letters: Vec<char>) -> Vec<char> {
    const LENGTH: usize = 36;
    for place in 0..letters.len().saturating_sub(LENGTH - 1) {
        let here = &mut letters[place..place + LENGTH];
        let is_id = here.iter().enumerate().all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => *letter == '-',
            _ => letter.is_ascii_hexdigit(),
        });
        if is_id {
            here.fill(' ');
        }
    }
    letters
}

/// Whether this place is in a word of sixteens, as digests and the names of traces are.
fn is_in_digest(letters: &[char], place: usize) -> bool {
    let is_hex = |letter: &&char| letter.is_ascii_hexdigit();
    let before = letters[..place].iter().rev().take_while(is_hex).count();
    let word = before + letters[place..].iter().take_while(is_hex).count();
    let has_letters = letters[place - before..place - before + word]
        .iter()
        .any(char::is_ascii_alphabetic);
    word >= 24 && has_letters
}

/// Those that some of these groups make together.
fn among(groups: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for first in 0..groups.len() {
        for last in first..groups.len() {
            let number = groups[first..=last].concat();
            let is_time = number.len() == 13 && number.starts_with('1');
            let is_one = (13..=19).contains(&number.len()) && !number.starts_with('0');
            if is_one && !is_time && follows(&number) {
                found.push(number);
            }
        }
    }
    found
}

/// Whether the last digit follows from the others: Luhn's sum.
fn follows(number: &str) -> bool {
    let digits = number.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| {
            let counted = if place % 2 == 0 { digit } else { digit * 2 };
            counted / 10 + counted % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn numbers_of_cards_are_found_however_they_are_written_and_nothing_else_is() {
    for text in [
        "4242424242424242",
        "{\"method\":\"pm_4242424242424242\"}",
        "no 17 4242 4242 4242 4242 it is",
        "4000-0025-0000-3155",
        "5555.5555.5555.4444",
        "x378282246310005y",
        "\u{1}6011111111111117\u{ff}",
        "4222222222222",
    ] {
        assert_eq!(card_numbers(text).len(), 1, "{text}");
    }
    for text in [
        "",
        "4242424242424241",
        "424242424242",
        // A moment, and the name of a trace with a card's number in it by chance.
        "1795983144049",
        "a4242424242424242b0123456789abcdf",
        "2026-11-29T20:15:13.123Z",
        "01a228ff-6b50-7555-8909-914d7f48feed",
    ] {
        assert_eq!(card_numbers(text), [""; 0], "{text}");
    }
}
