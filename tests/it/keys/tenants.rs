//! A21, C13, H2, H4: many tenants on one route.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use tower_webhook::keys::{AsyncVerifier, LiveVerifier, MemorySecrets, SecretSource};
use tower_webhook::signature::{
    Coverage, Hash, Protocol, Received, Scheme, SecretEncoding, Statement,
};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, Rejection, RejectionKind, Secret, Timestamp, Verifier, provider};

use crate::support::route::Route;
use crate::support::{BODY, Calls, NOW, OTHER_SECRET, SECRET, all_schemes, schemes};

fn stripe(secret: &str) -> Signer {
    Signer::new(provider::stripe(), secret).unwrap().at(NOW)
}

fn tenants(secrets: MemorySecrets) -> Arc<MemorySecrets> {
    secrets.insert("one", SECRET).unwrap();
    secrets.insert("two", OTHER_SECRET).unwrap();
    Arc::new(secrets)
}

fn by_path() -> Arc<MemorySecrets> {
    tenants(MemorySecrets::by_path_segment(&provider::stripe(), 1).unwrap())
}

fn route(source: Arc<dyn SecretSource>) -> Route {
    Route::new(AsyncVerifier::with_secrets(provider::stripe(), source).unwrap())
}

#[tokio::test]
async fn a21_each_tenant_has_its_own_secret_by_path() {
    let route = route(by_path());
    for (tenant, own, other) in [("one", SECRET, OTHER_SECRET), ("two", OTHER_SECRET, SECRET)] {
        let path = format!("/hooks/{tenant}");
        route.accepts(stripe(own).sign(&path, BODY), tenant).await;
        let kind = route.refuses(stripe(other).sign(&path, BODY), tenant).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch);
    }
    for path in [
        "/hooks/three",
        "/hooks/",
        "/hooks",
        "/",
        "/hooks/One",
        "/hooks/on%65",
    ] {
        let kind = route.refuses(stripe(SECRET).sign(path, BODY), path).await;
        assert_eq!(kind, RejectionKind::UnknownTenant, "{path}");
    }
}

#[tokio::test]
async fn a21_each_tenant_has_its_own_secret_by_header() {
    let secrets = MemorySecrets::by_header(&provider::stripe(), "X-Tenant").unwrap();
    let route = route(tenants(secrets));
    let request = |secret: &str, tenants: &[&str]| {
        let mut request = stripe(secret).sign("/hook", BODY);
        for tenant in tenants {
            request
                .headers_mut()
                .append("x-tenant", tenant.parse().unwrap());
        }
        request
    };
    route.accepts(request(SECRET, &["one"]), "one").await;
    let kind = route.refuses(request(SECRET, &["two"]), "two").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    for tenants in [
        &[][..],
        &["three"],
        &["one", "one"],
        &["one", "two"],
        &["one, two"],
    ] {
        let kind = route.refuses(request(SECRET, tenants), tenants.len()).await;
        assert_eq!(kind, RejectionKind::UnknownTenant, "{tenants:?}");
    }
}

#[tokio::test]
async fn a21_each_tenant_has_its_own_secret_by_body() {
    let secrets = MemorySecrets::by_body_value(&provider::stripe(), "/account/id").unwrap();
    let route = route(tenants(secrets));
    let body = |tenant: &str| format!(r#"{{"id":"e","account":{{"id":{tenant}}}}}"#);
    let good = stripe(SECRET).sign("/hook", body("\"one\""));
    route.accepts(good, "one").await;
    let crossed = stripe(SECRET).sign("/hook", body("\"two\""));
    let kind = route.refuses(crossed, "two").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    for body in [
        body("\"three\""),
        body("1"),
        body("null"),
        body("{}"),
        r#"{"id":"e","account":{"id":"two"},"account":{"id":"one"}}"#.to_owned(),
        "id=one".to_owned(),
        String::new(),
    ] {
        let request = stripe(SECRET).sign("/hook", body.clone());
        let kind = route.refuses(request, &body).await;
        assert_eq!(kind, RejectionKind::UnknownTenant, "{body}");
    }
}

#[tokio::test]
async fn secrets_are_rotated_while_serving() {
    let secrets = by_path();
    let route = route(secrets.clone());
    let request = |secret: &str, id: &str| {
        let body = format!(r#"{{"id":"{id}"}}"#);
        stripe(secret).sign("/hooks/one", body)
    };
    route.accepts(request(SECRET, "1"), "before").await;
    secrets
        .insert("one", [Secret::new(SECRET), Secret::new("whsec_new")])
        .unwrap();
    route.accepts(request(SECRET, "2"), "during, old").await;
    route
        .accepts(request("whsec_new", "3"), "during, new")
        .await;
    secrets.insert("one", "whsec_new").unwrap();
    route.accepts(request("whsec_new", "4"), "after").await;
    let kind = route.refuses(request(SECRET, "5"), "the old one").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    assert!(secrets.remove("one"));
    assert!(!secrets.remove("one"));
    let kind = route.refuses(request("whsec_new", "6"), "removed").await;
    assert_eq!(kind, RejectionKind::UnknownTenant);
    secrets.insert("one", SECRET).unwrap();
    // C18: the same event, whatever it is signed with.
    route.recognises(request(SECRET, "4"), "known").await;
}

#[tokio::test]
async fn a_live_verifier_is_replaced_while_serving() {
    let verifier = |secret: &str| Verifier::new(provider::stripe(), secret).unwrap();
    let live = LiveVerifier::new(verifier(SECRET));
    let route = Route::new(live.clone());
    route
        .accepts(stripe(SECRET).sign("/hook", BODY), "before")
        .await;
    live.replace(verifier(OTHER_SECRET)).unwrap();
    let kind = route
        .refuses(stripe(SECRET).sign("/hook", BODY), "old")
        .await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    let other = stripe(OTHER_SECRET).sign("/hook", r#"{"id":"2"}"#);
    route.accepts(other, "new").await;
    let github = Verifier::new(provider::github(), SECRET).unwrap();
    assert!(matches!(
        live.replace(github),
        Err(ConfigError::InvalidScheme { .. })
    ));
    route
        .recognises(stripe(OTHER_SECRET).sign("/hook", BODY), "kept")
        .await;
}

/// Same id, two tenants: two events. The layer says whose it is.
#[tokio::test]
async fn c13_one_id_of_two_tenants_is_two_events() {
    let route = route(by_path());
    let first = || stripe(SECRET).sign("/hooks/one", BODY);
    let second = || stripe(OTHER_SECRET).sign("/hooks/two", BODY);
    route.accepts(first(), "one").await;
    route.accepts(second(), "two").await;
    route.recognises(first(), "one again").await;
    route.recognises(second(), "two again").await;
}

/// What the sender put into the extensions' place is overruled.
#[tokio::test]
async fn c13_the_tenant_is_the_one_that_was_found() {
    use tower_webhook::delivery::Tenant;
    let route = route(by_path());
    let with = |tenant: &str| {
        let mut request = stripe(SECRET).sign("/hooks/one", BODY);
        request.extensions_mut().insert(Tenant::new(tenant));
        request
    };
    route.accepts(with("a"), "first").await;
    route.recognises(with("b"), "not another tenant's").await;
}

/// Those with tokens in the URL and with public keys included.
#[test]
fn every_preset_can_have_tenants() {
    for scheme in all_schemes() {
        let name = scheme.name().to_owned();
        let secrets = Arc::new(MemorySecrets::by_path_segment(&scheme, 1).unwrap());
        let verifier = AsyncVerifier::with_secrets(scheme, secrets);
        assert!(verifier.is_ok(), "{name}: {verifier:?}");
    }
}

#[tokio::test]
async fn h2_unknown_tenants_are_answered_as_wrong_secrets() {
    for scheme in schemes() {
        let name = scheme.name().to_owned();
        let secrets = Arc::new(MemorySecrets::by_path_segment(&scheme, 1).unwrap());
        let sender = crate::support::keys::sender(&scheme).at(NOW);
        let other = crate::support::keys::other_verifying_secret(&scheme);
        secrets.insert("other", other).unwrap();
        let verifier = AsyncVerifier::with_secrets(scheme.clone(), secrets).unwrap();
        let route = Route::new(verifier);
        let unknown = route.send(sender.sign("/hooks/unknown", BODY)).await;
        assert_eq!(unknown.kind(), RejectionKind::UnknownTenant, "{name}");
        let wrong = route.send(sender.sign("/hooks/other", BODY)).await;
        assert_eq!(wrong.kind(), RejectionKind::SignatureMismatch, "{name}");
        assert_eq!(unknown.status, wrong.status, "{name}");
        assert_eq!(unknown.status, scheme.reject_status(), "{name}");
        assert_eq!(unknown.headers, wrong.headers, "{name}");
        assert_eq!(unknown.body, wrong.body, "{name}");
        assert_eq!(route.calls.get() + route.store.claims(), 0, "{name}");
    }
}

/// Counts how often it is asked what is signed.
#[derive(Debug, Default)]
struct Counting(Calls);

impl Protocol for Counting {
    fn precheck(&self, _: &Parts, _: Timestamp) -> Result<(), Rejection> {
        Ok(())
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        self.0.add();
        Ok(Statement::new(received.body(), vec![0; 32]))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }
}

/// The way of a request for nobody is that of one for somebody: key set-up,
/// content, MAC.
#[tokio::test]
async fn h4_requests_for_nobody_are_verified_too() {
    let counting = Arc::new(Counting::default());
    let scheme = Scheme::hmac("counting", Hash::Sha256).with_protocol(counting.clone());
    let secrets = MemorySecrets::by_path_segment(&scheme, 0).unwrap();
    secrets.insert("one", SECRET).unwrap();
    let verifier = AsyncVerifier::with_secrets(scheme, Arc::new(secrets)).unwrap();
    for (path, kind) in [
        ("/one", RejectionKind::SignatureMismatch),
        ("/nobody", RejectionKind::UnknownTenant),
    ] {
        let before = counting.0.get();
        let (parts, ()) = Request::post(path).body(()).unwrap().into_parts();
        let refused = verifier
            .verify(&parts, Bytes::from_static(b"{}"), NOW)
            .await;
        assert_eq!(refused.unwrap_err().kind(), kind, "{path}");
        assert_eq!(counting.0.get() - before, 1, "{path}");
    }
}

#[test]
fn bad_secrets_are_found_when_they_are_inserted() {
    let secrets = MemorySecrets::by_path_segment(&provider::svix(), 1).unwrap();
    for bad in [
        "",
        " ",
        "whsec_",
        "whsec_!!!",
        "whsec_AAAA",
        " whsec_c2VjcmV0",
    ] {
        assert!(secrets.insert("one", bad).is_err(), "{bad:?}");
    }
    assert!(secrets.insert("one", Vec::<Secret>::new()).is_err());
    assert!(secrets.is_empty());
    secrets.insert("one", "whsec_c2VjcmV0").unwrap();
    assert!(secrets.insert("one", "").is_err());
    assert_eq!(secrets.len(), 1);
    let hex = provider::stripe().with_secret_encoding(SecretEncoding::Hex);
    let secrets = MemorySecrets::by_path_segment(&hex, 1).unwrap();
    assert!(secrets.insert("one", "not hex").is_err());
    assert!(MemorySecrets::by_header(&provider::stripe(), "no header").is_err());
    assert!(MemorySecrets::by_body_value(&provider::stripe(), "id").is_err());
}

#[test]
fn h1_nothing_shows_a_secret() {
    let secrets = by_path();
    let verifier = AsyncVerifier::with_secrets(provider::stripe(), secrets.clone()).unwrap();
    let live = LiveVerifier::new(Verifier::new(provider::stripe(), SECRET).unwrap());
    for shown in [
        format!("{secrets:?}"),
        format!("{verifier:?}"),
        format!("{:?}", AsyncVerifier::from(live)),
    ] {
        assert!(
            !shown.contains(SECRET) && !shown.contains(OTHER_SECRET),
            "{shown}"
        );
    }
}

/// The path is the one that was sent, whatever a router strips from it.
#[tokio::test]
async fn g4_a_nested_router_does_not_move_the_segments() {
    use crate::support::net::{Server, whole};
    let clock = Arc::new(tower_webhook::testing::ManualClock::new(NOW));
    let verifier = AsyncVerifier::with_secrets(provider::stripe(), by_path()).unwrap();
    let layer = tower_webhook::WebhookLayer::new(verifier).with_clock(clock);
    let hooks = axum::Router::new().route(
        "/{tenant}",
        axum::routing::post(async || "taken").layer(layer),
    );
    let server = Server::start(axum::Router::new().nest("/hooks", hooks)).await;
    let good = server.exchange(whole(&stripe(SECRET).sign("/hooks/one", BODY)));
    assert!(good.await.starts_with("HTTP/1.1 200"));
    let crossed = server.exchange(whole(&stripe(SECRET).sign("/hooks/two", BODY)));
    assert!(crossed.await.starts_with("HTTP/1.1 401"));
}
