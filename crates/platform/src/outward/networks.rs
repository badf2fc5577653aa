//! Which addresses of the network are nobody else's business: this machine, private networks, and all that only looks
//! like somewhere outside. It knows no names and connects to nothing.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network in CIDR notation, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>()
            .or_else(|_| one())
            .map(|network| Self(network.trunc()))
            .map_err(|_| format!("`{text}` is no network such as 10.0.0.0/8"))
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The registry of special addresses (RFC 6890 and after), and what clouds keep for themselves.
const CLOSED_V4: &[Ipv4Net] = &[
    // This network; on many systems 0.0.0.0 is this machine.
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    // Shared by providers (CGNAT); a cloud's metadata are at 100.100.100.200.
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Link-local; most clouds' metadata are at 169.254.169.254.
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    // Relays of 6to4.
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Public by its looks: a cloud's metadata.
    v4(168, 63, 129, 16, 32),
    v4(224, 0, 0, 0, 4),
    // Reserved, and the broadcast.
    v4(240, 0, 0, 0, 4),
];

/// All that is anybody's in IPv6. Loopback, unique local, link-local, multicast, IPv4-compatible are outside of it.
const OUTSIDE_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Within that, what is not.
const CLOSED_V6: &[Ipv6Net] = &[
    // Special purposes, among them Teredo, which carries an IPv4 address inside.
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    // 6to4 carries an IPv4 address inside.
    v6(0x2002, 0, 0, 16),
    v6(0x3fff, 0, 0, 20),
];

/// NAT64 (RFC 6052): in a network without IPv4 this is how all of IPv4 looks.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

/// The address as it is connected to, if it may be: outside, or in a network that is allowed by its name.
pub(super) fn admit(address: IpAddr, allowed: &[Network]) -> Option<IpAddr> {
    // `::ffff:127.0.0.1` is 127.0.0.1.
    let address = address.to_canonical();
    let is_allowed = allowed.iter().any(|network| network.0.contains(&address));
    (is_allowed || is_outside(address)).then_some(address)
}

fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_outside_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            let is_closed = CLOSED_V6.iter().any(|network| network.contains(&address));
            OUTSIDE_V6.contains(&address) && !is_closed
        }
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    !CLOSED_V4.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: &[&str] = &[
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    const OUTSIDE: &[&str] = &[
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "192.169.0.1",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450::1",
    ];

    fn admitted(address: &str, allowed: &[&str]) -> bool {
        let network = |text: &&str| Network::try_from((*text).to_owned()).unwrap();
        let allowed: Vec<Network> = allowed.iter().map(network).collect();
        admit(address.parse().unwrap(), &allowed).is_some()
    }

    #[test]
    fn only_what_is_outside_is_asked() {
        for inside in INSIDE {
            assert!(!admitted(inside, &[]), "{inside}");
        }
        for outside in OUTSIDE {
            assert!(admitted(outside, &[]), "{outside}");
        }
    }

    #[test]
    fn a_network_is_allowed_by_its_name_and_no_other_with_it() {
        assert!(admitted("10.1.2.3", &["10.1.0.0/16"]));
        assert!(!admitted("10.2.2.3", &["10.1.0.0/16"]));
        assert!(admitted("::ffff:127.0.0.1", &["127.0.0.1"]));
        assert!(!admitted("127.0.0.2", &["127.0.0.1"]) && !admitted("::1", &["127.0.0.1"]));
        assert!(!admitted("64:ff9b::a01:203", &["10.1.0.0/16"]));
        assert!(admitted("::1", &["::1"]) && !admitted("10.0.0.1", &["::/0"]));
        assert!(Network::try_from("10.0.0.0/33".to_owned()).is_err());
    }

    #[test]
    fn what_is_connected_to_is_what_was_looked_at() {
        let address = admit("::ffff:1.1.1.1".parse().unwrap(), &[]);
        assert_eq!(address, Some("1.1.1.1".parse().unwrap()));
    }
}
