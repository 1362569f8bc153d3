use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use super::future::ResponseFuture;
use super::layer::WebhookLayer;
use crate::VerifiedBody;
use crate::dedup::Dedup;
use crate::handshake::{HandshakeService, Signed, Unsigned};
use crate::https::RequireHttps;
use crate::ip_allowlist::IpAllowlistService;
use crate::rate_limit::{PerCaller, PerDelivery, RateLimit};
use crate::rejection::{DefaultRejectionResponse, Refusals, RejectionResponse};
use crate::verify::Verify;

/// Guards a webhook route. See the [module docs](crate::webhook).
#[derive(Clone)]
pub struct Webhook<S, R = DefaultRejectionResponse> {
    stack: Stack<S, R>,
}

/// Outside in. A service whose layer is not configured lets everything pass.
type Stack<S, R> = RequireHttps<Unencrypted<S, R>, R>;
type Unencrypted<S, R> = IpAllowlistService<Listed<S, R>, R>;
#[cfg(feature = "client-cert")]
type Listed<S, R> = crate::client_cert::RequireClientCert<Certified<S, R>, R>;
#[cfg(not(feature = "client-cert"))]
type Listed<S, R> = Certified<S, R>;
type Certified<S, R> = RateLimit<Calm<S, R>, PerCaller, R>;
type Calm<S, R> = HandshakeService<Verify<Verified<S, R>, R>, Unsigned, R>;
type Verified<S, R> = HandshakeService<Limited<S, R>, Signed, R>;
type Limited<S, R> = RateLimit<Dedup<S, R>, PerDelivery, R>;

impl<S, R: Clone> Webhook<S, R> {
    pub(super) fn new(inner: S, layer: &WebhookLayer<R>) -> Self {
        let rejection = || layer.rejection.clone();
        let refusals = || Refusals::new(rejection()).for_provider(layer.scheme().name.clone());
        let client_ip = &layer.client_ip;

        let once = match layer.dedup() {
            Some(dedup) => dedup.with_rejection_response(rejection()).layer(inner),
            None => Dedup::disabled(inner, rejection()),
        };
        let limited = RateLimit::optional(once, layer.delivery_limit().as_ref(), refusals());
        let signed = layer.signed_handshakes.place();
        let signed =
            (layer.answers_handshakes && signed.answers(layer.scheme())).then(|| signed.clone());
        let genuine = HandshakeService::new(limited, signed, refusals());
        let verified = layer
            .verify
            .clone()
            .with_rejection_response(rejection())
            .layer(genuine);
        let unsigned = match layer.answers_handshakes {
            true => layer.unsigned_handshakes.place().prepared(),
            false => None,
        };
        let challenged = HandshakeService::new(verified, unsigned, refusals());
        let caller_limit = layer
            .caller_limit
            .clone()
            .map(|limit| limit.with_client_ip(client_ip.clone()));
        let calm = RateLimit::optional(challenged, caller_limit.as_ref(), refusals());
        #[cfg(feature = "client-cert")]
        let calm =
            crate::client_cert::RequireClientCert::new(calm, layer.client_cert.clone(), refusals());
        let listed =
            IpAllowlistService::new(calm, layer.allowlist.clone(), client_ip.clone(), refusals());
        let https = layer.require_https.then(|| client_ip.clone());
        Self {
            stack: RequireHttps::new(listed, https, refusals()),
        }
    }
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for Webhook<S, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    R: RejectionResponse<ResBody> + Clone + Send + 'static,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ResBody: Default + From<String> + Send + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<<Stack<S, R> as Service<Request<ReqBody>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<ReqBody>>::poll_ready(&mut self.stack, cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        ResponseFuture::new(self.stack.call(request))
    }
}

impl<S, R> fmt::Debug for Webhook<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
