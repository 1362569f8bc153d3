//! The steps between a verified request and its answer: claim, run, settle.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::Service;

use super::guard::{Panicked, run};
use super::key::Identity;
use super::layer::{Config, OnStoreFailure};
use super::rows::{Held, Verdict};
use super::{DedupUnavailable, Duplicate};
use crate::delivery::Tenant;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::StoreError;
use crate::{VerifiedBody, telemetry};

/// What became of a delivery.
pub(super) enum Outcome<B> {
    Handled(Response<B>),
    Duplicate(Duplicate, StatusCode),
    Rejected(Rejection),
}

/// The longest `Retry-After` for an event that is being processed.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);
/// `Retry-After` where the store cannot take an event.
const STORE_WAIT: Duration = Duration::from_secs(10);

pub(super) async fn process<S, B>(
    inner: S,
    config: Arc<Config>,
    mut request: Request<VerifiedBody>,
) -> Result<Outcome<B>, S::Error>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>>,
{
    let delivery = request.body().delivery().clone();
    let refuse = |rejection: Rejection| {
        Ok(Outcome::Rejected(
            rejection.with_provider(delivery.scheme().name.clone()),
        ))
    };
    let overloaded = |kind, wait| {
        refuse(
            Rejection::new(kind)
                .with_status(delivery.scheme().overload_status())
                .with_retry_after(wait),
        )
    };

    let tenant = request.extensions().get::<Tenant>();
    let identity = match Identity::of(&delivery, &config.endpoint, tenant) {
        Ok(identity) => identity,
        Err(kind) => return refuse(Rejection::new(kind)),
    };
    let held = match Held::claim(&config, identity, delivery.scheme()).await {
        Ok(Verdict::Won(held)) => held,
        Ok(Verdict::Duplicate(duplicate)) => {
            telemetry::duplicate(delivery.provider(), duplicate.attempt);
            let status = delivery.scheme().success_status();
            return Ok(Outcome::Duplicate(duplicate, status));
        }
        Ok(Verdict::Busy(remaining)) => {
            return overloaded(RejectionKind::InFlight, remaining.min(MAX_BUSY_WAIT));
        }
        Ok(Verdict::Conflict) => return refuse(Rejection::new(RejectionKind::EventConflict)),
        Err(StoreError::Full) => return overloaded(RejectionKind::StoreFull, STORE_WAIT),
        Err(StoreError::Unavailable(_)) => match config.on_store_failure {
            OnStoreFailure::Refuse => {
                return overloaded(RejectionKind::StoreUnavailable, STORE_WAIT);
            }
            OnStoreFailure::Process => {
                telemetry::trouble(delivery.provider(), "processing without deduplication");
                request.extensions_mut().insert(DedupUnavailable);
                let unprotected = run(call(inner, request), pending);
                return match unprotected.await {
                    Ok(answer) => answer.map(Outcome::Handled),
                    Err(Panicked) => refuse(Rejection::new(RejectionKind::HandlerPanicked)),
                };
            }
        },
    };

    request.extensions_mut().insert(held.lease.clone());
    let renewing = || held.keep_renewing(&config, &delivery);
    match run(call(inner, request), renewing).await {
        Ok(Ok(response)) => {
            if (config.is_final)(response.status()) {
                held.complete(&config, &delivery, response.status()).await;
            } else {
                held.release(&config, &delivery).await;
            }
            Ok(Outcome::Handled(response))
        }
        Ok(Err(error)) => {
            held.release(&config, &delivery).await;
            Err(error)
        }
        Err(Panicked) => {
            held.release(&config, &delivery).await;
            refuse(Rejection::new(RejectionKind::HandlerPanicked))
        }
    }
}

async fn call<S, B>(mut inner: S, request: Request<VerifiedBody>) -> Result<Response<B>, S::Error>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>>,
{
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    inner.call(request).await
}
