//! All payments, for whoever runs the shop. What is asked is bounded; nothing is written.

use super::Core;
use crate::{
    domain::Refund,
    store::{Listed, Side},
};
use contracts::{
    payments::{PaymentCount, PaymentListError, PaymentPage, PaymentQuery, PaymentRecord},
    values::{Cursor, PaymentId},
};
use platform::db::StoreError;

/// Payments of a status that are counted.
const COUNT_MAX: i64 = 100_000;
/// Callbacks that are shown of a payment. Each may have as many bytes as the door lets in.
const CALLBACKS_MAX: u32 = 20;

impl Core {
    pub(super) async fn list(&self, query: PaymentQuery) -> Result<PaymentPage, PaymentListError> {
        let side = match &query.cursor {
            None => Side::Older(i64::MAX),
            Some(cursor) => read(cursor).ok_or(PaymentListError::BadCursor)?,
        };
        let wanted = query.limit.get().saturating_add(1);
        let mut found = self
            .store
            .listed(query.status, side, wanted)
            .await
            .map_err(refusal)?;
        let limit = usize::try_from(query.limit.get()).unwrap_or(usize::MAX);
        let is_more = found.len() > limit;
        found.truncate(limit);
        // Whoever came from one side finds what was there before; the other side may have ended.
        let (is_newer, is_older) = match side {
            Side::Older(number) => (number < i64::MAX, is_more),
            Side::Newer(_) => (is_more, true),
        };
        if matches!(side, Side::Newer(_)) {
            found.reverse();
        }
        let cursor = |is_there: bool, row: Option<&Listed>, letter: char| {
            let number = row.filter(|_| is_there)?.number;
            Cursor::parse(&format!("{letter}{number}")).ok()
        };
        Ok(PaymentPage {
            previous_cursor: cursor(is_newer, found.first(), 'n'),
            next_cursor: cursor(is_older, found.last(), 'o'),
            data: found.into_iter().map(|row| row.payment).collect(),
        })
    }

    pub(super) async fn counts(&self) -> Result<Vec<PaymentCount>, PaymentListError> {
        let most = COUNT_MAX.saturating_add(1);
        let counts = self.store.count_by_status(most).await.map_err(refusal)?;
        let count = |(status, count): (_, i64)| PaymentCount {
            status,
            count: count.min(COUNT_MAX),
            is_more: count > COUNT_MAX,
        };
        Ok(counts.into_iter().map(count).collect())
    }

    pub(super) async fn record(
        &self,
        id: PaymentId,
    ) -> Result<Option<PaymentRecord>, PaymentListError> {
        let Some(payment) = self.store.payment(id).await.map_err(refusal)? else {
            return Ok(None);
        };
        let refunds = self.store.refunds_of(id).await.map_err(refusal)?;
        let callbacks = self.store.callbacks_of(id, CALLBACKS_MAX).await;
        let waits_for_a_step = !payment.told && !payment.progress.parked;
        Ok(Some(PaymentRecord {
            payment: payment.view(),
            reference: payment.state.reference().map(str::to_owned),
            tries: payment.progress.tries,
            next_try_at: waits_for_a_step.then_some(payment.progress.next_try_at),
            waits_for: payment.progress.reason,
            method: payment.method,
            refunds: refunds.iter().map(Refund::view).collect(),
            callbacks: callbacks.map_err(refusal)?,
        }))
    }
}

/// A cursor: which side of a payment's number, then that number.
fn read(cursor: &Cursor) -> Option<Side> {
    let beside = |letter: char| cursor.as_str().strip_prefix(letter)?.parse::<i64>().ok();
    beside('o')
        .map(Side::Older)
        .or_else(|| beside('n').map(Side::Newer))
}

fn refusal(error: StoreError) -> PaymentListError {
    match error {
        StoreError::Overloaded | StoreError::Late | StoreError::Away(_) => {
            PaymentListError::Overloaded
        }
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Unknown(_)
        | StoreError::Other(_) => PaymentListError::Internal(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_side_and_a_number_and_nothing_else() {
        let read = |text: &str| read(&Cursor::parse(text).unwrap());
        assert_eq!(read("o7"), Some(Side::Older(7)));
        assert_eq!(read("n7"), Some(Side::Newer(7)));
        for wrong in ["7", "x7", "o", "n-", "o7x", "o99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
