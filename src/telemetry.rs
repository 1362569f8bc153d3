//! Events for operators. Call sites carry no `cfg`: without feature `tracing`
//! these functions are empty.
//!
//! An event names the provider, the kind of outcome, the clock skew and the
//! label of the secret that matched; never a secret, a MAC, a body, or the
//! text of an id or header that the caller chose.

use crate::explain::Explanation;
use crate::observe::Observation;
#[cfg(feature = "tracing")]
use crate::observe::Verdict;
use crate::rejection::Rejection;

#[cfg(feature = "tracing")]
tokio::task_local! {
    static WITHOUT_EFFECT: ();
}

/// Runs a guard whose answers nobody gets: it must not log that it refused.
/// What becomes of the request is [`observed`].
pub(crate) fn without_effect<F: Future>(guard: F) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    return WITHOUT_EFFECT.scope((), guard);
    #[cfg(not(feature = "tracing"))]
    guard
}

#[cfg(feature = "tracing")]
fn has_effect() -> bool {
    WITHOUT_EFFECT.try_with(|()| ()).is_err()
}

/// What a guard would have done with a request.
pub(crate) fn observed(observation: &Observation) {
    #[cfg(feature = "tracing")]
    {
        let provider = observation.provider();
        match observation.verdict() {
            Verdict::Accepted => {
                tracing::info!(target: "tower_webhook", provider, "webhook would be accepted");
            }
            Verdict::Duplicate(duplicate) => tracing::info!(
                target: "tower_webhook",
                provider,
                attempt = duplicate.attempt,
                "webhook would be a duplicate"
            ),
            Verdict::Challenge => {
                tracing::info!(target: "tower_webhook", provider, "webhook challenge would be answered");
            }
            Verdict::Refused(rejection) => tracing::warn!(
                target: "tower_webhook",
                provider,
                kind = rejection.kind().as_str(),
                status = rejection.status().as_u16(),
                skew_seconds = rejection.skew_seconds(),
                detail = rejection.detail(),
                "webhook would be refused"
            ),
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = observation;
}

/// A request was refused.
pub(crate) fn rejected(rejection: &Rejection) {
    #[cfg(feature = "tracing")]
    if has_effect() {
        tracing::warn!(
            target: "tower_webhook",
            provider = rejection.provider(),
            kind = rejection.kind().as_str(),
            status = rejection.status().as_u16(),
            skew_seconds = rejection.skew_seconds(),
            detail = rejection.detail(),
            "webhook refused"
        );
    }
    #[cfg(not(feature = "tracing"))]
    let _ = rejection;
}

/// Whether anything is logged at all.
pub(crate) const LOGS: bool = cfg!(feature = "tracing");

/// Why a request was refused, for developers. Logged for a guard without effect
/// as well: it was asked for.
pub(crate) fn explained(rejection: &Rejection, explanation: &Explanation) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "tower_webhook",
        provider = rejection.provider(),
        kind = rejection.kind().as_str(),
        cause = explanation.cause().as_str(),
        proved = explanation.is_proved(),
        explanation = explanation.sentence(),
        "webhook refusal explained"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (rejection, explanation);
}

/// A request was verified.
pub(crate) fn verified(provider: &str, key: Option<&str>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "tower_webhook", provider, key, "webhook verified");
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, key);
}

/// A challenge of the provider's was answered.
pub(crate) fn answered(provider: &str) {
    #[cfg(feature = "tracing")]
    if has_effect() {
        tracing::info!(target: "tower_webhook", provider, "webhook challenge answered");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = provider;
}

/// An event that was processed before came again.
pub(crate) fn duplicate(provider: &str, attempt: u32) {
    #[cfg(feature = "tracing")]
    if has_effect() {
        tracing::info!(target: "tower_webhook", provider, attempt, "webhook duplicate");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, attempt);
}

/// An event is stored durably, now or since an earlier delivery.
pub(crate) fn stored(provider: &str, already: bool) {
    #[cfg(feature = "tracing")]
    match already {
        true => tracing::info!(target: "tower_webhook", provider, "webhook already stored"),
        false => tracing::debug!(target: "tower_webhook", provider, "webhook stored"),
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, already);
}

/// An event's handler did not succeed.
#[cfg(feature = "postgres")]
pub(crate) fn not_processed(provider: &str, attempt: u32, class: &str, dead: bool) {
    #[cfg(feature = "tracing")]
    match dead {
        true => tracing::error!(
            target: "tower_webhook", provider, attempt, class,
            "a stored webhook is a dead letter"
        ),
        false => tracing::warn!(
            target: "tower_webhook", provider, attempt, class,
            "a stored webhook was not processed"
        ),
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, attempt, class, dead);
}

/// Something an operator should look into: the request itself was answered.
pub(crate) fn trouble(provider: &str, what: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "tower_webhook", provider, "{what}");
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, what);
}

/// A step of somebody else's failed (of a store, a sink, a source of keys), and
/// what that means.
pub(crate) fn failed(provider: &str, what: &'static str, error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "tower_webhook", provider, error = %Chain(error), "{what}");
    #[cfg(not(feature = "tracing"))]
    let _ = (provider, what, error);
}

/// An error with its causes. One that an error writes out itself is not
/// repeated.
#[cfg(feature = "tracing")]
struct Chain<'a>(&'a dyn std::error::Error);

#[cfg(feature = "tracing")]
impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            last = text;
            cause = error.source();
        }
        Ok(())
    }
}

/// The span a request was received in, for work that outlives it.
#[derive(Default)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
}

impl Span {
    pub(crate) fn current() -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: Some(tracing::Span::current()),
        }
    }

    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(crate) fn instrument<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        #[cfg(feature = "tracing")]
        return tracing::Instrument::instrument(
            future,
            self.span.unwrap_or_else(tracing::Span::none),
        );
        #[cfg(not(feature = "tracing"))]
        {
            let Self {} = self;
            future
        }
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn each_cause_is_written_once() {
        let cause = StoreError::unavailable("connection reset");
        assert_eq!(
            Chain(&StoreError::unavailable(cause)).to_string(),
            "the store is unavailable: connection reset"
        );
    }
}
