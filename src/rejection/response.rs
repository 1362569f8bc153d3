use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};

use super::Rejection;

/// Turns a [`Rejection`] into the response the sender gets.
///
/// Implemented by [`DefaultRejectionResponse`], [`ProblemDetails`] and every
/// `Fn(&Rejection) -> Response<ResBody>`. An implementation should answer all
/// verification failures alike: a difference tells an attacker which check
/// failed.
pub trait RejectionResponse<ResBody> {
    /// The response for `rejection`, usually with its
    /// [`status`](Rejection::status).
    fn respond(&self, rejection: &Rejection) -> Response<ResBody>;
}

impl<F, ResBody> RejectionResponse<ResBody> for F
where
    F: Fn(&Rejection) -> Response<ResBody>,
{
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        self(rejection)
    }
}

/// How a layer in front of verification refuses: such a layer knows no scheme,
/// but may guard the endpoint of one.
#[derive(Clone, Debug)]
pub(crate) struct Refusals<R> {
    responder: R,
    provider: Option<Cow<'static, str>>,
}

impl<R> Refusals<R> {
    pub(crate) const fn new(responder: R) -> Self {
        Self {
            responder,
            provider: None,
        }
    }

    pub(crate) fn for_provider(mut self, provider: Cow<'static, str>) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(crate) fn answer<B>(&self, rejection: Rejection) -> Response<B>
    where
        R: RejectionResponse<B>,
    {
        let rejection = match &self.provider {
            Some(provider) => rejection.with_provider(provider.clone()),
            None => rejection,
        };
        rejection.into_response(&self.responder)
    }
}

/// The rejection's status with an empty body.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DefaultRejectionResponse;

impl<ResBody: Default> RejectionResponse<ResBody> for DefaultRejectionResponse {
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        let mut response = Response::new(ResBody::default());
        *response.status_mut() = rejection.status();
        response
    }
}

/// The rejection's status with an RFC 9457 problem document that names the
/// status and nothing else: `{"type":"about:blank","title":"Unauthorized","status":401}`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemDetails;

impl<ResBody: From<String>> RejectionResponse<ResBody> for ProblemDetails {
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        let status = rejection.status();
        let title = status.canonical_reason().unwrap_or("Error");
        let code = status.as_u16();
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{code}}}"#);
        let mut response = Response::new(ResBody::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
