//! The URL that a provider signs.

use http::request::Parts;

use crate::ConfigError;
use crate::rejection::Rejection;

/// The URL that the provider sends to, as it sees it.
///
/// A server behind a proxy does not know it, and what the request says of its
/// host and scheme is the sender's word.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicUrl {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Registered(String),
    Base(String),
}

/// How a provider writes the URL into the signed content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlForm {
    /// As it is.
    #[default]
    AsIs,
    /// With or without the default port of its scheme, as Twilio does.
    EitherPort,
    /// With some of its percent-escapes decoded, as HubSpot does.
    Unescaped,
}

/// The URI as the server received it, where a router changed it on the way.
pub(crate) fn original_uri(parts: &Parts) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri;
    }
    &parts.uri
}

impl PublicUrl {
    /// Exactly this URL, as it is registered with the provider.
    ///
    /// # Errors
    ///
    /// If it is not an absolute `https` or `http` URL.
    pub fn registered(url: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            kind: Kind::Registered(url.into()),
        })
    }

    /// This scheme, host and (if any) path prefix, followed by the path and
    /// query of the request.
    ///
    /// # Errors
    ///
    /// If it is not an absolute `https` or `http` URL without a query.
    pub fn base(url: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            kind: Kind::Base(url.into()),
        })
    }

    /// A URL to show a preset with.
    #[cfg(feature = "jwt")]
    pub(crate) fn example() -> Self {
        Self {
            kind: Kind::Base("https://example.com".to_owned()),
        }
    }

    /// The URL of a request.
    pub(crate) fn text(&self, parts: &Parts) -> Result<String, Rejection> {
        Ok(match &self.kind {
            Kind::Registered(url) => url.clone(),
            Kind::Base(base) => {
                let target = original_uri(parts).path_and_query();
                let target = target.map_or("/", http::uri::PathAndQuery::as_str);
                format!("{}{target}", base.trim_end_matches('/'))
            }
        })
    }

    /// The texts that may be signed for a request: one, or alternatives.
    pub(crate) fn texts(&self, parts: &Parts, form: UrlForm) -> Result<Vec<String>, Rejection> {
        let text = self.text(parts)?;
        Ok(match form {
            UrlForm::AsIs | UrlForm::EitherPort | UrlForm::Unescaped => vec![text],
        })
    }
}
