use std::fmt;
use std::mem;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::ConfigError;
use crate::client_ip::Networks;

/// The addresses that may call.
///
/// Cloning is cheap, and clones share their content: what
/// [`replace`](Self::replace) is given holds for all of them at once.
#[derive(Clone)]
pub struct IpAllowlist {
    pub(super) networks: Arc<RwLock<Networks>>,
}

impl IpAllowlist {
    /// Parses addresses (`192.0.2.1`, `2001:db8::1`) and networks in CIDR
    /// notation (`10.0.0.0/8`; bits behind the prefix are ignored).
    ///
    /// A network of IPv4-mapped IPv6 addresses (`::ffff:10.0.0.0/104`) is taken
    /// as one of IPv4. `::/0` allows every IPv6 address, and no IPv4 address.
    ///
    /// # Errors
    ///
    /// If there is none, or one cannot be parsed.
    pub fn new<I>(networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Ok(Self {
            networks: Arc::new(RwLock::new(parse(networks)?)),
        })
    }

    /// Replaces the whole list, for this value and all its clones, from the
    /// next request on.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new). The list then stays as it was.
    pub fn replace<I>(&self, networks: I) -> Result<(), ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.swap(parse(networks)?);
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Networks {
        let networks = self.networks.read();
        networks.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn swap(&self, new: Networks) {
        // A panic cannot leave the list half written: it is written by one move.
        let mut current = self
            .networks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let old = mem::replace(&mut *current, new);
        drop(current);
        drop(old);
    }

    /// Whether `address` may call. An IPv4-mapped IPv6 address counts as IPv4;
    /// other IPv6 addresses that embed one (`::192.0.2.1`, `64:ff9b::192.0.2.1`)
    /// do not, because they are not the same host.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(address)
    }
}

fn parse<I>(networks: I) -> Result<Networks, ConfigError>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let networks = Networks::parse(networks)?;
    if networks.is_empty() {
        return Err(ConfigError::EmptyAllowlist);
    }
    Ok(networks)
}

/// Addresses and networks, one a line or otherwise separated by white space.
impl FromStr for IpAllowlist {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.split_whitespace())
    }
}

impl fmt::Debug for IpAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_tuple("IpAllowlist").field(&*networks).finish()
    }
}
