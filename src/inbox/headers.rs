//! Which headers are stored.

use http::{HeaderMap, HeaderName, header};

use crate::ConfigError;
use crate::signature::{Scheme, Source};

/// The headers that are stored beside those that name the event.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen(Vec<HeaderName>);

impl Chosen {
    pub(super) fn add(&mut self, name: &str) -> Result<(), ConfigError> {
        let invalid = |_| ConfigError::InvalidHeaderName {
            name: name.to_owned(),
        };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?;
        if looks_secret(header.as_str()) {
            return Err(ConfigError::SecretHeader {
                name: header.as_str().to_owned(),
            });
        }
        if !self.0.contains(&header) {
            self.0.push(header);
        }
        Ok(())
    }

    /// The headers of `all` that are stored for an event of `scheme`.
    pub(super) fn of(&self, all: &HeaderMap, scheme: &Scheme) -> HeaderMap {
        let naming = scheme.event_id.iter().chain(&scheme.event_type);
        let naming = naming.flat_map(|source| match source {
            Source::Header(names) => names.as_slice(),
            _ => &[],
        });
        let mut kept = HeaderMap::new();
        let mut keep = |name: &str| {
            if kept.contains_key(name) || is_never_stored(name) || proves_sender(scheme, name) {
                return;
            }
            for value in all.get_all(name) {
                if let Ok(name) = HeaderName::try_from(name) {
                    kept.append(name, value.clone());
                }
            }
        };
        keep(header::CONTENT_TYPE.as_str());
        naming.for_each(|name| keep(name));
        self.0.iter().for_each(|name| keep(name.as_str()));
        kept
    }
}

fn is_never_stored(name: &str) -> bool {
    const NEVER: [HeaderName; 4] = [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
    ];
    NEVER
        .iter()
        .any(|never| name.eq_ignore_ascii_case(never.as_str()))
}

/// Whether the scheme reads a signature or a token from the header.
fn proves_sender(scheme: &Scheme, name: &str) -> bool {
    scheme.signatures.iter().any(|source| match source {
        Source::Header(names) => names.iter().any(|proof| name.eq_ignore_ascii_case(proof)),
        Source::Lines(proof) => name.eq_ignore_ascii_case(proof),
        Source::Numbered(prefix) => name
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
        _ => false,
    })
}

/// By its name, because the scheme of a delivery is not known yet, and one in
/// code does not say where it finds its signature.
fn looks_secret(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "auth",
        "cookie",
        "token",
        "secret",
        "signature",
        "hmac",
        "password",
        "api-key",
    ];
    name.ends_with("-sig") || WORDS.iter().any(|word| name.contains(word))
}
