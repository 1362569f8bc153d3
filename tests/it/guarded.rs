//! Every preset that is data, on a real axum server: one constructor, and its
//! deliveries are guarded and recognised.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::Request;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{Delivery, WebhookLayer};

use crate::support::keys::{impostor, sender};
use crate::support::net::{Server, whole};
use crate::support::{BODY, NOW, all_schemes, streams};
use crate::whole::{body, verifier};

async fn handle(delivery: Delivery) -> String {
    format!("handled {}", delivery.provider())
}

fn path(scheme: &Scheme) -> String {
    format!("/hooks/{}", scheme.name())
}

fn signed(signer: Signer, scheme: &Scheme) -> Request<Bytes> {
    let body = if streams(scheme) { BODY } else { body(scheme) };
    signer.at(NOW).sign(&path(scheme), body)
}

#[tokio::test]
async fn every_preset_guards_a_route_of_a_real_server() {
    let clock = Arc::new(ManualClock::new(NOW));
    let app = all_schemes().fold(Router::new(), |app, scheme| {
        let layer = WebhookLayer::new(verifier(&scheme)).with_clock(clock.clone());
        app.route(&path(&scheme), any(handle).layer(layer))
    });
    let server = Server::start(app).await;
    let mut presets = 0;
    for scheme in all_schemes() {
        presets += 1;
        let name = scheme.name();
        let handled = format!("handled {name}");

        let forged = server
            .exchange(whole(&signed(impostor(&scheme), &scheme)))
            .await;
        let status = format!("HTTP/1.1 {} ", scheme.reject_status().as_u16());
        assert!(forged.starts_with(&status), "{name}: {forged}");

        let genuine = whole(&signed(sender(&scheme), &scheme));
        let first = server.exchange(&genuine).await;
        assert!(first.starts_with("HTTP/1.1 200 "), "{name}: {first}");
        assert!(first.ends_with(&handled), "{name}: {first}");

        let again = server.exchange(&genuine).await;
        assert!(again.starts_with("HTTP/1.1 2"), "{name}: {again}");
        let repeated = !again.ends_with(&handled);
        // Dropbox's different events may be the same bytes.
        assert_eq!(repeated, name != "dropbox", "{name}: {again}");
    }
    assert!(presets >= 100, "{presets}");
}
