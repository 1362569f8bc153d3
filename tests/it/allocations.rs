//! What the pure core allocates for a genuine request: nothing.

use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier, provider};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn accepting_a_signature_in_a_header_allocates_nothing() {
    for scheme in [
        provider::github(),
        provider::stripe(),
        provider::standard_webhooks(),
        provider::slack(),
        provider::paddle(),
    ] {
        let name = scheme.name().to_owned();
        let signer = Signer::new(scheme.clone(), SECRET).unwrap().at(NOW);
        let (parts, body) = signer.sign("/webhook", vec![b'x'; 1024]).into_parts();
        let verifier = Verifier::new(scheme, SECRET).unwrap();
        let allocated = allocation_counter::measure(|| {
            assert!(verifier.verify(&parts, &body, NOW).is_ok());
        });
        assert_eq!(allocated.count_total, 0, "{name}");
    }
}

#[test]
fn refusing_a_body_that_is_announced_too_large_allocates_less_than_it_announces() {
    use http_body_util::BodyExt;
    use tower::{Layer, ServiceExt, service_fn};

    let verifier = Verifier::new(provider::github(), SECRET).unwrap();
    let service = tower_webhook::VerifyLayer::new(verifier).layer(service_fn(
        async |_: http::Request<tower_webhook::VerifiedBody>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
        },
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let body = http_body_util::Full::new(bytes::Bytes::from_static(&[0; 26 * 1024 * 1024]));
    let request = http::Request::post("/webhook")
        .header("x-hub-signature-256", "sha256=00")
        .body(body.boxed())
        .unwrap();
    let allocated = allocation_counter::measure(|| {
        let response = runtime.block_on(service.oneshot(request)).unwrap();
        assert_eq!(response.status(), 413);
    });
    assert!(allocated.bytes_max < 16 * 1024, "{}", allocated.bytes_max);
}
