//! Stock, orders, payments, refunds, a ledger and a provider in memory, moved by the shop's own pure functions and
//! nothing else: what the services do around them (read, decide, write) is done here in the plainest way.

use catalog::domain::{
    price_list::PriceList,
    reservation::{self, Step as Resolution},
    shelf::{Offer, Shelf},
};
use contracts::{
    catalog::{ItemRef, ReservationState, ReserveLine},
    orders::{OrderMove, OrderStatus},
    values::{
        Money, OrderId, PaymentId, ProductId, Quantity, RefundId, Timestamp, UserId, VariantId,
        Version,
    },
};
use orders::domain::order::{Happening, Order, apply};
use payments::domain::{Payment, Refund, ledger::Transaction};
use std::collections::{BTreeMap, HashSet};

pub(crate) const VARIANTS: usize = 2;
pub(crate) const PRICES: [i64; VARIANTS] = [300, 700];
pub(crate) const WINDOW_MS: i64 = 900_000;

pub(crate) type Units = [i64; VARIANTS];

pub(crate) fn money(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

pub(crate) fn id(number: usize) -> [u8; 16] {
    [u8::try_from(number).unwrap() + 1; 16]
}

pub(crate) fn cost(units: Units) -> i64 {
    (0..VARIANTS).map(|one| units[one] * PRICES[one]).sum()
}

/// Units on the shelves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

/// An order with its hold, its payments and its refunds.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    pub(crate) order: Order,
    pub(crate) units: Units,
    pub(crate) held: ReservationState,
    /// Units that came back with refunds.
    pub(crate) returned: Units,
    pub(crate) payments: Vec<Payment>,
    pub(crate) refunds: Vec<Refund>,
    /// Refunds that the order heard of.
    pub(crate) told: HashSet<RefundId>,
    /// Whether it was called off, which is an event that waits for delivery.
    pub(crate) cancelled: bool,
}

impl Deal {
    /// Units on their way back to the shelves.
    pub(crate) fn owed(&self, variant: usize) -> i64 {
        let back = matches!(
            self.held,
            ReservationState::Released | ReservationState::Returned
        );
        let promised = self.refunds.iter().flat_map(|refund| &refund.items);
        let mine = promised.filter(|item| item.variant_id == VariantId::from_bytes(id(variant)));
        let promised: i64 = mine.map(|item| i64::from(item.quantity.get())).sum();
        match (self.cancelled, back) {
            (true, true) => 0,
            (true, false) => self.units[variant] - self.returned[variant],
            (false, _) => promised - self.returned[variant],
        }
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
    pub(crate) charges: BTreeMap<PaymentId, Charge>,
    /// The double-entry ledger: accounts.
    pub(crate) accounts: BTreeMap<String, i64>,
    pub(crate) now: Timestamp,
}

impl Shop {
    pub(crate) fn new(deals: usize, on_hand: i64) -> Self {
        Self {
            stock: [Stock {
                on_hand,
                reserved: 0,
            }; VARIANTS],
            deals: (0..deals).map(|_| None).collect(),
            charges: BTreeMap::new(),
            accounts: BTreeMap::new(),
            now: Timestamp::from_ms(0),
        }
    }

    /// Whether any stock is on its way back.
    pub(crate) fn owes(&self) -> bool {
        let deals = self.deals.iter().flatten();
        deals
            .flat_map(|deal| (0..VARIANTS).map(|one| deal.owed(one)))
            .any(|owed| owed > 0)
    }

    /// Holds stock and writes the order; the same again changes nothing.
    pub(crate) fn place(&mut self, number: usize, units: Units) -> bool {
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
                prices: PriceList::default(),
                on_sale: true,
                available: self.stock[index].on_hand - self.stock[index].reserved,
            };
            shelf.put(ItemRef::Variant(variant_id), Some(offer));
            lines.push(ReserveLine {
                item: ItemRef::Variant(variant_id),
                quantity: Quantity::try_from(u32::try_from(*units).unwrap()).unwrap(),
            });
        }
        let Ok(taken) = shelf.take(&lines, (None, None)) else {
            return false;
        };
        for (index, units) in shelf.taken() {
            self.stock[usize::try_from(index).unwrap()].reserved += units;
        }
        let costs = taken
            .iter()
            .map(|one| one.line.unit_price.times(one.line.quantity).unwrap());
        let total = costs.reduce(|sum, one| sum.plus(one).unwrap()).unwrap();
        self.deals[number] = Some(Deal {
            order: self.written(number, total),
            units,
            held: ReservationState::Open,
            returned: [0; VARIANTS],
            payments: Vec::new(),
            refunds: Vec::new(),
            told: HashSet::new(),
            cancelled: false,
        });
        true
    }

    fn written(&self, number: usize, total: Money) -> Order {
        Order {
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
        }
    }

    /// Something happens to an order; whether it was allowed.
    pub(crate) fn happen(&mut self, number: usize, happening: &Happening) -> bool {
        let now = self.now;
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        match apply(&deal.order, happening, now) {
            Err(_) => false,
            Ok(None) => true,
            Ok(Some(change)) => {
                deal.cancelled |= change.after.status == OrderStatus::Cancelled;
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

    /// Ends a hold, or takes back what it sold and has not come back yet; whether it is there now.
    pub(crate) fn resolve(&mut self, number: usize, to: ReservationState) -> bool {
        let Some(deal) = &mut self.deals[number] else {
            return false;
        };
        match reservation::step(deal.held, to) {
            None => false,
            Some(Resolution::Stay) => true,
            Some(Resolution::Go(effect)) => {
                deal.held = to;
                for (index, stock) in self.stock.iter_mut().enumerate() {
                    let units = deal.units[index] - deal.returned[index];
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
        let paid_by = deal.order.payment_id;
        if !self.resolve(number, ReservationState::Released) {
            self.resolve(number, ReservationState::Returned);
        }
        if let Some(payment) = paid_by {
            self.give_back_the_rest(number, payment);
        }
    }

    pub(crate) fn charge(&mut self, key: PaymentId) -> &mut Charge {
        self.charges.entry(key).or_default()
    }

    /// Posts both sides.
    pub(crate) fn post(&mut self, transaction: &Transaction) {
        for posting in &transaction.postings {
            *self.accounts.entry(posting.account.clone()).or_insert(0) += posting.amount_minor;
        }
    }
}
