use std::sync::Arc;

use tower::Layer;

use super::{ClientCertRules, RequireClientCert};
use crate::ConfigError;
use crate::client_ip::ClientIp;
use crate::clock::{Clock, SystemClock};
use crate::rejection::{DefaultRejectionResponse, Refusals};

/// Refuses callers without a client certificate that satisfies the rules, with
/// 403.
///
/// See the [module docs](super).
#[must_use]
#[derive(Clone, Debug)]
pub struct RequireClientCertLayer<R = DefaultRejectionResponse> {
    pub(crate) check: Check,
    rejection: R,
}

/// What a certificate is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(super) rules: Arc<ClientCertRules>,
    pub(super) proxies: ClientIp,
    pub(super) clock: Arc<dyn Clock>,
}

impl RequireClientCertLayer {
    /// Callers connect directly, and must satisfy `rules`.
    ///
    /// # Errors
    ///
    /// If there is no rule.
    pub fn new(rules: ClientCertRules) -> Result<Self, ConfigError> {
        if rules.is_empty() {
            return Err(ConfigError::NoClientCertRule);
        }
        Ok(Self {
            check: Check {
                rules: Arc::new(rules),
                proxies: ClientIp::direct(),
                clock: Arc::new(SystemClock),
            },
            rejection: DefaultRejectionResponse,
        })
    }
}

impl<R> RequireClientCertLayer<R> {
    /// The proxies of `client_ip` end TLS and say in `Client-Cert`, and
    /// `Client-Cert-Chain`, what the caller showed (RFC 9440).
    ///
    /// They must remove both headers from what the caller sent (section 4 of
    /// the RFC), and must not forward a certificate that they have not
    /// verified. Requests from other peers are judged by their connection, and
    /// their headers not read.
    pub fn with_forwarded_by(mut self, client_ip: ClientIp) -> Self {
        self.check.proxies = client_ip;
        self
    }

    /// The clock that the period of validity is judged by; the system's by
    /// default.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.check.clock = clock;
        self
    }

    /// How refused requests are answered: by default with an empty 403.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> RequireClientCertLayer<R2> {
        RequireClientCertLayer {
            check: self.check,
            rejection,
        }
    }
}

impl<S, R: Clone> Layer<S> for RequireClientCertLayer<R> {
    type Service = RequireClientCert<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireClientCert::new(
            inner,
            Some(self.check.clone()),
            Refusals::new(self.rejection.clone()),
        )
    }
}
