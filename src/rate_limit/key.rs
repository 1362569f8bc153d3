use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

use crate::ConfigError;

/// What a limit is counted by: a caller's network, or a digest of names such
/// as provider and tenant.
///
/// The 16 bytes mean the same in every process and version of this crate, so
/// they can be the key in a shared store.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateKey {
    high: u64,
    /// Below [`DIGEST`]: the family and the prefix length of a network.
    low: u64,
}

impl RateKey {
    /// The key of a caller: an IPv4 address, or the /64 network of an IPv6
    /// address, which one host has to itself and can rotate through.
    ///
    /// An IPv4-mapped IPv6 address counts as the IPv4 address.
    #[must_use]
    pub fn caller(address: IpAddr) -> Self {
        Self::network(address, Ipv6Prefix::default())
    }

    /// The key of a list of names, each taken with its length: `["ab", "c"]`
    /// and `["a", "bc"]` have different keys.
    #[must_use]
    pub fn names(names: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for name in names {
            // usize is at most 64 bits wide on every target of Rust.
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = hash.finalize().0;
        Self {
            high: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            low: u64::from_be_bytes([i, j, k, l, m, n, o, p]) | DIGEST,
        }
    }

    pub(super) fn network(address: IpAddr, prefix: Ipv6Prefix) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self {
                high: u64::from(address.to_bits()),
                low: V4,
            },
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let network = [a, b, c, d]
                    .into_iter()
                    .fold(0, |bits, segment| bits << 16 | u64::from(segment));
                Self {
                    high: network & prefix.mask(),
                    low: V6 | u64::from(prefix.0),
                }
            }
        }
    }

    /// The key as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_be_bytes()
    }
}

/// The network, or the digest in hex.
impl fmt::Debug for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low >= DIGEST {
            write!(f, "RateKey({:016x}{:016x})", self.high, self.low)
        } else if self.low >= V6 {
            let address = Ipv6Addr::from_bits(u128::from(self.high) << 64);
            write!(f, "RateKey({address}/{})", self.low - V6)
        } else {
            let address = Ipv4Addr::from_bits(u32::try_from(self.high).unwrap_or_default());
            write!(f, "RateKey({address})")
        }
    }
}

/// Set in digests and not in networks, so that no name equals a network.
const DIGEST: u64 = 1 << 63;
const V4: u64 = 0x0400;
const V6: u64 = 0x0600;

/// How much of an IPv6 address names the caller's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ipv6Prefix(u8);

impl Ipv6Prefix {
    pub(super) fn new(length: u8) -> Result<Self, ConfigError> {
        if (48..=64).contains(&length) {
            Ok(Self(length))
        } else {
            Err(ConfigError::InvalidIpv6Prefix { given: length })
        }
    }

    fn mask(self) -> u64 {
        u64::MAX
            .checked_shl(u32::from(64_u8.saturating_sub(self.0)))
            .unwrap_or(0)
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self(64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(address: &str, prefix: u8) -> RateKey {
        RateKey::network(address.parse().unwrap(), Ipv6Prefix::new(prefix).unwrap())
    }

    #[test]
    fn e1_the_addresses_of_one_ipv6_network_share_a_key() {
        let first = key("2001:db8:1:2::1", 64);
        assert_eq!(first, key("2001:db8:1:2:ffff:ffff:ffff:ffff", 64));
        assert_ne!(first, key("2001:db8:1:3::1", 64));
        assert_eq!(key("2001:db8:1:200::", 56), key("2001:db8:1:2ff::1", 56));
        assert_ne!(key("2001:db8:1:200::", 56), key("2001:db8:1:300::", 56));
        assert_eq!(key("2001:db8:1::", 48), key("2001:db8:1:ffff::", 48));
        assert_ne!(key("2001:db8:1::", 48), key("2001:db8:2::", 48));
    }

    #[test]
    fn networks_of_different_sizes_are_different_keys() {
        assert_ne!(key("2001:db8::", 48), key("2001:db8::", 64));
        assert_ne!(key("::", 64), key("0.0.0.0", 64));
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert_eq!(key("::ffff:192.0.2.1", 64), key("192.0.2.1", 64));
        assert_ne!(key("192.0.2.1", 64), key("192.0.2.2", 64));
    }

    #[test]
    fn only_prefixes_that_name_a_site_are_accepted() {
        for length in [0, 47, 65, 128, 255] {
            assert_eq!(
                Ipv6Prefix::new(length),
                Err(ConfigError::InvalidIpv6Prefix { given: length })
            );
        }
    }

    #[test]
    fn debug_shows_networks_and_hides_names() {
        assert_eq!(format!("{:?}", key("192.0.2.1", 64)), "RateKey(192.0.2.1)");
        assert_eq!(
            format!("{:?}", key("2001:db8:1:2::1", 56)),
            "RateKey(2001:db8:1::/56)"
        );
        assert!(!format!("{:?}", RateKey::names(&["tenant"])).contains("tenant"));
    }

    #[test]
    fn the_key_of_names_is_stable() {
        // SHA-256 of 0000000000000006 "stripe", cut and with the digest's bit.
        let key = RateKey::names(&["stripe"]);
        let hex = hex::encode(key.to_bytes());
        assert_eq!(hex, "547a392df8acad46862e87363cce0d21");
    }

    proptest! {
        #[test]
        fn different_names_have_different_keys(a: Vec<String>, b: Vec<String>) {
            let key = |names: &[String]| {
                RateKey::names(&names.iter().map(String::as_str).collect::<Vec<_>>())
            };
            prop_assert_eq!(a == b, key(&a) == key(&b));
        }

        #[test]
        fn no_name_equals_a_network(name: String, address: IpAddr) {
            prop_assert_ne!(RateKey::names(&[&name]), RateKey::caller(address));
        }
    }
}
