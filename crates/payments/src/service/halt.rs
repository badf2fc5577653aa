//! Why a saga stops before its end, and what follows: it waits and is tried again, or waits for a person.

use super::Core;
use crate::{
    domain::{Payment, Progress, REFUSALS_MAX, Refund, later, retry_delay_ms},
    provider::ProviderError,
    store::Delay,
};
use contracts::{BoxError, orders::OrderError, payments::PayError, values::Timestamp};
use platform::trace::{self, Kind};
use std::{future::Future, time::Duration};

/// Why a saga stopped before its end.
pub(super) enum Halt {
    /// The order does not want it, and the provider holds nothing.
    Refused(PayError),
    /// An outcome is not known: to be asked for again.
    Unknown(BoxError),
    /// Somebody else is to do something first.
    Waits { until: Timestamp },
    /// It will not go on by itself, however often it is tried.
    Poisoned(String),
}

impl From<BoxError> for Halt {
    fn from(error: BoxError) -> Self {
        Self::Unknown(error)
    }
}

impl From<ProviderError> for Halt {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unknown(cause) => Self::Unknown(cause),
            ProviderError::Refused(why) => Self::Poisoned(format!("the provider refuses: {why}")),
        }
    }
}

/// What an order's error means; whatever is no plain no leaves the outcome unknown.
pub(super) fn refusal(error: OrderError) -> Halt {
    match error {
        OrderError::NotFound | OrderError::Forbidden => Halt::Refused(PayError::NotFound),
        OrderError::IllegalTransition { from, .. } => Halt::Refused(PayError::NotPayable(from)),
        OrderError::PaymentInProgress => Halt::Refused(PayError::InProgress),
        OrderError::Invalid { .. } | OrderError::Overloaded | OrderError::Internal(_) => {
            Halt::Unknown(Box::new(error))
        }
    }
}

/// When the next try is due, and whether a person has to look first.
fn delay(progress: &Progress, halt: &Halt, now: Timestamp) -> Delay {
    let until = later(now, retry_delay_ms(progress.tries));
    match halt {
        Halt::Waits { until } => Delay {
            until: *until,
            failed: false,
            parked: false,
            reason: "waits for the buyer".to_owned(),
        },
        Halt::Unknown(error) => Delay {
            until,
            failed: true,
            parked: false,
            reason: error.to_string(),
        },
        Halt::Poisoned(why) => Delay {
            until,
            failed: true,
            parked: progress.tries.saturating_add(1) >= REFUSALS_MAX,
            reason: why.clone(),
        },
        Halt::Refused(error) => Delay {
            until,
            failed: true,
            parked: false,
            reason: error.to_string(),
        },
    }
}

impl Core {
    pub(super) async fn put_off(&self, payment: &Payment, halt: &Halt) {
        let delay = delay(&payment.progress, halt, self.clock.now());
        let status = payment.state.status().as_str();
        if delay.parked {
            tracing::error!(
                payment.id = %payment.id, order.id = %payment.order_id, payment.status = status,
                reason = delay.reason, "payment {} is parked: somebody has to look", payment.id
            );
        } else if delay.failed {
            tracing::warn!(
                payment.id = %payment.id, order.id = %payment.order_id, payment.status = status,
                tries = payment.progress.tries, reason = delay.reason,
                "payment {} waits: a step's outcome is not known", payment.id
            );
        }
        if let Err(error) = self.store.postpone(payment, delay).await {
            // Its lease ends anyway, and then the sweeper takes it up.
            tracing::warn!(payment.id = %payment.id, error = %error, "a payment was not put off");
        }
    }

    pub(super) async fn put_refund_off(&self, refund: &Refund, halt: &Halt) {
        let delay = delay(&refund.progress, halt, self.clock.now());
        let stage = refund.stage.as_str();
        if delay.parked {
            tracing::error!(
                refund.id = %refund.id, order.id = %refund.order_id, refund.stage = stage,
                reason = delay.reason, "refund {} is parked: somebody has to look", refund.id
            );
        } else {
            tracing::warn!(
                refund.id = %refund.id, order.id = %refund.order_id, refund.stage = stage,
                tries = refund.progress.tries, reason = delay.reason, "refund {} waits", refund.id
            );
        }
        if let Err(error) = self.store.postpone_refund(refund, delay).await {
            tracing::warn!(refund.id = %refund.id, error = %error, "a refund was not put off");
        }
    }

    pub(super) async fn within_deadline<T>(
        &self,
        call: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let deadline = Duration::from_millis(self.config.provider_timeout_ms);
        let asked = tokio::time::timeout(deadline, call);
        match trace::within(Kind::Client, || "payment provider".into(), asked).await {
            Ok(answer) => answer,
            Err(_) => Err(ProviderError::Unknown(
                "the provider did not answer in time".into(),
            )),
        }
    }
}
