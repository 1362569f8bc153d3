use std::net::IpAddr;

use http::header::{FORWARDED, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::address::{parse_node, parse_plain};
use super::forwarded::{Element, split_last, trim};
use super::{ClientIpError, Networks};
use crate::ConfigError;

/// How many hops are looked at: more than any real chain has, few enough to
/// bound the work.
const MAX_HOPS: usize = 32;

/// The proxies in front of this server, and the one header that they write.
///
/// All constructors take the networks of the proxies, as addresses
/// (`192.0.2.1`, `2001:db8::1`) or in CIDR notation (`10.0.0.0/8`; bits
/// behind the prefix are ignored). A network of IPv4-mapped IPv6 addresses
/// (`::ffff:10.0.0.0/104`) is taken as one of IPv4; `::/1` and the like hold no
/// IPv4 address.
///
/// They return a [`ConfigError`] if there is no network, if one cannot be
/// parsed, or if the networks hold every address of IPv4 or IPv6: then the
/// caller would count as a proxy, and could choose its own address.
///
/// ```
/// use tower_webhook::client_ip::TrustedProxies;
///
/// # fn main() -> Result<(), tower_webhook::ConfigError> {
/// let nginx = TrustedProxies::x_forwarded_for(["127.0.0.1", "::1"])?;
/// let envoy = TrustedProxies::forwarded(["10.0.0.0/8"])?;
/// let cloudflare = TrustedProxies::header("cf-connecting-ip", ["173.245.48.0/20"])?
///     .with_scheme_header("x-forwarded-proto")?;
///
/// assert!(TrustedProxies::forwarded(["10.0.0.0/8", "load-balancer"]).is_err());
/// assert!(TrustedProxies::forwarded(["0.0.0.0/0"]).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Networks,
    header: HeaderName,
    format: Format,
    pub(super) scheme: Scheme,
    pub(super) host: Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    List,
    Forwarded,
    Single,
}

/// Where the proxies say which scheme the caller used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Unstated,
    Header(HeaderName),
    Forwarded,
}

/// Where the proxies say which host the caller asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Unstated,
    Header(HeaderName),
    Forwarded,
}

/// Somebody on the way of the request, as a proxy saw them.
pub(super) struct Hop<'a> {
    address: IpAddr,
    /// What `Forwarded` says of them; empty for other headers.
    pub(super) element: Element<'a>,
}

impl TrustedProxies {
    /// Proxies that append the address they see to `X-Forwarded-For`, and
    /// write `X-Forwarded-Proto`.
    ///
    /// # Errors
    ///
    /// See [`TrustedProxies`].
    pub fn x_forwarded_for<I>(networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let scheme = Scheme::Header(HeaderName::from_static("x-forwarded-proto"));
        let header = HeaderName::from_static("x-forwarded-for");
        Self::new(header, Format::List, scheme, networks)
    }

    /// Proxies that append an element with `for`, and with `proto` and `host`,
    /// to `Forwarded` (RFC 7239).
    ///
    /// # Errors
    ///
    /// See [`TrustedProxies`].
    pub fn forwarded<I>(networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::new(FORWARDED, Format::Forwarded, Scheme::Forwarded, networks)
    }

    /// Proxies that replace the header `name` with the one address of the
    /// caller, such as `CF-Connecting-IP`, `True-Client-IP` or `X-Real-IP`.
    ///
    /// No header says anything about the scheme, unless one is named with
    /// [`with_scheme_header`](Self::with_scheme_header).
    ///
    /// # Errors
    ///
    /// See [`TrustedProxies`]; and if `name` is not a valid header name.
    pub fn header<I>(name: &str, networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let name = header_name(name)?;
        Self::new(name, Format::Single, Scheme::Unstated, networks)
    }

    /// Takes the scheme from the header `name`, which the proxies replace
    /// with `https` for callers that use HTTPS, and from nowhere else.
    ///
    /// # Errors
    ///
    /// If `name` is not a valid header name.
    pub fn with_scheme_header(mut self, name: &str) -> Result<Self, ConfigError> {
        self.scheme = Scheme::Header(header_name(name)?);
        Ok(self)
    }

    /// Takes the host that callers ask for from the header `name`, and from
    /// nowhere else: `x-forwarded-host` if the proxies *replace* it, or `host`
    /// if they pass on the one that they checked.
    ///
    /// It is read for nothing but
    /// [`PublicUrl::behind`](crate::signature::PublicUrl::behind). Without it,
    /// proxies that write `Forwarded` say it there, and others do not say it.
    ///
    /// # Errors
    ///
    /// If `name` is not a valid header name.
    pub fn with_host_header(mut self, name: &str) -> Result<Self, ConfigError> {
        self.host = Host::Header(header_name(name)?);
        Ok(self)
    }

    fn new<I>(
        header: HeaderName,
        format: Format,
        scheme: Scheme,
        networks: I,
    ) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = Networks::parse(networks)?;
        if networks.is_empty() {
            return Err(ConfigError::NoTrustedProxy);
        }
        if let Some(everyone) = networks.iter().find(|net| net.prefix_len() == 0) {
            return Err(ConfigError::TrustsEveryone {
                network: everyone.to_string(),
            });
        }
        let host = match format {
            Format::Forwarded => Host::Forwarded,
            Format::List | Format::Single => Host::Unstated,
        };
        Ok(Self {
            networks,
            header,
            format,
            scheme,
            host,
        })
    }

    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.networks.contains(peer)
    }

    /// The caller of a request that came from a trusted proxy.
    pub(super) fn client(&self, headers: &HeaderMap) -> Result<IpAddr, ClientIpError> {
        Ok(self.client_hop(headers)?.address)
    }

    /// Whether the proxy says that the caller used HTTPS; `None` if it is not
    /// configured to say anything.
    pub(super) fn states_https(&self, headers: &HeaderMap) -> Option<bool> {
        match &self.scheme {
            Scheme::Unstated => None,
            Scheme::Header(name) => {
                let mut values = headers
                    .get_all(name)
                    .iter()
                    .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
                    .peekable();
                let is_https = |value| trim(value).eq_ignore_ascii_case(b"https");
                Some(values.peek().is_some() && values.all(is_https))
            }
            Scheme::Forwarded => Some(
                self.client_hop(headers)
                    .is_ok_and(|hop| hop.element.is_https()),
            ),
        }
    }

    pub(super) fn client_hop<'h>(&self, headers: &'h HeaderMap) -> Result<Hop<'h>, ClientIpError> {
        let mut lines = headers.get_all(&self.header).iter();
        match self.format {
            Format::Single => {
                let line = lines.next().ok_or(ClientIpError::MissingHeader)?;
                if lines.next().is_some() {
                    return Err(ClientIpError::RepeatedHeader);
                }
                plain_hop(trim(line.as_bytes()))
            }
            Format::List => self.first_untrusted(lines.rev(), false, plain_hop),
            Format::Forwarded => self.first_untrusted(lines.rev(), true, forwarded_hop),
        }
    }

    /// Walks from the last hop to the first one that is not trusted, or to
    /// the end. `lines` come last one first.
    fn first_untrusted<'a>(
        &self,
        lines: impl Iterator<Item = &'a HeaderValue>,
        quoted: bool,
        read: impl Fn(&'a [u8]) -> Result<Hop<'a>, ClientIpError>,
    ) -> Result<Hop<'a>, ClientIpError> {
        let mut outermost = Err(ClientIpError::MissingHeader);
        let mut hops = 0;
        for line in lines {
            let mut rest = Some(line.as_bytes());
            while let Some(list) = rest {
                if hops == MAX_HOPS {
                    return Err(ClientIpError::TooManyHops);
                }
                hops += 1;
                let (left, element) = split_last(list, quoted)?;
                let hop = read(element)?;
                if !self.trusts(hop.address) {
                    return Ok(hop);
                }
                outermost = Ok(hop);
                rest = left;
            }
        }
        outermost
    }
}

fn plain_hop(element: &[u8]) -> Result<Hop<'_>, ClientIpError> {
    Ok(Hop {
        address: parse_plain(element)?,
        element: Element::default(),
    })
}

fn forwarded_hop(element: &[u8]) -> Result<Hop<'_>, ClientIpError> {
    let element = Element::parse(element)?;
    Ok(Hop {
        address: element.node(parse_node)?,
        element,
    })
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    name.parse().map_err(|_| ConfigError::InvalidHeaderName {
        name: name.to_owned(),
    })
}
