//! F6, F8, F9, F17–F19: what is in a body.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use tower_webhook::RejectionKind;
use tower_webhook::provider;

use crate::support::bodies::Announced;
use crate::support::forge::signature_header;
use crate::support::route::Route;
use crate::support::{Calls, genuine, schemes, signer, verifier};

/// Whoever signs nothing is not told how much would be read.
#[tokio::test]
async fn f6_an_unsigned_request_is_refused_whatever_length_it_announces() {
    for scheme in schemes() {
        let Some(header) = signature_header(&scheme) else {
            continue;
        };
        let asked = Calls::default();
        let body = Announced {
            length: u64::MAX,
            asked: asked.clone(),
        };
        let mut request = genuine(&scheme).map(|_| Body::new(body));
        request.headers_mut().remove(header);
        let route = Route::new(verifier(&scheme));
        let kind = route.refuses(request, scheme.name()).await;
        assert_eq!(kind, RejectionKind::MissingSignature, "{}", scheme.name());
        assert_eq!(asked.get(), 0, "{}", scheme.name());
    }
}

/// What is there proves nothing, so nobody waits for the rest.
#[tokio::test]
async fn f6_a_wrong_token_is_refused_before_the_body_is_read() {
    for scheme in schemes().filter(|scheme| !crate::support::signs_body(scheme)) {
        let asked = Calls::default();
        let body = Announced {
            length: scheme.max_body() as u64,
            asked: asked.clone(),
        };
        let signer = tower_webhook::testing::Signer::new(scheme.clone(), "Zm9yZ2Vk").unwrap();
        let request = signer.sign("/hook", "").map(|_| Body::new(body));
        let route = Route::new(verifier(&scheme));
        let kind = route.refuses(request, scheme.name()).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{}", scheme.name());
        assert_eq!(asked.get(), 0, "{}", scheme.name());
    }
}

/// `gzip` of `{}`, as a stored block.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\0\xfd\xff{}\x43\xbf\xa6\xa3\x02\0\0\0";

#[tokio::test]
async fn f8_a_compressed_body_is_verified_and_handed_on_as_it_is() {
    let scheme = provider::github();
    let mut request = signer(&scheme).sign("/hook", GZIP);
    request
        .headers_mut()
        .insert("content-encoding", HeaderValue::from_static("gzip"));
    Route::new(verifier(&scheme)).accepts(request, "gzip").await;
}

#[tokio::test]
async fn f9_a_body_decompressed_outside_is_refused() {
    let scheme = provider::github();
    let mut request = signer(&scheme).sign("/hook", GZIP);
    *request.body_mut() = Bytes::from_static(b"{}");
    let route = Route::new(verifier(&scheme));
    let kind = route.refuses(request, "decompressed").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
}

#[tokio::test]
async fn f17_a_repeated_id_in_the_body_is_refused() {
    for (scheme, body) in [
        (provider::stripe(), r#"{"id":"a","id":"b"}"#),
        (provider::stripe(), r#"{"id":"a","\u0069d":"b"}"#),
        (
            provider::paddle(),
            r#"{"event_id":"a","x":1,"event_id":"a"}"#,
        ),
        (provider::slack(), r#"{"event_id":"a","event_id":null}"#),
    ] {
        let route = Route::new(verifier(&scheme));
        let answer = route.send(signer(&scheme).sign("/hook", body)).await;
        assert_eq!(answer.kind(), RejectionKind::InvalidEventId, "{body}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
    }
}

#[tokio::test]
async fn f18_f19_whatever_a_body_holds_the_process_lives() {
    let open = |text: &str| text.repeat(100_000);
    let bodies = [
        open("["),
        open(r#"{"id":"#),
        open(r#"{"a":["#),
        format!(r#"{{"x":{}{},"id":"a"}}"#, open("["), open("]")),
        format!(r#"{{"id":"{}"}}"#, "\\u0000".repeat(10)),
        r#"{"id":"\ud800"}"#.to_owned(),
        r#"{"id":1e999}"#.to_owned(),
        format!(r#"{{"id":{}}}"#, "9".repeat(1000)),
        "\u{feff}{}".to_owned(),
        String::new(),
        "null".to_owned(),
        "\0".repeat(1000),
    ];
    for scheme in schemes() {
        let route = Route::new(verifier(&scheme));
        for body in &bodies {
            let genuine = signer(&scheme).sign("/hook", body.clone());
            let answer = route.send(genuine).await;
            let what = format!("{} {:.20?}", scheme.name(), body);
            assert!(!answer.status.is_server_error(), "{what}");
            let forged = Request::post("/hook").body(body.clone()).unwrap();
            route.refuses(forged, what).await;
        }
    }
}

#[tokio::test]
async fn f19_bytes_that_are_not_text_are_verified_like_any_others() {
    let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    for scheme in [provider::github(), provider::meta(), provider::shopify()] {
        let request = signer(&scheme).sign("/hook", bytes.clone());
        Route::new(verifier(&scheme))
            .accepts(request, "binary")
            .await;
    }
}
