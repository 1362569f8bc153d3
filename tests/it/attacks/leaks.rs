//! H1, H2, H5: what gets out.

use std::collections::HashSet;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use tower_webhook::rejection::ProblemDetails;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{RejectionKind, Secret, Timestamp, Verifier};

use crate::support::forge::signature_header;
use crate::support::route::Route;
use crate::support::{
    BODY, NOW, OTHER_SECRET, SECRET, body_at, genuine, schemes, signer, verifier,
};

const MARK: &str = "mark-from-the-request";

/// Requests that fail verification, each in another way.
fn failures(scheme: &Scheme) -> Vec<Request<Bytes>> {
    let genuine = genuine(scheme);
    let mut failures = vec![
        Signer::new(scheme.clone(), OTHER_SECRET)
            .unwrap()
            .at(NOW)
            .sign("/hook", BODY),
        Request::post("/hook").body(BODY.into()).unwrap(),
    ];
    if scheme.timestamp().is_some() {
        for seconds in [0, 4_000_000_000] {
            let at = Timestamp::from_unix_seconds(seconds);
            let body = body_at(at);
            failures.push(signer(scheme).at(at).sign("/hook", body));
        }
    }
    if crate::support::signs_body(scheme) {
        failures.push(genuine.clone().map(|_| Bytes::from_static(MARK.as_bytes())));
    }
    let Some(signature) = signature_header(scheme) else {
        return failures;
    };
    let value = genuine.headers()[&signature].clone();
    let many = format!("{},", value.to_str().unwrap()).repeat(20);
    let many = many + &format!("{} ", value.to_str().unwrap()).repeat(20);
    for (name, _) in genuine.headers() {
        let signed_id = scheme.signs_event_id() && name.as_str().ends_with("-id");
        let matters = name == signature
            || signed_id
            || name.as_str().contains("timestamp")
            || name.as_str().starts_with("box-signature-");
        if !matters {
            continue;
        }
        for other in [MARK, "", "a.b", &many] {
            let mut changed = genuine.clone();
            let other = HeaderValue::from_str(other).unwrap();
            changed.headers_mut().insert(name, other);
            failures.push(changed);
        }
        let mut absent = genuine.clone();
        absent.headers_mut().remove(name);
        failures.push(absent);
        let mut twice = genuine.clone();
        twice.headers_mut().append(name, value.clone());
        failures.push(twice);
    }
    failures
}

#[tokio::test]
async fn h2_every_failed_verification_is_answered_alike() {
    let mut kinds = HashSet::new();
    for scheme in schemes() {
        let mut answers = HashSet::new();
        let expired = Secret::new(SECRET).with_expiry(NOW);
        let verifiers = [
            verifier(&scheme),
            Verifier::new(scheme.clone(), expired).unwrap(),
        ];
        for request in verifiers
            .iter()
            .flat_map(|verifier| failures(&scheme).into_iter().map(move |r| (verifier, r)))
        {
            let (verifier, request) = request;
            let route = Route::new(verifier.clone());
            kinds.insert(route.refuses(request.clone(), scheme.name()).await);
            let answer = route.send(request).await;
            answers.insert(format!(
                "{} {:?} {:?}",
                answer.status, answer.headers, answer.body
            ));
        }
        assert_eq!(answers.len(), 1, "{}: {answers:?}", scheme.name());
    }
    for kind in [
        RejectionKind::MissingSignature,
        RejectionKind::RepeatedSignatureHeader,
        RejectionKind::MalformedSignature,
        RejectionKind::TooManySignatures,
        RejectionKind::UnexpectedHeader,
        RejectionKind::MissingSignedValue,
        RejectionKind::MalformedSignedValue,
        RejectionKind::MissingTimestamp,
        RejectionKind::MalformedTimestamp,
        RejectionKind::TimestampTooOld,
        RejectionKind::TimestampInFuture,
        RejectionKind::NoActiveSecret,
        RejectionKind::SignatureMismatch,
    ] {
        assert!(kinds.contains(&kind), "{kind} was not provoked");
    }
}

#[tokio::test]
async fn h2_problem_details_tell_no_more() {
    use tower::{Layer, ServiceExt};
    for scheme in schemes() {
        let layer = tower_webhook::WebhookLayer::new(verifier(&scheme))
            .with_clock(std::sync::Arc::new(
                tower_webhook::testing::ManualClock::new(NOW),
            ))
            .with_rejection_response(ProblemDetails::default());
        let app = layer.layer(axum::Router::new().fallback(async || "reached"));
        for request in failures(&scheme) {
            let response = app.clone().oneshot(request.map(Body::from)).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let headers = response.headers().clone();
            assert_eq!(headers.len(), 1, "{headers:?}");
            let body = axum::body::to_bytes(response.into_body(), 1000)
                .await
                .unwrap();
            let expected = r#"{"type":"about:blank","title":"Unauthorized","status":401}"#;
            assert_eq!(body, expected.as_bytes());
        }
    }
}

/// Whatever of the request or the configuration nobody should read in a log.
fn confidential(scheme: &Scheme) -> Vec<String> {
    use base64::Engine;
    let mut texts: Vec<String> = [SECRET, OTHER_SECRET, MARK, "evt_1", "evt_test", "ev_1"]
        .map(str::to_owned)
        .to_vec();
    texts.push(base64::engine::general_purpose::STANDARD.encode(SECRET));
    texts.push(hex::encode(SECRET));
    texts.push(format!("{:?}", SECRET.as_bytes()));
    let request = genuine(scheme);
    if let Some(header) = signature_header(scheme) {
        let value = request.headers()[header].to_str().unwrap();
        texts.push(value.to_owned());
        // The MAC, without what stands in front of it, and a part of it.
        texts.push(value[value.len() - 20..].to_owned());
    }
    if crate::support::signs_body(scheme) {
        let mac = &crate::support::forge::Forgery::of(scheme).mac;
        texts.push(hex::encode(mac));
        texts.push(base64::engine::general_purpose::STANDARD.encode(mac));
        texts.push(format!("{mac:?}"));
    }
    texts
}

fn assert_clean(text: &str, scheme: &Scheme) {
    let shown = text.to_ascii_lowercase();
    for secret in confidential(scheme) {
        let secret = secret.to_ascii_lowercase();
        assert!(
            !shown.contains(&secret),
            "{}: {secret} in {text}",
            scheme.name()
        );
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn h1_h5_nothing_confidential_is_logged() {
    use crate::support::bodies::{Scripted, Step};
    use crate::support::log::Log;

    let log = Log::start();
    for scheme in schemes().filter(Scheme::has_content_identity) {
        let route = Route::new(verifier(&scheme));
        for request in failures(&scheme) {
            route.refuses(request, scheme.name()).await;
        }
        let refused = log.take();
        assert!(refused.contains("webhook refused"), "{refused}");
        assert!(refused.contains(scheme.name()), "{refused}");

        route.accepts(genuine(&scheme), scheme.name()).await;
        route.recognises(genuine(&scheme), scheme.name()).await;
        let accepted = log.take();
        assert!(accepted.contains("webhook verified"), "{accepted}");
        assert!(accepted.contains("webhook duplicate"), "{accepted}");

        for steps in [
            [Step::Data(MARK.into()), Step::Break],
            [Step::Data(vec![b' '; 30_000_000].into()), Step::Stall],
        ] {
            let body = Body::new(Scripted::new(steps));
            route.send(genuine(&scheme).map(|_| body)).await;
        }
        let mut get = genuine(&scheme);
        *get.method_mut() = http::Method::GET;
        route.send(get).await;
        let invalid_id = "x".repeat(300);
        let request = signer(&scheme).with_event_id(invalid_id);
        route.send(request.sign("/hook", format!("{BODY} "))).await;
        let others = log.take();

        for text in [refused, accepted, others] {
            assert_clean(&text, &scheme);
        }
    }
}

#[test]
fn h1_nothing_confidential_is_shown() {
    use tower::Layer;
    for scheme in schemes() {
        let verifier = verifier(&scheme);
        let verify = tower_webhook::VerifyLayer::new(verifier.clone());
        let webhook = tower_webhook::WebhookLayer::new(verifier.clone());
        let (parts, body) = genuine(&scheme).into_parts();
        let verified = verifier.verify(&parts, &body, NOW).unwrap();
        let mut shown = format!(
            "{:?} {:?} {verifier:#?} {verify:#?} {webhook:#?} {verified:#?}",
            Secret::new(SECRET),
            signer(&scheme),
        );
        shown += &format!("{:?} {:?}", verify.layer(()), webhook.layer(()));
        let delivery = tower_webhook::delivery::Delivery::from(verified);
        shown += &format!("{delivery:#?}");
        let mut check = verifier.begin(&parts, NOW).unwrap();
        check.update(body);
        shown += &format!("{check:#?}");
        for request in failures(&scheme) {
            let (parts, body) = request.into_parts();
            let refused = verifier.verify(&parts, &body, NOW).err().unwrap();
            shown += &format!("{refused} {refused:?} ");
        }
        assert_clean(&shown, &scheme);
    }
}

#[test]
fn h1_configuration_errors_show_no_secret() {
    for scheme in schemes() {
        for secret in ["sw0rdfish ", " sw0rdfish", "sw0rdfish\n", "sw0rdfish*é"] {
            if let Err(error) = Verifier::new(scheme.clone(), secret) {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("sw0rdfish"), "{shown}");
            }
        }
    }
}

/// A bounded set of names, for labels.
#[tokio::test]
async fn h5_a_rejection_names_its_kind_and_nothing_of_the_request() {
    let mut details = HashSet::new();
    for scheme in schemes() {
        let route = Route::new(verifier(&scheme));
        for request in failures(&scheme) {
            let names: Vec<String> = genuine(&scheme)
                .headers()
                .keys()
                .map(|name| name.as_str().to_owned())
                .collect();
            let rejection = route.send(request).await.rejection.unwrap();
            assert_eq!(rejection.provider(), Some(scheme.name()));
            let kind = rejection.kind().as_str();
            assert!(kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            if let Some(detail) = rejection.detail() {
                let known = names.iter().any(|name| name == detail) || detail == "event id";
                assert!(known, "{}: {detail}", scheme.name());
                details.insert(detail.to_owned());
            }
        }
    }
    assert!(!details.is_empty());
}
