//! The URL that a provider signs.

mod alternatives;
mod configured;

#[cfg(test)]
mod tests;

use std::fmt;

use http::Uri;
use http::request::Parts;

use crate::ConfigError;
use crate::client_ip::ClientIp;
use crate::rejection::{Rejection, RejectionKind};

/// The URL that the provider sends to, as the provider writes it.
///
/// A server cannot know it: a proxy may have changed scheme, host and path, and
/// what a request says of its own host (`Host`, `:authority`, the target in
/// absolute form) is its sender's word. So it is configured, or it is the word
/// of a proxy that you trust. From the safest to the most flexible:
///
/// | constructor | scheme and host | path and query |
/// |---|---|---|
/// | [`registered`](Self::registered) | configured | configured |
/// | [`base`](Self::base) | configured | of the request |
/// | [`behind`](Self::behind) | a trusted proxy's word | of the request |
///
/// Nothing is normalised: a path is signed with its `%2F`, `//`, `/./` and `;x`,
/// and a query with its `+`, `%20` and order, as they were sent. Path and query
/// are those that the server received, also where a router took a prefix off
/// before it called the layer: from axum's `OriginalUri` with feature `axum`,
/// and for other routers from [`ReceivedUri`].
///
/// ```
/// use tower_webhook::signature::PublicUrl;
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
///
/// // The proxy in front serves https://example.com/hooks/… and sends us /….
/// let twilio = provider::twilio(PublicUrl::base("https://example.com/hooks")?);
/// let verifier = Verifier::new(twilio, "12345")?;
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let request = |path: &str| {
///     http::Request::get(path)
///         .header("x-twilio-signature", "W388V3E7NAOwaIYOwEnESfNjgvY=")
///         .header("host", "anything") // not read
///         .body(())
///         .unwrap()
///         .into_parts()
///         .0
/// };
/// let genuine = request("/sms?From=%2B1415");
/// assert!(verifier.verify(&genuine, b"", now).is_ok());
/// let other = request("/sms?From=+1415");
/// let refused = verifier.verify(&other, b"", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
///
/// assert!(PublicUrl::base("example.com/hooks").is_err());
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Registered(String),
    /// Without a slash at the end.
    Base(String),
    Behind(ClientIp),
}

/// How a provider writes the URL into the signed content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlForm {
    /// As it is.
    #[default]
    AsIs,
    /// Without a port, or with one: the one it has, or else the default port of
    /// its scheme. Twilio's servers do either, and its libraries try both.
    EitherPort,
    /// With these percent-escapes decoded, and no others: `%3A` `%2F` `%3F`
    /// `%40` `%21` `%24` `%27` `%28` `%29` `%2A` `%2C` `%3B`, as
    /// [HubSpot](https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation)
    /// lists them.
    Unescaped,
}

/// The URI as the server received it, for the request's extensions, where a
/// router changes it and does not keep the original.
///
/// Insert it before routing. It wins over axum's `OriginalUri`, which axum
/// inserts by itself.
///
/// ```
/// use http::Request;
/// use tower_webhook::signature::ReceivedUri;
///
/// fn strip_prefix(mut request: Request<()>) -> Request<()> {
///     let received = request.uri().clone();
///     let path = received.path().strip_prefix("/hooks").unwrap_or("/");
///     *request.uri_mut() = path.parse().unwrap();
///     request.extensions_mut().insert(ReceivedUri(received));
///     request
/// }
/// # let request = strip_prefix(Request::post("/hooks/sms").body(()).unwrap());
/// # assert_eq!(request.uri(), "/sms");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a URI, and nothing else")]
pub struct ReceivedUri(pub Uri);

/// The URI as the server received it, where a router changed it on the way.
pub(crate) fn original_uri(parts: &Parts) -> &Uri {
    if let Some(ReceivedUri(uri)) = parts.extensions.get() {
        return uri;
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri;
    }
    &parts.uri
}

impl PublicUrl {
    /// Exactly this URL: copy it from where it is registered with the provider.
    ///
    /// The request's own target is not looked at, so that nothing in it is
    /// signed. Not for providers that add to the URL: Twilio for JSON bodies and
    /// for GET, HubSpot for GET.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUrl`] if it does not start with `https://` or
    /// `http://`, has no valid host, holds a user name, a fragment, white space
    /// or a character that is not ASCII. A fragment is never sent; Twilio's
    /// connection overrides (`#rc=2`) belong to Twilio's configuration alone.
    /// `http` is allowed because a URL is only a text that is signed here:
    /// demand HTTPS of requests with
    /// [`RequireHttpsLayer`](crate::https::RequireHttpsLayer).
    pub fn registered(url: impl Into<String>) -> Result<Self, ConfigError> {
        let url = url.into();
        configured::check_url(&url)?;
        Ok(Self {
            kind: Kind::Registered(url),
        })
    }

    /// This scheme, host and (if any) path prefix, followed by the path and
    /// query of the request. One slash at its end is not doubled.
    ///
    /// # Errors
    ///
    /// As [`registered`](Self::registered); and if it has a query.
    pub fn base(url: impl Into<String>) -> Result<Self, ConfigError> {
        let mut url = url.into();
        configured::check_url(&url)?;
        if url.contains('?') {
            return Err(configured::invalid(&url, "it has a query"));
        }
        if url.ends_with('/') {
            url.pop();
        }
        Ok(Self {
            kind: Kind::Base(url),
        })
    }

    /// The scheme and host that a trusted proxy says, followed by the path and
    /// query of the request.
    ///
    /// The scheme is read where the proxies state it (`X-Forwarded-Proto`,
    /// `proto` of `Forwarded`), the host where they were
    /// [configured to](crate::client_ip::TrustedProxies::with_host_header). The
    /// host is used in lower case, without a dot at its end and without the
    /// default port of its scheme.
    ///
    /// A request is refused with
    /// [`PublicUrlUnknown`](RejectionKind::PublicUrlUnknown) if its peer is not
    /// a trusted proxy, if one of the two is missing or comes more than once, if
    /// the scheme is neither `http` nor `https`, or if the host is not a name or
    /// address with at most a port. A list of values counts as several.
    ///
    /// The proxy must *set* both headers, and serve no host that it does not
    /// know: a host that it merely passes on is the caller's choice. That does
    /// not forge a signature, but it lets a delivery to another host with the
    /// same secret (a test system's) be sent here. Prefer
    /// [`base`](Self::base) where there is one host.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoPublicUrl`] if there is no proxy
    /// ([`ClientIp::direct`]), or the proxies state no scheme or no host.
    pub fn behind(client_ip: ClientIp) -> Result<Self, ConfigError> {
        client_ip.check_origin()?;
        Ok(Self {
            kind: Kind::Behind(client_ip),
        })
    }

    /// A base that nobody serves.
    pub(crate) fn example() -> Self {
        Self {
            kind: Kind::Base("https://example.com".to_owned()),
        }
    }

    /// The URL of a request.
    pub(crate) fn text(&self, parts: &Parts) -> Result<String, Rejection> {
        let uri = original_uri(parts);
        let target = || match uri.path_and_query() {
            // Not `as_str`: "?x" in absolute form is "/?x" to the provider.
            Some(target) => target.to_string(),
            None => "/".to_owned(),
        };
        Ok(match &self.kind {
            Kind::Registered(url) => url.clone(),
            Kind::Base(base) => format!("{base}{}", target()),
            Kind::Behind(client_ip) => {
                let origin = client_ip.origin(parts, uri).map_err(|reason| {
                    Rejection::new(RejectionKind::PublicUrlUnknown).with_detail(reason)
                })?;
                format!("{origin}{}", target())
            }
        })
    }

    /// The texts that may be signed for a request: one, or alternatives. The
    /// first is the same for all requests that differ in nothing that is signed,
    /// so that they are one event to deduplication.
    pub(crate) fn texts(&self, parts: &Parts, form: UrlForm) -> Result<Vec<String>, Rejection> {
        let text = self.text(parts)?;
        Ok(match form {
            UrlForm::AsIs => vec![text],
            UrlForm::EitherPort => alternatives::either_port(&text).into(),
            UrlForm::Unescaped => vec![alternatives::unescaped(&text)],
        })
    }
}

/// Without the query, in which users put secret tokens.
impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("PublicUrl");
        match &self.kind {
            Kind::Registered(url) | Kind::Base(url) => f.field(&configured::shown(url)),
            Kind::Behind(client_ip) => f.field(client_ip),
        };
        f.finish()
    }
}
