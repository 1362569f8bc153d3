//! Unsigned challenges, and the known answers.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tower::ServiceBuilder;
use tower_webhook::dedup::DedupLayer;
use tower_webhook::delivery::Tenant;
use tower_webhook::handshake::HandshakeLayer;
use tower_webhook::keys::{
    AsyncVerifier, SecretFuture, SecretRequest, SecretSource, TenantSecrets,
};
use tower_webhook::signature::{PublicUrl, Scheme};
use tower_webhook::testing::ManualClock;
use tower_webhook::{ConfigError, Secret, Verifier, VerifyLayer, provider};

use super::{Endpoint, Reply, request};
use crate::support::net::{Server, whole};
use crate::support::vectors::read;
use crate::support::{BODY, SECRET, genuine, verifier};

#[derive(Deserialize)]
struct Vector {
    provider: String,
    preset: Option<String>,
    secret: Option<String>,
    public_key: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    expect_response: Option<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    status: u16,
    content_type: String,
    body: String,
}

#[tokio::test]
async fn known_challenges_get_their_known_answers() {
    let mut answered = Vec::new();
    for folder in ["generated", "handshakes"] {
        for (_, vector) in read::<Vector>(folder) {
            let name = vector.preset.as_ref().unwrap_or(&vector.provider).clone();
            let Some(expected) = vector.expect_response else {
                continue;
            };
            let Some(provider::Preset::Signed(scheme)) = provider::by_name(&name) else {
                assert_eq!(name, "discord", "there is no such preset");
                continue;
            };
            let secret = vector.secret.or(vector.public_key).unwrap();
            let verifier = Verifier::new(scheme, secret).unwrap();
            let endpoint = Endpoint::with(verifier, |layer| layer).await;
            let headers: Vec<(&str, &str)> = vector
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let body = String::from_utf8(STANDARD.decode(vector.body_base64).unwrap()).unwrap();
            let target = vector.url.replace("https://example.com/webhook", "/hook");
            let request = request(&vector.method, &target, &headers, &body);
            // Again and again: no answer is a duplicate's.
            for _ in 0..3 {
                let kind = expected.content_type.as_str();
                let exact = Reply::answered(expected.status, kind, &[], &expected.body);
                assert_eq!(endpoint.ask(&request).await, exact, "{name}");
            }
            assert_eq!(endpoint.calls.get(), 0, "{name}");
            answered.push(name);
        }
    }
    assert!(answered.contains(&"zoom".to_owned()) && answered.contains(&"x_twitter".to_owned()));
}

async fn meta() -> Endpoint {
    Endpoint::with(verifier(&provider::meta()), |layer| {
        layer.with_verify_token("t0ken&").unwrap()
    })
    .await
}

#[tokio::test]
async fn metas_challenge_is_answered_to_who_knows_the_token() {
    let meta = meta().await;
    let target = "/hook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t0ken%26";
    assert_eq!(meta.get(target).await, Reply::text("1158201444"));
    for wrong in [
        "hub.verify_token=t0ken",
        "hub.verify_token=t0ken%26%26",
        "hub.verify_token=T0ken%26",
        "hub.verify_token=",
        "hub.verify_token=t0ken%26&hub.verify_token=t0ken%26",
        "x=1",
    ] {
        let target = format!("/hook?hub.mode=subscribe&hub.challenge=1&{wrong}");
        assert_eq!(meta.get(&target).await, Reply::refused(401), "{wrong}");
    }
    assert_eq!(meta.calls.get(), 0);
}

#[tokio::test]
async fn a_get_that_is_no_challenge_is_not_allowed() {
    let meta = meta().await;
    for target in [
        "/hook",
        "/hook?hub.challenge=1&hub.verify_token=t0ken%26",
        "/hook?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t0ken%26",
        "/hook?hub.mode=subscribe&hub.mode=subscribe&hub.challenge=1&hub.verify_token=t0ken%26",
    ] {
        assert_eq!(meta.get(target).await, Reply::not_allowed("POST, GET"));
    }
    let head = request("HEAD", "/hook?hub.mode=subscribe", &[], "");
    assert_eq!(meta.ask(&head).await, Reply::not_allowed("POST, GET"));
}

/// Nobody typed a token, so nobody knows it.
#[tokio::test]
async fn without_a_token_metas_challenge_is_not_answered() {
    let meta = Endpoint::new(provider::meta()).await;
    for token in ["", "&hub.verify_token=", "&hub.verify_token=x"] {
        let target = format!("/hook?hub.mode=subscribe&hub.challenge=1{token}");
        assert_eq!(meta.get(&target).await, Reply::not_allowed("POST"));
    }
}

#[test]
fn a_token_that_everybody_knows_is_a_configuration_error() {
    let layer = || tower_webhook::WebhookLayer::new(verifier(&provider::meta()));
    for token in ["", " ", "\n"] {
        let refused = layer().with_verify_token(token).unwrap_err();
        assert!(matches!(refused, ConfigError::EmptySecret { .. }));
    }
    let refused = layer().with_verify_token("token\n").unwrap_err();
    assert!(matches!(
        refused,
        ConfigError::SecretSurroundedByWhitespace { .. }
    ));
}

#[tokio::test]
async fn f16_markup_comes_back_as_text_that_is_not_sniffed() {
    let dropbox = Endpoint::new(provider::dropbox()).await;
    let target = "/hook?challenge=%3Cscript%3Ealert%281%29%3C%2Fscript%3E+%C3%A9";
    let expected = Reply::text("<script>alert(1)</script> é");
    assert_eq!(dropbox.get(target).await, expected);

    let graph = Endpoint::new(provider::microsoft_graph()).await;
    let target = "/hook?validationToken=Validation%3A+%3Cb%3E";
    let validation = request("POST", target, &[], "");
    assert_eq!(graph.ask(&validation).await, Reply::text("Validation: <b>"));

    let okta = Endpoint::new(provider::okta()).await;
    let headers = [
        ("x-okta-verification-challenge", r#"a"\<b>"#),
        ("authorization", "whatever"),
    ];
    let verification = request("GET", "/hook", &headers, "");
    let expected = Reply::json(r#"{"verification":"a\"\\<b>"}"#);
    assert_eq!(okta.ask(&verification).await, expected);
}

#[tokio::test]
async fn f16_what_cannot_be_echoed_is_refused() {
    let dropbox = Endpoint::new(provider::dropbox()).await;
    let largest = "x".repeat(4096);
    let target = format!("/hook?challenge={largest}");
    assert_eq!(dropbox.get(&target).await, Reply::text(&largest));
    for bad in [
        "challenge=".to_owned(),
        "challenge".to_owned(),
        "challenge=%FF".to_owned(),
        "challenge=1&challenge=2".to_owned(),
        format!("challenge={largest}x"),
    ] {
        let answer = dropbox.get(&format!("/hook?{bad}")).await;
        assert_eq!(answer, Reply::refused(400), "{bad}");
    }
    let okta = Endpoint::new(provider::okta()).await;
    let name = "x-okta-verification-challenge";
    for headers in [vec![(name, "1"), (name, "2")], vec![(name, "")]] {
        let verification = request("GET", "/hook", &headers, "");
        assert_eq!(okta.ask(&verification).await, Reply::refused(400));
    }
}

/// X's answer is a signature under the secret of deliveries: whoever could have
/// any text signed could have a delivery signed.
#[tokio::test]
async fn f16_no_delivery_is_signed_by_asking_for_a_mac() {
    let x = Endpoint::new(provider::x_twitter()).await;
    for token in [
        "%7B%22for_user_id%22%3A%221%22%7D",
        "%7B%7D",
        "%5B%5D",
        "%22x%22",
        "a%3Db",
        "a%20b",
        "a+b",
        "a%0A",
        "%3D%3D",
        "abc%3D%3D%3D",
        "a.b",
        "",
    ] {
        let answer = x.get(&format!("/hook?crc_token={token}")).await;
        assert_eq!(answer, Reply::refused(400), "{token}");
    }
    let answer = x.get("/hook?crc_token=MmYxNTUw-_%2B/YQ%3D%3D").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_mac_is_made_with_the_first_active_secret() {
    let expired = Secret::new("old").with_expiry(crate::support::NOW);
    let both = [
        expired,
        Secret::new("consumer-secret"),
        Secret::new("other"),
    ];
    let verifier = Verifier::new(provider::x_twitter(), both).unwrap();
    let x = Endpoint::with(verifier, |layer| layer).await;
    let answer = x.get("/hook?crc_token=challenge_string").await;
    let token = "sha256=S/mG8E9n5SjoGuCqHguvP8K8uuu5ogCPF0dOpIdyZlk=";
    let expected = Reply::json(&format!(r#"{{"response_token":"{token}"}}"#));
    assert_eq!(answer, expected);

    let expired = Secret::new("old").with_expiry(crate::support::NOW);
    let verifier = Verifier::new(provider::x_twitter(), expired).unwrap();
    let x = Endpoint::with(verifier, |layer| layer).await;
    let answer = x.get("/hook?crc_token=challenge_string").await;
    assert_eq!(answer, Reply::refused(401));
}

/// Each tenant's own secret.
#[tokio::test]
async fn a_mac_is_made_with_the_tenants_secret() {
    #[derive(Debug)]
    struct ByQuery;
    impl SecretSource for ByQuery {
        fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a> {
            let query = request.parts().uri.query().unwrap_or_default();
            let known = query.ends_with("&app=1");
            let found = known.then(|| TenantSecrets::new(Tenant::new("1"), "consumer-secret"));
            Box::pin(async { Ok(found) })
        }
    }
    let verifier = AsyncVerifier::with_secrets(provider::x_twitter(), Arc::new(ByQuery)).unwrap();
    let x = Endpoint::with(verifier, |layer| layer).await;
    let answer = x.get("/hook?crc_token=challenge_string&app=1").await;
    let token = "sha256=S/mG8E9n5SjoGuCqHguvP8K8uuu5ogCPF0dOpIdyZlk=";
    let expected = Reply::json(&format!(r#"{{"response_token":"{token}"}}"#));
    assert_eq!(answer, expected);
    let unknown = x.get("/hook?crc_token=challenge_string&app=2").await;
    assert_eq!(unknown, Reply::refused(401));
}

#[tokio::test]
async fn the_layers_stack_by_hand() {
    let clock = Arc::new(ManualClock::new(crate::support::NOW));
    let serve = |scheme: Scheme| {
        let stack = ServiceBuilder::new()
            .layer(HandshakeLayer::unsigned(verifier(&scheme)))
            .layer(VerifyLayer::new(verifier(&scheme)).with_clock(clock.clone()))
            .layer(HandshakeLayer::signed())
            .layer(DedupLayer::in_memory());
        let app = Router::new().route("/hook", any(async || "handled").layer(stack));
        async { Server::start(app).await }
    };
    let dropbox = serve(provider::dropbox()).await;
    let ask = whole(&request("GET", "/hook?challenge=x", &[], ""));
    assert_eq!(Reply::parse(&dropbox.exchange(ask).await), Reply::text("x"));
    let put = whole(&request("PUT", "/hook?challenge=x", &[], ""));
    let refused = Reply::parse(&dropbox.exchange(put).await);
    assert_eq!(refused, Reply::not_allowed("POST, GET"));

    let slack = serve(provider::slack()).await;
    let body = r#"{"type":"url_verification","challenge":"x"}"#;
    let ask = whole(&crate::support::signer(&provider::slack()).sign("/hook", body));
    for _ in 0..2 {
        assert_eq!(Reply::parse(&slack.exchange(&ask).await), Reply::text("x"));
    }
}

#[tokio::test]
async fn cloud_events_are_allowed_for_configured_origins() {
    let verifier = verifier(&provider::azure_event_grid_header());
    let grid = Endpoint::with(verifier, |layer| {
        layer.with_allowed_origins(["eventgrid.azure.net"]).unwrap()
    })
    .await;
    let ask = |origin: &str| {
        let headers = [
            ("webhook-request-origin", origin),
            ("webhook-request-rate", "120"),
        ];
        request("OPTIONS", "/hook", &headers, "")
    };
    for origin in ["eventgrid.azure.net", "EventGrid.Azure.Net"] {
        let allowed = format!("webhook-allowed-origin: {origin}");
        let expected = Reply::empty(
            200,
            &["allow: POST, OPTIONS", "webhook-allowed-rate: *", &allowed],
        );
        assert_eq!(grid.ask(&ask(origin)).await, expected);
    }
    for origin in ["*", "azure.net", "evil.test", "x.eventgrid.azure.net", ""] {
        assert_eq!(grid.ask(&ask(origin)).await, Reply::refused(401));
    }
    let plain = request("OPTIONS", "/hook", &[], "");
    let refused = Reply::not_allowed("POST, OPTIONS");
    assert_eq!(grid.ask(&plain).await, refused);

    let grid = Endpoint::new(provider::azure_event_grid_header()).await;
    let answer = grid.ask(&ask("eventgrid.azure.net")).await;
    assert_eq!(answer, Reply::not_allowed("POST"));
    let layer = tower_webhook::WebhookLayer::new(verifier_of_grid());
    for origin in ["*", "", "https://a.test", "a b", "a..b", "a\r\nx: y"] {
        let refused = layer.clone().with_allowed_origins([origin]).unwrap_err();
        assert!(matches!(refused, ConfigError::InvalidOrigin { .. }));
    }
}

fn verifier_of_grid() -> Verifier {
    verifier(&provider::azure_event_grid_header())
}

#[tokio::test]
async fn woocommerces_ping_is_acknowledged() {
    let woo = Endpoint::new(provider::woocommerce()).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let ping = request("POST", "/hook", &[form], "webhook_id=42");
    for _ in 0..2 {
        assert_eq!(woo.ask(&ping).await, Reply::empty(200, &[]));
    }
    for body in [
        "webhook_id=42&x=1",
        "webhook_id=42&webhook_id=42",
        "webhook_id=4a",
        "webhook_id=",
        "webhook_id",
        "id=42",
        "",
    ] {
        let other = request("POST", "/hook", &[form], body);
        assert_eq!(woo.ask(&other).await, Reply::refused(401), "{body}");
    }
    let untyped = request("POST", "/hook", &[], "webhook_id=42");
    assert_eq!(woo.ask(&untyped).await, Reply::refused(401));
    // With a signature it is a delivery, and a forged one.
    let header = ("x-wc-webhook-signature", "AAAA");
    let signed = request("POST", "/hook", &[form, header], "webhook_id=42");
    assert_eq!(woo.ask(&signed).await, Reply::refused(401));
    assert_eq!(woo.calls.get(), 0);

    let delivery = genuine(&provider::woocommerce());
    assert_eq!(woo.ask(&delivery).await.body, "handled");
}

#[tokio::test]
async fn a_url_that_is_only_tried_exists() {
    let url = || PublicUrl::registered("https://example.com/hook").unwrap();
    for scheme in [provider::trello(url()), provider::mandrill(url())] {
        let endpoint = Endpoint::new(scheme).await;
        let head = request("HEAD", "/hook", &[], "");
        assert_eq!(endpoint.ask(&head).await, Reply::empty(200, &[]));
        let answer = endpoint.get("/hook").await;
        assert_eq!(answer, Reply::not_allowed("POST, HEAD"));
    }

    let mailchimp = provider::mailchimp().with_token_in_query("token");
    let endpoint = Endpoint::new(mailchimp).await;
    assert_eq!(endpoint.get("/hook").await, Reply::empty(200, &[]));
    let forged = request("POST", "/hook?token=guessed", &[], BODY);
    assert_eq!(endpoint.ask(&forged).await, Reply::refused(401));
    let genuine = request("POST", &format!("/hook?token={SECRET}"), &[], BODY);
    assert_eq!(endpoint.ask(&genuine).await.body, "handled");
}
