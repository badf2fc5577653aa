//! A shop in several processes: it answers as one, knows its own nodes and nobody else, and says plainly what it cannot
//! do while a part of it is away. Real processes, real sockets, a real broker.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on should stop"
)]

mod breadth;
mod doors;
mod encrypted;
mod journeys;
mod keys;
mod news;
mod outages;
mod starting;
mod taxes;
mod traces;
mod transcript;
mod world;

/// What the nodes of these tests sign with.
const SECRET: &str = "the secret of all nodes of a test";
