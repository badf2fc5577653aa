//! The edge inwards: what every route shares, from the socket to the handler and back.
//! No route of any service is here, and no store.

pub mod answer;
mod api_keys;
mod arrival;
pub mod asked;
pub mod auth;
pub mod cookies;
pub mod counted;
mod desk;
pub mod etag;
mod fault;
pub mod forward;
mod hesitant;
pub mod idempotency;
pub mod internal;
pub mod json;
pub mod lane;
pub mod listen;
mod load;
mod objects;
pub mod params;
mod patience;
mod places;
mod pulse;
pub mod readiness;
pub mod routes;
mod rumours;
pub mod stack;
pub mod tls;
mod tokens;

pub use answer::{created, page};
pub use api_keys::{ApiKey, KeyVerifier};
pub use desk::desk_routes;
pub use fault::Fault;
pub use json::{Json, MergePatch};
pub use load::Load;
pub use params::{Id, NoQuery, Query};
pub use patience::Pace;
pub use readiness::Readiness;
pub use routes::{Described, Routes};
pub use tokens::{KeySet, Revocations, Standing, TokenVerifier, VerifierOptions};
