//! PayPal: what is refused, and what a CRC-32 does not hold.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tower_webhook::keys::AsyncVerifier;
use tower_webhook::provider::{PayPal, paypal};
use tower_webhook::signature::{Coverage, Scheme};
use tower_webhook::{ConfigError, RejectionKind};

use super::certificates::{Authority, Fetcher, Made, Usage, sign};
use super::{Change, repeated, set};
use crate::support::route::Route;

const ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
const SIGNATURE: &str = "paypal-transmission-sig";
const CERTIFICATE_URL: &str = "paypal-cert-url";
const ALGORITHM: &str = "paypal-auth-algo";

const BODY: &str = r#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}"#;
/// The CRC-32 of [`BODY`].
const CHECKSUM: &str = "1429317798";
/// Another event, with that CRC-32.
const COLLISION: &str = r#"{"id":"WH-2","event_type":"PAYMENT.SALE.COMPLETED","x":"vtspsppuptrp"}"#;

fn genuine() -> Request<Bytes> {
    sent_at("2023-11-14T22:13:20Z")
}

fn sent_at(time: &str) -> Request<Bytes> {
    let signature = sign(&format!("tid-1|{time}|WEBHOOKID|{CHECKSUM}"));
    Request::post("/paypal")
        .header(ID, "tid-1")
        .header(TIME, time)
        .header(
            CERTIFICATE_URL,
            "https://api.paypal.com/v1/notifications/certs/CERT-1",
        )
        .header(ALGORITHM, "SHA256withRSA")
        .header(SIGNATURE, signature)
        .body(Bytes::from_static(BODY.as_bytes()))
        .unwrap()
}

/// A root, an intermediate, and what each test makes under them.
struct Pki {
    root: Authority,
    intermediate: Authority,
}

impl Pki {
    fn new() -> Self {
        let root = Authority::root("root");
        let intermediate = root.under("intermediate");
        Self { root, intermediate }
    }

    fn chain(&self, made: Made) -> String {
        made.issued_by(&self.intermediate) + &self.intermediate.pem()
    }

    fn scheme(&self) -> Scheme {
        let root = self.root.pem();
        let paypal = PayPal::new("WEBHOOKID").with_roots_pem(root.as_bytes());
        paypal.unwrap().into()
    }
}

const PAYPALS: Made = Made::named("messageverificationcerts.paypal.com");

fn route_with(scheme: Scheme, fetcher: &Arc<Fetcher>) -> Route {
    Route::new(AsyncVerifier::with_keys(scheme, fetcher.clone()).unwrap())
}

fn route() -> Route {
    let pki = Pki::new();
    route_with(pki.scheme(), &Fetcher::new(pki.chain(PAYPALS)))
}

/// Refused, without a look at any certificate.
async fn refused(request: Request<Bytes>, what: &str) -> RejectionKind {
    let pki = Pki::new();
    let fetcher = Fetcher::new(pki.chain(PAYPALS));
    let kind = route_with(pki.scheme(), &fetcher)
        .refuses(request, what)
        .await;
    assert_eq!(fetcher.fetches(), 0, "{what}: a certificate was fetched");
    kind
}

#[tokio::test]
async fn a_transmission_is_processed_once() {
    let route = route();
    route.accepts(genuine(), "genuine").await;
    route.recognises(genuine(), "again").await;
    // Retried under a signature of its own, it is the same event.
    route
        .recognises(sent_at("2023-11-14T22:13:21Z"), "signed anew")
        .await;
}

/// The signature does not tell the two bodies apart. Deduplication does.
#[tokio::test]
async fn a20_a_body_with_the_same_crc_is_a_replay_of_the_transmission() {
    let forged = genuine().map(|_| Bytes::from_static(COLLISION.as_bytes()));
    let first = route();
    first.accepts(genuine(), "genuine").await;
    first.recognises(forged.clone(), "the same CRC-32").await;

    let scheme = paypal("WEBHOOKID");
    assert_eq!(scheme.coverage(), Coverage::Values);
    assert!(!scheme.signs_event_id());
    // What remains, and what the documentation warns of: whoever is first.
    let second = route();
    second.accepts(forged, "first").await;
    second.recognises(genuine(), "too late").await;
}

#[tokio::test]
async fn a19_everything_that_is_signed_is_signed() {
    let changes: [(&str, Change); 3] = [
        ("id", |request| set(request, ID, "tid-2")),
        ("time", |request| set(request, TIME, "2023-11-14T22:13:21Z")),
        ("body", |request| {
            *request.body_mut() = Bytes::from_static(b"{}")
        }),
    ];
    for (what, change) in changes {
        let mut request = genuine();
        change(&mut request);
        let kind = route().refuses(request, what).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
    }
    let pki = Pki::new();
    let other = PayPal::new("OTHER").with_roots_pem(pki.root.pem().as_bytes());
    let route = route_with(other.unwrap().into(), &Fetcher::new(pki.chain(PAYPALS)));
    let kind = route.refuses(genuine(), "another webhook").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
}

#[tokio::test]
async fn a15_the_request_does_not_choose_the_algorithm() {
    for name in [
        "SHA1withRSA",
        "sha256withRSA",
        "SHA256withRSA ,x",
        "SHA256withECDSA",
        "none",
        "",
    ] {
        let mut request = genuine();
        set(&mut request, ALGORITHM, name);
        let kind = refused(request, name).await;
        assert_eq!(kind, RejectionKind::UnexpectedHeader, "{name}");
    }
}

#[tokio::test]
async fn a16_no_certificate_is_fetched_from_elsewhere() {
    for url in [
        "",
        "https://evil.test/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1",
        "https://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
        "https://api.paypal.com./v1/notifications/certs/CERT-1",
        "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://192.0.2.1/v1/notifications/certs/CERT-1",
    ] {
        let mut request = genuine();
        set(&mut request, CERTIFICATE_URL, url);
        let kind = refused(request, url).await;
        assert_eq!(kind, RejectionKind::UnknownKey, "{url}");
    }
}

#[tokio::test]
async fn a17_no_header_may_be_missing_or_come_twice() {
    for name in [ID, TIME, SIGNATURE, CERTIFICATE_URL, ALGORITHM] {
        let name = http::HeaderName::from_static(name);
        for request in repeated(&genuine(), &name) {
            refused(request, name.as_str()).await;
        }
        let mut without = genuine();
        without.headers_mut().remove(&name);
        refused(without, name.as_str()).await;
    }
}

/// `a|b` as an id would move the borders of what is signed.
#[tokio::test]
async fn a20_an_id_does_not_hold_the_separator() {
    for id in ["tid|1", "", "tid 1", "t\u{e9}"] {
        let mut request = genuine();
        set(&mut request, ID, id);
        let kind = refused(request, id).await;
        assert_eq!(kind, RejectionKind::MalformedSignedValue, "{id}");
    }
}

#[tokio::test]
async fn long_headers_are_refused_and_cost_no_fetch() {
    for name in [ID, TIME, CERTIFICATE_URL, ALGORITHM] {
        let mut request = genuine();
        set(&mut request, name, &"|".repeat(100_000));
        refused(request, name).await;
    }
    let mut request = genuine();
    set(&mut request, SIGNATURE, &"*".repeat(100_000));
    let kind = refused(request, "signature").await;
    assert_eq!(kind, RejectionKind::MalformedSignature);
}

#[tokio::test]
async fn transmissions_are_fresh_for_as_long_as_paypal_retries() {
    route()
        .accepts(sent_at("2023-11-11T21:13:20Z"), "the edge")
        .await;
    for (time, expected) in [
        ("2023-11-11T21:13:19Z", RejectionKind::TimestampTooOld),
        ("2023-11-14T22:18:21Z", RejectionKind::TimestampInFuture),
        ("1700000000", RejectionKind::MalformedTimestamp),
    ] {
        assert_eq!(refused(sent_at(time), time).await, expected, "{time}");
    }
    let window = paypal("WEBHOOKID").freshness_window();
    assert_eq!(window, Duration::from_secs(73 * 3600 + 300));
}

#[tokio::test]
async fn a_certificate_must_be_paypals_and_lead_to_a_root() {
    let pki = Pki::new();
    let stranger = Pki::new();
    for (pem, what) in [
        (PAYPALS.self_signed(), "self-signed"),
        (stranger.chain(PAYPALS), "another root"),
        (PAYPALS.issued_by(&pki.intermediate), "no intermediate"),
        (
            PAYPALS.issued_by(&stranger.intermediate) + &pki.intermediate.pem(),
            "another intermediate",
        ),
        (
            pki.chain(Made {
                valid: (2020, 2023),
                ..PAYPALS
            }),
            "expired",
        ),
        (
            pki.chain(Made {
                valid: (2024, 2030),
                ..PAYPALS
            }),
            "not valid yet",
        ),
        (
            pki.chain(Made {
                usage: Usage::Client,
                ..PAYPALS
            }),
            "for clients",
        ),
        (pki.chain(Made::named("evil.test")), "another host"),
        (pki.chain(Made::named("paypal.com.evil.test")), "look-alike"),
        (pki.chain(Made::named("evilpaypal.com")), "look-alike"),
    ] {
        let route = route_with(pki.scheme(), &Fetcher::new(pem));
        let kind = route.refuses(genuine(), what).await;
        assert_eq!(kind, RejectionKind::UntrustedKey, "{what}");
    }
    let intermediate = pki.intermediate.pem();
    let trusts_it = PayPal::new("WEBHOOKID").with_roots_pem(intermediate.as_bytes());
    let alone = Fetcher::new(PAYPALS.issued_by(&pki.intermediate));
    let route = route_with(trusts_it.unwrap().into(), &alone);
    route
        .accepts(genuine(), "an intermediate in its root's place")
        .await;
    // The default roots are not those of the tests.
    let route = route_with(paypal("WEBHOOKID"), &Fetcher::new(pki.chain(PAYPALS)));
    let kind = route.refuses(genuine(), "DigiCert's roots").await;
    assert_eq!(kind, RejectionKind::UntrustedKey);
}

#[tokio::test]
async fn a_source_without_a_certificate_is_not_the_senders_fault() {
    let pki = Pki::new();
    let route = route_with(pki.scheme(), &Fetcher::new("<html>503</html>"));
    let answer = route.send(genuine()).await;
    assert_eq!(answer.kind(), RejectionKind::KeyUnavailable);
    assert_eq!((answer.status.as_u16(), route.calls.get()), (503, 0));
}

#[test]
fn bad_configuration_is_an_error() {
    for id in ["", "WH|1", "WH 1"] {
        let built = AsyncVerifier::with_keys(paypal(id), Fetcher::new(""));
        assert!(
            matches!(built, Err(ConfigError::InvalidScheme { .. })),
            "{id}"
        );
    }
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(PayPal::new("WH").with_roots_pem(pem.as_bytes()).is_err());
    }
    let never: Scheme = PayPal::new("WH").with_tolerance(Duration::ZERO).into();
    assert!(AsyncVerifier::with_keys(never, Fetcher::new("")).is_err());
}
