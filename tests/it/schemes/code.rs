//! A scheme in code: what its author is given, and what they need not say.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use tower_webhook::signature::{Coverage, Hash, Protocol, Received, Scheme, Statement};
use tower_webhook::{Rejection, RejectionKind, Timestamp, Verifier};

use crate::support::forge::mac;
use crate::support::route::Route;
use crate::support::{NOW, SECRET};

/// Signs a nonce, a value of the body and the body.
#[derive(Debug)]
struct Acme;

impl Protocol for Acme {
    fn precheck(&self, _: &Parts, _: Timestamp) -> Result<(), Rejection> {
        Ok(())
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let nonce = received.header("x-nonce")?;
        let kind = received.json("/kind")?.unwrap_or_default();
        let signature = hex::decode(received.header("x-signature")?).unwrap_or_default();
        let content = [nonce, kind.as_bytes(), received.body()].concat();
        Ok(Statement::new(content, signature))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }
}

fn acme() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256).with_protocol(Arc::new(Acme))
}

fn request(nonce: &str, kind: &str, body: &str) -> Request<Bytes> {
    let signature = mac(SECRET.as_bytes(), format!("{nonce}{kind}{body}").as_bytes());
    Request::post("/hook")
        .header("x-nonce", nonce)
        .header("x-signature", hex::encode(signature))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

#[test]
fn a_value_of_the_body_is_read_as_json() {
    let verifier = Verifier::new(acme(), SECRET).unwrap();
    let judge = |kind: &str, body: &str| {
        let (parts, body) = request("1", kind, body).into_parts();
        let verified = verifier.verify(&parts, &body, NOW);
        verified.map(drop).map_err(|rejection| rejection.kind())
    };
    for (body, kind) in [
        (r#"{"kind":"paid"}"#, "paid"),
        (r#"{"kind":7}"#, "7"),
        (r#"{"kind":null}"#, ""),
        ("{}", ""),
    ] {
        assert_eq!(judge(kind, body), Ok(()), "{body}");
        let other = judge("other", body);
        assert_eq!(other, Err(RejectionKind::SignatureMismatch), "{body}");
    }
    for body in [
        "",
        "kind=paid",
        r#"{"kind":["paid"]}"#,
        r#"{"kind":"paid","kind":"paid"}"#,
    ] {
        let refused = judge("paid", body);
        assert_eq!(refused, Err(RejectionKind::MalformedBody), "{body}");
    }
}

/// Unless its author says that the signed content tells more.
#[tokio::test]
async fn a_delivery_without_an_id_is_known_by_its_body() {
    let route = Route::new(Verifier::new(acme(), SECRET).unwrap());
    route.accepts(request("1", "", "{}"), "the event").await;
    route.recognises(request("2", "", "{}"), "its retry").await;
    route.accepts(request("2", "", "{ }"), "the next").await;
}

#[test]
fn schemes_are_equal_where_their_code_is_one() {
    let scheme = acme();
    assert_eq!(scheme, scheme.clone());
    assert_ne!(scheme, acme());
    let shown = format!("{scheme:?}");
    assert!(shown.contains("protocol: Some(Acme)"), "{shown}");
}
