//! Secrets that are asked for: those of tenants, and the token of a challenge.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::delivery::Tenant;
use tower_webhook::handshake::HandshakeLayer;
use tower_webhook::keys::{
    AsyncVerifier, SecretFuture, SecretRequest, SecretSource, TenantSecrets,
};
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{Secret, Verifier, provider};

use crate::case::{NOW, counted, poisoned};
use crate::requests::{KEYS, OTHER};

const BODY: &[u8] = &[b'x'; 300];

/// Name, whether it is accepted, how many errors there may be; and how many
/// there are, and whether it was.
pub type Probed = (String, bool, usize, (usize, bool));

/// Whose secret is that of everybody at `/acme`.
#[derive(Debug)]
pub struct Tenants(pub Secret);

impl SecretSource for Tenants {
    fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a> {
        let found = (request.path_segment(0) == Some("acme"))
            .then(|| TenantSecrets::new(Tenant::new("acme"), self.0.clone()));
        Box::pin(std::future::ready(Ok(found)))
    }
}

#[must_use]
pub fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
}

/// What to run memcheck over.
#[must_use]
pub fn cases() -> Vec<Probed> {
    let mut cases = Vec::new();
    for (what, key, accepted) in [("genuine", KEYS[0], true), ("forged", OTHER, false)] {
        let request = delivery(provider::github(), "/acme", key);
        // The secret is set up for each request: what that branches on is a
        // matter of the secret and of nothing that a sender chooses.
        let (set_up, _) = counted(|| Verifier::new(provider::github(), poisoned(KEYS[0])).is_ok());
        let verifier = tenants(provider::github(), poisoned(KEYS[0]));
        let runtime = runtime();
        let probed = counted(|| verify(&runtime, &verifier, request));
        cases.push((format!("tenant: {what}"), accepted, set_up + 1, probed));
    }
    for (what, token, accepted) in [
        ("right token", "9f8e7d6c5b4a", true),
        ("first byte wrong", "8f8e7d6c5b4a", false),
        ("last byte wrong", "9f8e7d6c5b4b", false),
        ("another length", "9f8e7d6c5b4a9f8e7d6c5b4a", false),
    ] {
        let probed = challenge(token);
        cases.push((format!("challenge: {what}"), accepted, 1, probed));
    }
    cases
}

/// A verifier that knows the secret of `/acme`.
#[must_use]
pub fn tenants(scheme: Scheme, secret: Secret) -> AsyncVerifier {
    let source = Arc::new(Tenants(secret));
    AsyncVerifier::with_secrets(scheme, source).expect("a valid scheme")
}

/// A delivery to `path`, signed with `key`.
#[must_use]
pub fn delivery(scheme: Scheme, path: &str, key: &[u8]) -> Request<Bytes> {
    Signer::new(scheme, Secret::from_bytes(key))
        .expect("a valid key")
        .at(NOW)
        .sign(path, BODY)
}

/// Whether `verifier` accepts `request`.
#[must_use]
pub fn verify(runtime: &Runtime, verifier: &AsyncVerifier, request: Request<Bytes>) -> bool {
    let (parts, body) = request.into_parts();
    runtime.block_on(verifier.verify(&parts, body, NOW)).is_ok()
}

fn challenge(token: &str) -> (usize, bool) {
    let verifier = Verifier::new(provider::meta(), "secret").expect("a valid secret");
    let layer = HandshakeLayer::unsigned(verifier)
        .with_verify_token(poisoned(b"9f8e7d6c5b4a"))
        .expect("a valid token");
    let service = layer.layer(service_fn(async |_: Request<Full<Bytes>>| {
        let response = Response::new(Full::<Bytes>::default());
        Ok::<_, Infallible>(response)
    }));
    let uri = format!("/?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let request = Request::get(uri).body(Full::default()).expect("a URI");
    let runtime = runtime();
    counted(|| {
        let Ok(response) = runtime.block_on(service.oneshot(request));
        response.status() == StatusCode::OK
    })
}
