use tower::Layer;

use super::{IpAllowlist, IpAllowlistService};
use crate::client_ip::ClientIp;
use crate::rejection::{DefaultRejectionResponse, Refusals};

/// Refuses callers whose address is not in an [`IpAllowlist`], with 403.
///
/// See the [module docs](super).
#[must_use]
#[derive(Clone, Debug)]
pub struct IpAllowlistLayer<R = DefaultRejectionResponse> {
    allowlist: IpAllowlist,
    client_ip: ClientIp,
    rejection: R,
}

impl IpAllowlistLayer {
    /// Callers connect directly and must be in `allowlist`. Keep a clone of it
    /// to replace its content later.
    pub const fn new(allowlist: IpAllowlist) -> Self {
        Self {
            allowlist,
            client_ip: ClientIp::direct(),
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> IpAllowlistLayer<R> {
    /// How the caller's address is found: by default it is the peer's.
    pub fn with_client_ip(mut self, client_ip: ClientIp) -> Self {
        self.client_ip = client_ip;
        self
    }

    /// How refused requests are answered: by default with an empty 403.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> IpAllowlistLayer<R2> {
        IpAllowlistLayer {
            allowlist: self.allowlist,
            client_ip: self.client_ip,
            rejection,
        }
    }
}

impl<S, R: Clone> Layer<S> for IpAllowlistLayer<R> {
    type Service = IpAllowlistService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        IpAllowlistService::new(
            inner,
            Some(self.allowlist.clone()),
            self.client_ip.clone(),
            Refusals::new(self.rejection.clone()),
        )
    }
}
