use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::resolve::GlobalResolver;
use crate::ConfigError;
use crate::keys::KeyError;

type HttpsClient = Client<HttpsConnector<HttpConnector<GlobalResolver>>, Full<Bytes>>;

/// Fetches over HTTPS from configured hosts, and from nowhere else.
///
/// What a request names is the sender's choice. A URL is fetched only if it is
/// `https`, its host is one of the configured ones exactly, it names no user,
/// no IP address and no port but 443, and the host's address is global (not
/// this machine's, not a private network's). No redirect is followed, no proxy
/// of the environment is used. An answer may have 64 KiB and take 5 seconds,
/// from the look-up of the name to the last byte.
///
/// Servers prove themselves to the certificate authorities of Mozilla's list
/// ([webpki-roots](https://docs.rs/webpki-roots)), which is part of the
/// program: a container without certificates can fetch, and the list is as old
/// as the build.
///
/// ```
/// use tower_webhook::keys::KeyFetcher;
///
/// let fetcher = KeyFetcher::new(["keys.example.com"])?;
/// assert!(fetcher.allows("https://keys.example.com/2026.pem"));
/// assert!(!fetcher.allows("https://keys.example.com.evil.test/2026.pem"));
/// assert!(!fetcher.allows("http://keys.example.com/2026.pem"));
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyFetcher {
    hosts: Vec<String>,
    pinned: HashMap<String, SocketAddr>,
    roots: Arc<RootCertStore>,
    timeout: Duration,
    max_response: usize,
    client: HttpsClient,
}

impl KeyFetcher {
    /// Fetches from `hosts`: names as they stand in URLs, compared without
    /// case.
    ///
    /// # Errors
    ///
    /// If there is no host, or one is not a name.
    pub fn new(hosts: impl IntoIterator<Item: Into<String>>) -> Result<Self, ConfigError> {
        let hosts: Vec<String> = hosts
            .into_iter()
            .map(|host| host.into().to_ascii_lowercase())
            .collect();
        if hosts.is_empty() {
            return Err(invalid("", "no host was given"));
        }
        if let Some(host) = hosts.iter().find(|host| !is_name(host)) {
            return Err(invalid(host, "a host is a name, without port or path"));
        }
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        Self {
            hosts,
            pinned: HashMap::new(),
            client: client(&RootCertStore::empty(), HashMap::new())?,
            roots: Arc::new(roots),
            timeout: Duration::from_secs(5),
            max_response: 64 * 1024,
        }
        .rebuilt()
    }

    /// The certificate authorities in `pem` instead of Mozilla's list.
    ///
    /// # Errors
    ///
    /// If there is no certificate in it, or one cannot be read.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, ConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.ok().and_then(|der| roots.add(der).ok());
            added.ok_or_else(|| invalid("", "a root certificate cannot be read"))?;
        }
        if roots.is_empty() {
            return Err(invalid("", "there is no root certificate"));
        }
        self.roots = Arc::new(roots);
        self.rebuilt()
    }

    /// Connects to `address` for `host`, without asking for it, and whether or
    /// not it is global: for a server of your own, and for tests. The port is
    /// that of `address`.
    ///
    /// # Errors
    ///
    /// If `host` is not one of the hosts.
    pub fn with_pinned_address(
        mut self,
        host: &str,
        address: SocketAddr,
    ) -> Result<Self, ConfigError> {
        let host = host.to_ascii_lowercase();
        if !self.hosts.contains(&host) {
            return Err(invalid(&host, "it is not one of the hosts"));
        }
        self.pinned.insert(host, address);
        self.rebuilt()
    }

    /// The longest time that one fetch may take (default: 5 seconds).
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "timeout of a fetch",
            });
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// Whether `url` may be fetched, as far as the URL itself tells.
    #[must_use]
    pub fn allows(&self, url: &str) -> bool {
        self.check(url).is_some()
    }

    /// `url`, if it may be fetched.
    pub(super) fn check(&self, url: &str) -> Option<Uri> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        let host = uri.host()?.to_ascii_lowercase();
        let allowed = uri.scheme() == Some(&Scheme::HTTPS)
            && has_no_more_than_a_host(authority)
            && self.hosts.contains(&host);
        allowed.then_some(uri)
    }

    pub(super) async fn get(&self, url: &Uri) -> Result<Answer, KeyError> {
        self.send(Request::get(url), Bytes::new()).await
    }

    pub(super) async fn post_json(&self, url: &Uri, body: Bytes) -> Result<Answer, KeyError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(request, body).await
    }

    async fn send(&self, request: http::request::Builder, body: Bytes) -> Result<Answer, KeyError> {
        const AGENT: &str = concat!("tower-webhook/", env!("CARGO_PKG_VERSION"));
        let request = request
            .header(ACCEPT, HeaderValue::from_static("*/*"))
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .body(Full::new(body))
            .map_err(KeyError::new)?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(KeyError::new)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), self.max_response);
            let body = body.collect().await.map_err(KeyError::new)?.to_bytes();
            Ok(Answer { status, body })
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(KeyError::new(elapsed)),
        }
    }

    fn rebuilt(mut self) -> Result<Self, ConfigError> {
        self.client = client(&self.roots, self.pinned.clone())?;
        Ok(self)
    }
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

fn client(
    roots: &RootCertStore,
    pinned: HashMap<String, SocketAddr>,
) -> Result<HttpsClient, ConfigError> {
    // The provider is named here, because the one that a process sets as its
    // default may be missing.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| invalid("", "TLS cannot be set up"))?
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let mut http = HttpConnector::new_with_resolver(GlobalResolver::new(pinned));
    http.enforce_http(false);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http1()
        .wrap_connector(http);
    // Fetches are rare: a connection that is kept is only one more thing that
    // can be broken.
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(https))
}

/// Neither a user, nor a port but the default one.
fn has_no_more_than_a_host(authority: &Authority) -> bool {
    let text = authority.as_str();
    !text.contains('@')
        && is_name(authority.host())
        && matches!(text.strip_prefix(authority.host()), Some("" | ":443"))
}

/// A host name (RFC 1123 section 2.1), and no IP address in any notation that
/// a resolver would take for one.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or("");
    host.len() <= 253
        && host.split('.').all(is_label)
        && host.parse::<IpAddr>().is_err()
        // `127.1`, `2130706433` and `0x7f.1` are addresses to some.
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn invalid(url: &str, reason: &'static str) -> ConfigError {
    ConfigError::InvalidKeySource {
        url: url.to_owned(),
        reason,
    }
}

impl fmt::Debug for KeyFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFetcher")
            .field("hosts", &self.hosts)
            .field("pinned", &self.pinned)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
