//! How money moves in the shop in memory: one step at a time, each the one that the shop's own rules name next.

use crate::shop::{Deal, PRICES, Shop, Units, VARIANTS, id, money};
use contracts::{
    catalog::{ReservationState, ReturnedItem},
    orders::{OrderLineView, OrderStatus, PaymentEnd, RefundNote},
    payments::RefundOrder,
    values::{PaymentId, ProductId, Quantity, RefundId, Timestamp, VariantId, Version},
};
use orders::domain::order::Happening;
use payments::domain::{Payment, Progress, Refund, Stage, State, Step, decide, ledger};

const PROVIDER: &str = "sandbox";
/// How long a buyer has to prove something.
const PROOF_MS: i64 = 100_000;

/// What the provider says when it is asked to hold money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Yes,
    No,
    Prove,
}

/// The payment that is moved next: the first that does not rest.
fn unfinished(deal: &mut Deal) -> Option<&mut Payment> {
    deal.payments
        .iter_mut()
        .find(|payment| payment.next_step() != Step::Rest)
}

/// As the store does it: along the table, one version further, and the order is to be told anew.
fn moved(payment: &mut Payment, to: State) {
    assert!(
        payment.state.may_become(&to),
        "{:?} to {to:?}",
        payment.state
    );
    payment.state = to;
    payment.version = payment.version.next();
    payment.told = false;
}

impl Shop {
    /// A new payment of an order; as the store has it, at most one lives at a time.
    pub(crate) fn begin_payment(&mut self, number: usize) -> bool {
        let now = self.now;
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        let ended = |payment: &Payment| payment.state.ended_without_money();
        if deal.order.status != OrderStatus::Pending || !deal.payments.iter().all(ended) {
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
            void_wanted: false,
            late: false,
            refunding_minor: 0,
            refunded_minor: 0,
            progress: Progress::default(),
            told: false,
            created_at: now,
            updated_at: now,
        });
        true
    }

    /// Gives the payment under way up, if its money is not held yet.
    pub(crate) fn void(&mut self, number: usize) {
        let payment = self.deals[number].as_mut().and_then(unfinished);
        if let Some(payment) = payment
            && matches!(payment.state, State::Pending | State::Challenged { .. })
        {
            payment.void_wanted = true;
        }
    }

    /// Takes the one next step of an order's first payment that has one.
    pub(crate) fn drive(&mut self, number: usize, says: Says) {
        let Some(payment) = self.deals[number].as_mut().and_then(unfinished).cloned() else {
            return;
        };
        match payment.next_step() {
            Step::Authorise => self.authorise(number, &payment, says),
            Step::LookUp { due } => match says {
                Says::Yes => {
                    let reference = payment.provider_key();
                    self.become_(number, State::Authorised { reference });
                }
                Says::No => self.decline(number),
                Says::Prove if self.now >= due => self.fence(number, &payment),
                Says::Prove => {}
            },
            Step::Fence => self.fence(number, &payment),
            Step::Settle { reference } => self.settle(number, &payment, reference),
            Step::Tell(end) => self.tell(number, &payment, end),
            Step::Rest => {}
        }
    }

    fn authorise(&mut self, number: usize, payment: &Payment, says: Says) {
        let reference = payment.provider_key();
        if !self.happen(number, &Happening::PaymentBegan(payment.id)) {
            self.become_(number, State::Voided { reference: None });
            self.driven(number).told = true;
            return;
        }
        match says {
            Says::Yes => self.become_(number, State::Authorised { reference }),
            Says::No => self.decline(number),
            Says::Prove => {
                let due = Timestamp::from_ms(self.now.as_ms() + PROOF_MS);
                let url = "https://prove.example".to_owned();
                self.become_(
                    number,
                    State::Challenged {
                        reference,
                        url,
                        due,
                    },
                );
            }
        }
    }

    fn decline(&mut self, number: usize) {
        let code = "no".to_owned();
        self.become_(number, State::Declined { code });
    }

    fn fence(&mut self, number: usize, payment: &Payment) {
        let reference = Some(payment.provider_key());
        self.become_(number, State::Voided { reference });
    }

    fn settle(&mut self, number: usize, payment: &Payment, reference: String) {
        if self.resolve(number, ReservationState::Committed) {
            self.charge(payment.id).captured = payment.amount.minor;
            self.post(&ledger::captured(PROVIDER, payment.id, payment.amount));
            self.become_(number, State::Captured { reference });
        } else {
            self.fence(number, payment);
        }
    }

    fn tell(&mut self, number: usize, payment: &Payment, end: PaymentEnd) {
        let told = self.happen(number, &Happening::PaymentEnded(payment.id, end));
        if !told && end == PaymentEnd::Paid {
            self.give_back_the_rest(number, payment.id);
        }
        self.driven(number).told = true;
    }

    fn driven(&mut self, number: usize) -> &mut Payment {
        unfinished(self.deals[number].as_mut().unwrap()).unwrap()
    }

    fn become_(&mut self, number: usize, to: State) {
        moved(self.driven(number), to);
    }

    /// Decides a refund of the payment that paid an order; whether it was.
    pub(crate) fn refund(&mut self, number: usize, minor: Option<i64>, items: Units) -> bool {
        let Some(deal) = &self.deals[number] else {
            return false;
        };
        let paid_by = deal.order.payment_id;
        let payment = deal
            .payments
            .iter()
            .find(|payment| Some(payment.id) == paid_by);
        // What the order has not heard of yet is not given back by people.
        let Some(payment) = payment.filter(|payment| payment.told).cloned() else {
            return false;
        };
        let named = (0..VARIANTS)
            .filter(|one| items[*one] > 0)
            .map(|one| ReturnedItem {
                variant_id: VariantId::from_bytes(id(one)),
                quantity: Quantity::try_from(u32::try_from(items[one]).unwrap()).unwrap(),
            });
        let wish = RefundOrder {
            amount: minor.map(|minor| money(minor).into()),
            items: named.collect(),
            reason: None,
        };
        let mut bytes = id(number);
        bytes[14] = u8::try_from(deal.refunds.len()).unwrap();
        let Ok(intent) = decide(
            RefundId::from_bytes(bytes),
            &payment,
            (&lines(deal), &[]),
            &wish,
        ) else {
            return false;
        };
        let promised = |variant| -> i64 {
            let all = deal.refunds.iter().flat_map(|refund| &refund.items);
            all.filter(|item| item.variant_id == variant)
                .map(|item| i64::from(item.quantity.get()))
                .sum()
        };
        let too_many = |(item, bought): &(ReturnedItem, i64)| {
            i64::from(item.quantity.get()) + promised(item.variant_id) > *bought
        };
        if intent.items.iter().any(too_many) {
            return false;
        }
        let items = intent.items.iter().map(|(item, _)| *item).collect();
        self.count(number, &payment, intent.amount_minor, (intent.id, items))
    }

    /// Decides to give back what is left of a payment, if anything is.
    pub(crate) fn give_back_the_rest(&mut self, number: usize, payment: PaymentId) {
        let deal = self.deals[number].as_ref().unwrap();
        let found = deal.payments.iter().find(|one| one.id == payment).cloned();
        let mut bytes = *payment.as_bytes();
        bytes[14] = 255;
        let id = RefundId::from_bytes(bytes);
        if let Some(payment) = found
            && deal.refunds.iter().all(|refund| refund.id != id)
        {
            self.count(number, &payment, None, (id, Vec::new()));
        }
    }

    /// As the store does it: bounded by what is left, counted at once.
    fn count(
        &mut self,
        number: usize,
        payment: &Payment,
        minor: Option<i64>,
        (id, items): (RefundId, Vec<ReturnedItem>),
    ) -> bool {
        let (left, now) = (payment.left_minor(), self.now);
        let amount = minor.unwrap_or(left);
        let taken = matches!(
            payment.state,
            State::Captured { .. } | State::Refunded { .. }
        );
        if !taken || amount > left || (amount == 0 && items.is_empty()) {
            return false;
        }
        let deal = self.deals[number].as_mut().unwrap();
        let kept = deal
            .payments
            .iter_mut()
            .find(|one| one.id == payment.id)
            .unwrap();
        kept.refunding_minor += amount;
        deal.refunds.push(Refund {
            id,
            payment_id: payment.id,
            order_id: payment.order_id,
            fingerprint: [0; 32],
            version: Version::FIRST,
            stage: Stage::Decided,
            amount: money(amount),
            reference: payment.provider_key(),
            whole: false,
            items,
            reason: None,
            actor: "system".to_owned(),
            progress: Progress::default(),
            created_at: now,
            updated_at: now,
        });
        true
    }

    /// Takes the one next step of an order's first refund that has one.
    pub(crate) fn drive_refund(&mut self, number: usize) {
        let Some(deal) = &self.deals[number] else {
            return;
        };
        let at = deal
            .refunds
            .iter()
            .position(|refund| refund.stage != Stage::Noted);
        let Some(at) = at else { return };
        let refund = deal.refunds[at].clone();
        match refund.stage {
            Stage::Decided => self.book(number, at, &refund),
            Stage::Booked if self.deals[number].as_mut().unwrap().told.insert(refund.id) => {
                self.happen(number, &Happening::Refunded(note_of(&refund)));
            }
            Stage::Booked => self.restock(number, at, &refund),
            Stage::Restocked => self.refund_at(number, at).stage = Stage::Noted,
            Stage::Noted => {}
        }
    }

    fn refund_at(&mut self, number: usize, at: usize) -> &mut Refund {
        &mut self.deals[number].as_mut().unwrap().refunds[at]
    }

    fn book(&mut self, number: usize, at: usize, refund: &Refund) {
        let amount = refund.amount.minor;
        self.refund_at(number, at).stage = Stage::Booked;
        if amount == 0 {
            return;
        }
        self.charge(refund.payment_id).refunded += amount;
        self.post(&ledger::refunded(PROVIDER, refund.id, refund.amount));
        let deal = self.deals[number].as_mut().unwrap();
        let payment = deal
            .payments
            .iter_mut()
            .find(|one| one.id == refund.payment_id)
            .unwrap();
        payment.refunded_minor += amount;
        let whole = payment.refunded_minor == payment.amount.minor;
        if whole {
            let (reference, told) = (payment.provider_key(), payment.told);
            moved(payment, State::Refunded { reference });
            payment.told = told;
        }
        self.refund_at(number, at).whole = whole;
    }

    fn restock(&mut self, number: usize, at: usize, refund: &Refund) {
        let deal = self.deals[number].as_mut().unwrap();
        // What was called off came back as a whole.
        if deal.held == ReservationState::Committed {
            for (index, stock) in self.stock.iter_mut().enumerate() {
                let mine =
                    |item: &&ReturnedItem| item.variant_id == VariantId::from_bytes(id(index));
                let units: i64 = refund
                    .items
                    .iter()
                    .filter(mine)
                    .map(|item| i64::from(item.quantity.get()))
                    .sum();
                deal.returned[index] += units;
                stock.on_hand += units;
            }
        }
        self.refund_at(number, at).stage = Stage::Restocked;
    }
}

fn note_of(refund: &Refund) -> RefundNote {
    RefundNote {
        order_id: refund.order_id,
        refund_id: refund.id,
        amount: refund.amount,
        whole: refund.whole,
        items: refund.items.clone(),
        actor: refund.actor.clone(),
    }
}

fn lines(deal: &Deal) -> Vec<OrderLineView> {
    let bought = deal
        .units
        .iter()
        .enumerate()
        .filter(|(_, units)| **units > 0);
    bought
        .map(|(index, units)| {
            let quantity = Quantity::try_from(u32::try_from(*units).unwrap()).unwrap();
            OrderLineView {
                product_id: ProductId::from_bytes(id(index)),
                variant_id: VariantId::from_bytes(id(index)),
                sku: String::new(),
                name: String::new(),
                quantity,
                unit_price: money(PRICES[index]),
                line_total: money(PRICES[index] * units),
                tax: None,
            }
        })
        .collect()
}
