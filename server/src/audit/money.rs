//! The ledger, the provider's own books, and what is under way.

use super::{View, findings::Findings, pages};
use checker::{Invariant, Violation, books};
use contracts::{
    BoxError,
    payments::{Payments, SagaKind, SagaQuery, SagaState},
    values::{Money, PageSize},
};

/// How long a refund may take until catalog and order know of it.
const TELLING_SECONDS: i64 = 3_600;
/// Pages of what is under way that are looked through.
const SAGA_PAGES_MAX: usize = 100;

pub(super) async fn check(payments: &dyn Payments, view: View) -> Result<Findings, BoxError> {
    let (mut found, sagas) = tokio::try_join!(balances(payments), sagas(payments, view))?;
    found.add(sagas);
    Ok(found)
}

/// The ledger within itself, then beside what the provider holds.
async fn balances(payments: &dyn Payments) -> Result<Findings, BoxError> {
    let mut found = Findings::default();
    let ledger = payments.audit_ledger().await?;
    found.counts.ledger_entries = ledger.entries;
    found.wrong(books::ledger(&ledger));
    let (mut held, mut after): (Vec<Money>, u64) = (Vec::new(), 0);
    loop {
        let page = payments.audit_charges(after, pages::ROWS).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        found.counts.charges = found
            .counts
            .charges
            .saturating_add(u64::try_from(page.len())?);
        found.wrong(page.iter().filter_map(books::charge));
        for charge in &page {
            let net = charge.captured_minor.saturating_sub(charge.refunded_minor);
            let currency = charge.amount.currency;
            match held.iter_mut().find(|one| one.currency == currency) {
                Some(one) => one.minor = one.minor.saturating_add(net),
                None => held.push(Money::new(net, currency)),
            }
        }
    }
    if found.counts.charges == 0 && ledger.entries > 0 {
        found.note("the provider's own books were not read as a whole".to_owned());
    } else {
        found.wrong(books::provider(&ledger, &held));
    }
    Ok(found)
}

/// What waits for a person is said; what was forgotten is wrong.
async fn sagas(payments: &dyn Payments, view: View) -> Result<Findings, BoxError> {
    let mut found = Findings::default();
    let (mut open, mut parked, mut cursor) = (0_u64, 0_u64, None);
    for _ in 0..SAGA_PAGES_MAX {
        let query = SagaQuery {
            state: None,
            limit: PageSize::try_from(100)?,
            cursor,
        };
        let page = payments.sagas(query).await?;
        for saga in &page.data {
            let forgotten = view.now > saga.updated_at.plus_seconds(TELLING_SECONDS);
            match saga.state {
                SagaState::Parked => parked = parked.saturating_add(1),
                SagaState::Open => open = open.saturating_add(1),
            }
            if saga.kind == SagaKind::Refund && saga.state == SagaState::Open && forgotten {
                let (id, step, since) = (saga.id, &saga.step, saga.updated_at);
                let what = format!("refund {id} has not come past {step} since {since}");
                found.wrong([Violation::new(Invariant::Liveness, what)]);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if open > 0 {
        found.note(format!("{open} payments and refunds are under way"));
    }
    if parked > 0 {
        found.note(format!(
            "{parked} payments and refunds were parked and wait for a person"
        ));
    }
    Ok(found)
}
