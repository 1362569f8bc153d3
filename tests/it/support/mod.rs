//! What several test modules share.

pub mod bodies;
pub mod forge;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod keys;
#[cfg(feature = "tracing")]
pub mod log;
pub mod net;
pub mod route;
pub mod store;
pub mod vectors;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Part, Scheme, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier};

pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Hex and base64 as well as plain text, so that every secret encoding takes
/// it.
pub const SECRET: &str = "5EC2E75EC2E70123456789ABCDEF5EC2E7FF";
pub const OTHER_SECRET: &str = "07E25EC2E7FEDCBA98765432100007E25EC2";

/// Has the id, type and time of every preset that reads them from the body.
pub const BODY: &str = r#"{"id":"evt_1","event_id":"ev_1","type":"t","event_type":"t","webhookTimestamp":1700000000000,"webhookMetadata":{"webhookDeliveryAttemptTimestamp":"2023-11-14T22:13:20Z"},"update_id":1,"task_result_id":"evt_1","eventId":"evt_1","event":{"id":"evt_1"},"check_id":1,"state_changed_timestamp":2,"current_state":"UP"}"#;

/// [`BODY`], sent at another time.
pub fn body_at(at: Timestamp) -> String {
    BODY.replace("1700000000000", &at.unix_millis().to_string())
        .replace("2023-11-14T22:13:20Z", &at.to_string())
}

/// Every preset that is data.
pub fn all_schemes() -> impl Iterator<Item = Scheme> {
    provider::all()
        .map(|preset| match preset {
            Preset::Signed(scheme) => scheme,
            Preset::Unsigned(unsigned) => unsigned.with_token_in_query("token"),
            _ => panic!("a kind of preset that the tests do not know"),
        })
        .filter(|scheme| scheme.protocol().is_none())
}

/// Every preset with an HMAC or a token outside the body, over content that is
/// hashed while it arrives. The others have tests of their own, in `whole`.
pub fn schemes() -> impl Iterator<Item = Scheme> {
    all_schemes().filter(streams)
}

pub fn streams(scheme: &Scheme) -> bool {
    let apart = |part: &Part| {
        matches!(
            part,
            Part::Literal(_) | Part::Timestamp | Part::EventId | Part::Body
        )
    };
    matches!(scheme.algorithm(), Algorithm::Hmac(_) | Algorithm::Token)
        && scheme.content().iter().all(apart)
        && scheme
            .signatures()
            .iter()
            .all(|source| matches!(source, Source::Header(_) | Source::Query(_)))
}

/// Every preset that signs the body.
pub fn hmac_schemes() -> impl Iterator<Item = Scheme> {
    schemes().filter(signs_body)
}

pub fn signs_body(scheme: &Scheme) -> bool {
    matches!(scheme.algorithm(), Algorithm::Hmac(_))
}

pub fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::new(scheme.clone(), SECRET).unwrap()
}

pub fn signer(scheme: &Scheme) -> Signer {
    Signer::new(scheme.clone(), SECRET).unwrap().at(NOW)
}

/// A genuine request with [`BODY`].
pub fn genuine(scheme: &Scheme) -> Request<Bytes> {
    signer(scheme).sign("/hook", BODY)
}

/// Whether the pure core takes the request.
pub fn accepts(verifier: &Verifier, request: &Request<Bytes>) -> bool {
    let (parts, body) = request.clone().into_parts();
    verifier.verify(&parts, &body, NOW).is_ok()
}

/// How often a handler was called.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
