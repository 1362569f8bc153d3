//! F16: methods other than POST, and challenges.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Method, Request};
use tower_webhook::provider;
use tower_webhook::signature::Scheme;

use super::http::{guard, serve, status};
use crate::support::net::{Server, head, whole};
use crate::support::{BODY, Calls, genuine, schemes};

#[tokio::test]
async fn f16_only_the_providers_method_is_allowed() {
    for scheme in schemes() {
        let (server, calls) = serve(&scheme).await;
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if ANSWERED.contains(&(scheme.name(), method)) {
                continue;
            }
            let mut request = genuine(&scheme);
            *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
            let length = format!("content-length: {}", BODY.len());
            let lines = ["connection: close", length.as_str()];
            let bytes = [head(&request, &lines), BODY.into()].concat();
            let answer = server.exchange(bytes).await;
            assert_eq!(status(&answer), "405", "{} {method}", scheme.name());
            let allow = format!("allow: {}\r\n", allowed(&scheme));
            assert!(answer.contains(&allow), "{answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        }
        assert_eq!(calls.get(), 0);
    }
}

/// Methods that a provider tries a URL with, and nothing else.
const ANSWERED: [(&str, &str); 1] = [("mailchimp", "GET")];

/// What the `Allow` header lists where nothing but the secret is configured.
fn allowed(scheme: &Scheme) -> String {
    let mut methods = vec!["POST"];
    let answered = scheme.handshakes().filter(|handshake| {
        !handshake.is_signed()
            && !handshake.needs_verify_token()
            && !handshake.needs_capture()
            && !handshake.needs_origins()
    });
    for handshake in answered {
        let method = handshake.method().as_str();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods.join(", ")
}

/// A challenge is a delivery like any other: nobody's words are echoed.
#[tokio::test]
async fn f16_unsigned_challenges_are_not_answered() {
    let challenge = r#"{"type":"url_verification","challenge":"<script>","event":"endpoint.url_validation","payload":{"plainToken":"x"}}"#;
    for scheme in schemes() {
        let (server, calls) = serve(&scheme).await;
        let request = Request::post("/hook?hub.mode=subscribe&hub.challenge=%3Cscript%3E")
            .body(Bytes::from_static(challenge.as_bytes()))
            .unwrap();
        let answer = server.exchange(whole(&request)).await;
        assert_eq!(
            (status(&answer), calls.get()),
            ("401", 0),
            "{}",
            scheme.name()
        );
        assert!(!answer.contains("script"));
    }
}

#[tokio::test]
async fn a_post_only_route_leaves_other_methods_to_its_layer() {
    let (calls, layer) = (Calls::default(), guard(&provider::github()));
    let counted = calls.clone();
    let handler = post(move || {
        counted.add();
        async {}
    });
    let app = Router::new().route("/hook", handler.layer(layer));
    let server = Server::start(app).await;
    let answer = server
        .exchange("GET /hook HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert_eq!((status(&answer), calls.get()), ("405", 0));
    assert!(answer.to_ascii_lowercase().contains("allow: post"));
}
