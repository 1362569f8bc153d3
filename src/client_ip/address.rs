use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ClientIpError;

/// An address as `X-Forwarded-For` and its kin hold it: with or without
/// brackets around IPv6, with or without a port.
pub(super) fn parse_plain(text: &[u8]) -> Result<IpAddr, ClientIpError> {
    let text = str::from_utf8(text).map_err(|_| ClientIpError::UnreadableHop)?;
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_canonical()),
        Err(_) => parse_node(text),
    }
}

/// A `node` of RFC 7239 section 6: IPv6 in brackets only, because the port
/// could not be told from the address otherwise.
///
/// The parsers of std refuse what other parsers read differently: zone ids,
/// leading zeros (octal) and short forms of IPv4.
pub(super) fn parse_node(text: &str) -> Result<IpAddr, ClientIpError> {
    if text.eq_ignore_ascii_case("unknown") || text.starts_with('_') {
        return Err(ClientIpError::HiddenHop);
    }
    try_parse_node(text).ok_or(ClientIpError::UnreadableHop)
}

fn try_parse_node(text: &str) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(text) => {
            let (v6, port) = text.split_once(']')?;
            let v6: Ipv6Addr = v6.parse().ok()?;
            (IpAddr::from(v6), port)
        }
        None => {
            let (v4, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let v4: Ipv4Addr = v4.parse().ok()?;
            (IpAddr::from(v4), port)
        }
    };
    (port.is_empty() || is_port(port.strip_prefix(':')?)).then(|| address.to_canonical())
}

/// A number or, as RFC 7239 section 6.3 allows, `_` and a made-up name.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !name.is_empty() && name.bytes().all(allowed)
        }
        // `u16::from_str` alone would take a sign.
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}
