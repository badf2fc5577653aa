//! A file of JSON Lines, or a table.

use contracts::BoxError;
use serde_json::Value;
use std::io::{BufWriter, Write};

type Out = Box<dyn Write + Send>;

/// What is written to.
pub(super) enum Sheet {
    Lines(BufWriter<Out>),
    Table(Box<csv::Writer<Out>>),
}

impl Sheet {
    /// A table, if these are its columns; JSON Lines otherwise.
    pub(super) fn open(out: Out, columns: Option<&[&str]>) -> Result<Self, BoxError> {
        let Some(columns) = columns else {
            return Ok(Self::Lines(BufWriter::new(out)));
        };
        let mut table = csv::Writer::from_writer(out);
        table.write_record(columns)?;
        Ok(Self::Table(Box::new(table)))
    }

    /// Writes whichever of the two it is made of.
    pub(super) fn put<const N: usize>(
        &mut self,
        line: impl FnOnce() -> Result<Value, BoxError>,
        rows: impl FnOnce() -> Result<Vec<[String; N]>, BoxError>,
    ) -> Result<(), BoxError> {
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, &line()?)?;
                out.write_all(b"\n")?;
            }
            Self::Table(table) => {
                for row in rows()? {
                    table.write_record(row)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn close(self) -> Result<(), BoxError> {
        match self {
            Self::Lines(mut out) => out.flush()?,
            Self::Table(mut table) => table.flush()?,
        }
        Ok(())
    }
}
