use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::ConfigError;

/// A set of networks, sorted and without overlap, so that a lookup is one
/// binary search.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Networks(Box<[IpNet]>);

impl Networks {
    /// Parses addresses and networks in CIDR notation.
    pub(crate) fn parse<I>(texts: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = texts
            .into_iter()
            .map(|text| parse_network(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(networks))
    }

    /// As listed, in any order.
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        let mut networks = IpNet::aggregate(&networks);
        networks.sort_unstable_by_key(IpNet::network);
        Self(networks.into())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// Whether `address` is in one of the networks; an IPv4-mapped IPv6
    /// address counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let after = self.0.partition_point(|net| net.network() <= address);
        after
            .checked_sub(1)
            .and_then(|before| self.0.get(before))
            .is_some_and(|net| net.contains(&address))
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

fn parse_network(text: &str) -> Result<IpNet, ConfigError> {
    try_parse(text).ok_or_else(|| ConfigError::InvalidNetwork {
        text: text.to_owned(),
    })
}

/// Host bits are cut off, as firewalls and proxies do.
pub(crate) fn try_parse(text: &str) -> Option<IpNet> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Some(IpNet::from(text.parse::<IpAddr>().ok()?.to_canonical()));
    };
    // `u8::from_str` alone would take a sign.
    if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address: IpAddr = address.parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    let canonical = address.to_canonical();
    // Addresses are looked up as IPv4 where they can be, so a network of
    // IPv4-mapped addresses has to be one of IPv4 to match at all. One that
    // is wider than the mapped range (`::ffff:192.0.2.0/24`) is a slip.
    let prefix = if address.is_ipv6() && canonical.is_ipv4() {
        prefix.checked_sub(96)?
    } else {
        prefix
    };
    Some(IpNet::new(canonical, prefix).ok()?.trunc())
}
