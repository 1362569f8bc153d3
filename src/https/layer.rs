use tower::Layer;

use super::RequireHttps;
use crate::client_ip::ClientIp;
use crate::rejection::{DefaultRejectionResponse, Refusals};

/// Refuses requests that are not known to have come over HTTPS, with 403.
///
/// See the [module docs](super).
#[must_use]
#[derive(Clone, Debug, Default)]
pub struct RequireHttpsLayer<R = DefaultRejectionResponse> {
    client_ip: ClientIp,
    rejection: R,
}

impl RequireHttpsLayer {
    /// Only connections marked with [`TlsConnection`] count as HTTPS.
    ///
    /// [`TlsConnection`]: crate::client_ip::TlsConnection
    pub fn new() -> Self {
        Self::default()
    }
}

impl<R> RequireHttpsLayer<R> {
    /// Which proxies may say that the caller used HTTPS. None by default.
    pub fn with_client_ip(mut self, client_ip: ClientIp) -> Self {
        self.client_ip = client_ip;
        self
    }

    /// How refused requests are answered: by default with an empty 403.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> RequireHttpsLayer<R2> {
        RequireHttpsLayer {
            client_ip: self.client_ip,
            rejection,
        }
    }
}

impl<S, R: Clone> Layer<S> for RequireHttpsLayer<R> {
    type Service = RequireHttps<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireHttps::new(
            inner,
            Some(self.client_ip.clone()),
            Refusals::new(self.rejection.clone()),
        )
    }
}
