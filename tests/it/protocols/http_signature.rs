//! RFC 9421: what is refused, and how the signature base is made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Request};
use sha2::{Digest, Sha256};
use tower_webhook::provider::http_signature::HttpSignature;
use tower_webhook::signature::{Coverage, PublicUrl, Scheme};
use tower_webhook::{ConfigError, RejectionKind, Verifier};

use super::set;
use crate::support::route::Route;

const SECRET: &str = "a-shared-secret";
const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
const DIGEST: &str = "content-digest";
const BODY: &str = r#"{"hello": "world"}"#;

/// What must be covered by default.
const COVERED: &str = r#"("@method" "@path" "@query" "content-digest")"#;
const PARAMETERS: &str = r#";created=1700000000;keyid="acme""#;

fn mac(base: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn digest(body: &str) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

fn unsigned() -> Request<Bytes> {
    Request::post("/hook?a=1")
        .header(DIGEST, digest(BODY))
        .body(Bytes::from_static(BODY.as_bytes()))
        .unwrap()
}

/// Signs `lines`, which `list` says to be covered.
fn signed(mut request: Request<Bytes>, list: &str, lines: &[&str]) -> Request<Bytes> {
    let mut base: String = lines.iter().map(|line| format!("{line}\n")).collect();
    base += &format!("\"@signature-params\": {list}");
    set(&mut request, INPUT, &format!("sig={list}"));
    set(&mut request, SIGNATURE, &format!("sig=:{}:", mac(&base)));
    request
}

fn genuine_with(list: &str) -> Request<Bytes> {
    let content_digest = format!("\"content-digest\": {}", digest(BODY));
    signed(
        unsigned(),
        list,
        &[
            "\"@method\": POST",
            "\"@path\": /hook",
            "\"@query\": ?a=1",
            &content_digest,
        ],
    )
}

fn genuine() -> Request<Bytes> {
    genuine_with(&format!("{COVERED}{PARAMETERS}"))
}

fn route(http: HttpSignature) -> Route {
    route_of(http.into())
}

fn route_of(scheme: Scheme) -> Route {
    Route::new(Verifier::new(scheme, SECRET).unwrap())
}

fn hmac_route() -> Route {
    route(HttpSignature::hmac_sha256())
}

#[tokio::test]
async fn a_request_is_processed_once() {
    let route = hmac_route();
    route.accepts(genuine(), "genuine").await;
    route.recognises(genuine(), "again").await;
}

#[tokio::test]
async fn a19_what_is_covered_cannot_be_changed() {
    let mut path = genuine();
    *path.uri_mut() = "/other?a=1".parse().unwrap();
    let mut query = genuine();
    *query.uri_mut() = "/hook?a=2".parse().unwrap();
    let body = genuine().map(|_| Bytes::from_static(b"{}"));
    let mut both = body.clone();
    set(&mut both, DIGEST, &digest("{}"));
    for (request, what) in [
        (path, "path"),
        (query, "query"),
        (body, "body"),
        (both, "body and digest"),
    ] {
        let kind = hmac_route().refuses(request, what).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
    }
    let input = genuine().headers()[INPUT].to_str().unwrap().to_owned();
    for (from, to) in [
        ("created=1700000000", "created=1700000001"),
        ("\"acme\"", "\"other\""),
        (";keyid=\"acme\"", ""),
        (";keyid", ";expires=1700000010;keyid"),
    ] {
        let mut request = genuine();
        set(&mut request, INPUT, &input.replace(from, to));
        let kind = hmac_route().refuses(request, to).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{to}");
    }
}

#[tokio::test]
async fn a_body_needs_a_digest_that_is_covered_and_holds() {
    let list = format!(r#"("@method" "@path" "@query"){PARAMETERS}"#);
    let lines = ["\"@method\": POST", "\"@path\": /hook", "\"@query\": ?a=1"];
    let uncovered = signed(unsigned(), &list, &lines);
    let kind = hmac_route().refuses(uncovered.clone(), "not covered").await;
    assert_eq!(kind, RejectionKind::MissingSignedValue);
    // Without a body there is nothing to protect.
    let empty = uncovered.clone().map(|_| Bytes::new());
    hmac_route().accepts(empty, "no body").await;

    let lax = HttpSignature::hmac_sha256().without_content_digest();
    assert_eq!(Scheme::from(lax.clone()).coverage(), Coverage::Values);
    route(lax.clone()).accepts(uncovered, "not demanded").await;
    let other_body = genuine().map(|_| Bytes::from_static(b"{}"));
    let kind = route(lax).refuses(other_body, "covered and wrong").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);

    for stated in ["md5=:AAAA:", "sha-256=abc", "", "sha-256=:AA==:", "sha-256"] {
        let mut request = unsigned();
        set(&mut request, DIGEST, stated);
        let line = format!("\"content-digest\": {stated}");
        let list = format!("{COVERED}{PARAMETERS}");
        let request = signed(request, &list, &[lines[0], lines[1], lines[2], &line]);
        let kind = hmac_route().refuses(request, stated).await;
        let expected = match stated {
            "sha-256=:AA==:" => RejectionKind::SignatureMismatch,
            _ => RejectionKind::MalformedSignedValue,
        };
        assert_eq!(kind, expected, "{stated}");
    }
}

/// Found by fuzzing.
#[tokio::test]
async fn a_digest_that_is_covered_as_bytes_must_hold() {
    let list = format!(r#"("@method" "@path" "@query" "content-digest";bs){PARAMETERS}"#);
    let line = format!("\"content-digest\";bs: :{}:", STANDARD.encode(digest(BODY)));
    let lines = [
        "\"@method\": POST",
        "\"@path\": /hook",
        "\"@query\": ?a=1",
        &line,
    ];
    let request = signed(unsigned(), &list, &lines);
    let other_body = request.clone().map(|_| Bytes::from_static(b"{}"));
    let no_body = request.clone().map(|_| Bytes::new());
    let lax = || route(HttpSignature::hmac_sha256().without_content_digest());
    lax().accepts(request.clone(), "it holds").await;
    for (request, what) in [(other_body, "another body"), (no_body.clone(), "no body")] {
        let kind = lax().refuses(request, what).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
    }
    // What is demanded is demanded without parameters.
    let kind = hmac_route().refuses(request, "demanded").await;
    assert_eq!(kind, RejectionKind::MissingSignedValue);
    let kind = hmac_route().refuses(no_body, "no body, but a digest").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
}

#[tokio::test]
async fn what_is_required_must_be_covered() {
    for missing in ["\"@method\" ", "\"@path\" ", "\"@query\" "] {
        let list = format!("{}{PARAMETERS}", COVERED.replace(missing, ""));
        let kind = hmac_route().refuses(genuine_with(&list), missing).await;
        assert_eq!(kind, RejectionKind::MissingSignedValue, "{missing}");
    }
    let more = HttpSignature::hmac_sha256().with_required(["content-type"]);
    let kind = route(more).refuses(genuine(), "content-type").await;
    assert_eq!(kind, RejectionKind::MissingSignedValue);
}

#[tokio::test]
async fn a15_the_request_does_not_choose_the_algorithm() {
    let named = |name: &str| genuine_with(&format!("{COVERED}{PARAMETERS};alg=\"{name}\""));
    hmac_route()
        .accepts(named("hmac-sha256"), "the configured one")
        .await;
    for name in [
        "none",
        "",
        "HMAC-SHA256",
        "hmac-sha512",
        "ed25519",
        "rsa-v1_5-sha256",
    ] {
        let kind = hmac_route().refuses(named(name), name).await;
        assert_eq!(kind, RejectionKind::UnexpectedValue, "{name}");
    }
}

#[tokio::test]
async fn repetitions_and_unknown_parameters_are_refused() {
    for list in [
        // A component twice, and under another form of its name.
        r#"("@method" "@path" "@query" "content-digest" "@method");created=1700000000"#,
        r#"("@method" "@path" "@query" "Content-Digest" "content-digest");created=1700000000"#,
        // Parameters twice, unknown ones, and of another type.
        r#"("@method" "@path" "@query" "content-digest");created=1700000000;created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest");created=1700000000;x=1"#,
        r#"("@method" "@path" "@query" "content-digest");created="1700000000""#,
        r#"("@method" "@path" "@query" "content-digest");created=1700000000.5"#,
        r#"("@method" "@path" "@query" "content-digest");created=1700000000;keyid=acme"#,
        // Component parameters that are not understood.
        r#"("@method" "@path" "@query" "content-digest" "date";req);created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "date";tr);created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "date";sf);created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "date";key="a");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "date";bs=?0);created=1700000000"#,
        r#"("@method";bs "@path" "@query" "content-digest");created=1700000000"#,
        r#"("@method";req "@path" "@query" "content-digest");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "@status");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "@signature-params");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "@query-param");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" "");created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" date);created=1700000000"#,
        r#"("@method" "@path" "@query" "content-digest" 1);created=1700000000"#,
        // Not a list.
        "?1;created=1700000000",
        ":AAAA:;created=1700000000",
        "(",
        "",
    ] {
        let kind = hmac_route().refuses(genuine_with(list), list).await;
        assert_ne!(kind, RejectionKind::SignatureMismatch, "{list}");
    }
}

#[tokio::test]
async fn a17_labels_are_unique_over_all_lines() {
    for name in [INPUT, SIGNATURE] {
        let mut request = genuine();
        let value = request.headers()[name].clone();
        request.headers_mut().append(name, value);
        let kind = hmac_route().refuses(request, name).await;
        assert_eq!(kind, RejectionKind::MalformedSignature, "{name}");
        let mut without = genuine();
        without.headers_mut().remove(name);
        let kind = hmac_route().refuses(without, name).await;
        assert_eq!(kind, RejectionKind::MissingSignature, "{name}");
    }
    // A digest on two lines is one list, and says the same twice.
    let mut request = genuine();
    request
        .headers_mut()
        .append(DIGEST, HeaderValue::from_str(&digest(BODY)).unwrap());
    let kind = hmac_route().refuses(request, DIGEST).await;
    assert_ne!(kind, RejectionKind::SignatureMismatch);
}

/// A proxy may sign as well. Which signature counts is configuration.
#[tokio::test]
async fn one_signature_counts() {
    let mut two = genuine();
    let input = two.headers()[INPUT].to_str().unwrap().to_owned();
    set(
        &mut two,
        INPUT,
        &format!("proxy=();created=1;keyid=\"proxy\", {input}"),
    );
    let signature = two.headers()[SIGNATURE].to_str().unwrap().to_owned();
    set(&mut two, SIGNATURE, &format!("proxy=:AAAA:, {signature}"));
    let http = HttpSignature::hmac_sha256;
    let kind = route(http()).refuses(two.clone(), "any").await;
    assert_eq!(kind, RejectionKind::TooManySignatures);
    route(http().with_label("sig"))
        .accepts(two.clone(), "label")
        .await;
    route(http().with_key_id("acme"))
        .accepts(two.clone(), "key id")
        .await;
    for other in [
        http().with_label("other"),
        http().with_key_id("other"),
        http().with_tag("other"),
    ] {
        let kind = route(other).refuses(two.clone(), "none").await;
        assert_eq!(kind, RejectionKind::MissingSignature);
    }
    // The signature of one label is not looked for under another.
    let mut elsewhere = genuine();
    set(
        &mut elsewhere,
        SIGNATURE,
        &signature.replace("sig=", "gis="),
    );
    let kind = hmac_route().refuses(elsewhere, "another label").await;
    assert_eq!(kind, RejectionKind::MissingSignature);

    let tagged = genuine_with(&format!(
        "{COVERED}{PARAMETERS};tag=\"acme-hooks\";nonce=\"n\""
    ));
    route(http().with_tag("acme-hooks"))
        .accepts(tagged, "tag")
        .await;
}

#[tokio::test]
async fn requests_are_fresh_and_not_expired() {
    for (parameters, expected) in [
        (";created=1699999700", None),
        (";created=1700000300", None),
        (";created=1700000000;expires=1700000000", None),
        (";created=1699999699", Some(RejectionKind::TimestampTooOld)),
        (
            ";created=1700000301",
            Some(RejectionKind::TimestampInFuture),
        ),
        (
            ";created=1699999999;expires=1699999999",
            Some(RejectionKind::TimestampTooOld),
        ),
        (
            ";created=1700000000;expires=1699999999",
            Some(RejectionKind::MalformedTimestamp),
        ),
        (";created=-1", Some(RejectionKind::MalformedTimestamp)),
        (";expires=1800000000", Some(RejectionKind::MissingTimestamp)),
        ("", Some(RejectionKind::MissingTimestamp)),
    ] {
        let request = genuine_with(&format!("{COVERED}{parameters}"));
        match expected {
            None => hmac_route().accepts(request, parameters).await,
            Some(kind) => {
                assert_eq!(
                    hmac_route().refuses(request, parameters).await,
                    kind,
                    "{parameters}"
                );
            }
        }
    }
}

/// The examples of RFC 9421 sections 2.1 and 2.2.
#[tokio::test]
async fn components_are_written_as_the_rfc_says() {
    let url = PublicUrl::registered(
        "https://WWW.Example.com:443/path?param=value&foo=bar&baz=bat%2Dman&qux=&\
         bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2",
    )
    .unwrap();
    let scheme = |required: &str| {
        let http = HttpSignature::hmac_sha256().without_content_digest();
        Scheme::from(http.with_required([required])).with_public_url(url.clone())
    };
    let request = || {
        let mut request = Request::post("/inner")
            .header("host", "evil.test")
            .header("cache-control", "max-age=60")
            .header("cache-control", "   must-revalidate")
            .header("x-empty", "")
            .header("x-bytes", "value, with, lots")
            .header("x-bytes", "of, commas");
        let folded = "Obsolete\tline folding.";
        request = request.header("x-tab", folded);
        request.body(Bytes::new()).unwrap()
    };
    for (component, value) in [
        ("\"@method\"", "POST"),
        ("\"@scheme\"", "https"),
        ("\"@authority\"", "www.example.com"),
        ("\"@path\"", "/path"),
        ("\"@query-param\";name=\"baz\"", "bat-man"),
        ("\"@query-param\";name=\"qux\"", ""),
        ("\"@query-param\";name=\"bar\"", "with%20plus%20whitespace"),
        (
            "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\"",
            "something",
        ),
        ("\"cache-control\"", "max-age=60, must-revalidate"),
        ("\"x-empty\"", ""),
        ("\"x-tab\"", "Obsolete\tline folding."),
        ("\"x-bytes\"", "value, with, lots, of, commas"),
        (
            "\"x-bytes\";bs",
            ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:",
        ),
    ] {
        let list = format!("(\"@method\" {component});created=1700000000");
        let list = list.replace("\"@method\" \"@method\"", "\"@method\"");
        let line = format!("{component}: {value}");
        let lines = ["\"@method\": POST", &line];
        let lines = &lines[usize::from(component == "\"@method\"")..];
        let request = signed(request(), &list, lines);
        route_of(scheme("@method"))
            .accepts(request, component)
            .await;
    }
    for component in [
        "\"@query-param\";name=\"twice\"",
        "\"@query-param\";name=\"missing\"",
        "\"x-missing\"",
        "\"x-missing\";bs",
    ] {
        let list = format!("(\"@method\" {component});created=1700000000");
        let request = signed(request(), &list, &["\"@method\": POST"]);
        let kind = route_of(scheme("@method"))
            .refuses(request, component)
            .await;
        assert_ne!(kind, RejectionKind::SignatureMismatch, "{component}");
    }
}

/// `Host` is the sender's word, or a proxy's.
#[tokio::test]
async fn the_authority_is_never_the_requests_own() {
    let mut request = Request::post("https://evil.test/hook")
        .header("host", "evil.test")
        .body(Bytes::new())
        .unwrap();
    for (component, value) in [
        ("@authority", "evil.test"),
        ("@target-uri", "https://evil.test/hook"),
        ("@scheme", "https"),
    ] {
        let list = format!("(\"@method\" \"@path\" \"@query\" \"{component}\");created=1700000000");
        let line = format!("\"{component}\": {value}");
        let lines = [
            "\"@method\": POST",
            "\"@path\": /hook",
            "\"@query\": ?",
            &line,
        ];
        request = signed(request, &list, &lines);
        let kind = hmac_route().refuses(request.clone(), component).await;
        assert_eq!(kind, RejectionKind::PublicUrlUnknown, "{component}");
        let http = HttpSignature::hmac_sha256().with_required([component]);
        let built = Verifier::new(http.into(), SECRET);
        assert!(matches!(built, Err(ConfigError::InvalidScheme { .. })));
    }
}

#[tokio::test]
async fn long_headers_are_refused() {
    let many = |item: &str| item.repeat(100_000 / item.len());
    for (what, input) in [
        (
            "components",
            format!("sig=({});created=1700000000", many("\"a\" ")),
        ),
        (
            "labels",
            (0..10_000).map(|n| format!("l{n}=(), ")).collect(),
        ),
        (
            "parameters",
            format!(
                "sig=(){}",
                (0..9_000).map(|n| format!(";p{n}")).collect::<String>()
            ),
        ),
        (
            "a name",
            format!("sig=(\"{}\");created=1700000000", many("a")),
        ),
        ("text", many("(")),
    ] {
        let mut request = genuine();
        set(&mut request, INPUT, &input);
        let kind = hmac_route().refuses(request, what).await;
        assert_ne!(kind, RejectionKind::SignatureMismatch, "{what}");
    }
}

#[test]
fn bad_configuration_is_an_error() {
    let http = HttpSignature::hmac_sha256;
    for bad in [
        http().with_required(["Content-Type"]),
        http().with_required([""]),
        http()
            .with_required(Vec::<String>::new())
            .without_content_digest(),
        http().with_tolerance(std::time::Duration::ZERO),
    ] {
        let built = Verifier::new(bad.into(), SECRET);
        assert!(matches!(built, Err(ConfigError::InvalidScheme { .. })));
    }
}
