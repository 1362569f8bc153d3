//! The scheme and host that the caller sent to, as a trusted proxy says.

use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::forwarded::trim;
use super::proxies::{Host, Scheme};
use super::{ClientIp, TrustedProxies, canonical_authority, peer_address};
use crate::ConfigError;

impl ClientIp {
    /// Whether there is a proxy that says what [`origin`](Self::origin) reads.
    pub(crate) fn check_origin(&self) -> Result<(), ConfigError> {
        let reason = match self.proxies.as_deref() {
            None => "there is no trusted proxy",
            Some(proxies) if proxies.scheme == Scheme::Unstated => {
                "the trusted proxies state no scheme; name its header with `with_scheme_header`"
            }
            Some(proxies) if proxies.host == Host::Unstated => {
                "the trusted proxies state no host; name its header with `with_host_header`"
            }
            Some(_) => return Ok(()),
        };
        Err(ConfigError::NoPublicUrl { reason })
    }

    /// `scheme://host[:port]` as the trusted proxy that sent the request states
    /// it; or one sentence for the operator. `received` is the URI as the server
    /// received it.
    pub(crate) fn origin(&self, parts: &Parts, received: &Uri) -> Result<String, &'static str> {
        let peer = peer_address(&parts.extensions).ok_or("the peer address is not known")?;
        let proxies = self
            .trusted(peer)
            .ok_or("the peer is not a trusted proxy")?;
        let scheme = proxies
            .stated_scheme(&parts.headers)
            .ok_or("the trusted proxy does not state one scheme")?;
        let host = proxies
            .stated_host(&parts.headers, received, scheme)
            .ok_or("the trusted proxy does not state one valid host")?;
        Ok(format!("{scheme}://{host}"))
    }
}

impl TrustedProxies {
    fn stated_scheme(&self, headers: &HeaderMap) -> Option<&'static str> {
        let known = |scheme: &str| {
            let mut known = ["https", "http"].into_iter();
            known.find(|known| scheme.eq_ignore_ascii_case(known))
        };
        match &self.scheme {
            Scheme::Unstated => None,
            Scheme::Header(name) => known(str::from_utf8(one_value(headers, name)?).ok()?),
            Scheme::Forwarded => self.client_hop(headers).ok()?.element.proto(known),
        }
    }

    fn stated_host(&self, headers: &HeaderMap, received: &Uri, scheme: &str) -> Option<String> {
        let canonical = |text: &[u8]| canonical_authority(text, scheme);
        match &self.host {
            Host::Unstated => None,
            // HTTP/2 has it in `:authority`, and may have it in both. Two that
            // differ would be read differently by two servers.
            Host::Header(name) if *name == HOST && received.authority().is_some() => {
                let target = canonical(received.authority()?.as_str().as_bytes())?;
                if headers.contains_key(HOST) && canonical(one_value(headers, name)?)? != target {
                    return None;
                }
                Some(target)
            }
            Host::Header(name) => canonical(one_value(headers, name)?),
            Host::Forwarded => {
                let hop = self.client_hop(headers).ok()?;
                hop.element.host(|host| canonical(host.as_bytes()))
            }
        }
    }
}

/// The one value of a header; `None` also for several lines. A comma makes no
/// valid scheme or host.
fn one_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then(|| trim(line.as_bytes()))
}
