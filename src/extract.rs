//! Extractors for axum handlers behind the layers (feature `axum`).
//!
//! [`Delivery`] gives the verified delivery with its raw bytes,
//! [`VerifiedJson`] the body as a type of your own. Both answer 500 and name
//! the missing layer where there is none in front: that is a mistake of the
//! server's, not of the sender's.
//!
//! ```
//! use axum::{Router, routing::post};
//! use http::{Request, StatusCode};
//! use serde::Deserialize;
//! use tower::ServiceExt;
//! use tower_webhook::extract::VerifiedJson;
//! use tower_webhook::{Delivery, Verifier, VerifyLayer, provider};
//!
//! #[derive(Deserialize)]
//! struct Push {
//!     after: String,
//! }
//!
//! async fn deploy(delivery: Delivery, VerifiedJson(push): VerifiedJson<Push>) -> String {
//!     format!("{:?} {}", delivery.event_type(), push.after)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(provider::gitlab_token(), "token")?;
//! let app = Router::new().route("/gitlab", post(deploy).layer(VerifyLayer::new(verifier)));
//!
//! let request = |token: &str| {
//!     Request::post("/gitlab")
//!         .header("x-gitlab-token", token)
//!         .body(axum::body::Body::from(r#"{"after":"da1560"}"#))
//!         .unwrap()
//! };
//! let accepted = app.clone().oneshot(request("token")).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//! let refused = app.oneshot(request("forged")).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

use std::fmt;

use axum_core::body::Body;
use axum_core::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Delivery;

impl<S: Sync> FromRequestParts<S> for Delivery {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        delivery(parts).ok_or(MissingLayer(()))
    }
}

/// `None` means that no layer verified the request, never that verification
/// failed: a request that fails does not reach a handler.
impl<S: Sync> OptionalFromRequestParts<S> for Delivery {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(delivery(parts))
    }
}

fn delivery(parts: &Parts) -> Option<Delivery> {
    parts.extensions.get::<Delivery>().cloned()
}

/// The verified body, deserialised from JSON.
///
/// Reads the bytes that were verified, whatever the request's body is by now,
/// and whatever its `Content-Type` says: some providers send JSON as text.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "taken apart in handler arguments"
)]
pub struct VerifiedJson<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for VerifiedJson<T> {
    type Rejection = VerifiedJsonRejection;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        let (parts, _body) = request.into_parts();
        let delivery = delivery(&parts).ok_or(MissingLayer(()))?;
        serde_json::from_slice(delivery.body())
            .map(Self)
            .map_err(VerifiedJsonRejection::Json)
    }
}

/// No layer in front of the handler verified the request. Answers 500.
#[derive(Clone, Copy, Debug)]
pub struct MissingLayer(());

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no verified webhook delivery: put tower_webhook::WebhookLayer (or VerifyLayer) in \
             front of this handler",
        )
    }
}

impl std::error::Error for MissingLayer {}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_string()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }
}

/// Why [`VerifiedJson`] could not be extracted.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifiedJsonRejection {
    /// No layer in front of the handler verified the request. Answers 500.
    MissingLayer(MissingLayer),
    /// The verified body is not the JSON that the type asks for. Answers 422
    /// with an empty body; the deduplication layer releases the event.
    Json(serde_json::Error),
}

impl From<MissingLayer> for VerifiedJsonRejection {
    fn from(missing: MissingLayer) -> Self {
        Self::MissingLayer(missing)
    }
}

impl fmt::Display for VerifiedJsonRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingLayer(missing) => missing.fmt(f),
            Self::Json(_) => f.write_str("the verified body is not the JSON that was expected"),
        }
    }
}

impl std::error::Error for VerifiedJsonRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::MissingLayer(missing) => Some(missing),
            Self::Json(error) => Some(error),
        }
    }
}

impl IntoResponse for VerifiedJsonRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(missing) => missing.into_response(),
            Self::Json(_) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        }
    }
}
