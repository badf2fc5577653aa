//! How many connections an address has: whoever opens thousands leaves room for others. It knows sockets only, no
//! headers: behind a proxy all connections are the proxy's.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

type Taken = Arc<Mutex<HashMap<IpAddr, u32>>>;

/// The places that each address may take.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: u32,
    taken: Taken,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    taken: Taken,
}

impl Places {
    pub(super) fn new(most: u32) -> Self {
        let taken = Taken::default();
        Self { most, taken }
    }

    /// A place for this address, if it has one left.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = neighbourhood(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        let taken = Arc::clone(&self.taken);
        Some(Place { address, taken })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            // Nothing is kept of whoever has gone, or the map would grow with every address of the world.
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it as well.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64_u32)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_no_other_s() {
        let places = Places::new(2);
        let one = places.take(address("192.0.2.1"));
        let two = places.take(address("::ffff:192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(places.take(address("192.0.2.1")).is_none());
        assert!(places.take(address("192.0.2.2")).is_some());
        drop(one);
        assert!(places.take(address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_neighbourhood_of_ipv6_shares_its_places_and_nothing_is_kept() {
        let places = Places::new(1);
        let one = places.take(address("2001:db8::1"));
        assert!(places.take(address("2001:db8::ffff:1")).is_none());
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
        drop(one);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
