//! Tables as spreadsheets and other shops write them (RFC 4180, and the ways around it): a header, then records. No
//! record is longer than a bound; what a column means others say.

use crate::commands::lines::Reader;
use contracts::BoxError;
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The longest record that is read: a quotation mark that nobody closes must not take in the whole file.
const RECORD_BYTES_MAX: u64 = 4 * 1_024 * 1_024;
/// What some programs put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What stands between cells, the usual first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A table being read.
pub(super) struct Table {
    reader: csv::Reader<Bounded>,
    left: Arc<AtomicU64>,
    header: Header,
    /// How many lines later a record begins than the reader says: it takes the second sign of a line's end for the
    /// beginning of the next record.
    late: u64,
}

/// The line of a record, and what was read of it, or what is wrong with it.
pub(super) type Judged<T> = (u64, Result<T, String>);

/// The names of the columns, in small letters.
#[derive(Debug)]
pub(super) struct Header(Vec<String>);

/// A record with the names of its cells.
pub(super) struct Record<'t> {
    header: &'t Header,
    cells: &'t StringRecord,
}

/// Gives out as many bytes as are left, and fails then.
struct Bounded {
    inner: Reader,
    left: Arc<AtomicU64>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        let left = self.left.load(Ordering::Relaxed).checked_sub(bytes);
        let left = left.ok_or_else(|| {
            let what = format!("a record is longer than {RECORD_BYTES_MAX} bytes");
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        self.left.store(left, Ordering::Relaxed);
        Ok(count)
    }
}

impl Table {
    /// Reads the header.
    pub(super) fn open(mut reader: Reader) -> Result<Self, BoxError> {
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        let begin = reader.fill_buf()?;
        let line = begin
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let (separator, late) = (separator(line), u64::from(line.ends_with(b"\r")));
        let left = Arc::new(AtomicU64::new(RECORD_BYTES_MAX));
        let bounded = Bounded {
            inner: reader,
            left: Arc::clone(&left),
        };
        // A record that is short or long is told by itself, not by the end of the reading.
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .from_reader(bounded);
        let names = reader
            .headers()?
            .iter()
            .map(|name| name.trim().to_lowercase());
        let header = Header(names.collect());
        Ok(Self {
            reader,
            left,
            header,
            late,
        })
    }

    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// The next record, read with this.
    pub(super) fn next_with<T>(
        &mut self,
        read: impl FnOnce(&Record<'_>) -> Result<T, String>,
    ) -> Result<Option<Judged<T>>, BoxError> {
        self.left.store(RECORD_BYTES_MAX, Ordering::Relaxed);
        let mut bytes = ByteRecord::new();
        if !self.reader.read_byte_record(&mut bytes)? {
            return Ok(None);
        }
        let number = bytes.position().map_or(0, csv::Position::line);
        let number = number.saturating_add(self.late);
        let found = match StringRecord::from_byte_record(bytes) {
            Err(_) => Err("is not UTF-8".to_owned()),
            Ok(cells) if cells.len() > self.header.0.len() => {
                Err("has more cells than the first line".to_owned())
            }
            Ok(cells) => read(&Record {
                header: &self.header,
                cells: &cells,
            }),
        };
        Ok(Some((number, found)))
    }
}

/// The separator that the first line has most of.
fn separator(line: &[u8]) -> u8 {
    let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
    SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|separator| count(*separator))
        .unwrap_or(b',')
}

impl Header {
    /// Whether one of the columns has one of these names.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.0.iter().any(|own| names.contains(&own.as_str()))
    }
}

impl<'t> Record<'t> {
    /// The cell of the first of these columns that has one, trimmed; an empty one is none.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'t str> {
        names.iter().find_map(|name| {
            let mut all = self.all();
            all.find_map(|(own, cell)| (own == *name).then_some(cell))
        })
    }

    /// All cells that are not empty, trimmed, each with its column's name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let names = self.header.0.iter().map(String::as_str);
        let cells = self.cells.iter().map(str::trim);
        names.zip(cells).filter(|(_, cell)| !cell.is_empty())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::source::{Found, Numbered},
        *,
    };

    /// What this table says, read with that.
    pub(in super::super) fn read_all(
        text: &str,
        mut read: impl FnMut(&Record<'_>) -> Result<Found, String>,
    ) -> Vec<Numbered> {
        let mut table = Table::open(Box::new(io::Cursor::new(text.to_owned()))).unwrap();
        let next = || table.next_with(&mut read).unwrap();
        std::iter::from_fn(next).collect()
    }

    fn cells(text: &str) -> Vec<(u64, Result<String, String>)> {
        let mut said = Vec::new();
        let all = read_all(text, |record| {
            said.push(format!("{:?}", record.all().collect::<Vec<_>>()));
            Ok(Found::Nothing)
        });
        let mut said = said.into_iter();
        all.into_iter()
            .map(|(number, found)| (number, found.map(|_| said.next().unwrap())))
            .collect()
    }

    #[test]
    fn cells_have_their_columns_names_whatever_stands_between_them() {
        let same = Ok(r#"[("sku", "A,1"), ("name", "a \"b\"\nc")]"#.to_owned());
        for text in [
            "SKU,Name ,price\r\n\"A,1\",\"a \"\"b\"\"\nc\",\r\n",
            "\u{feff}sku;name;price\nA,1;\"a \"\"b\"\"\nc\";  \n",
            "sku\tname\tprice\nA,1\t\"a \"\"b\"\"\nc\"\n",
        ] {
            assert_eq!(cells(text), [(2, same.clone())], "{text}");
        }
    }

    #[test]
    fn a_bad_record_is_told_and_the_next_one_read() {
        let told = cells("a,b\n1,2,3\n4,5\n");
        assert!(told[0].1.is_err() && told[1].0 == 3 && told[1].1.is_ok());
    }

    #[test]
    fn a_quotation_that_does_not_end_is_not_read_to_the_end() {
        let text = format!("a,b\n\"{}", "x,".repeat(3 * 1_024 * 1_024));
        let mut table = Table::open(Box::new(io::Cursor::new(text))).unwrap();
        let said = table.next_with(|_| Ok(Found::Nothing)).unwrap_err();
        assert!(said.to_string().contains("longer than"), "{said}");
    }
}
