//! A store's rows, page by page: the next page is read while the last one is looked at. Never more than a few pages are
//! in memory, however many rows there are.

use contracts::BoxError;
use std::{collections::VecDeque, future::Future};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Rows of a page.
pub(super) const ROWS: u32 = 2_000;
/// Pages that wait to be looked at.
const WAITING: usize = 2;

/// Where pages are poured into, and where their rows come out.
pub(super) fn channel<T>() -> (Sender<Vec<T>>, Rows<T>) {
    let (pages, waiting) = mpsc::channel(WAITING);
    let rows = Rows {
        waiting,
        page: VecDeque::new(),
    };
    (pages, rows)
}

/// Reads page after page, each after the last row of the one before, until there is none, or nobody looks any more.
pub(super) async fn pour<T, K, F, A>(
    pages: Sender<Vec<T>>,
    key: impl Fn(&T) -> K,
    read: F,
) -> Result<(), BoxError>
where
    F: Fn(Option<K>) -> A,
    A: Future<Output = Result<Vec<T>, BoxError>>,
{
    let mut after = None;
    loop {
        let page = read(after.take()).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(key(last));
        if pages.send(page).await.is_err() {
            return Ok(());
        }
    }
}

/// Rows in their order.
pub(super) struct Rows<T> {
    waiting: Receiver<Vec<T>>,
    page: VecDeque<T>,
}

impl<T> Rows<T> {
    /// The next row, if it is due.
    pub(super) async fn next_if(&mut self, is_due: impl Fn(&T) -> bool) -> Option<T> {
        if self.page.is_empty() {
            self.page = self.waiting.recv().await?.into();
        }
        if self.page.front().is_some_and(is_due) {
            self.page.pop_front()
        } else {
            None
        }
    }

    /// The next row.
    pub(super) async fn next(&mut self) -> Option<T> {
        self.next_if(|_| true).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_rows_come_in_order_over_many_pages() {
        let (pages, mut rows) = channel();
        let read = |after: Option<u32>| async move {
            let from = after.map_or(0, |last| last + 1);
            Ok((from..(from + 3).min(10)).collect())
        };
        let reading = pour(pages, |row| *row, read);
        let looking = async {
            let mut seen = Vec::new();
            assert_eq!(rows.next_if(|row| *row > 0).await, None, "not due yet");
            while let Some(row) = rows.next().await {
                seen.push(row);
            }
            seen
        };
        let (read, seen) = tokio::join!(reading, looking);
        read.unwrap();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }
}
