//! One spelling for each host, so that hosts can be compared and signed.

use std::net::Ipv6Addr;

/// The longest name that DNS allows, with a dot at its end.
const MAX_NAME: usize = 254;

/// `host[:port]` in the one spelling that is used: the host in lower case
/// without a dot at its end, IPv6 as RFC 5952 writes it, and no default port.
/// `None` for everything else, such as a user name, a path or an empty port.
pub(crate) fn canonical_authority(text: &[u8], scheme: &str) -> Option<String> {
    let text = str::from_utf8(text).ok()?;
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (format!("[{address}]"), port)
        }
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (canonical_name(name)?, port)
        }
    };
    let port = match port {
        "" => None,
        port => Some(parse_port(port.strip_prefix(':')?)?),
    };
    Some(match port {
        Some(port) if port != default_port(scheme) => format!("{host}:{port}"),
        _ => host,
    })
}

fn canonical_name(name: &str) -> Option<String> {
    if name.len() > MAX_NAME {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(allowed)
    };
    name.split('.')
        .all(is_label)
        .then(|| name.to_ascii_lowercase())
}

/// One spelling for each port: no sign, no zero in front.
fn parse_port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    let canonical = text.starts_with(|first: char| ('1'..='9').contains(&first));
    canonical.then_some(port)
}

pub(crate) fn default_port(scheme: &str) -> u16 {
    match scheme {
        "https" => 443,
        _ => 80,
    }
}
