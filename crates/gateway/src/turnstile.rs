//! The door's part of the express lane: who asks, by their token or by their address, and how much more they may ask.
//! It goes by the same proofs and limits as the door, and gives way to it wherever that takes time or ends in a
//! refusal.

use crate::{
    Limits, Network, address,
    limits::{AtOnce, TOLD},
    session,
};
use axum::http::header::AUTHORIZATION;
use contracts::access::Principal;
use platform::http::{
    ApiKey, TokenVerifier,
    lane::{self, Heads, Told},
};
use std::net::IpAddr;

/// Lets in at the lane as the door does.
pub struct Turnstile {
    /// Who speaks for others.
    pub trusted_proxies: Vec<Network>,
    /// The door's own.
    pub limits: Limits,
    /// Knows our tokens.
    pub verifier: TokenVerifier,
}

impl Turnstile {
    /// Whom an access token proves, if nobody has to be asked for that.
    fn known(&self, sent: &[u8]) -> Option<Principal> {
        let token = session::bearer(lane::text(sent)?)?;
        if ApiKey::is_meant_by(token) {
            return None;
        }
        let known = self.verifier.verify(token)?;
        session::is_enough(&self.verifier, &known).then_some(known)
    }
}

impl lane::Turnstile for Turnstile {
    fn pass(&self, peer: IpAddr, asked: Heads<'_>, units: u32, told: &mut dyn Told) -> bool {
        let client = address::client(peer, asked, &self.trusted_proxies);
        let who = match asked.all(&AUTHORIZATION).next() {
            None => None,
            Some(sent) => match self.known(sent) {
                None => return false,
                known => known,
            },
        };
        match self.limits.take_at_once(units, who.as_ref(), client) {
            AtOnce::Unlimited => {}
            AtOnce::Counted(counted) => counted.tell(told),
            AtOnce::No => return false,
        }
        true
    }

    fn tells(&self) -> &'static [&'static str] {
        &TOLD
    }
}
