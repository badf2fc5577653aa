//! What came back of a reservation, gathered by refund. No statement.

use contracts::{
    catalog::{BackAudit, line_mark},
    values::{RefundId, VariantId},
};

/// Adds units of a variant to what their refund brought back.
pub(super) fn add(
    all: &mut Vec<BackAudit>,
    refund_id: RefundId,
    variant_id: VariantId,
    units: i64,
) {
    if !all.iter().any(|one| one.refund_id == refund_id) {
        all.push(BackAudit {
            refund_id,
            units: 0,
            contents: 0,
        });
    }
    if let Some(one) = all.iter_mut().find(|one| one.refund_id == refund_id) {
        let mark = line_mark(variant_id, 0, units);
        one.units = one.units.saturating_add(units);
        one.contents = one.contents.wrapping_add(mark);
    }
}
