//! placeholder of branch `limit`: take branch `addr`'s directory `client_ip`.
#![allow(missing_docs)]
use std::net::{IpAddr, SocketAddr};

#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClientIp;

#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientIpError;

#[derive(Clone, Copy, Debug)]
pub struct PeerAddr(SocketAddr);

impl PeerAddr {
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl ClientIp {
    #[allow(clippy::unused_self)]
    pub(crate) fn resolve(
        &self,
        extensions: &http::Extensions,
        _: &http::HeaderMap,
    ) -> Result<IpAddr, ClientIpError> {
        let PeerAddr(peer) = extensions.get().ok_or(ClientIpError)?;
        Ok(peer.ip())
    }
}

impl ClientIpError {
    pub(crate) const fn reason(self) -> &'static str {
        "no peer address"
    }
}
