//! The client's own address: the peer's, or what trusted proxies say of it. Nobody else's word is taken, and
//! no header that claims an address or an identity gets past the door.

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;
use platform::http::lane::{self, Heads};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers that speak for somebody else, by how their names begin. Nothing of ours reads them; they are taken
/// off so that nothing behind the door ever can.
const CLAIMS: &[&str] = &[
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "x-souk-",
    "x-user",
    "x-role",
    "x-principal",
    "x-auth",
    "x-authenticated",
    "x-email",
    "x-remote-user",
    "remote-user",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method",
    "x-method-override",
];

/// A network in CIDR notation, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>()
            .or_else(|_| one())
            .map(|network| Self(network.trunc()))
            .map_err(|_| format!("`{text}` is no network such as 10.0.0.0/8"))
    }
}

impl TryFrom<String> for Network {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

/// The address of the client: the peer's, unless the peer is a trusted proxy; then the right-most hop of
/// `X-Forwarded-For` that is none.
pub(crate) fn client(peer: IpAddr, headers: Heads<'_>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut known = peer.to_canonical();
    if !is_trusted(known) {
        return known;
    }
    let name = X_FORWARDED_FOR;
    let hops = headers
        .all(&name)
        .rev()
        .flat_map(|header| lane::text(header).unwrap_or("?").rsplit(','));
    for hop in hops {
        // What cannot be read was not written by a proxy of ours: the last one known stands.
        let Some(address) = read_hop(hop) else { break };
        known = address;
        if !is_trusted(known) {
            break;
        }
    }
    known
}

/// One hop: an address, perhaps with a port.
fn read_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    address
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

/// Takes off every header that claims to know who or where the client is.
pub(crate) fn drop_claims(headers: &mut HeaderMap) {
    let is_claim = |name: &&HeaderName| {
        *name == FORWARDED || CLAIMS.iter().any(|claim| name.as_str().starts_with(claim))
    };
    let claims: Vec<HeaderName> = headers.keys().filter(is_claim).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// What limits count an address by: whoever has one IPv6 address has the 2^64 beside it as well.
pub(crate) fn bucket(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            // As `to_string` has it, which takes longer, and this is asked by every request.
            let mut text = String::with_capacity(15);
            for octet in address.octets() {
                text.push_str(itoa::Buffer::new().format(octet));
                text.push('.');
            }
            text.pop();
            text
        }
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from(u128::from(address) & (u128::MAX << 64_u32));
            format!("{network}/64")
        }
    }
}

/// What whoever proves to be somebody is counted by beside their own address: networks are let in such pieces.
pub(crate) fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let network = Ipv4Addr::from(u32::from(address) & (u32::MAX << 8_u32));
            format!("{network}/24")
        }
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from(u128::from(address) & (u128::MAX << 80_u32));
            format!("{network}/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted: Vec<Network> = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        client(peer.parse().unwrap(), (&headers).into(), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["1.1.1.1", "198.51.100.1, 10.0.0.2"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, rubbish"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, "], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", &["\"[2001:db8::1]:4711\""], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(seen(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn networks_are_read_strictly() {
        for text in [
            "10.0.0.0/8",
            "10.1.2.3/8",
            "::1",
            "2001:db8::/32",
            "127.0.0.1",
        ] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "proxy.example",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let network: Network = "10.1.2.3/8".parse().unwrap();
        assert_eq!(String::from(network), "10.0.0.0/8");
    }

    #[test]
    fn a_neighbourhood_of_ipv6_is_one_bucket() {
        let of = |text: &str| bucket(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8:0:0:ffff::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("198.51.100.1"), of("198.51.100.2"));
    }

    #[test]
    fn neighbours_are_of_one_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("198.51.100.1"), "198.51.100.0/24");
        assert_ne!(of("198.51.100.1"), of("198.51.101.1"));
        assert_eq!(of("2001:db8:7:1::1"), of("2001:db8:7:ffff::2"));
        assert_ne!(of("2001:db8:7::1"), of("2001:db8:8::1"));
    }

    #[test]
    fn claims_are_taken_off_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-user-id",
            "x-role",
            "x-forwarded-user",
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "x-request-id",
            "authorization",
            "idempotency-key",
        ] {
            headers.insert(HeaderName::from_static(name), "1".parse().unwrap());
        }
        drop_claims(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "idempotency-key", "x-request-id"]);
    }
}
