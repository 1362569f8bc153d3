//! The steps between a verified request and its answer: claim, run, settle.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tower::Service;

use super::guard::{Panicked, run};
use super::key::Identity;
use super::layer::{Config, OnStoreFailure};
use super::refusal::{busy, kind_of, overload, refusal};
use super::rows::{Held, Verdict};
use super::{DedupUnavailable, Duplicate};
use crate::delivery::{Delivery, Tenant};
use crate::oneshot::Oneshot;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::StoreError;
use crate::{VerifiedBody, telemetry};

/// What became of a delivery.
pub(super) enum Outcome<B> {
    Handled(Response<B>),
    Duplicate(Duplicate, StatusCode),
    Rejected(Rejection),
}

/// What becomes of a delivery before the handler sees it.
enum Entry {
    Protected(Held),
    /// Nothing tells the event from others.
    Anonymous,
    /// The store does not answer.
    Unprotected,
    Duplicate(Duplicate),
    Refused(Rejection),
}

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
        // Boxed, and gone when the handler runs: allocators serve two small futures
        // several times faster than a large one.
        let held = match Box::pin(enter(&config, &delivery, tenant)).await {
            Entry::Protected(held) => Some(held),
            Entry::Anonymous => None,
            Entry::Unprotected => {
                telemetry::trouble(delivery.provider(), "processing without deduplication");
                request.extensions_mut().insert(DedupUnavailable);
                None
            }
            Entry::Duplicate(duplicate) => {
                telemetry::duplicate(delivery.provider(), duplicate.attempt);
                let status = delivery.scheme().success_status();
                return Ok(Outcome::Duplicate(duplicate, status));
            }
            Entry::Refused(rejection) => return Ok(Outcome::Rejected(rejection)),
        };
        if let Some(held) = &held {
            request.extensions_mut().insert(held.lease.clone());
        }
        let renewing = || async {
            match &held {
                Some(held) => held.keep_renewing(&config, &delivery).await,
                None => pending().await,
            }
        };
        let answer = {
            let handler = pin!(Some(Oneshot::new(inner, request)));
            run(handler, renewing).await
        };
        if let Some(held) = &held {
            let status = match &answer {
                Ok(Ok(response)) => Some(response.status()),
                Ok(Err(_)) | Err(Panicked) => None,
            };
            match status.filter(|status| (config.is_final)(*status)) {
                Some(status) => held.complete(&config, &delivery, status).await,
                None => held.release(&config, &delivery).await,
            }
        }
        match answer {
            Ok(response) => response.map(Outcome::Handled),
            Err(Panicked) => {
                let kind = RejectionKind::HandlerPanicked;
                Ok(Outcome::Rejected(refusal(kind, &delivery)))
            }
        }
    }
}

async fn enter(config: &Arc<Config>, delivery: &Delivery, tenant: Option<&Tenant>) -> Entry {
    let scheme = delivery.scheme();
    let identity = match Identity::of(delivery, &config.endpoint, tenant) {
        Ok(Some(identity)) => identity,
        Ok(None) => return Entry::Anonymous,
        Err(kind) => return Entry::Refused(refusal(kind, delivery)),
    };
    match Held::claim(config, &identity, scheme).await {
        Ok(Verdict::Won(held)) => Entry::Protected(held),
        Ok(Verdict::Duplicate(duplicate)) => Entry::Duplicate(duplicate),
        Ok(Verdict::Busy(remaining)) => Entry::Refused(busy(remaining, delivery)),
        Ok(Verdict::Conflict) => Entry::Refused(refusal(RejectionKind::EventConflict, delivery)),
        Err(error @ StoreError::Full) => Entry::Refused(overload(kind_of(&error), delivery)),
        Err(error @ StoreError::Unavailable(_)) => {
            telemetry::failed(delivery.provider(), "an event could not be claimed", &error);
            match config.on_store_failure {
                OnStoreFailure::Process => Entry::Unprotected,
                OnStoreFailure::Refuse => Entry::Refused(overload(kind_of(&error), delivery)),
            }
        }
    }
}
