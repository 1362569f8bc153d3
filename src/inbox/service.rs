use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, StatusCode};
use tower::Service;

use super::future::ResponseFuture;
use super::headers::Chosen;
use super::{InboxEvent, Put, Sink};
use crate::clock::{Clock, SystemClock};
use crate::dedup::{Handlers, overload, refusal, step};
use crate::rejection::{DefaultRejectionResponse, Rejection, RejectionKind, RejectionResponse};
use crate::store::StoreError;
use crate::{ConfigError, VerifiedBody, telemetry};

/// Stores each event and acknowledges it: the service that ends the request.
/// See the [module docs](crate::inbox).
#[must_use]
#[derive(Clone)]
pub struct Inbox<R = DefaultRejectionResponse> {
    config: Arc<Config>,
    rejection: R,
}

#[derive(Clone, Debug)]
struct Config {
    sink: Arc<dyn Sink>,
    endpoint: Arc<str>,
    headers: Chosen,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    puts: Handlers,
}

impl Inbox {
    /// Some senders wait for no longer than three seconds.
    const TIMEOUT: Duration = Duration::from_secs(2);

    /// Stores events in `sink`.
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self {
            config: Arc::new(Config {
                sink,
                endpoint: Arc::from(""),
                headers: Chosen::default(),
                timeout: Self::TIMEOUT,
                clock: Arc::new(SystemClock),
                puts: Handlers::new(),
            }),
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> Inbox<R> {
    /// Tells endpoints apart that share a sink and a provider. Event ids are
    /// unique within an endpoint.
    pub fn with_endpoint(self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.configure(|config| config.endpoint = name)
    }

    /// Stores the header `name` as well, beside `content-type` and those in
    /// which the provider sends the event's id and type.
    ///
    /// # Errors
    ///
    /// If `name` is not a header name, or looks like that of a header with a
    /// secret or a proof of the sender (`authorization`, `cookie`, or with
    /// `token`, `signature`, `secret` … in it). A header from which the
    /// provider's signature or token is read is never stored, whatever its
    /// name.
    pub fn with_header(mut self, name: &str) -> Result<Self, ConfigError> {
        Arc::make_mut(&mut self.config).headers.add(name)?;
        Ok(self)
    }

    /// How long the sink may take (default: two seconds). An event that takes
    /// longer is not acknowledged; whether it was stored will show when the
    /// sender comes again.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_timeout(self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the sink's timeout",
            });
        }
        Ok(self.configure(|config| config.timeout = timeout))
    }

    /// The clock of [`InboxEvent::received_at`]; the system's by default.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.configure(|config| config.clock = clock)
    }

    /// What a refused sender is answered.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> Inbox<R2> {
        Inbox {
            config: self.config,
            rejection,
        }
    }

    /// The events that are being stored, to wait for them before the process
    /// ends.
    #[must_use]
    pub fn puts(&self) -> Handlers {
        self.config.puts.clone()
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<R> Service<Request<VerifiedBody>> for Inbox<R>
where
    R: RejectionResponse<String> + Clone,
{
    type Response = http::Response<String>;
    type Error = Infallible;
    type Future = ResponseFuture<R>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let config = Arc::clone(&self.config);
        let puts = config.puts.clone();
        ResponseFuture::new(store(config, request), puts, self.rejection.clone())
    }
}

impl<R> fmt::Debug for Inbox<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

async fn store(
    config: Arc<Config>,
    request: Request<VerifiedBody>,
) -> Result<(Put, StatusCode), Rejection> {
    let delivery = request.body().delivery();
    let scheme = delivery.scheme();
    let event = InboxEvent::of(
        delivery,
        &config.endpoint,
        request.extensions().get(),
        config.headers.of(request.headers(), scheme),
        config.clock.now(),
    );
    let event = event.map_err(|kind| refusal(kind, delivery))?;
    let put = async {
        config
            .sink
            .put(&event)
            .await
            .map_err(StoreError::unavailable)
    };
    match step(config.timeout, put).await {
        Ok(put) => {
            telemetry::stored(delivery.provider(), put == Put::AlreadyStored);
            Ok((put, scheme.success_status()))
        }
        Err(error) => {
            telemetry::failed(delivery.provider(), "a webhook could not be stored", &error);
            Err(overload(RejectionKind::SinkUnavailable, delivery))
        }
    }
}
