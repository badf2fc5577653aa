//! Stock, orders, payments and a provider in memory, moved by the shop's own pure functions and nothing else: what the
//! services do around them (read, decide, write) is done here in the plainest way.

use catalog::domain::{
    reservation::{self, Step as Resolution},
    shelf::{Offer, Shelf},
};
use contracts::{
    catalog::{ItemRef, ReservationState, ReserveLine},
    orders::{OrderMove, OrderStatus, PaymentEnd},
    values::{Money, OrderId, PaymentId, ProductId, Quantity, Timestamp, UserId, VariantId, Version},
};
use orders::domain::order::{Happening, Order, apply};
use payments::domain::{Payment, State, Step};

pub(crate) const VARIANTS: usize = 2;
pub(crate) const PRICES: [i64; VARIANTS] = [300, 700];
pub(crate) const WINDOW_MS: i64 = 900_000;

pub(crate) fn money(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

/// Units on the shelves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

/// An order with its hold and its payments.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    pub(crate) order: Order,
    pub(crate) units: [i64; VARIANTS],
    pub(crate) held: ReservationState,
    pub(crate) payments: Vec<Payment>,
    /// Whether the event of its cancellation waits for delivery.
    pub(crate) cancelled: bool,
}

impl Deal {
    /// Whether its stock is on its way back.
    pub(crate) fn owes(&self) -> bool {
        let back = matches!(self.held, ReservationState::Released | ReservationState::Returned);
        self.cancelled && !back
    }
}

/// What the provider did under a payment's key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
}

#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) stock: [Stock; VARIANTS],
    pub(crate) deals: Vec<Option<Deal>>,
    pub(crate) charges: Vec<(PaymentId, Charge)>,
    pub(crate) now: Timestamp,
}

fn id(number: usize) -> [u8; 16] {
    [u8::try_from(number).unwrap() + 1; 16]
}

impl Shop {
    pub(crate) fn new(deals: usize, on_hand: i64) -> Self {
        Self {
            stock: [Stock { on_hand, reserved: 0 }; VARIANTS],
            deals: (0..deals).map(|_| None).collect(),
            charges: Vec::new(),
            now: Timestamp::from_ms(0),
        }
    }

    /// Whether any stock is on its way back.
    pub(crate) fn owes(&self) -> bool {
        self.deals.iter().flatten().any(Deal::owes)
    }

    /// Holds stock and writes the order; the same again changes nothing.
    pub(crate) fn place(&mut self, number: usize, units: [i64; VARIANTS]) -> bool {
        if let Some(known) = &self.deals[number] {
            return known.held == ReservationState::Open;
        }
        let mut shelf = Shelf::default();
        let mut lines = Vec::new();
        for (index, units) in units.iter().enumerate().filter(|(_, units)| **units > 0) {
            let variant_id = VariantId::from_bytes(id(index));
            let offer = Offer {
                number: i64::try_from(index).unwrap(),
                product_id: ProductId::from_bytes(id(index)),
                variant_id,
                seller_id: UserId::from_bytes(id(0)),
                sku: String::new(),
                name: String::new(),
                price: money(PRICES[index]),
                on_sale: true,
                available: self.stock[index].on_hand - self.stock[index].reserved,
            };
            shelf.put(ItemRef::Variant(variant_id), Some(offer));
            lines.push(ReserveLine {
                item: ItemRef::Variant(variant_id),
                quantity: Quantity::try_from(u32::try_from(*units).unwrap()).unwrap(),
            });
        }
        let Ok(taken) = shelf.take(&lines, None) else {
            return false;
        };
        for (index, units) in shelf.taken() {
            self.stock[usize::try_from(index).unwrap()].reserved += units;
        }
        let costs = taken.iter().map(|one| one.line.unit_price.times(one.line.quantity).unwrap());
        let total = costs.reduce(|sum, one| sum.plus(one).unwrap()).unwrap();
        let order = Order {
            number: i64::try_from(number).unwrap(),
            id: OrderId::from_bytes(id(number)),
            customer_id: None,
            status: OrderStatus::Pending,
            version: Version::FIRST,
            total,
            tracking: None,
            payment_id: None,
            payment_due_at: Timestamp::from_ms(self.now.as_ms() + WINDOW_MS),
            created_at: self.now,
            updated_at: self.now,
        };
        self.deals[number] = Some(Deal {
            order,
            units,
            held: ReservationState::Open,
            payments: Vec::new(),
            cancelled: false,
        });
        true
    }

    /// Something happens to an order; whether it was allowed.
    fn happen(&mut self, number: usize, happening: &Happening) -> bool {
        let now = self.now;
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        match apply(&deal.order, happening, now) {
            Err(_) => false,
            Ok(None) => true,
            Ok(Some(change)) => {
                deal.cancelled |= change.after.status == OrderStatus::Cancelled
                    && deal.order.status != OrderStatus::Cancelled;
                deal.order = change.after;
                true
            }
        }
    }

    pub(crate) fn advance(&mut self, number: usize, step: OrderMove) -> bool {
        self.happen(number, &Happening::Moved(step))
    }

    pub(crate) fn expire(&mut self, number: usize) {
        self.happen(number, &Happening::Expired);
    }

    /// Ends a hold, or takes back what it sold; whether it is there now.
    fn resolve(&mut self, number: usize, to: ReservationState) -> bool {
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        match reservation::step(deal.held, to) {
            None => false,
            Some(Resolution::Stay) => true,
            Some(Resolution::Go(effect)) => {
                deal.held = to;
                for (stock, units) in self.stock.iter_mut().zip(deal.units) {
                    stock.on_hand += effect.on_hand * units;
                    stock.reserved += effect.reserved * units;
                }
                true
            }
        }
    }

    /// Delivers the event of a cancellation, to the catalog and to payments; any number of times.
    pub(crate) fn deliver(&mut self, number: usize) {
        let Some(deal) = &self.deals[number] else {
            return;
        };
        if !deal.cancelled {
            return;
        }
        if !self.resolve(number, ReservationState::Released) {
            self.resolve(number, ReservationState::Returned);
        }
        let Some(deal) = &mut self.deals[number] else {
            return;
        };
        let paid_by = deal.order.payment_id;
        let mine = deal.payments.iter_mut().find(|payment| Some(payment.id) == paid_by);
        if let Some(payment) = mine
            && let State::Captured { reference, refund_wanted: false } = &payment.state
        {
            let to = State::Captured {
                reference: reference.clone(),
                refund_wanted: true,
            };
            moved(payment, to);
        }
    }

    /// A new payment of an order; as the store has it, at most one lives at a time.
    pub(crate) fn begin_payment(&mut self, number: usize) -> bool {
        let now = self.now;
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        let live = |payment: &Payment| {
            matches!(
                payment.state,
                State::Pending | State::Authorised { .. } | State::Captured { .. }
            )
        };
        if deal.order.status != OrderStatus::Pending || deal.payments.iter().any(live) {
            return false;
        }
        let mut bytes = id(number);
        bytes[15] = u8::try_from(deal.payments.len()).unwrap();
        deal.payments.push(Payment {
            id: PaymentId::from_bytes(bytes),
            order_id: deal.order.id,
            fingerprint: [0; 32],
            version: Version::FIRST,
            state: State::Pending,
            amount: deal.order.total,
            method: String::new(),
            tries: 0,
            told: false,
            created_at: now,
            updated_at: now,
        });
        true
    }

    /// Takes the one next step of an order's first payment that has one; the provider says yes or no.
    pub(crate) fn drive(&mut self, number: usize, accepts: bool) {
        let Some(payment) = self.deals[number].as_mut().and_then(unfinished).cloned() else {
            return;
        };
        match payment.next_step() {
            Step::Authorise => self.authorise(number, &payment, accepts),
            Step::Settle { reference } => self.settle(number, &payment, reference),
            Step::Tell(end) => self.tell(number, &payment, end),
            Step::Refund { reference } => {
                let charge = self.charge(payment.id);
                charge.refunded = charge.captured;
                self.become_(number, State::Refunded { reference });
            }
            Step::NoteRefund => self.told(number),
            Step::Rest => {}
        }
    }

    fn authorise(&mut self, number: usize, payment: &Payment, accepts: bool) {
        if !self.happen(number, &Happening::PaymentBegan(payment.id)) {
            self.become_(number, State::Voided { reference: None });
        } else if accepts {
            let reference = payment.provider_key();
            self.become_(number, State::Authorised { reference });
        } else {
            let code = "no".to_owned();
            self.become_(number, State::Declined { code });
        }
    }

    fn settle(&mut self, number: usize, payment: &Payment, reference: String) {
        if self.resolve(number, ReservationState::Committed) {
            self.charge(payment.id).captured = payment.amount.minor;
            let to = State::Captured {
                reference,
                refund_wanted: false,
            };
            self.become_(number, to);
        } else {
            let reference = Some(reference);
            self.become_(number, State::Voided { reference });
        }
    }

    fn tell(&mut self, number: usize, payment: &Payment, end: PaymentEnd) {
        let told = self.happen(number, &Happening::PaymentEnded(payment.id, end));
        match &payment.state {
            State::Captured { reference, .. } if !told => {
                let to = State::Captured {
                    reference: reference.clone(),
                    refund_wanted: true,
                };
                self.become_(number, to);
            }
            _ => self.told(number),
        }
    }

    fn charge(&mut self, key: PaymentId) -> &mut Charge {
        let found = self.charges.iter().position(|(known, _)| *known == key);
        let index = found.unwrap_or_else(|| {
            self.charges.push((key, Charge::default()));
            self.charges.len() - 1
        });
        &mut self.charges[index].1
    }

    fn driven(&mut self, number: usize) -> &mut Payment {
        unfinished(self.deals[number].as_mut().unwrap()).unwrap()
    }

    fn become_(&mut self, number: usize, to: State) {
        moved(self.driven(number), to);
    }

    fn told(&mut self, number: usize) {
        self.driven(number).told = true;
    }
}

/// The payment that is moved next: the first that does not rest.
fn unfinished(deal: &mut Deal) -> Option<&mut Payment> {
    deal.payments.iter_mut().find(|payment| payment.next_step() != Step::Rest)
}

/// As the store does it: along the table, one version further, and the order is to be told anew.
fn moved(payment: &mut Payment, to: State) {
    assert!(payment.state.may_become(&to), "{:?} to {to:?}", payment.state);
    payment.state = to;
    payment.version = payment.version.next();
    payment.told = false;
}
