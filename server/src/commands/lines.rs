//! Files, plain or gzip, and how far they are read; files of JSON Lines, read a line at a time.

use contracts::BoxError;
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The longest line that is read; a longer one is refused by name instead of filling the memory.
const LINE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// What a file says, unpacked.
pub(super) type Reader = Box<dyn BufRead + Send>;

/// How far a file is read.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    read_bytes: Arc<AtomicU64>,
    pub(super) total_bytes: u64,
}

impl Progress {
    /// Bytes of the file read so far, as it lies on the disk.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }
}

/// A file of lines being read.
pub(super) struct Lines {
    reader: Reader,
    number: u64,
}

struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1
            .fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a file; gzip is known by its first bytes, whatever the name.
pub(super) fn open(path: &Path) -> Result<(Reader, Progress), BoxError> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = File::open(path).map_err(cannot)?;
    let progress = Progress {
        read_bytes: Arc::new(AtomicU64::new(0)),
        total_bytes: file.metadata().map_err(cannot)?.len(),
    };
    let counted = Counted(file, Arc::clone(&progress.read_bytes));
    let mut reader = BufReader::with_capacity(256 * 1_024, counted);
    let is_zipped = reader
        .fill_buf()
        .map_err(cannot)?
        .starts_with(&[0x1f, 0x8b]);
    let reader: Reader = if is_zipped {
        Box::new(BufReader::new(MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    };
    Ok((reader, progress))
}

impl Lines {
    /// The lines of what was opened.
    pub(super) fn of(reader: Reader) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line that is not blank, with its number.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, String)>, BoxError> {
        loop {
            let mut line = String::new();
            let limit = LINE_BYTES_MAX.saturating_add(1);
            let count = self.reader.by_ref().take(limit).read_line(&mut line);
            self.number = self.number.saturating_add(1);
            let count =
                count.map_err(|error| format!("line {} cannot be read: {error}", self.number))?;
            if count == 0 {
                return Ok(None);
            }
            if u64::try_from(count)? > LINE_BYTES_MAX {
                return Err(
                    format!("line {} is longer than {LINE_BYTES_MAX} bytes", self.number).into(),
                );
            }
            if !line.trim().is_empty() {
                return Ok(Some((self.number, line)));
            }
        }
    }
}

/// Reads a whole file of one kind of line; the first line that does not fit is named.
pub(super) fn read_all<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, BoxError> {
    let mut all = Vec::new();
    for_each(path, |one| {
        all.push(one);
        Ok(())
    })?;
    Ok(all)
}

/// Takes in a file of one kind of line, one after the other; the first line that does not fit is named.
pub(super) fn for_each<T: serde::de::DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let mut lines = Lines::of(open(path)?.0);
    while let Some((number, line)) = lines.next_line()? {
        let taken = serde_json::from_str(&line)
            .map_err(BoxError::from)
            .and_then(&mut take);
        taken.map_err(|error| format!("{} line {number}: {error}", path.display()))?;
    }
    Ok(())
}
