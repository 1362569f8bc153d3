//! The challenges with which providers test an endpoint.
//!
//! Before a provider sends events to a URL, it may want to hear that somebody
//! there expects them. What it asks and what it wants to hear is part of its
//! [`Scheme`](crate::signature::Scheme), as a
//! [`Handshake`]; [`HandshakeLayer`] answers by these rules and by no others.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_webhook::{VerifiedBody, Verifier, WebhookLayer, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(provider::meta(), "app-secret")?;
//! let service = WebhookLayer::new(verifier)
//!     .with_verify_token("typed-into-metas-form")?
//!     .layer(service_fn(async |_: Request<VerifiedBody>| {
//!         Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
//!     }));
//!
//! let ask = |token: &str| {
//!     let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
//!     Request::get(format!("/meta?{query}")).body(Full::<Bytes>::default()).unwrap()
//! };
//! let answer = service.clone().oneshot(ask("typed-into-metas-form")).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), "1158201444");
//!
//! let refused = service.oneshot(ask("guessed")).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # Two places
//!
//! - [`HandshakeLayer::unsigned`] stands in front of verification, for challenges
//!   that carry no signature: Meta's GET, the `OPTIONS` of CloudEvents, the POST
//!   with which Asana sends its secret. One that is told by its body has that
//!   read, up to 16 KiB and within the deadline, if no signature came with it;
//!   if it is no challenge after all, it is refused as what it is, a delivery
//!   without a signature.
//! - [`HandshakeLayer::signed`] stands behind verification and in front of
//!   deduplication, so that each repetition is answered: Slack's
//!   `url_verification`, Zoom's `endpoint.url_validation`. A forged one has been
//!   refused before.
//!
//! [`WebhookLayer`](crate::WebhookLayer) has both, and switches them on for
//! schemes that have handshakes.
//!
//! # What must be configured
//!
//! Some challenges cannot be answered with what the scheme and the secret know.
//! Until that is configured, the request goes on as if there were no such
//! challenge: it is refused with 405 or 401, or, signed, reaches the handler.
//!
//! | what | for whom | where |
//! |---|---|---|
//! | the verify token of the form | Meta | [`with_verify_token`](HandshakeLayer::with_verify_token) |
//! | who takes the secret that is sent | Asana, Notion | [`with_secret_capture`](HandshakeLayer::with_secret_capture) |
//! | who may send | CloudEvents | [`with_allowed_origins`](HandshakeLayer::with_allowed_origins) |
//! | who calls the URL of a subscription | Amazon SNS | [`with_confirmation`](HandshakeLayer::with_confirmation) |
//!
//! # Secrets that the provider sends
//!
//! A secret that arrives in the first request is kept where a
//! [`SecretSource`](crate::keys::SecretSource) finds it, or put into a
//! [`LiveVerifier`](crate::keys::LiveVerifier). Anybody can send one, so it is
//! taken only between the moment when you ask the provider to create the webhook
//! and the moment when you have it:
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//!
//! use tower_webhook::delivery::Tenant;
//! use tower_webhook::handshake::{CaptureFuture, Captured, OfferedSecret, SecretCapture};
//! use tower_webhook::keys::{
//!     AsyncVerifier, SecretFuture, SecretRequest, SecretSource, TenantSecrets,
//! };
//! use tower_webhook::{Secret, WebhookLayer};
//! # use http::Method;
//! # use tower_webhook::signature::{Grammar, Handshake, Hash, Reply, Scheme, Source};
//!
//! /// The secrets by path, for one webhook each: `/hooks/{tenant}`.
//! #[derive(Debug, Default)]
//! struct Hooks(Mutex<HashMap<String, Hook>>);
//!
//! #[derive(Debug)]
//! enum Hook {
//!     /// Set by whoever calls the provider's API, before the call.
//!     Pending,
//!     Created(Secret),
//! }
//!
//! impl SecretCapture for Hooks {
//!     fn capture<'a>(&'a self, offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
//!         Box::pin(async move {
//!             let mut hooks = self.0.lock().unwrap();
//!             match hooks.get_mut(offer.path()) {
//!                 Some(hook @ Hook::Pending) => {
//!                     *hook = Hook::Created(offer.secret().clone());
//!                     Ok(Captured::Accepted)
//!                 }
//!                 _ => Ok(Captured::Refused),
//!             }
//!         })
//!     }
//! }
//!
//! impl SecretSource for Hooks {
//!     fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a> {
//!         Box::pin(async move {
//!             let path = request.parts().uri.path();
//!             Ok(match self.0.lock().unwrap().get(path) {
//!                 Some(Hook::Created(secret)) => {
//!                     Some(TenantSecrets::new(Tenant::new(path), secret.clone()))
//!                 }
//!                 _ => None,
//!             })
//!         })
//!     }
//! }
//!
//! # fn main() -> Result<(), tower_webhook::ConfigError> {
//! # let scheme = Scheme::hmac("asana", Hash::Sha256)
//! #     .with_signature(Source::header("x-hook-signature"), Grammar::Plain)
//! #     .with_handshake(
//! #         Handshake::unsigned(Method::POST)
//! #             .when(Source::header("x-hook-secret"))
//! #             .with_capture(Source::header("x-hook-secret"))
//! #             .with_reply(Reply::header("x-hook-secret")),
//! #     );
//! let hooks = Arc::new(Hooks::default());
//! let layer = WebhookLayer::new(AsyncVerifier::with_secrets(scheme, hooks.clone())?)
//!     .with_secret_capture(hooks.clone());
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! # What is sent back
//!
//! A text (`text/plain`), a JSON object, or a header, always with
//! `X-Content-Type-Options: nosniff`, so that a challenge with markup in it is
//! no page. A value has 1 to 4096 bytes. A challenge with a value that is
//! missing, repeated or longer is refused with 400
//! ([`InvalidChallenge`](crate::RejectionKind::InvalidChallenge)); one with a
//! wrong token, from another origin or with a secret nobody waits for as a
//! failed verification is
//! ([`ChallengeRefused`](crate::RejectionKind::ChallengeRefused)).
//!
//! # Deployment caveats
//!
//! - A router must let the challenge's method through to the layer. Of axum's
//!   routes, `post(handler).layer(…)` does.
//! - The answer's body is made from a `String`. A service whose responses have a
//!   body that cannot be (a `BoxBody`) needs one around it that can.
//! - An unsigned challenge that is answered with a MAC (X's) hands out MACs to
//!   everybody. Only tokens are hashed
//!   ([`ReplyValue::Mac`](crate::signature::ReplyValue::Mac)), so a delivery
//!   forged that way has a token for its body, and no event.
//!
//! # What this does not do
//!
//! It does not limit how often an unsigned challenge is answered: such an answer
//! costs no more than a refusal. Those that are refused count against the
//! [limit per caller](crate::rate_limit::RateLimitLayer::per_caller), so that a
//! verify token cannot be guessed.
//!
//! [`Handshake`]: crate::signature::Handshake

mod capture;
mod confirm;
mod future;
mod layer;
mod place;
mod pretended;
mod respond;
mod service;

pub use self::{
    capture::{CaptureFuture, Captured, OfferedSecret, SecretCapture},
    confirm::{ConfirmFuture, ConfirmSubscription, Subscription},
    future::ResponseFuture,
    layer::HandshakeLayer,
    place::{Signed, Unsigned},
    service::HandshakeService,
};

use std::fmt;

/// In the extensions of the answer to a challenge, for layers outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered;

/// What captures a secret or confirms a subscription has failed. The request
/// is refused with 503, so that its sender comes again.
#[derive(Debug)]
pub struct HandshakeError(Box<dyn std::error::Error + Send + Sync>);

impl HandshakeError {
    /// An error, for the operator's log. It must not hold a secret.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handshake failed: {}", self.0)
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
