use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use super::{Fresh, NotFresh, TransactionalInbox};
use crate::Delivery;
use crate::delivery::Tenant;

/// Begins with the [`TransactionalInbox`] of the router's state. An event that
/// is not fresh is answered without a call of the handler.
impl<S> FromRequestParts<S> for Fresh
where
    TransactionalInbox: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let delivery = Delivery::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let tenant = parts.extensions.get::<Tenant>();
        TransactionalInbox::from_ref(state)
            .begin(&delivery, tenant)
            .await
            .map_err(IntoResponse::into_response)
    }
}

impl IntoResponse for NotFresh {
    fn into_response(self) -> Response {
        self.response::<Body>()
    }
}
