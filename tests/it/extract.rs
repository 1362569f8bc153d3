//! The extractors for axum.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde::Deserialize;
use tower::ServiceExt;
use tower_webhook::extract::VerifiedJson;
use tower_webhook::provider;
use tower_webhook::{Delivery, WebhookLayer};

use crate::support::{Calls, genuine, signer, verifier};

#[derive(Debug, Deserialize)]
struct Push {
    after: String,
}

fn layer() -> WebhookLayer {
    WebhookLayer::new(verifier(&provider::gitlab_token()))
}

fn signed(body: &'static str) -> Request<Body> {
    let request = signer(&provider::gitlab_token()).sign("/", body);
    request.map(Body::from)
}

async fn send(app: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 10_000).await;
    (status, String::from_utf8(body.unwrap().into()).unwrap())
}

#[tokio::test]
async fn without_the_layer_the_answer_names_it() {
    for route in [
        post(async |_: Delivery| "reached"),
        post(async |_: VerifiedJson<Push>| "reached"),
    ] {
        let app = Router::new().route("/", route);
        let (status, body) = send(app, signed(r#"{"after":"x"}"#)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("WebhookLayer"), "{body}");
    }
}

#[tokio::test]
async fn an_optional_delivery_is_none_without_the_layer_and_never_unverified() {
    let optional = || {
        post(async |delivery: Option<Delivery>| match delivery {
            Some(delivery) => delivery.provider().to_owned(),
            None => "none".to_owned(),
        })
    };
    let open = Router::new().route("/", optional());
    let (status, body) = send(open, signed("{}")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "none"));

    let guarded = Router::new().route("/", optional().layer(layer()));
    let (status, body) = send(guarded.clone(), signed("{}")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "gitlab_token"));

    let unsigned = Request::post("/").body(Body::from("{}")).unwrap();
    let (status, body) = send(guarded, unsigned).await;
    assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, ""));
}

#[tokio::test]
async fn wrong_json_is_422_and_the_event_stays_open() {
    let calls = Calls::default();
    let counted = calls.clone();
    let handler = post(move |VerifiedJson(push): VerifiedJson<Push>| {
        counted.add();
        async move { push.after }
    });
    let app = Router::new().route("/", handler.layer(layer()));
    for body in ["", "{}", "not json", r#"{"after":1}"#, r#"{"after":"x"} x"#] {
        let (status, answer) = send(app.clone(), signed(body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer, "", "the sender learns nothing of our types");
    }
    assert_eq!(calls.get(), 0);
    // The id is the same all along: no failure has used it up.
    let (status, body) = send(app, signed(r#"{"after":"da15"}"#)).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "da15"));
    assert_eq!(calls.get(), 1);
}

/// Both see the bytes that were verified, whoever took the body first.
#[tokio::test]
async fn extractors_agree_on_the_bytes() {
    let handler = post(async |first: Delivery, second: Delivery, body: Bytes| {
        assert_eq!(first.body(), second.body());
        assert_eq!(first.body(), &body);
        first.event_id().unwrap().as_str().to_owned()
    });
    let app = Router::new().route("/", handler.layer(layer()));
    let request = genuine(&provider::gitlab_token()).map(Body::from);
    let (status, body) = send(app.clone(), with_uri(request)).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "evt_test"));

    let json = post(
        async |delivery: Delivery, VerifiedJson(value): VerifiedJson<serde_json::Value>| {
            assert_eq!(delivery.body(), &Bytes::from(value.to_string()));
        },
    );
    let app = Router::new().route("/", json.layer(layer()));
    let (status, _) = send(app, signed(r#"{"after":"x"}"#)).await;
    assert_eq!(status, StatusCode::OK);
}

fn with_uri(mut request: Request<Body>) -> Request<Body> {
    *request.uri_mut() = "/".parse().unwrap();
    request
}
