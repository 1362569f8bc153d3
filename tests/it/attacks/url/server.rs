//! G3–G5 over real connections: what routers and HTTP make of a target.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::WebhookLayer;
use tower_webhook::signature::{PublicUrl, ReceivedUri};

use super::{base, form, signature, verifier};
use crate::support::Calls;
use crate::support::net::{Server, whole};

fn layer(url: PublicUrl) -> WebhookLayer {
    WebhookLayer::new(verifier(url))
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

/// A form to `target` that is signed for `url`, as bytes.
fn delivery(target: &str, url: &str) -> Vec<u8> {
    let request = form("/placeholder", &format!("{url}Ab"), "A=b");
    let text = String::from_utf8(whole(&request)).unwrap();
    text.replacen("/placeholder", target, 1).into_bytes()
}

fn handler(layer: WebhookLayer) -> (axum::routing::MethodRouter, Calls) {
    let calls = Calls::default();
    let counted = calls.clone();
    let handler = any(move || {
        counted.add();
        async {}
    });
    (handler.layer(layer), calls)
}

#[tokio::test]
async fn g4_the_url_is_the_original_one_under_nested_routers() {
    let counted = || handler(layer(base()));
    let (inner, nested) = counted();
    let (service, as_service) = counted();
    let (last, fallback) = counted();
    let (deep, deeper) = counted();
    let app = Router::new()
        .nest(
            "/hooks",
            Router::new()
                .route("/sms", inner)
                .nest("/deep/{tenant}", Router::new().route("/sms", deep)),
        )
        .nest_service("/service", Router::new().route("/sms", service))
        .fallback_service(Router::new().fallback(last));
    let server = Server::start(app).await;
    for (target, calls) in [
        ("/hooks/sms?x=1", &nested),
        ("/hooks/deep/a%2Fb/sms?", &deeper),
        ("/service/sms?x=1", &as_service),
        ("/somewhere/else;a=1?x=%20", &fallback),
    ] {
        let before = calls.get();
        let genuine = delivery(target, &format!("https://example.com{target}"));
        let answer = server.exchange(genuine).await;
        assert_eq!(
            (status(&answer), calls.get()),
            ("200", before + 1),
            "{target}"
        );
        // What the inner router saw is not what was signed.
        for stripped in ["/sms?x=1", "/sms?", "/sms", "/"] {
            let forged = delivery(target, &format!("https://example.com{stripped}"));
            let answer = server.exchange(forged).await;
            assert_eq!(
                (status(&answer), calls.get()),
                ("401", before + 1),
                "{target}"
            );
        }
    }
}

/// A router of another make keeps the original for us.
#[tokio::test]
async fn g4_a_router_of_the_users_can_say_what_was_received() {
    let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
    let service = layer(base()).layer(inner);
    let send = async |keeps: bool| {
        let mut request = form("/hooks/sms", "https://example.com/hooks/smsAb", "A=b");
        let received = request.uri().clone();
        *request.uri_mut() = "/sms".parse().unwrap();
        if keeps {
            request.extensions_mut().insert(ReceivedUri(received));
        }
        let answer = service.clone().oneshot(request.map(Full::new)).await;
        answer.unwrap().status()
    };
    assert_eq!(send(true).await, StatusCode::OK);
    assert_eq!(send(false).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn g3_the_bytes_of_the_target_count() {
    let (handler, calls) = handler(layer(base()));
    let server = Server::start(Router::new().fallback(handler)).await;
    let targets = [
        "/a/b",
        "/a%2Fb",
        "/a%2fb",
        "//a/b",
        "/a//b",
        "/a/./b",
        "/a/c/../b",
        "/a/b/",
        "/a/b;x",
        "/a/b?",
        "/a/b?x=+",
        "/a/b?x=%20",
        "/a/b?x=%2B",
        "/a/b?y=1&x=2",
        "/a/b?x=2&y=1",
        "/a/b?x=2&y=1&",
        "/A/b",
        "/a/b??",
        "/%61/b",
        "/a/b?x='",
        "/a/b?x=%27",
    ];
    for sent in targets {
        for signed in targets {
            let before = calls.get();
            let url = format!("https://example.com{signed}");
            let answer = server.exchange(delivery(sent, &url)).await;
            let expected = if sent == signed { "200" } else { "401" };
            assert_eq!(status(&answer), expected, "sent {sent}, signed {signed}");
            // Without an id, the content is the event.
            assert_eq!(calls.get() - before, usize::from(sent == signed));
        }
    }
}

#[tokio::test]
async fn g5_a_target_in_absolute_form_changes_nothing() {
    for url in [
        base(),
        PublicUrl::registered("https://example.com/hook").unwrap(),
    ] {
        let (handler, calls) = handler(layer(url));
        let server = Server::start(Router::new().fallback(handler)).await;
        for target in [
            "http://evil.test/hook",
            "https://evil.test:8443/hook",
            "http://example.com/hook",
        ] {
            let forged = server.exchange(delivery(target, target)).await;
            assert_eq!((status(&forged), calls.get()), ("401", 0), "{target}");
        }
        let genuine = delivery("http://evil.test/hook", "https://example.com/hook");
        let answer = server.exchange(genuine).await;
        assert_eq!((status(&answer), calls.get()), ("200", 1));
    }
}

/// `:authority` is the sender's word like any header.
#[tokio::test]
async fn g5_the_authority_of_http2_changes_nothing() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let app = Router::new().route("/hook", post(async || "done").layer(layer(base())));
    let serving = tokio::spawn(async move {
        let service = TowerToHyperService::new(app);
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(theirs), service)
            .await
    });
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours));
    let (mut sender, connection) = client.await.unwrap();
    let driving = tokio::spawn(connection);
    for (signed, host, expected) in [
        ("https://evil.test/hook", None, 401),
        ("https://evil.test/hook", Some("evil.test"), 401),
        ("https://evil.test/hook", Some("example.com"), 401),
        ("https://example.com/hook", Some("other.test"), 200),
    ] {
        let mut request = Request::post("https://evil.test/hook")
            .header("content-type", super::FORM)
            .header("x-twilio-signature", signature(&format!("{signed}Ab")));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Full::new(Bytes::from_static(b"A=b"))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), expected, "{signed} {host:?}");
    }
    driving.abort();
    serving.abort();
}
