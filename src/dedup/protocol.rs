//! The way of a verified request: claim, run, settle.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::Service;

use super::held::Held;
use super::key::Identity;
use super::layer::{Config, OnStoreFailure};
use super::{DedupUnavailable, Duplicate};
use crate::delivery::Delivery;
use crate::oneshot::Oneshot;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::{Claimed, StoreError};
use crate::{VerifiedBody, telemetry};

/// What became of a delivery.
pub(super) enum Outcome<B> {
    Handled(Response<B>),
    Duplicate(Duplicate, StatusCode),
    Rejected(Rejection),
}

/// What becomes of a delivery before the handler sees it.
enum Verdict {
    Won(Held),
    Unprotected,
    Duplicate(Duplicate),
    Refused(Rejection),
}

/// The longest `Retry-After` for an event that is being processed.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);
/// `Retry-After` where the store cannot take an event.
const STORE_WAIT: Duration = Duration::from_secs(10);

#[expect(
    clippy::manual_async_fn,
    reason = "that would hold its arguments twice"
)]
pub(super) fn process<S, B>(
    inner: S,
    config: Arc<Config>,
    mut request: Request<VerifiedBody>,
) -> impl Future<Output = Result<Outcome<B>, S::Error>>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>>,
{
    async move {
        let delivery = request.body().delivery().clone();
        let tenant = request.extensions().get();
        let verdict = match Identity::of(&delivery, &config.endpoint, tenant) {
            Ok(identity) => claim(&config, &delivery, identity).await,
            Err(kind) => Verdict::Refused(refusal(kind, &delivery)),
        };
        match verdict {
            Verdict::Won(held) => {
                request.extensions_mut().insert(held.lease().clone());
                let handler = pin!(Oneshot::new(inner, request));
                let output = held.run(&config, &delivery, handler).await;
                let status = match &output {
                    Ok(Ok(response)) => Some(response.status()),
                    Ok(Err(_)) | Err(_) => None,
                };
                match status.filter(|status| (config.is_final)(*status)) {
                    Some(status) => held.complete(&config, &delivery, status).await,
                    None => held.release(&config, &delivery).await,
                }
                match output {
                    Ok(response) => response.map(Outcome::Handled),
                    Err(_panic) => {
                        let kind = RejectionKind::HandlerPanicked;
                        Ok(Outcome::Rejected(refusal(kind, &delivery)))
                    }
                }
            }
            Verdict::Unprotected => {
                telemetry::trouble(delivery.provider(), "processing without deduplication");
                request.extensions_mut().insert(DedupUnavailable);
                let handled = Oneshot::new(inner, request).await;
                handled.map(Outcome::Handled)
            }
            Verdict::Duplicate(duplicate) => {
                telemetry::duplicate(delivery.provider(), duplicate.attempt);
                let status = delivery.scheme().success_status();
                Ok(Outcome::Duplicate(duplicate, status))
            }
            Verdict::Refused(rejection) => Ok(Outcome::Rejected(rejection)),
        }
    }
}

async fn claim(config: &Config, delivery: &Delivery, identity: Identity<'_>) -> Verdict {
    let overloaded = |kind, wait| {
        Verdict::Refused(
            refusal(kind, delivery)
                .with_status(delivery.scheme().overload_status())
                .with_retry_after(wait),
        )
    };
    let mut held = Held::new(&identity, config.ttl_for(delivery.scheme()));
    match held.claim(config, &identity).await {
        Ok(Claimed::Won { .. }) => Verdict::Won(held),
        Ok(Claimed::Duplicate { status, attempt }) => {
            Verdict::Duplicate(Duplicate { status, attempt })
        }
        Ok(Claimed::Busy { remaining, .. }) => {
            overloaded(RejectionKind::InFlight, remaining.min(MAX_BUSY_WAIT))
        }
        Ok(Claimed::Conflict { .. }) => {
            Verdict::Refused(refusal(RejectionKind::EventConflict, delivery))
        }
        Err(StoreError::Full) => overloaded(RejectionKind::StoreFull, STORE_WAIT),
        Err(StoreError::Unavailable(_)) => match config.on_store_failure {
            OnStoreFailure::Process => Verdict::Unprotected,
            OnStoreFailure::Refuse => overloaded(RejectionKind::StoreUnavailable, STORE_WAIT),
        },
    }
}

fn refusal(kind: RejectionKind, delivery: &Delivery) -> Rejection {
    Rejection::new(kind).with_provider(delivery.scheme().name.clone())
}
