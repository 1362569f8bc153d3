//! From a challenge to its answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body::Body;

use super::place::Unsigned;
use super::{Captured, ConfirmSubscription, HandshakeError, OfferedSecret, Subscription};
use crate::delivery::{Delivery, Tenant};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Answer, Asked, Handshake, InvalidChallenge, original_uri};
use crate::telemetry;
use crate::verify::{announced_too_large, receive};

/// The answer to a challenge, or why there is none.
pub(super) type Outcome = Result<Answer, Rejection>;

/// How long whoever captures or confirms may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a challenge that came without a signature: one of `candidates`,
/// which fit as far as the headers tell.
pub(super) async fn unsigned<B>(
    place: Arc<Unsigned>,
    candidates: Vec<Arc<Handshake>>,
    parts: Parts,
    body: B,
) -> Outcome
where
    B: Body<Data = Bytes>,
{
    let verifier = place.verifier.headers();
    let mut received = BytesMut::new();
    if candidates.first().is_some_and(|first| first.reads_body()) {
        announced_too_large(&body, place.limits.max_body)
            .map_err(|_| verifier.missing_signature())?;
        let read = receive(body, &place.limits, |data| {
            received.extend_from_slice(&data)
        })
        .await;
        read.map_err(|rejection| match rejection.kind() {
            // It is no challenge then, and still not signed.
            RejectionKind::BodyTooLarge => verifier.missing_signature(),
            _ => verifier.decorate(rejection),
        })?;
    }
    let asked = Asked {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        body: &received,
    };
    let mut candidates = candidates.iter();
    let Some(handshake) = candidates.find(|candidate| candidate.fits_body(&asked)) else {
        return Err(verifier.missing_signature());
    };

    let refused = || verifier.decorate(Rejection::new(RejectionKind::ChallengeRefused));
    if !handshake.knows(&asked, place.verify_token.as_ref())
        || !handshake.is_from(&asked, &place.origins)
    {
        return Err(refused());
    }
    let key = match handshake.needs_key() {
        true => Some(place.verifier.mac_key(&parts, place.clock.now()).await?),
        false => None,
    };
    let invalid = |challenge| verifier.decorate(invalid(challenge));
    let answer = handshake
        .answer(&asked, key.as_ref(), &place.allow)
        .map_err(invalid)?;
    if let Some(secret) = handshake.offered(&asked).map_err(invalid)? {
        let offer = OfferedSecret {
            provider: verifier.scheme().name(),
            path: original_uri(&parts).path(),
            tenant: parts.extensions.get::<Tenant>(),
            secret: &secret,
        };
        let Some(capture) = &place.capture else {
            return Err(refused());
        };
        let captured = within_patience(verifier.scheme().name(), capture.capture(offer)).await;
        if captured.map_err(|rejection| verifier.decorate(rejection))? != Captured::Accepted {
            return Err(refused());
        }
    }
    telemetry::answered(verifier.scheme().name());
    Ok(answer)
}

/// Answers a challenge that was verified.
pub(super) async fn signed(
    handshake: Arc<Handshake>,
    answer: Result<Answer, InvalidChallenge>,
    confirmation: Option<Arc<dyn ConfirmSubscription>>,
    delivery: Delivery,
    tenant: Option<Tenant>,
) -> Outcome {
    let provider = delivery.provider();
    let decorate = |rejection: Rejection| {
        let name = delivery.scheme().name.clone();
        rejection.with_provider(name)
    };
    let answer = answer.map_err(|challenge| decorate(invalid(challenge)))?;
    if let Some(confirmation) = confirmation.filter(|_| handshake.needs_confirmation()) {
        let subscription = Subscription {
            delivery: &delivery,
            tenant: tenant.as_ref(),
        };
        within_patience(provider, confirmation.confirm(subscription))
            .await
            .map_err(decorate)?;
    }
    telemetry::answered(provider);
    Ok(answer)
}

fn invalid(InvalidChallenge(place): InvalidChallenge) -> Rejection {
    Rejection::new(RejectionKind::InvalidChallenge).with_detail(place)
}

async fn within_patience<T>(
    provider: &str,
    deed: impl Future<Output = Result<T, HandshakeError>>,
) -> Result<T, Rejection> {
    let error: HandshakeError = match tokio::time::timeout(PATIENCE, deed).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(elapsed) => HandshakeError::new(elapsed),
    };
    telemetry::failed(provider, "a handshake could not be completed", &error);
    Err(Rejection::new(RejectionKind::HandshakeUnavailable).with_retry_after(PATIENCE))
}
