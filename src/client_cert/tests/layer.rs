use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use tower::Service;
use tower::limit::ConcurrencyLimit;

use super::*;
use crate::client_ip::ClientIp;
use crate::ip_allowlist::IpAllowlist;
use crate::rejection::{DefaultRejectionResponse, ProblemDetails, Refusals};
use crate::testing::Signer;
use crate::{VerifiedBody, Verifier, WebhookLayer, provider};

#[tokio::test]
async fn without_a_certificate_nobody_passes() {
    let none = Request::new(Untouched);
    for request in [none, direct(&[])] {
        let (kind, detail) = refusal(&layer(for_host()), request).await.unwrap();
        assert_eq!(kind, RejectionKind::MissingClientCert);
        assert_eq!(detail, "the connection shows no client certificate");
    }
}

#[tokio::test]
async fn a_refusal_tells_the_sender_a_status_alone() {
    let service = layer(for_host())
        .with_rejection_response(ProblemDetails)
        .layer(service_fn(handle));
    let other = Ca::root().sign(&params(&["sw0rdfish.example"]));
    let response = service.oneshot(direct(&[other])).await.unwrap();
    let expected = r#"{"type":"about:blank","title":"Forbidden","status":403}"#;
    assert_eq!(response.body(), expected);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert!(!format!("{rejection} {rejection:?}").contains("sw0rdfish"));
}

#[tokio::test]
async fn without_rules_everything_passes() {
    let refusals = Refusals::new(DefaultRejectionResponse);
    let service = RequireClientCert::new(service_fn(handle), None, refusals);
    let response = service.oneshot(Request::new(Untouched)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let limited = ConcurrencyLimit::new(service_fn(handle::<Untouched>), 1);
    let mut first = layer(for_host()).layer(limited);
    let mut second = first.clone();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(first.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    assert!(second.poll_ready(&mut cx).is_pending());
}

#[tokio::test]
async fn a_webhook_layer_takes_it_between_the_allowlist_and_the_signature() {
    let secret = "It's a Secret to Everybody";
    let service = WebhookLayer::new(Verifier::new(provider::github(), secret).unwrap())
        .with_allowlist(IpAllowlist::new(["192.0.2.0/24"]).unwrap())
        .with_client_cert(layer(for_host()))
        .layer(service_fn(async |_: Request<VerifiedBody>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    let ca = Ca::root();
    let right = ca.sign(&params(&[HOST]));
    let other = ca.sign(&params(&["other.example"]));
    let signer = Signer::new(provider::github(), secret).unwrap();
    let send = async |peer: [u8; 4], certificate: Option<&CertificateDer<'static>>, body: &str| {
        let mut request = signer.sign("/", "{}");
        let peer = crate::client_ip::PeerAddr::new((peer, 443).into());
        request.extensions_mut().insert(peer);
        if let Some(certificate) = certificate {
            let chain = ClientCertChain::new([certificate.clone()]);
            request.extensions_mut().insert(chain);
        }
        let request = request.map(|_| Full::new(Bytes::copy_from_slice(body.as_bytes())));
        let response = service.clone().oneshot(request).await.unwrap();
        let rejection = response.extensions().get::<Rejection>();
        rejection.map(|rejection| {
            assert_eq!(rejection.provider(), Some("github"));
            rejection.kind()
        })
    };
    let listed = [192, 0, 2, 1];
    assert_eq!(send(listed, Some(&right), "{}").await, None);
    assert_eq!(
        send(listed, Some(&right), "[]").await,
        Some(RejectionKind::SignatureMismatch)
    );
    assert_eq!(
        send(listed, Some(&other), "{}").await,
        Some(RejectionKind::ClientCertNotAllowed)
    );
    assert_eq!(
        send(listed, None, "[]").await,
        Some(RejectionKind::MissingClientCert)
    );
    assert_eq!(
        send([198, 51, 100, 9], Some(&right), "{}").await,
        Some(RejectionKind::AddressNotAllowed)
    );
}

#[test]
fn types_fit_into_a_router() {
    fn check<T: Clone + std::fmt::Debug + Send + Sync + 'static>(_: &T) {}
    fn named() -> RequireClientCertLayer {
        layer(for_host())
    }
    check(&named());
    check::<RequireClientCert<()>>(&named().layer(()));
    check(&ClientCertChain::new([]));
    check(&named().with_forwarded_by(ClientIp::direct()));
    fn future<T: std::fmt::Debug + Send + Sync + 'static>() {}
    future::<ResponseFuture<std::future::Ready<Result<Response<String>, Infallible>>>>();
}

#[test]
fn debug_shows_rules_and_no_certificate() {
    let ca = Ca::root();
    let rules = for_host()
        .with_issuer_names([CA_NAME])
        .unwrap()
        .with_issuer_certificates([&ca.certificate], algorithms())
        .unwrap();
    let shown = format!("{rules:?} {:?}", ClientCertChain::new([ca.certificate]));
    assert!(shown.contains(HOST) && shown.contains(CA_NAME), "{shown}");
    assert!(shown.contains("certificates: 1"), "{shown}");
}
