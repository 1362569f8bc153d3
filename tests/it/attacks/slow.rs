//! F3, F5: bodies that take their time.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tower_webhook::RejectionKind;
use tower_webhook::provider;

use super::http::{app, guard};
use crate::support::bodies::{Dripping, Scripted};
use crate::support::net::{Server, chunk, head, response, whole};
use crate::support::route::Route;
use crate::support::{BODY, genuine, schemes, signer, verifier};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn f3_a_dripping_body_is_cut_off_at_its_deadline() {
    for scheme in schemes() {
        let started = tokio::time::Instant::now();
        let body = Dripping::new(BODY, 5 * SECOND);
        let route = Route::new(verifier(&scheme));
        let answer = route.send(genuine(&scheme).map(|_| Body::new(body))).await;
        assert_eq!(answer.kind(), RejectionKind::BodyTimeout);
        assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(started.elapsed().as_secs(), 10, "{}", scheme.name());
        assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn f3_a_body_that_stalls_is_cut_off_and_one_in_time_is_not() {
    let scheme = provider::github();
    let route = Route::with(verifier(&scheme), |layer| {
        layer.with_body_timeout(30 * SECOND).unwrap()
    });
    let stalled = Scripted::stalled(&BODY[..10]);
    let answer = route
        .send(genuine(&scheme).map(|_| Body::new(stalled)))
        .await;
    assert_eq!(answer.kind(), RejectionKind::BodyTimeout);

    let dripping = Dripping::new("{}", 10 * SECOND);
    let request = signer(&scheme).sign("/hook", "{}");
    let answer = route.send(request.map(|_| Body::new(dripping))).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"{}"[..])
    );
}

#[tokio::test]
async fn f3_a_stalled_upload_gets_408_over_a_socket() {
    let scheme = provider::github();
    let layer = guard(&scheme).with_body_timeout(Duration::from_millis(50));
    let (app, calls) = app(layer.unwrap());
    let server = Server::start(app).await;
    let bytes = head(&genuine(&scheme), &["content-length: 155"]);
    let answer = server.exchange([&bytes[..], b"{\"id\""].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(calls.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn f5_slow_bodies_are_bounded_and_give_their_place_back() {
    let scheme = provider::github();
    let route = Route::with(verifier(&scheme), |layer| {
        layer.with_max_slow_bodies(2).unwrap()
    });
    let slow = || route.send(genuine(&scheme).map(|_| Body::new(Scripted::stalled("{"))));
    let answers = tokio::join!(slow(), slow(), slow());
    let (turned_away, held): (Vec<_>, Vec<_>) = [answers.0, answers.1, answers.2]
        .into_iter()
        .partition(|answer| answer.kind() == RejectionKind::TooManySlowBodies);
    assert_eq!((turned_away.len(), held.len()), (1, 2));
    for held in held {
        assert_eq!(held.kind(), RejectionKind::BodyTimeout);
    }
    assert_eq!(turned_away[0].status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(turned_away[0].headers["retry-after"], "10");
    assert_eq!(slow().await.kind(), RejectionKind::BodyTimeout);
    assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn f5_a_sender_who_leaves_gives_its_place_back() {
    let scheme = provider::github();
    let route = Route::with(verifier(&scheme), |layer| {
        layer.with_max_slow_bodies(1).unwrap()
    });
    let slow = || route.send(genuine(&scheme).map(|_| Body::new(Scripted::stalled("{"))));
    for _ in 0..3 {
        let left = tokio::time::timeout(SECOND, slow()).await;
        assert!(left.is_err(), "{left:?}");
    }
    assert_eq!(slow().await.kind(), RejectionKind::BodyTimeout);
}

/// Senders that stall hold all places; one whose request comes in one piece
/// needs none.
#[tokio::test]
async fn f5_stalled_uploads_do_not_keep_out_a_request_in_one_piece() {
    const PLACES: usize = 4;
    let scheme = provider::github();
    let layer = guard(&scheme).with_max_slow_bodies(PLACES).unwrap();
    let (app, calls) = app(layer.with_body_timeout(600 * SECOND).unwrap());
    let server = Server::start(app).await;
    let request = genuine(&scheme);
    let mut held = Vec::new();
    for _ in 0..PLACES {
        // A wrong signature, so that its holder is nobody.
        let mut stream = server.connect().await;
        let mut forged = request.clone();
        let value = format!("sha256={}", "0".repeat(64)).parse().unwrap();
        forged.headers_mut().insert("x-hub-signature-256", value);
        let bytes = head(&forged, &["content-length: 155"]);
        stream
            .write_all(&[&bytes[..], b"{"].concat())
            .await
            .unwrap();
        held.push(stream);
    }
    // Once one is turned away, all places are taken.
    loop {
        let mut stream = server.connect().await;
        let bytes = head(&request, &["content-length: 155"]);
        stream
            .write_all(&[&bytes[..], b"{"].concat())
            .await
            .unwrap();
        let turned_away = response(&mut stream);
        match tokio::time::timeout(Duration::from_millis(200), turned_away).await {
            Ok(answer) => {
                assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
                assert!(answer.contains("retry-after: 600"));
                break;
            }
            Err(_elapsed) => held.push(stream),
        }
    }

    let answer = server.exchange(whole(&request)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let chunked = [
        head(
            &signer(&scheme).with_event_id("2").sign("/hook", "{}"),
            &["transfer-encoding: chunked"],
        ),
        chunk(b"{}"),
        b"0\r\n\r\n".to_vec(),
    ];
    let answer = server.exchange(chunked.concat()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(calls.get(), 2);
}
