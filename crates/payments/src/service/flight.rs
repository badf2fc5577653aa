//! Payments under way in this process: whoever wants a payment that is being moved waits for that move and
//! gets its answer. Spares double work only: that nothing is charged twice rests on the store and the keys.

use contracts::{
    payments::{PayError, PaymentView},
    request::Answered,
    values::PaymentId,
};
use std::{
    collections::{HashMap, hash_map::Entry},
    error::Error,
    fmt,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

pub(super) type Answer = Result<Answered<PaymentView>, PayError>;

type Landed = watch::Receiver<Option<Arc<Answer>>>;

/// What is under way, up to a bound.
#[derive(Debug, Clone)]
pub(crate) struct Flights {
    under_way: Arc<Mutex<HashMap<PaymentId, Flight>>>,
    most: usize,
}

#[derive(Debug)]
struct Flight {
    fingerprint: [u8; 32],
    landed: Landed,
}

/// The right to move a payment, and the duty to say how it went. Dropping it lets the next one begin.
#[derive(Debug)]
pub(super) struct Lead {
    flights: Flights,
    id: PaymentId,
    tell: watch::Sender<Option<Arc<Answer>>>,
    has_left: bool,
}

/// A seat on a flight: as the one who leads it, or behind somebody else.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) lead: Option<Lead>,
    pub(super) wait: Wait,
}

/// The answer to come.
#[derive(Debug)]
pub(super) struct Wait {
    joined: bool,
    landed: Landed,
}

impl Flights {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            under_way: Arc::default(),
            most: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    /// What is under way, and how much more may be.
    pub(super) fn load(&self) -> (Vec<PaymentId>, usize) {
        self.under_way.lock().map_or_else(
            |_| (Vec::new(), 0),
            |under_way| {
                let room = self.most.saturating_sub(under_way.len());
                (under_way.keys().copied().collect(), room)
            },
        )
    }

    /// Takes the lead for a payment, or joins who has it. Refuses another body, and one flight too many.
    pub(super) fn board(&self, id: PaymentId, fingerprint: [u8; 32]) -> Result<Seat, PayError> {
        let mut under_way = self
            .under_way
            .lock()
            .map_err(|_| PayError::Internal("a payment's flight fell over".into()))?;
        let full = under_way.len() >= self.most;
        match under_way.entry(id) {
            Entry::Occupied(found) if found.get().fingerprint != fingerprint => {
                Err(PayError::KeyReused)
            }
            Entry::Occupied(found) => {
                let landed = found.get().landed.clone();
                Ok(Seat {
                    lead: None,
                    wait: Wait {
                        joined: true,
                        landed,
                    },
                })
            }
            Entry::Vacant(_) if full => Err(PayError::Overloaded),
            Entry::Vacant(place) => {
                let (tell, landed) = watch::channel(None);
                place.insert(Flight {
                    fingerprint,
                    landed: landed.clone(),
                });
                let lead = Some(Lead {
                    flights: self.clone(),
                    id,
                    tell,
                    has_left: false,
                });
                Ok(Seat {
                    lead,
                    wait: Wait {
                        joined: false,
                        landed,
                    },
                })
            }
        }
    }
}

impl Lead {
    /// Gives the answer to all who wait. Nothing is under way any more by then: a sweep that comes right after must not
    /// leave the payment out.
    pub(super) fn land(mut self, answer: Answer) {
        self.leave();
        self.tell.send_replace(Some(Arc::new(answer)));
    }

    /// Once: afterwards the place may be somebody else's.
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.has_left, true)
            && let Ok(mut under_way) = self.flights.under_way.lock()
        {
            under_way.remove(&self.id);
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Wait {
    /// The answer; who joined hears that it repeats another's.
    pub(super) async fn answer(mut self) -> Answer {
        let fell_over = || PayError::Internal("the attempt to pay fell over".into());
        let landed = self
            .landed
            .wait_for(Option::is_some)
            .await
            .map_err(|_| fell_over())?
            .clone();
        let answer = landed.ok_or_else(fell_over)?;
        match answer.as_ref() {
            Ok(answered) => Ok(Answered {
                value: answered.value.clone(),
                replayed: answered.replayed || self.joined,
            }),
            Err(error) => Err(again(error, &answer)),
        }
    }
}

/// The cause of another's refusal, shared by all who waited for it.
#[derive(Debug)]
struct Shared(Arc<Answer>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attempt to pay failed")
    }
}

impl Error for Shared {
    /// By hand, so that a full disk is told as such to whoever waited, too.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0.as_ref() {
            Err(PayError::Internal(cause)) => Some(cause.as_ref()),
            Ok(_) | Err(_) => None,
        }
    }
}

fn again(error: &PayError, answer: &Arc<Answer>) -> PayError {
    match error {
        PayError::NotFound => PayError::NotFound,
        PayError::NotPayable(status) => PayError::NotPayable(*status),
        PayError::NotVoidable(status) => PayError::NotVoidable(*status),
        PayError::InProgress => PayError::InProgress,
        PayError::Declined {
            payment_id,
            order_id,
            decline_code,
        } => PayError::Declined {
            payment_id: *payment_id,
            order_id: *order_id,
            decline_code: decline_code.clone(),
        },
        PayError::UnknownMethod => PayError::UnknownMethod,
        PayError::CardNumber => PayError::CardNumber,
        PayError::KeyReused => PayError::KeyReused,
        PayError::Overloaded => PayError::Overloaded,
        PayError::Internal(_) => PayError::Internal(Box::new(Shared(Arc::clone(answer)))),
    }
}
