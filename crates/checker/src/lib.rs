//! The promises of the shop as pure functions over what its clients saw, what is in its books at the end, and what
//! the provider's own books say. It asks nobody, keeps nothing, and knows no store: whoever calls it has gathered all.
//!
//! [`books`] has the functions for one row each, which stream over any number of rows; [`check`] is for a whole run.

pub mod books;
mod discounts;
mod events;
mod graph;
mod history;
mod keys;
mod ledger;
mod lines;
mod liveness;
mod money;
mod prices;
mod returns;
mod rows;
mod shapes;
mod spoken;
mod state;
mod stock;
mod traces;
mod versions;
mod violation;

pub use history::{Action, Answer, History, Operation, Outcome, Refusal, Told};
pub use lines::Line;
pub use spoken::Spoken;
pub use state::{Delivery, OrderRow, Provider, RefundRow, State};
pub use violation::{Invariant, Violation};

/// A function that looks for violations of one invariant or a few related ones.
type Check = fn(&History, &State, &Provider) -> Vec<Violation>;

/// All of them.
const CHECKS: [Check; 15] = [
    rows::all,
    stock::reads,
    stock::sums,
    money::bijection,
    money::given_back,
    ledger::balanced,
    keys::once,
    prices::of_their_time,
    discounts::limits,
    traces::acknowledged,
    traces::explained,
    versions::gapless,
    events::in_order,
    liveness::ended,
    shapes::problems,
];

/// Everything that is wrong with a run.
#[must_use]
pub fn check(history: &History, state: &State, provider: &Provider) -> Vec<Violation> {
    CHECKS
        .iter()
        .flat_map(|check| check(history, state, provider))
        .collect()
}
