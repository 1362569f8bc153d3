//! A15, A16, A19, A20, A23, A25, A26: what is signed, and what only looks like it.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use tower_webhook::RejectionKind;
use tower_webhook::provider;

use crate::support::forge::{Forgery, signature_header, skips_white_space};
use crate::support::route::Route;
use crate::support::{
    BODY, NOW, SECRET, accepts, genuine, hmac_schemes, schemes, signer, signs_body, verifier,
};

/// Algorithms, keys and certificates that other schemes let a request name.
const NAMED_BY_THE_REQUEST: &[(&str, &str)] = &[
    ("alg", "none"),
    ("algorithm", "none"),
    ("x-signature-algorithm", "none"),
    ("x-signature-method", "HS256"),
    ("paypal-auth-algo", "none"),
    ("paypal-cert-url", "http://169.254.169.254/cert.pem"),
    (
        "signing-cert-url",
        "https://sns.amazonaws.com.evil.test/cert.pem",
    ),
    ("x-jwks-url", "https://good.test@evil.test/jwks.json"),
    ("x-signature-version", "0"),
    (
        "digest",
        "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ),
    ("signature-input", "sig1=();alg=\"none\""),
    ("x-verified", "true"),
    ("x-skip-verification", "true"),
];

#[tokio::test]
async fn a15_a16_neither_algorithm_nor_key_is_the_requests_to_name() {
    for scheme in schemes() {
        let name = scheme.name();
        let mut decorated = genuine(&scheme);
        for (header, value) in NAMED_BY_THE_REQUEST {
            decorated
                .headers_mut()
                .append(*header, HeaderValue::from_static(value));
        }
        let route = Route::new(verifier(&scheme));
        let mut forged = decorated.clone();
        *forged.body_mut() = Bytes::from_static(b"{}");
        match signature_header(&scheme) {
            Some(header) => {
                forged
                    .headers_mut()
                    .insert(header, HeaderValue::from_static("none"));
            }
            None => *forged.uri_mut() = "/hook?token=none&alg=none".parse().unwrap(),
        }
        route.refuses(forged, name).await;
        route.accepts(decorated, name).await;
    }
}

#[tokio::test]
async fn a15_the_algorithm_header_of_box_is_fixed() {
    let scheme = provider::box_com();
    let route = Route::new(verifier(&scheme));
    for (header, values) in [
        (
            "box-signature-algorithm",
            &["none", "HmacSHA1", "HmacSHA256 ", ""][..],
        ),
        ("box-signature-version", &["2", "0", "1.0", "01", ""]),
    ] {
        for value in values {
            let mut request = genuine(&scheme);
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(header, value);
            let kind = route.refuses(request, header).await;
            assert_eq!(kind, RejectionKind::UnexpectedHeader);
        }
        let mut absent = genuine(&scheme);
        absent.headers_mut().remove(header);
        route.refuses(absent, header).await;
        let mut twice = genuine(&scheme);
        let value = twice.headers()[header].clone();
        twice.headers_mut().append(header, value);
        route.refuses(twice, header).await;
    }
}

#[tokio::test]
async fn a19_a20_any_other_bytes_than_the_signed_ones_are_refused() {
    let signed = "{\"id\": \"evt_1\",\"event_id\":\"e\", \"name\":\"\\u00e9\",\
                  \"eventId\":\"e\",\"event\":{\"id\":\"e\"},\"task_result_id\":\"e\",\
                  \"webhookMetadata\":{\"webhookDeliveryAttemptTimestamp\":\
                  \"2023-11-14T22:13:20Z\"},\"webhookTimestamp\":1700000000000}\n";
    let others = [
        BODY.to_owned(),
        String::new(),
        signed.replace(": ", ":"),
        signed.replace("\\u00e9", "é"),
        signed.replace('\n', "\r\n"),
        signed.trim_end().to_owned(),
        format!("{signed}\n"),
        format!("{signed}\0"),
        format!("\u{feff}{signed}"),
        format!(" {signed}"),
        signed.to_ascii_uppercase(),
        format!("{signed}{signed}"),
    ];
    for scheme in hmac_schemes() {
        let request = signer(&scheme).sign("/hook", signed);
        let route = Route::new(verifier(&scheme));
        for other in &others {
            let mut altered = request.clone();
            *altered.body_mut() = other.clone().into();
            let what = format!("{} {other:?}", scheme.name());
            let kind = route.refuses(altered, &what).await;
            assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
        }
        route.accepts(request, scheme.name()).await;
    }
}

#[tokio::test]
async fn a25_control_characters_never_get_into_a_header_or_past_one() {
    for bytes in [&b"a\0b"[..], b"a\rb", b"a\nb", b"a\r\nx: y"] {
        assert!(HeaderValue::from_bytes(bytes).is_err());
    }
    // A tab is allowed in a header.
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        for at in [0, 1, 30] {
            let (left, right) = (&forged.text()[..at], &forged.text()[at..]);
            let text = format!("{left}\t{right}");
            if at > 0 || !skips_white_space(&scheme) {
                route.refuses(forged.with_text(text), scheme.name()).await;
            }
        }
    }
}

/// Whatever the delivery calls signed cannot be changed, and what can be
/// changed is not called so.
#[test]
fn a26_an_id_that_can_be_changed_is_not_called_signed() {
    for scheme in hmac_schemes().filter(|scheme| !scheme.event_id().is_empty()) {
        let verifier = verifier(&scheme);
        let (mut parts, body) = genuine(&scheme).into_parts();
        let (genuine, signed) = (parts.clone(), scheme.signs_event_id());
        for name in genuine.headers.keys().collect::<Vec<&HeaderName>>() {
            parts.headers = genuine.headers.clone();
            parts.headers.insert(name, HeaderValue::from_static("mine"));
            if let Ok(verified) = verifier.verify(&parts, &body, NOW)
                && let Ok(Some(id)) = verified.event_id()
                && id.as_str() == "mine"
            {
                assert!(!signed, "{}: {name}", scheme.name());
            }
        }
    }
}

#[test]
fn tokens_sign_nothing_and_say_so() {
    for scheme in schemes().filter(|scheme| !signs_body(scheme)) {
        assert!(!scheme.signs_event_id(), "{}", scheme.name());
        assert!(scheme.timestamp().is_none(), "{}", scheme.name());
    }
    // The secret is what is looked for, not a digest of it.
    assert!(accepts(
        &verifier(&provider::gitlab_token()),
        &Request::post("/")
            .header("x-gitlab-token", SECRET)
            .body(Bytes::new())
            .unwrap()
    ));
}
