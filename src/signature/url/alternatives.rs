//! The forms in which providers sign a URL.

use super::configured;
use crate::client_ip::default_port;

/// Without a port, and with one.
pub(super) fn either_port(url: &str) -> [String; 2] {
    let Some((scheme, authority, rest)) = configured::split(url) else {
        return [url.to_owned(), url.to_owned()];
    };
    // A colon within brackets belongs to an IPv6 address.
    let host_end = authority.rfind(']').unwrap_or(0);
    let port_at = authority
        .get(host_end..)
        .and_then(|text| text.find(':'))
        .map(|colon| host_end + colon);
    let host = port_at.and_then(|at| authority.get(..at));
    match host {
        Some(host) => [format!("{scheme}://{host}{rest}"), url.to_owned()],
        None => {
            let port = default_port(scheme);
            let with_port = format!("{scheme}://{authority}:{port}{rest}");
            [url.to_owned(), with_port]
        }
    }
}

/// With the escapes decoded that HubSpot lists. What is decoded is not looked at
/// again: `%253A` becomes `%253A`, not `:`.
pub(super) fn unescaped(url: &str) -> String {
    const LISTED: &[u8] = b":/?@!$'()*,;";
    let mut decoded = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, behind)) = rest.split_once('%') {
        decoded.push_str(before);
        let listed = behind.get(..2).and_then(|digits| {
            let digits = digits.as_bytes();
            let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
            let text = str::from_utf8(digits).ok().filter(|_| is_hex)?;
            let byte = u8::from_str_radix(text, 16).ok()?;
            LISTED.contains(&byte).then_some(char::from(byte))
        });
        match listed {
            Some(character) => {
                decoded.push(character);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push('%');
                rest = behind;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}
