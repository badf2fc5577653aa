//! What the others ask of payments when these run elsewhere: each method of the contract by name, with what crosses.
//! `client` makes these calls, `http::internal` answers them; neither has one that is not here.

use contracts::{
    payments::{
        CallbackError, ChargeAudit, LedgerAudit, PayError, PayOrder, PaymentAudit, PaymentCount,
        PaymentListError, PaymentPage, PaymentQuery, PaymentRecord, PaymentView, RefundAudit,
        RefundError, RefundOf, RefundOrder, RefundView, ReviewView, SagaError, SagaId, SagaQuery,
        SagaView,
    },
    request::{Answered, IdempotencyKey},
    values::{OrderId, Page, PaymentId, RefundId},
    wire::{Cause, Who, WhoReads},
};
use platform::call::Call;

/// The name that peers and paths know them by.
pub(crate) const NAME: &str = "payments";

type Paid<T> = Result<T, PayError>;
type Refunded = Result<Answered<RefundView>, RefundError>;
type Rows<T> = Result<Vec<T>, Cause>;
type AfterPayment = Option<(OrderId, PaymentId)>;
type AfterRefund = Option<(PaymentId, RefundId)>;

pub(crate) const ACCEPTS: Call<String, Result<bool, Cause>> = Call::read("accepts");
// These take as long as the provider does: whoever loses the answer asks again with the same key.
pub(crate) const PAY: Call<(WhoReads, IdempotencyKey, PayOrder), Paid<Answered<PaymentView>>> =
    Call::once("pay");
pub(crate) const PAYMENT: Call<(WhoReads, PaymentId), Paid<PaymentView>> = Call::read("payment");
pub(crate) const VOID: Call<(WhoReads, PaymentId), Paid<PaymentView>> = Call::once("void");
pub(crate) const REFUND: Call<(Who, IdempotencyKey, RefundOf, RefundOrder), Refunded> =
    Call::once("refund");
pub(crate) const REFUNDS: Call<(WhoReads, PaymentId), Paid<Vec<RefundView>>> =
    Call::read("refunds");
// A provider sends the same callback more than once as well.
pub(crate) const CALLBACK: Call<(String, String, Vec<u8>), Result<(), CallbackError>> =
    Call::repeatable("callback");

pub(crate) const LIST: Call<PaymentQuery, Result<PaymentPage, PaymentListError>> =
    Call::read("list");
pub(crate) const COUNTS: Call<(), Result<Vec<PaymentCount>, PaymentListError>> =
    Call::read("counts");
pub(crate) const RECORD: Call<PaymentId, Result<Option<PaymentRecord>, PaymentListError>> =
    Call::read("record");
pub(crate) const SAGAS: Call<SagaQuery, Result<Page<SagaView>, SagaError>> = Call::read("sagas");
pub(crate) const RETRY_SAGA: Call<SagaId, Result<SagaView, SagaError>> = Call::once("retry_saga");
pub(crate) const REVIEWS: Call<u32, Rows<ReviewView>> = Call::read("reviews");

pub(crate) const AUDIT: Call<(AfterPayment, u32), Rows<PaymentAudit>> = Call::read("audit").long();
pub(crate) const AUDIT_REFUNDS: Call<(AfterRefund, u32), Rows<RefundAudit>> =
    Call::read("audit_refunds").long();
pub(crate) const AUDIT_LEDGER: Call<(), Result<LedgerAudit, Cause>> =
    Call::read("audit_ledger").long();
pub(crate) const AUDIT_CHARGES: Call<(u64, u32), Rows<ChargeAudit>> =
    Call::read("audit_charges").long();
