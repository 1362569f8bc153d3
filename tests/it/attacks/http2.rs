//! F13: streams of HTTP/2 that are reset before their body is there. Floods
//! are the server's to end: see the example `hyper`.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Channel, Full};
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::{Layer, service_fn};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::{VerifiedBody, provider};

use super::http::guard;
use crate::support::store::RecordingStore;
use crate::support::{BODY, Calls, genuine};

#[tokio::test]
async fn f13_a_stream_that_is_reset_has_claimed_nothing() {
    let scheme = provider::github();
    let store = Arc::new(RecordingStore::new(Arc::new(
        tower_webhook::testing::ManualClock::new(crate::support::NOW),
    )));
    let calls = Calls::default();
    let counted = calls.clone();
    let layer = guard(&scheme).with_dedup(DedupLayer::new(store.clone()));
    let service = layer
        .unwrap()
        .layer(service_fn(move |_: http::Request<VerifiedBody>| {
            counted.add();
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        }));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(
        server::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(service)),
    );
    let (mut sender, connection) = client::handshake(TokioExecutor::new(), TokioIo::new(ours))
        .await
        .unwrap();
    tokio::spawn(connection);

    for sent in [0, 1, BODY.len() - 1, BODY.len()] {
        for _ in 0..10 {
            sender.ready().await.unwrap();
            let (mut body, receiver) = Channel::<Bytes, Infallible>::new(4);
            let response = sender.send_request(genuine(&scheme).map(|_| receiver.boxed()));
            body.send_data(Bytes::copy_from_slice(&BODY.as_bytes()[..sent]))
                .await
                .unwrap();
            let response = tokio::spawn(response);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            // Not a word of the end: dropped, it resets the stream.
            response.abort();
            let _ = response.await;
            drop(body);
        }
    }
    // The connection is in order, and so the resets have arrived.
    let last = genuine(&scheme).map(|body| Full::new(body).boxed());
    sender.ready().await.unwrap();
    let answer = sender.send_request(last).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(calls.get(), 1);
    // The event's id and its content.
    assert_eq!((store.claims(), store.rows()), (2, 2));
}
