//! A17, A25, F1, F2, F7, F10, F15: over a socket where the server has a
//! part in it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use tokio::io::AsyncWriteExt;
use tower_webhook::provider;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::ManualClock;
use tower_webhook::{RejectionKind, WebhookLayer};

use crate::support::bodies::{Announced, Endless, Scripted, Step};
use crate::support::net::{Server, chunk, head, response, whole};
use crate::support::route::Route;
use crate::support::{BODY, Calls, NOW, SECRET, genuine, schemes, signer, verifier};

pub fn guard(scheme: &Scheme) -> WebhookLayer {
    WebhookLayer::new(verifier(scheme)).with_clock(Arc::new(ManualClock::new(NOW)))
}

pub fn app(layer: WebhookLayer) -> (Router, Calls) {
    let calls = Calls::default();
    let counted = calls.clone();
    let handler = any(move |body: Bytes| {
        counted.add();
        async move { body }
    });
    (Router::new().route("/hook", handler.layer(layer)), calls)
}

pub async fn serve(scheme: &Scheme) -> (Server, Calls) {
    let (app, calls) = app(guard(scheme));
    (Server::start(app).await, calls)
}

pub fn status(response: &str) -> &str {
    response.get(9..12).unwrap_or(response)
}

#[tokio::test]
async fn genuine_requests_pass_over_a_socket() {
    for scheme in schemes() {
        let (server, calls) = serve(&scheme).await;
        let answer = server.exchange(whole(&genuine(&scheme))).await;
        assert_eq!(status(&answer), "200", "{}", scheme.name());
        assert!(answer.ends_with(BODY));
        assert_eq!(calls.get(), 1);
    }
}

/// A body in many pieces, with its length and chunked.
#[tokio::test]
async fn genuine_requests_pass_byte_by_byte() {
    let scheme = provider::stripe();
    let request = genuine(&scheme);
    let chunks: Vec<u8> = BODY.bytes().flat_map(|byte| chunk(&[byte])).collect();
    let chunked = [
        head(&request, &["transfer-encoding: chunked"]),
        chunks,
        b"0\r\n\r\n".to_vec(),
    ];
    for bytes in [whole(&request), chunked.concat()] {
        let (server, calls) = serve(&scheme).await;
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        for byte in bytes {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let answer = response(&mut stream).await;
        assert_eq!((status(&answer), calls.get()), ("200", 1));
        assert!(answer.ends_with(BODY));
    }
}

#[tokio::test]
async fn a17_two_signature_lines_are_refused_over_a_socket() {
    let scheme = provider::github();
    let (server, calls) = serve(&scheme).await;
    let request = genuine(&scheme);
    let length = format!("content-length: {}", BODY.len());
    let line = "X-HUB-SIGNATURE-256: sha256=00";
    let bytes = [head(&request, &[line, &length]), BODY.into()].concat();
    let answer = server.exchange(bytes).await;
    assert_eq!((status(&answer), calls.get()), ("401", 0));
}

#[tokio::test]
async fn a25_control_characters_in_a_header_are_refused() {
    let scheme = provider::gitlab_token();
    let (server, calls) = serve(&scheme).await;
    for (bytes, expected) in [
        (&b"\0"[..], "400"),
        (b"\x01", "400"),
        (b"\x7f", "400"),
        (b"\r", "400"),
        // A line of its own, without a colon.
        (b"\nx", "400"),
        (b"\t", "401"),
        (b"\xff", "401"),
    ] {
        let line = [b"x-gitlab-token: ", SECRET.as_bytes(), bytes, b"x\r\n"].concat();
        let request = [
            b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n",
            &line[..],
            b"\r\n{}",
        ]
        .concat();
        let answer = server.exchange(request).await;
        assert_eq!(status(&answer), expected, "{bytes:?} {answer}");
    }
    assert_eq!(calls.get(), 0);
}

#[tokio::test]
async fn f1_a_huge_announced_body_is_refused_unread() {
    for scheme in schemes() {
        let name = scheme.name();
        let (server, calls) = serve(&scheme).await;
        let bytes = head(&genuine(&scheme), &["content-length: 10000000000"]);
        let answer = server.exchange(bytes).await;
        assert_eq!((status(&answer), calls.get()), ("413", 0), "{name}");

        let asked = Calls::default();
        let body = Announced {
            length: scheme.max_body() as u64 + 1,
            asked: asked.clone(),
        };
        let route = Route::new(verifier(&scheme));
        let answer = route.send(genuine(&scheme).map(|_| Body::new(body))).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
        assert_eq!((asked.get(), route.store.claims()), (0, 0), "{name}");
    }
}

#[tokio::test]
async fn f1_the_limit_is_inclusive() {
    let scheme = provider::gitlab_token();
    for (length, expected) in [(64, 200), (65, 413)] {
        let route = Route::with(verifier(&scheme), |layer| layer.with_max_body(64).unwrap());
        let request = signer(&scheme).sign("/hook", vec![b' '; length]);
        assert_eq!(route.send(request).await.status, expected);
    }
}

#[tokio::test]
async fn f2_a_chunked_body_without_end_is_refused() {
    let scheme = provider::github();
    let (app, calls) = app(guard(&scheme).with_max_body(100_000).unwrap());
    let server = Server::start(app).await;
    let mut stream = server.connect().await;
    let mut bytes = head(&genuine(&scheme), &["transfer-encoding: chunked"]);
    for _ in 0..200 {
        bytes.extend(chunk(&[b'x'; 1000]));
    }
    // The server may close before it has all of it.
    let _ = stream.write_all(&bytes).await;
    let answer = response(&mut stream).await;
    assert_eq!((status(&answer), calls.get()), ("413", 0));
}

#[tokio::test]
async fn f2_an_endless_body_is_taken_up_to_the_limit_and_no_further() {
    let scheme = provider::github();
    let route = Route::with(verifier(&scheme), |layer| {
        layer.with_max_body(1000).unwrap()
    });
    for (length, at_most) in [(1, 1001), (10, 101), (1000, 2)] {
        let taken = Calls::default();
        let body = Endless {
            frame: Bytes::from(vec![0; length]),
            taken: taken.clone(),
        };
        let answer = route.send(genuine(&scheme).map(|_| Body::new(body))).await;
        assert_eq!(answer.kind(), RejectionKind::BodyTooLarge, "{length}");
        assert!(taken.get() <= at_most, "{length}: {}", taken.get());
    }
    // Empty frames, as HTTP/2 has them, never come to the limit.
    let taken = Calls::default();
    let empty = Endless {
        frame: Bytes::new(),
        taken: taken.clone(),
    };
    let answer = route.send(genuine(&scheme).map(|_| Body::new(empty))).await;
    assert_eq!(answer.kind(), RejectionKind::BodyUnreadable);
    assert!(taken.get() <= 2000, "{}", taken.get());
    assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
}

#[tokio::test]
async fn f7_a_body_that_ends_early_is_refused() {
    let scheme = provider::gitlab_token();
    for length in ["content-length: 100", "transfer-encoding: chunked"] {
        let (server, calls) = serve(&scheme).await;
        let mut stream = server.connect().await;
        let part = match length.contains("chunked") {
            true => chunk(b"{}"),
            false => b"{}".to_vec(),
        };
        let bytes = [head(&genuine(&scheme), &[length]), part].concat();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = response(&mut stream).await;
        // hyper may close instead of answering somebody who has gone.
        assert!(["", "400"].contains(&status(&answer)), "{answer}");
        assert_eq!(calls.get(), 0);
    }
}

#[tokio::test]
async fn f7_a_body_that_breaks_is_400() {
    for scheme in schemes() {
        let body = Scripted::new([Step::Data(BODY.into()), Step::Break]);
        let route = Route::new(verifier(&scheme));
        let answer = route.send(genuine(&scheme).map(|_| Body::new(body))).await;
        assert_eq!(answer.kind(), RejectionKind::BodyUnreadable);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
    }
}

#[tokio::test]
async fn f10_trailers_carry_nothing() {
    let scheme = provider::github();
    let (server, calls) = serve(&scheme).await;
    let request = genuine(&scheme);
    let signature = request.headers()["x-hub-signature-256"].to_str().unwrap();
    let trailers = format!("x-hub-signature-256: {signature}\r\nx-github-delivery: t\r\n");
    let body = [
        &chunk(BODY.as_bytes())[..],
        b"0\r\n",
        trailers.as_bytes(),
        b"\r\n",
    ]
    .concat();

    let chunked = ["transfer-encoding: chunked", "trailer: x-hub-signature-256"];
    let mut unsigned = request.clone();
    unsigned.headers_mut().remove("x-hub-signature-256");
    let answer = server
        .exchange([&head(&unsigned, &chunked)[..], &body].concat())
        .await;
    assert_eq!((status(&answer), calls.get()), ("401", 0));

    let answer = server
        .exchange([&head(&request, &chunked)[..], &body].concat())
        .await;
    assert_eq!((status(&answer), calls.get()), ("200", 1));

    let trailers = || Step::Trailers(request.headers().clone());
    for scheme in schemes() {
        let steps = [trailers(), Step::Data(BODY.into()), trailers()];
        let signed = genuine(&scheme).map(|_| Body::new(Scripted::new(steps)));
        let answer = Route::new(verifier(&scheme)).send(signed).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (StatusCode::OK, BODY.as_bytes())
        );
    }
}

#[tokio::test]
async fn f15_what_is_refused_by_its_headers_is_not_asked_for_its_body() {
    let scheme = provider::stripe();
    let (server, calls) = serve(&scheme).await;
    let expecting = ["expect: 100-continue", "content-length: 155"];
    let mut unsigned = genuine(&scheme);
    unsigned.headers_mut().clear();
    let mut malformed = genuine(&scheme);
    malformed
        .headers_mut()
        .insert("stripe-signature", HeaderValue::from_static("t=1,v1=0"));
    let stale = signer(&scheme)
        .at(tower_webhook::Timestamp::from_unix_seconds(1))
        .sign("/hook", BODY);
    for request in [unsigned, malformed, stale] {
        let answer = server.exchange(head(&request, &expecting)).await;
        assert_eq!(status(&answer), "401");
    }
    let large = ["expect: 100-continue", "content-length: 10000000000"];
    let answer = server.exchange(head(&genuine(&scheme), &large)).await;
    assert_eq!(status(&answer), "413");
    assert_eq!(calls.get(), 0);

    let length = format!("content-length: {}", BODY.len());
    let mut stream = server.connect().await;
    let bytes = head(&genuine(&scheme), &["expect: 100-continue", &length]);
    stream.write_all(&bytes).await.unwrap();
    assert_eq!(status(&response(&mut stream).await), "100");
    stream.write_all(BODY.as_bytes()).await.unwrap();
    assert_eq!(status(&response(&mut stream).await), "200");
}
