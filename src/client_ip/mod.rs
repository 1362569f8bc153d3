//! Who is calling, and whether over HTTPS, behind which proxies.
//!
//! The peer address of the connection is the only address that nobody can
//! make up. Headers such as `X-Forwarded-For` say more, but anyone can send
//! them: a [`ClientIp`] reads them only when the peer is a proxy that you
//! named ([`TrustedProxies`]), and only the one header that this proxy writes.
//! The same value serves the HTTPS check, the allowlist and the rate limiter,
//! so that they cannot disagree.
//!
//! ```
//! use http::Request;
//! use tower_webhook::client_ip::{ClientIp, ClientIpError, PeerAddr, TrustedProxies};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client_ip = ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"])?);
//!
//! // The proxy appended the address that it saw. What is left of it came
//! // from the caller and does not count.
//! let request = Request::builder()
//!     .extension(PeerAddr::new("10.0.0.1:443".parse()?))
//!     .header("x-forwarded-for", "192.0.2.66, 203.0.113.7")
//!     .body(())?;
//! let client = client_ip.resolve(request.extensions(), request.headers())?;
//! assert_eq!(client.to_string(), "203.0.113.7");
//!
//! // Without a peer address there is no answer, whatever the headers say.
//! let request = Request::builder()
//!     .header("x-forwarded-for", "203.0.113.7")
//!     .body(())?;
//! let refused = client_ip.resolve(request.extensions(), request.headers());
//! assert_eq!(refused, Err(ClientIpError::NoPeerAddress));
//! # Ok(())
//! # }
//! ```
//!
//! # Where the peer address comes from
//!
//! - axum, with feature `axum`: serve with
//!   `router.into_make_service_with_connect_info::<SocketAddr>()`. In tests,
//!   axum's `MockConnectInfo` works as well.
//! - hyper and everything else: insert a [`PeerAddr`] into the extensions of
//!   every request of a connection. It wins over `ConnectInfo`. For a Unix
//!   socket, insert an address of your choice, such as `127.0.0.1:0`, and
//!   trust it.
//!
//! # Deployment caveats
//!
//! - Name the proxies as narrowly as you can: whoever connects from a trusted
//!   network chooses the address that it is judged by.
//! - The proxy must *write* the header: append to (or replace)
//!   `X-Forwarded-For`, append to `Forwarded`, replace a header with a single
//!   address, replace `X-Forwarded-Proto`. One that passes the caller's own
//!   header through lets the caller choose. In nginx each of these is a
//!   `proxy_set_header` line; without it, nginx passes the header through.
//! - `X-Forwarded-Host`, `X-Real-IP`, `Via` and the like are never read,
//!   unless configured as [`TrustedProxies::header`] or
//!   [`with_host_header`](TrustedProxies::with_host_header).

mod address;
mod forwarded;
mod host;
mod networks;
mod origin;
mod proxies;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap};

pub(crate) use self::host::{canonical_authority, default_port};
pub(crate) use self::networks::{Networks, try_parse as parse_network};
pub use self::proxies::TrustedProxies;
use crate::{Rejection, RejectionKind};

/// The address of the other end of the connection, for the request's
/// extensions.
///
/// Whoever accepts connections inserts it; see the [module docs](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(SocketAddr);

impl PeerAddr {
    /// Marks a request as having come from `address`, as `accept` returned it.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address and port.
    #[must_use]
    pub const fn socket_addr(self) -> SocketAddr {
        self.0
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

/// The connection is TLS, ended by this process. For the request's extensions.
///
/// Whoever accepts TLS connections inserts it. A server that accepts nothing
/// but TLS can insert it into every request, with axum's `Extension` or
/// tower-http's `AddExtensionLayer` as the outermost layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsConnection;

impl TlsConnection {
    /// The marker.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// Finds the address of the caller, and whether it used HTTPS.
///
/// Cheap to clone. See the [module docs](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientIp {
    proxies: Option<Arc<TrustedProxies>>,
}

impl ClientIp {
    /// There is no proxy in front: the peer is the caller. The default.
    #[must_use]
    pub const fn direct() -> Self {
        Self { proxies: None }
    }

    /// Callers come through `proxies`, or directly.
    #[must_use]
    pub fn behind(proxies: TrustedProxies) -> Self {
        Self {
            proxies: Some(Arc::new(proxies)),
        }
    }

    /// The address of the caller of the request with these extensions and
    /// headers, an IPv4-mapped IPv6 address as IPv4.
    ///
    /// If the peer is not a trusted proxy, it is the caller, and no header is
    /// read. Otherwise the hops in the configured header are read from right
    /// to left, over all its field lines, up to the first that is not a
    /// trusted proxy; if all are, the leftmost is the caller. Nothing left of
    /// the caller is looked at.
    ///
    /// # Errors
    ///
    /// When there is no peer address, or the peer is a trusted proxy and the
    /// header is missing or has an unreadable hop on the way to the caller.
    /// To fall back to the peer then would treat the caller as the proxy.
    pub fn resolve(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<IpAddr, ClientIpError> {
        let peer = peer_address(extensions).ok_or(ClientIpError::NoPeerAddress)?;
        self.resolve_from_peer(peer, headers)
    }

    /// Like [`resolve`](Self::resolve), for a peer address that is known from
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve), except that there is a peer.
    pub fn resolve_from_peer(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<IpAddr, ClientIpError> {
        match self.trusted(peer) {
            Some(proxies) => proxies.client(headers),
            None => Ok(peer.to_canonical()),
        }
    }

    /// Whether the caller is known to have used HTTPS.
    ///
    /// If the peer is a trusted proxy that states the scheme, its word alone
    /// counts: TLS between the proxy and this process proves nothing about
    /// the caller. Otherwise [`TlsConnection`] in the extensions proves it.
    ///
    /// The proxy's word is `https`
    ///
    /// - in `X-Forwarded-Proto`: if there are several values, in all of them.
    ///   They cannot be told apart by who wrote them, and a proxy close by
    ///   that says `https` must not hide one further out that says `http`.
    /// - in `Forwarded`: as `proto` of the element whose `for` is the caller.
    ///
    /// Neither the scheme in the request's URI nor `:scheme` of HTTP/2 counts:
    /// the sender chooses them.
    #[must_use]
    pub fn is_https(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        self.check_https(extensions, headers).is_ok()
    }

    /// [`is_https`](Self::is_https), with the reason for a no.
    pub(crate) fn check_https(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<(), &'static str> {
        let stated = peer_address(extensions)
            .and_then(|peer| self.trusted(peer))
            .and_then(|proxies| proxies.states_https(headers));
        match stated {
            Some(true) => Ok(()),
            Some(false) => Err("the trusted proxy does not say that the caller used https"),
            None if extensions.get::<TlsConnection>().is_some() => Ok(()),
            None => Err("the connection is not marked as TLS"),
        }
    }

    /// Whether the peer is a trusted proxy, and so not the caller itself.
    #[cfg(feature = "client-cert")]
    pub(crate) fn is_behind_proxy(&self, extensions: &Extensions) -> Result<bool, Rejection> {
        if self.proxies.is_none() {
            return Ok(false);
        }
        let peer = peer_address(extensions).ok_or_else(|| unknown(ClientIpError::NoPeerAddress))?;
        Ok(self.trusted(peer).is_some())
    }

    fn trusted(&self, peer: IpAddr) -> Option<&TrustedProxies> {
        self.proxies
            .as_deref()
            .filter(|proxies| proxies.trusts(peer))
    }
}

fn peer_address(extensions: &Extensions) -> Option<IpAddr> {
    if let Some(PeerAddr(peer)) = extensions.get() {
        return Some(peer.ip());
    }
    #[cfg(feature = "axum")]
    {
        use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};
        if let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() {
            return Some(peer.ip());
        }
        if let Some(MockConnectInfo(peer)) = extensions.get::<MockConnectInfo<SocketAddr>>() {
            return Some(peer.ip());
        }
    }
    None
}

/// Why the caller's address could not be established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientIpError {
    /// The request carries no peer address: the server does not insert it.
    NoPeerAddress,
    /// The peer is a trusted proxy, but the header that it should write is
    /// missing.
    MissingHeader,
    /// A header that should hold a single address came more than once.
    RepeatedHeader,
    /// A hop is not an address, or the header breaks its grammar.
    UnreadableHop,
    /// A hop hides its address: `unknown`, an obfuscated `_name`, or no `for`
    /// at all (RFC 7239 sections 6.2 and 6.3).
    HiddenHop,
    /// There were 32 trusted hops, and the caller was not among them.
    TooManyHops,
}

impl ClientIp {
    /// The caller's address, or the refusal of a request that has none: no
    /// list and no limit could hold for it.
    pub(crate) fn require(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<IpAddr, Rejection> {
        self.resolve(extensions, headers).map_err(unknown)
    }
}

fn unknown(error: ClientIpError) -> Rejection {
    Rejection::new(RejectionKind::AddressUnknown).with_detail(error.reason())
}

impl ClientIpError {
    /// One sentence for the operator.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NoPeerAddress => {
                "the server does not provide the peer address; \
             for axum, serve with into_make_service_with_connect_info::<SocketAddr>()"
            }
            Self::MissingHeader => "the trusted proxy did not send the configured header",
            Self::RepeatedHeader => "the header that holds one address came more than once",
            Self::UnreadableHop => "a hop in the proxy's header is not an address",
            Self::HiddenHop => "a hop in the proxy's header hides its address",
            Self::TooManyHops => "the proxy's header lists too many hops",
        }
    }
}

impl fmt::Display for ClientIpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for ClientIpError {}
