//! What must hold between the books: pure functions over what the services say of themselves, a file for each kind of
//! row. Each is lenient with what is under way just now, and asks nobody.

mod events;
mod ledger;
mod orders;
mod products;
mod rows;
#[cfg(test)]
mod samples;
mod stock;

pub(super) use events::events;
pub(super) use ledger::{charge, ledger, provider};
pub(super) use orders::{Lateness, held, order_s_contents, refunds};
pub(super) use products::product;
pub(super) use rows::{order, orphan, payment, stock};
pub(super) use stock::terms;
