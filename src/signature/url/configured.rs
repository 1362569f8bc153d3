//! What is a URL that can be configured.

use crate::ConfigError;
use crate::client_ip::canonical_authority;

/// The scheme, the authority and what is behind it.
pub(super) fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Some((scheme, authority, rest))
}

pub(super) fn check_url(url: &str) -> Result<(), ConfigError> {
    let reason = match split(url) {
        Some(("https" | "http", _, _)) if !url.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "it holds white space or a character that is not ASCII"
        }
        Some(("https" | "http", _, rest)) if rest.contains('#') => "it has a fragment",
        Some(("https" | "http", authority, _)) if authority.contains('@') => "it has a user name",
        Some((scheme @ ("https" | "http"), authority, _)) => {
            match canonical_authority(authority.as_bytes(), scheme) {
                Some(_) => return Ok(()),
                None => "it has no valid host",
            }
        }
        _ => "it does not start with https:// or http://",
    };
    Err(invalid(url, reason))
}

pub(super) fn invalid(url: &str, reason: &'static str) -> ConfigError {
    ConfigError::InvalidUrl {
        url: shown(url),
        reason,
    }
}

/// What may be shown of a URL: no query, no fragment and no user name, which
/// may hold secrets.
pub(super) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, authority, rest) = split(url).unwrap_or(("", url, ""));
    match authority.rsplit_once('@') {
        None => url.to_owned(),
        Some((_, host)) if scheme.is_empty() => host.to_owned(),
        Some((_, host)) => format!("{scheme}://{host}{rest}"),
    }
}
