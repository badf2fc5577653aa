//! What verification makes of an order's rows, whatever database they are in: sums are made anew from lines and
//! timelines, never from what is kept. They are added here and not in SQL, where an overflow would fail the page.

use super::returns::refund_of;
use crate::domain::{
    status,
    story::{self, Entry, Story},
    tax,
};
use contracts::{
    catalog::line_mark,
    event::Event,
    orders::{
        EventsAudit, OrderAudit, OrderCancelled, OrderMoved, OrderPlaced, OrderStatus, ReturnAudit,
        ReturnReceived, ReturnStatus,
    },
    values::{RefundId, ReturnId, Timestamp, VariantId},
};
use platform::db::StoreError;
use std::collections::{HashMap, HashSet};

/// Orders that are named when their events are not what happened.
const EXAMPLES_MAX: usize = 20;

/// Whether what is shown of each tax of an order is what its lines and shipping are: of a list of what each adds and
/// its document.
pub(super) fn taxes_add_up(json: Option<&str>) -> Result<bool, StoreError> {
    let broken = |error: serde_json::Error| StoreError::Other(Box::new(error));
    let rows = json.map(serde_json::from_str::<Vec<(i64, String)>>);
    for (amount, document) in rows.transpose().map_err(broken)?.unwrap_or_default() {
        let part = serde_json::from_str(&document).map_err(broken)?;
        if !tax::adds_up(amount, &part) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds a line to the sums of its order.
pub(super) fn add_line(audit: &mut OrderAudit, variant_id: VariantId, units: i64, price: i64) {
    let mark = line_mark(variant_id, price, units);
    audit.lines = audit.lines.saturating_add(1);
    audit.units = audit.units.saturating_add(units);
    audit.lines_total_minor = audit
        .lines_total_minor
        .saturating_add(units.saturating_mul(price));
    audit.contents = audit.contents.wrapping_add(mark);
}

/// A line of a return, as its rows say.
pub(super) struct BackLine {
    pub(super) order: i64,
    pub(super) id: ReturnId,
    pub(super) status: ReturnStatus,
    pub(super) refund_id: Option<RefundId>,
    pub(super) updated_at: Timestamp,
    pub(super) variant_id: VariantId,
    pub(super) units: i64,
    pub(super) written_off: bool,
}

/// Adds the lines of returns to their orders; they come by order and return.
pub(super) fn add_returns(audits: &mut [OrderAudit], lines: impl IntoIterator<Item = BackLine>) {
    let numbered = audits.iter().zip(0_usize..);
    let places: HashMap<i64, usize> = numbered.map(|(one, place)| (one.number, place)).collect();
    for line in lines {
        let place = places.get(&line.order).copied();
        let Some(audit) = place.and_then(|place| audits.get_mut(place)) else {
            continue;
        };
        if audit.returns.last().is_none_or(|last| last.id != line.id) {
            audit.returns.push(ReturnAudit {
                id: line.id,
                status: line.status,
                refund_id: line.refund_id,
                is_named: line.refund_id.is_none_or(|id| id == refund_of(line.id)),
                on_sale: 0,
                contents: 0,
                updated_at: line.updated_at,
            });
        }
        if let Some(last) = audit.returns.last_mut()
            && !line.written_off
        {
            let mark = line_mark(line.variant_id, 0, line.units);
            last.on_sale = last.on_sale.saturating_add(line.units);
            last.contents = last.contents.wrapping_add(mark);
        }
    }
}

/// Orders of which more comes back than was sent.
pub(super) fn mark_unsent(audits: &mut [OrderAudit], numbers: &HashSet<i64>) {
    for audit in audits.iter_mut() {
        audit.returns_were_sent = !numbers.contains(&audit.number);
    }
}

/// Which return an event's content is of. What cannot be read is of none.
pub(super) fn told_return(payload: &str) -> Option<ReturnId> {
    let event = serde_json::from_str::<ReturnReceived>(payload);
    event.ok().map(|event| event.return_id)
}

/// Judges a timeline of sequences, statuses and versions. A word that is no status is for the audit to notice, not
/// to fall over: the timeline is not legal then.
pub(super) fn judge_timeline(
    audit: &mut OrderAudit,
    timeline: &[(i64, String, i64)],
    version: i64,
) {
    let (mut entries, mut path) = (Vec::new(), Vec::new());
    for (sequence, status, version) in timeline {
        let Ok(status) = status.parse() else {
            return;
        };
        path.push(status);
        entries.push(Entry {
            sequence: *sequence,
            status,
            version: *version,
        });
    }
    audit.timeline_is_legal = status::is_path(&path) && path.last() == Some(&audit.status);
    audit.versions_count_moves = story::versions_count_moves(&entries, version);
}

/// The status that an event of this name tells of, if it can be read; `None` for events that tell of none.
pub(super) fn told_status(name: &str, payload: &str) -> Option<Option<OrderStatus>> {
    match name {
        OrderPlaced::NAME => Some(Some(OrderStatus::Pending)),
        OrderCancelled::NAME => Some(Some(OrderStatus::Cancelled)),
        OrderMoved::NAME => {
            let moved = serde_json::from_str::<OrderMoved>(payload);
            Some(moved.ok().map(|moved| moved.status))
        }
        _ => None,
    }
}

/// What events told, held against what timelines say happened. Four bytes for each order are kept meanwhile.
pub(super) struct Telling {
    first: i64,
    told: Vec<Story>,
    /// The order whose timeline is being read.
    now: Option<(i64, Story, OrderStatus)>,
    /// Whether the oldest events were let go of. Known before timelines are read.
    pub(super) let_go: bool,
    pub(super) audit: EventsAudit,
}

impl Telling {
    /// For the orders between these numbers.
    pub(super) fn of(first: Option<i64>, last: Option<i64>) -> Self {
        let first = first.unwrap_or_default();
        let orders = last.map_or(0, |last| last.saturating_sub(first).saturating_add(1));
        Self {
            first,
            told: vec![Story::default(); usize::try_from(orders).unwrap_or_default()],
            now: None,
            let_go: false,
            audit: EventsAudit::default(),
        }
    }

    /// An event, in the order in which it was told.
    pub(super) fn hear(
        &mut self,
        (name, subject): (&str, &str),
        status: Option<OrderStatus>,
        number: Option<i64>,
    ) {
        self.audit.events = self.audit.events.saturating_add(1);
        let place = number.and_then(|number| self.place(number));
        match (place.and_then(|place| self.told.get_mut(place)), status) {
            (Some(story), Some(status)) => *story = story.and(status),
            (None, _) | (_, None) => {
                self.differs(format!(
                    "{name} of {subject} tells of nothing that is there"
                ));
            }
        }
    }

    /// An entry of a timeline; they come by order and sequence.
    pub(super) fn see(&mut self, number: i64, status: &str) {
        let Ok(status) = status.parse() else {
            return;
        };
        self.now = match self.now.take() {
            // An entry that moves nothing repeats the status it found, and tells nobody.
            Some((same, story, at)) if same == number && at == status => Some((same, story, at)),
            Some((same, story, _)) if same == number => Some((same, story.and(status), status)),
            before => {
                self.judge(before);
                Some((number, Story::default().and(status), status))
            }
        };
    }

    /// After the last entry.
    pub(super) fn end(mut self) -> EventsAudit {
        let last = self.now.take();
        self.judge(last);
        self.audit
    }

    fn place(&self, number: i64) -> Option<usize> {
        usize::try_from(number.saturating_sub(self.first)).ok()
    }

    fn judge(&mut self, ended: Option<(i64, Story, OrderStatus)>) {
        let Some((number, happened, _)) = ended else {
            return;
        };
        let place = self.place(number);
        let told = place
            .and_then(|place| self.told.get(place))
            .copied()
            .unwrap_or_default();
        if !told.tells(happened, self.let_go) {
            let (told, happened) = (told.words(), happened.words());
            self.differs(format!(
                "order number {number}: {happened} happened, {told} was told"
            ));
        }
    }

    fn differs(&mut self, what: String) {
        self.audit.differing = self.audit.differing.saturating_add(1);
        if self.audit.examples.len() < EXAMPLES_MAX {
            self.audit.examples.push(what);
        }
    }
}
