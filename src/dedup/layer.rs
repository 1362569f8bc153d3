use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tower::Layer;

use super::handlers::Handlers;
use super::key::Scope;
use super::rows::permit;
use super::service::Dedup;
use crate::ConfigError;
use crate::delivery::{EventId, Tenant};
use crate::rejection::DefaultRejectionResponse;
use crate::signature::Scheme;
use crate::store::{Claimed, DedupStore, MemoryStore, StoreError};

/// Processes each event once. See the [module docs](crate::dedup).
#[must_use]
#[derive(Clone)]
pub struct DedupLayer<R = DefaultRejectionResponse> {
    config: Arc<Config>,
    rejection: R,
}

/// How events are claimed and remembered.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) store: Arc<dyn DedupStore>,
    pub(super) endpoint: Arc<str>,
    pub(super) lease: Duration,
    pub(super) max_hold: Duration,
    pub(super) ttl: Duration,
    pub(super) is_final: fn(StatusCode) -> bool,
    pub(super) store_timeout: Duration,
    pub(super) on_store_failure: OnStoreFailure,
    pub(super) handlers: Handlers,
}

/// What happens to a delivery while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// It is refused with the scheme's overload status (503), and the
    /// provider comes again. A provider that does not retry (GitHub) needs a
    /// redelivery by hand then.
    #[default]
    Refuse,
    /// It is processed, possibly for the second time, with
    /// [`DedupUnavailable`](super::DedupUnavailable) in its extensions.
    Process,
}

impl Config {
    /// An event is remembered for at least as long as its signature is fresh.
    pub(super) fn ttl_for(&self, scheme: &Scheme) -> Duration {
        let needed = scheme.freshness_window().saturating_add(self.lease);
        self.ttl.max(needed)
    }

    /// Two renewals may fail before the lease is over.
    pub(super) fn renew_interval(&self) -> Duration {
        self.lease / 3
    }
}

impl DedupLayer {
    const LEASE: Duration = Duration::from_secs(30);
    const MAX_HOLD: Duration = Duration::from_secs(15 * 60);
    const TTL: Duration = Duration::from_secs(96 * 60 * 60);
    /// Some senders wait for no longer than three seconds.
    const STORE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Remembers events in `store`.
    pub fn new(store: Arc<dyn DedupStore>) -> Self {
        Self {
            config: Arc::new(Config {
                store,
                endpoint: Arc::from(""),
                lease: Self::LEASE,
                max_hold: Self::MAX_HOLD,
                ttl: Self::TTL,
                is_final: |status| status.is_success(),
                store_timeout: Self::STORE_TIMEOUT,
                on_store_failure: OnStoreFailure::default(),
                handlers: Handlers::new(),
            }),
            rejection: DefaultRejectionResponse,
        }
    }

    /// Remembers events in the memory of this process: up to a million, and
    /// until it ends.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryStore::default()))
    }
}

impl<R> DedupLayer<R> {
    /// Tells endpoints apart that share a store and a provider. Event ids are
    /// unique within an endpoint.
    pub fn with_endpoint(self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.configure(|config| config.endpoint = name)
    }

    /// How long an event is remembered after it was processed (default: 96
    /// hours). Should be longer than the provider goes on retrying
    /// ([`Scheme::retry_horizon`]); is never less than the time for which a
    /// signature counts as fresh.
    ///
    /// # Errors
    ///
    /// If `ttl` is not longer than the lease.
    pub fn with_ttl(self, ttl: Duration) -> Result<Self, ConfigError> {
        self.configure(|config| config.ttl = ttl).checked()
    }

    /// How long a claim outlives its process (default: 30 seconds). A running
    /// handler renews it at every third of that.
    ///
    /// # Errors
    ///
    /// If `lease` is shorter than a second, not shorter than the time an event
    /// is remembered, or longer than it may be held.
    pub fn with_lease(self, lease: Duration) -> Result<Self, ConfigError> {
        self.configure(|config| config.lease = lease).checked()
    }

    /// For how long a handler's lease is renewed at most (default: 15
    /// minutes), so that one that hangs does not block its event for ever.
    ///
    /// # Errors
    ///
    /// If `max_hold` is shorter than the lease.
    pub fn with_max_hold(self, max_hold: Duration) -> Result<Self, ConfigError> {
        self.configure(|config| config.max_hold = max_hold)
            .checked()
    }

    /// Which statuses of the handler settle an event (default: 2xx). After any
    /// other the event is released, and the next delivery is processed.
    pub fn with_final_statuses(self, is_final: fn(StatusCode) -> bool) -> Self {
        self.configure(|config| config.is_final = is_final)
    }

    /// How long a step of the store may take (default: two seconds). One that
    /// takes longer counts as failed.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_store_timeout(self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the store's timeout",
            });
        }
        Ok(self.configure(|config| config.store_timeout = timeout))
    }

    /// What happens while the store does not answer (default: refuse).
    pub fn with_store_failure(self, policy: OnStoreFailure) -> Self {
        self.configure(|config| config.on_store_failure = policy)
    }

    /// What a refused sender is answered.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> DedupLayer<R2> {
        DedupLayer {
            config: self.config,
            rejection,
        }
    }

    /// The handlers that are running, to wait for them before the process
    /// ends.
    #[must_use]
    pub fn handlers(&self) -> Handlers {
        self.config.handlers.clone()
    }

    /// Forgets an event, so that its next delivery is processed again.
    ///
    /// Answers whether the event was known. Where the provider does not sign
    /// its ids, the next delivery under this id within 24 hours is let
    /// through although its content is known.
    ///
    /// # Errors
    ///
    /// If the store does not answer, or is full.
    pub async fn forget(
        &self,
        scheme: &Scheme,
        tenant: Option<&Tenant>,
        event_id: &EventId,
    ) -> Result<bool, StoreError> {
        let config = &self.config;
        let scope = Scope {
            provider: scheme.name(),
            endpoint: &config.endpoint,
            tenant,
        };
        let event = scope.id(event_id);
        if !scheme.has_replaceable_id() {
            return config.store.forget(&event).await;
        }
        // The permit first: once the event is forgotten, a repetition of a
        // call that failed half-way would not find it.
        let rerun = scope.rerun(event_id);
        let permitted = config.store.claim(&permit(rerun)).await?;
        let known = config.store.forget(&event).await?;
        // A permit that was there already is an earlier call's.
        if !known && matches!(permitted, Claimed::Won { .. }) {
            config.store.forget(&rerun).await?;
        }
        Ok(known)
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.config.ttl
    }

    pub(crate) fn lease(&self) -> Duration {
        self.config.lease
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let Config {
            lease,
            max_hold,
            ttl,
            ..
        } = *self.config;
        let invalid = |reason| Err(ConfigError::InvalidLease { reason });
        if lease < Duration::from_secs(1) {
            return invalid("the lease is shorter than a second");
        }
        if ttl <= lease {
            return invalid("events are not remembered for longer than their lease");
        }
        if max_hold < lease {
            return invalid("the longest hold is shorter than one lease");
        }
        Ok(self)
    }
}

impl<S, R: Clone> Layer<S> for DedupLayer<R> {
    type Service = Dedup<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Dedup::new(
            inner,
            Some(Arc::clone(&self.config)),
            self.rejection.clone(),
        )
    }
}

impl<R> fmt::Debug for DedupLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupLayer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
