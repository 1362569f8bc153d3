use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::case::Report;
use super::observation::Observation;
use super::probe::Unsent;
use super::service::Observe;
use crate::WebhookLayer;

/// Runs the checks of a guard without their consequences. See the
/// [module docs](crate::observe).
#[must_use]
#[derive(Clone)]
pub struct ObserveLayer {
    pub(super) guard: WebhookLayer<Unsent>,
    pub(super) report: Option<Arc<Report>>,
}

impl ObserveLayer {
    /// Observes what `guard` would do.
    ///
    /// What it answers refused senders with
    /// ([`with_rejection_response`](WebhookLayer::with_rejection_response)) is
    /// not observed.
    pub fn new<R>(guard: WebhookLayer<R>) -> Self {
        Self {
            guard: guard
                .with_pretended_handshakes()
                .with_rejection_response(Unsent),
            report: None,
        }
    }

    /// Calls `report` once for each request, as soon as it is known what the
    /// guard would have done. It runs beside the request and must not block.
    ///
    /// A request whose sender left before its body had come is not reported:
    /// the guard would not have answered it either.
    pub fn with_report(mut self, report: impl Fn(&Observation) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observe::new(inner, self)
    }
}

impl fmt::Debug for ObserveLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer")
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}
