//! The rules of identity: what a password, a name, a role may be, and when a token or a try counts.
//! Pure: no clock, no storage, no hashing.

mod common;
pub(crate) mod factor;
pub(crate) mod mail;
pub(crate) mod name;
pub(crate) mod password;
pub(crate) mod roles;
pub(crate) mod security;
pub(crate) mod session;
pub(crate) mod throttle;
pub(crate) mod user;
