//! Stripe's books of this shop: what it has under a key, and all that came about from some second on. Stripe lists the
//! newest first, ours are read from the oldest: so a stretch of time is read at once that holds no more than a page.

use super::{
    INTENTS, PAGE, Stripe,
    client::Failure,
    read_charge,
    words::{Intent, Listed},
};
use crate::{domain::Charge, provider::ProviderError};

/// Younger than this is not listed: Stripe may still be writing it, and we may be asking for it.
const SETTLED_SECONDS: u64 = 60;
/// The longest stretch of time that is asked for at once, in seconds.
const SPAN_MAX: u64 = 30 * DAY_SECONDS;
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// Questions for one answer: all of them together must be answered within the time that the provider has.
const QUESTIONS_MAX: u32 = 8;
/// Pages of one second.
const SECOND_PAGES_MAX: u32 = 50;

/// How far the reading has come, between one answer and the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// The number that was asked after...
    after: u64,
    /// ...and the second up to which there is nothing after it.
    seen: u64,
    /// The stretch of time that is asked for at once, in seconds.
    span: u64,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            after: 0,
            seen: 0,
            span: SPAN_MAX,
        }
    }
}

impl Stripe {
    /// Charges after this second, in the order of time, about so many; a second is told whole.
    pub(super) async fn read_books(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Charge>, ProviderError> {
        let now = u64::try_from(self.clock.now().as_ms()).unwrap_or(0);
        let now = now.checked_div(1_000).unwrap_or(0);
        let end = now.saturating_sub(SETTLED_SECONDS);
        let days = u64::from(self.settings.books_days);
        let oldest = now.saturating_sub(days.saturating_mul(DAY_SECONDS));
        let mut reach = self.reach_after(after);
        reach.seen = reach.seen.max(oldest);
        for _ in 0..QUESTIONS_MAX {
            if reach.seen >= end {
                return Ok(Vec::new());
            }
            let upto = reach.seen.saturating_add(reach.span).min(end);
            match self.stretch(reach.seen, upto).await? {
                Some(charges) if charges.is_empty() => {
                    reach.seen = upto;
                    reach.span = reach.span.saturating_mul(2).min(SPAN_MAX);
                }
                Some(charges) => {
                    self.keep(reach);
                    return Ok(whole_seconds(charges, limit));
                }
                None => {
                    let asked = upto.saturating_sub(reach.seen);
                    reach.span = asked.checked_div(2).unwrap_or(1).max(1);
                }
            }
            self.keep(reach);
        }
        Err(ProviderError::Unknown(
            "Stripe's books are long, and are read on from here next time".into(),
        ))
    }

    fn reach_after(&self, after: u64) -> Reach {
        let kept = self.reach.lock().map(|reach| *reach).unwrap_or_default();
        if kept.after == after {
            return kept;
        }
        Reach {
            after,
            seen: after,
            span: kept.span,
        }
    }

    fn keep(&self, reach: Reach) {
        if let Ok(mut kept) = self.reach.lock() {
            *kept = reach;
        }
    }

    /// What came about after the one second and up to the other; `None` if it is more than a page.
    async fn stretch(&self, from: u64, upto: u64) -> Result<Option<Vec<Charge>>, Failure> {
        let (later, until) = (from.to_string(), upto.to_string());
        let is_one_second = upto.saturating_sub(from) <= 1;
        let mut found = Vec::new();
        let mut last: Option<String> = None;
        for _ in 0..SECOND_PAGES_MAX {
            let mut wish = vec![
                ("created[gt]", later.as_str()),
                ("created[lte]", until.as_str()),
                ("limit", PAGE),
                ("expand[]", "data.latest_charge"),
            ];
            wish.extend(last.iter().map(|id| ("starting_after", id.as_str())));
            let page: Listed<Intent> = self.client.get(INTENTS, &wish).await?;
            if page.has_more && !is_one_second {
                return Ok(None);
            }
            last = page.data.last().map(|intent| intent.id.clone());
            found.extend(page.data.into_iter().filter_map(|intent| self.ours(intent)));
            if !page.has_more {
                found.retain(|charge| charge.number > from && charge.number <= upto);
                return Ok(Some(found));
            }
        }
        Err(Failure::Unknown(
            "more came about in one second than is read".into(),
        ))
    }

    /// An intent of this shop. Whatever else is on the account is none of its business.
    fn ours(&self, intent: Intent) -> Option<Charge> {
        let key = intent.metadata.as_ref()?.key_of(&self.settings.shop)?;
        let key = key.to_owned();
        read_charge(&key, intent)
    }

    /// What Stripe has under a key. It finds what is older than a minute or so. Should there be several, the one that
    /// took or holds money counts.
    pub(super) async fn search(&self, key: &str) -> Result<Option<Intent>, Failure> {
        let shop = &self.settings.shop;
        let query = format!("metadata['souk_payment']:'{key}' AND metadata['souk_shop']:'{shop}'");
        let path = format!("{INTENTS}/search");
        let wish = [
            ("query", query.as_str()),
            ("limit", PAGE),
            ("expand[]", "data.latest_charge"),
        ];
        let found: Listed<Intent> = match self.client.get(&path, &wish).await {
            Ok(found) => found,
            Err(Failure::Refused(404, _)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        Ok(found.data.into_iter().max_by_key(weight))
    }
}

fn weight(intent: &Intent) -> u8 {
    match intent.status.as_str() {
        "succeeded" => 3,
        "requires_capture" | "processing" => 2,
        "requires_action" => 1,
        _ => 0,
    }
}

/// The first so many in the order of time, with all of the last one's second.
fn whole_seconds(mut charges: Vec<Charge>, limit: u32) -> Vec<Charge> {
    charges
        .sort_by(|one, other| (one.number, &one.reference).cmp(&(other.number, &other.reference)));
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    let last = charges
        .get(limit.saturating_sub(1))
        .map(|charge| charge.number);
    if let Some(last) = last {
        charges.retain(|charge| charge.number <= last);
    }
    charges
}
