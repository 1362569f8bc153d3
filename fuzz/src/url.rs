//! The URL that a provider signs, put together as naively as can be.

use std::net::Ipv6Addr;

use http::Uri;

/// The path and query of a request's target, as its sender wrote them.
pub fn target(uri: &Uri) -> String {
    let path = match uri.path() {
        "" => "/",
        path => path,
    };
    match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// `https://example.com:8443` and what is behind it.
fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").expect("a URL") + 3;
    let end = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| start + at);
    url.split_at(end)
}

/// The URL without a port, and with one.
pub fn either_port(url: &str) -> [String; 2] {
    let (origin, rest) = split(url);
    let digits = origin.trim_end_matches(|c: char| c.is_ascii_digit());
    let (scheme, authority) = origin.split_once("://").expect("a URL");
    if digits.ends_with(':') && !authority.is_empty() && !origin.ends_with("://") {
        let host = &digits[..digits.len() - 1];
        return [format!("{host}{rest}"), url.to_owned()];
    }
    let port = if scheme == "https" { 443 } else { 80 };
    [url.to_owned(), format!("{origin}:{port}{rest}")]
}

/// `host` or `host:port` in one spelling; `None` if it is something else.
pub fn host(text: &str, scheme: &str) -> Option<String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = match host.strip_prefix('[') {
        Some(address) => {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            format!("[{address}]")
        }
        None => {
            (host.len() <= 254).then_some(())?;
            let host = host.strip_suffix('.').unwrap_or(host);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let labels = |host: &str| {
                host.split('.')
                    .all(|l| !l.is_empty() && l.chars().all(plain))
            };
            labels(host).then(|| host.to_ascii_lowercase())?
        }
    };
    let Some(port) = port else { return Some(host) };
    let number: u32 = port.parse().ok()?;
    (number.to_string() == port && (1..=65535).contains(&number)).then_some(())?;
    Some(match (scheme, number) {
        ("https", 443) | ("http", 80) => host,
        _ => format!("{host}:{number}"),
    })
}

/// Whether this may be configured as a URL, or as the start of one.
pub fn is_configurable(url: &str, base: bool) -> bool {
    let Some((scheme @ ("https" | "http"), rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    url.bytes().all(|byte| byte.is_ascii_graphic())
        && !url.contains('#')
        && !(base && url.contains('?'))
        && host(authority, scheme).is_some()
}
