//! A verified webhook delivery, as handlers and later layers see it.
//!
//! [`VerifyLayer`](crate::verify::VerifyLayer) makes one for each request that
//! proved to be genuine and fresh, and puts it into the request's extensions.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower_webhook::delivery::Delivery;
//!
//! // In any handler behind the layer:
//! fn handle<B>(request: &Request<B>) -> StatusCode {
//!     let Some(delivery) = request.extensions().get::<Delivery>() else {
//!         return StatusCode::INTERNAL_SERVER_ERROR; // not behind VerifyLayer
//!     };
//!     match delivery.event_type() {
//!         Some("invoice.paid") => StatusCode::OK,
//!         _ => StatusCode::ACCEPTED,
//!     }
//! }
//! # assert_eq!(handle(&Request::new(())), 500);
//! ```

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderValue;

use crate::Timestamp;
use crate::signature::{
    EventHeaders, IdHeader, Inner, MacKey, Scheme, Tag, Verified, VerifiedBytes, event_id,
    event_type,
};
pub use crate::signature::{EventId, EventIdError};

/// A verified delivery. Cloning is cheap.
///
/// Everything here is covered by the verification, except what the provider
/// does not sign: see [`Scheme::signs_event_id`].
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<DeliveryInner>,
}

struct DeliveryInner {
    verifier: Arc<Inner>,
    headers: EventHeaders<HeaderValue>,
    key: u32,
    tag: Tag,
    timestamp: Option<Timestamp>,
    body: Bytes,
    event_id: OnceLock<Result<Option<EventId>, EventIdError>>,
    event_type: OnceLock<Option<String>>,
}

impl Delivery {
    /// The name of the scheme, such as `stripe`.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.scheme().name()
    }

    /// The scheme the delivery was verified against.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.inner.verifier.compiled.scheme
    }

    /// The body, exactly as it was sent and verified.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.inner.body
    }

    /// The event id. `None` if the provider sent none, or one that cannot be
    /// used; [`DedupLayer`](crate::dedup::DedupLayer) refuses the latter.
    #[must_use]
    pub fn event_id(&self) -> Option<&EventId> {
        self.usable_event_id().ok().flatten()
    }

    /// The event id, or that there is one that cannot be used.
    pub(crate) fn usable_event_id(&self) -> Result<Option<&EventId>, EventIdError> {
        self.inner
            .event_id
            .get_or_init(|| {
                let inner = &self.inner;
                event_id(&inner.verifier.compiled, &inner.headers.id, &inner.body)
            })
            .as_ref()
            .map(Option::as_ref)
            .map_err(|error| *error)
    }

    /// The event type, if the provider sent one. One that comes in a header
    /// (GitHub's, Shopify's) is not signed: whoever captured a request could
    /// send it again under another.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.inner
            .event_type
            .get_or_init(|| {
                let header = self.inner.headers.event_type.as_ref();
                event_type(self.scheme(), header, self.body())
            })
            .as_deref()
    }

    /// The sender's timestamp, where the scheme signs one.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.inner.timestamp
    }

    /// The label of the secret that matched, if it has one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.inner.verifier.label(self.inner.key)
    }

    /// The secret that matched.
    pub(crate) fn mac_key(&self) -> MacKey {
        MacKey::new(Arc::clone(&self.inner.verifier), self.inner.key)
    }

    /// The methods that the endpoint takes.
    pub(crate) fn allow(&self) -> &str {
        &self.inner.verifier.compiled.allow
    }

    /// Whether [`mac`](Self::mac) is a digest of the signed content.
    pub(crate) fn was_judged_whole(&self) -> bool {
        self.inner.verifier.compiled.whole
    }

    /// The MAC of the signed content, zero behind its end. Equal for a replay
    /// of the same request; not to be shown to anybody.
    pub(crate) fn mac(&self) -> [u8; 64] {
        self.inner.tag.to_bytes()
    }
}

/// Keeps the body without copying it if it was collected piece by piece.
impl From<Verified<'_>> for Delivery {
    fn from(verified: Verified<'_>) -> Self {
        let found = verified.headers();
        let headers = EventHeaders {
            id: match found.id {
                IdHeader::Absent => IdHeader::Absent,
                IdHeader::One(line) => IdHeader::One(line.clone()),
                IdHeader::Repeated => IdHeader::Repeated,
            },
            event_type: found.event_type.cloned(),
        };
        Self {
            inner: Arc::new(DeliveryInner {
                verifier: Arc::clone(verified.inner),
                headers,
                key: verified.key,
                tag: verified.tag,
                timestamp: verified.timestamp,
                body: match verified.body {
                    VerifiedBytes::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
                    VerifiedBytes::Owned(bytes) => bytes,
                },
                event_id: OnceLock::new(),
                event_type: OnceLock::new(),
            }),
        }
    }
}

/// Shows neither body nor id.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("provider", &self.provider())
            .field("timestamp", &self.timestamp())
            .field("key_label", &self.key_label())
            .field("body_len", &self.body().len())
            .finish_non_exhaustive()
    }
}

/// Whose endpoint a request is for, where one route serves many.
///
/// Put it into the request's extensions in front of the layers of this crate,
/// for instance from a path parameter. Deduplication and the limit per tenant
/// keep tenants apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// A tenant by its name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The tenant's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
