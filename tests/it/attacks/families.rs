//! Beyond the list: families of header names, repeated headers, tokens in
//! queries and credentials.

use bytes::Bytes;
use http::{HeaderName, Request};
use tower_webhook::RejectionKind;
use tower_webhook::provider;
use tower_webhook::signature::{Grammar, Hash, Scheme, Source};
use tower_webhook::{Secret, Verifier};

use crate::support::forge::signature_header;
use crate::support::route::Route;
use crate::support::{NOW, SECRET, accepts, genuine, schemes, signer, verifier};

/// Svix's own library picks each header's name by itself, so that an id of
/// one family could ride along with a signature of the other.
#[tokio::test]
async fn svixs_families_never_mix() {
    let scheme = provider::svix();
    let parts = ["id", "timestamp", "signature"];
    let families = ["svix", "webhook"];
    for picked in 0..8_usize {
        let mut request = genuine(&scheme);
        for (at, part) in parts.iter().enumerate() {
            let value = request
                .headers_mut()
                .remove(format!("svix-{part}"))
                .unwrap();
            let name = format!("{}-{part}", families[picked >> at & 1]);
            let name = HeaderName::try_from(name).unwrap();
            request.headers_mut().insert(name, value);
        }
        let route = Route::new(verifier(&scheme));
        match picked {
            0 | 7 => route.accepts(request, picked).await,
            _ => {
                route.refuses(request, picked).await;
            }
        }
    }
}

#[test]
fn the_id_of_the_other_family_does_not_count() {
    for (scheme, family, other) in [
        (provider::svix(), 0, "webhook-id"),
        (provider::shopify(), 0, "x-shopify-webhook-id"),
        (provider::shopify(), 1, "shopify-webhook-id"),
    ] {
        let signer = signer(&scheme).with_family(family).with_event_id("ours");
        let mut request = signer.sign("/hook", "{}");
        request
            .headers_mut()
            .insert(other, "theirs".parse().unwrap());
        let (parts, body) = request.into_parts();
        let verifier = verifier(&scheme);
        let verified = verifier.verify(&parts, &body, NOW).unwrap();
        let id = verified.event_id().unwrap().unwrap();
        assert_eq!(id.as_str(), "ours", "{} {other}", scheme.name());
    }
}

/// The first family that is there decides, and must then hold by itself.
#[tokio::test]
async fn a_forged_family_is_not_saved_by_a_genuine_one() {
    for (scheme, first) in [
        (provider::svix(), "svix-signature"),
        (provider::shopify(), "shopify-hmac-sha256"),
    ] {
        let mut request = signer(&scheme).with_family(1).sign("/hook", "{}");
        request
            .headers_mut()
            .insert(first, "v1,AAAA".parse().unwrap());
        Route::new(verifier(&scheme)).refuses(request, first).await;
    }
}

/// A header that has one name in all families says nothing of which it is.
#[test]
fn a_signature_without_a_family_leaves_it_to_the_other_header() {
    let scheme = Scheme::hmac("acme", Hash::Sha256)
        .with_signature(Source::header("x-signature"), Grammar::Plain)
        .with_second_signature(Source::headers(["a-signature", "b-signature"]))
        .with_event_id([Source::headers(["a-id", "b-id"])]);
    let signer = signer(&scheme).with_family(1).with_event_id("ours");
    let mut request = signer.sign("/hook", "{}");
    let signature = request.headers()["x-signature"].clone();
    request.headers_mut().insert("b-signature", signature);
    request
        .headers_mut()
        .insert("a-id", "theirs".parse().unwrap());
    let (parts, body) = request.into_parts();
    let verifier = verifier(&scheme);
    let verified = verifier.verify(&parts, &body, NOW).unwrap();
    assert_eq!(verified.event_id().unwrap().unwrap().as_str(), "ours");
}

#[tokio::test]
async fn a_signed_header_that_comes_twice_is_refused() {
    for scheme in schemes() {
        let request = genuine(&scheme);
        let signature = signature_header(&scheme);
        for (name, value) in request.headers() {
            let mut twice = request.clone();
            twice.headers_mut().append(name, value.clone());
            let mut other = request.clone();
            other.headers_mut().append(name, "0".parse().unwrap());
            let is_id = !scheme.signs_event_id() && signature.as_ref() != Some(name) && {
                let sources = format!("{:?}", scheme.event_id());
                sources.contains(&format!("{:?}", name.as_str()))
            };
            for repeated in [twice, other] {
                let route = Route::new(verifier(&scheme));
                let what = format!("{} {name}", scheme.name());
                if is_id {
                    // Verified before it is looked at, and refused then.
                    let answer = route.send(repeated).await;
                    assert_eq!(answer.kind(), RejectionKind::InvalidEventId, "{what}");
                    assert_eq!((answer.status.as_u16(), route.calls.get()), (400, 0));
                    assert_eq!(route.store.claims(), 0);
                } else {
                    route.refuses(repeated, what).await;
                }
            }
        }
    }
}

fn pingdom() -> Scheme {
    provider::pingdom().with_token_in_query("token")
}

#[tokio::test]
async fn a_token_in_the_query_counts_once_and_as_it_is() {
    let route = Route::new(Verifier::new(pingdom(), "s3cret.Token").unwrap());
    for uri in [
        "/hook",
        "/hook?",
        "/hook?token",
        "/hook?token=",
        "/hook?token=s3cret.Toke",
        "/hook?token=s3cret.Token1",
        "/hook?token=s3cret.token",
        "/hook?token=s3cret%2EToken",
        "/hook?token=+s3cret.Token",
        "/hook?token=s3cret.Token%00",
        "/hook?token=s3cret.Token#",
        "/hook?token=s3cret.Token/",
        "/hook?Token=s3cret.Token",
        "/hook?%74oken=s3cret.Token",
        "/hook?xtoken=s3cret.Token",
        "/hook?a=1;token=s3cret.Token",
        "/hook/token=s3cret.Token",
        "/s3cret.Token",
        "/hook?token=s3cret.Token&token=s3cret.Token",
        "/hook?token=s3cret.Token&token=",
        "/hook?token=&token=s3cret.Token",
        "/hook?token=x&token=s3cret.Token",
    ] {
        let request = Request::post(uri)
            .header("token", "s3cret.Token")
            .body(Bytes::from_static(crate::support::BODY.as_bytes()))
            .unwrap();
        if uri.ends_with('#') {
            // A fragment is not sent; `http` drops it.
            continue;
        }
        route.refuses(request, uri).await;
    }
    let request = Request::post("/hook?a=1&token=s3cret.Token&b")
        .body(Bytes::from_static(crate::support::BODY.as_bytes()))
        .unwrap();
    route.accepts(request, "the token").await;
}

#[test]
fn a_token_in_the_query_must_be_one_that_urls_carry_as_it_is() {
    for token in ["a b", "a&b", "a=b", "a%20b", "a+b", "é", "a#b", "a/b"] {
        assert!(Verifier::new(pingdom(), token).is_err(), "{token}");
    }
}

#[tokio::test]
async fn credentials_are_read_in_one_form() {
    let secret = Secret::basic("user", "pass:word");
    let basic = Verifier::new(provider::new_relic_basic(), secret).unwrap();
    let bearer = Verifier::new(provider::new_relic_bearer(), SECRET).unwrap();
    let valid = "dXNlcjpwYXNzOndvcmQ=";
    let request = |value: &str| {
        let request = Request::post("/hook").header("authorization", value);
        request.body(Bytes::new()).unwrap()
    };
    let route = Route::new(basic.clone());
    for value in [
        "",
        "Basic",
        "Basic ",
        valid,
        "Basic dXNlcjpwYXNzOndvcmQ",
        "Basic dXNlcjpwYXNzOndvcmQ=, Basic dXNlcjpwYXNzOndvcmQ=",
        "Basic dXNlcjpwYXNzOndvcmQ= x",
        "Basicx dXNlcjpwYXNzOndvcmQ=",
        "Bearer dXNlcjpwYXNzOndvcmQ=",
        "Basic user:pass:word",
        "Basic dXNlcjpwYXNz",
        "Basic dXNlcjpwYXNzOndvcmQA",
        "Basic\tdXNlcjpwYXNzOndvcmQ=",
        "Digest username=\"user\"",
    ] {
        route.refuses(request(value), value).await;
    }
    for value in [format!("Basic {valid}"), format!("basic  {valid} ")] {
        assert!(accepts(&basic, &request(&value)), "{value}");
    }
    let route = Route::new(bearer);
    for value in [
        SECRET.to_owned(),
        format!("Basic {SECRET}"),
        format!("Bearer \"{SECRET}\""),
        format!("Bearer {SECRET},"),
        format!("Bearer Bearer {SECRET}"),
        "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ] {
        route.refuses(request(&value), value).await;
    }
}

/// A header value may be anything that HTTP allows.
#[tokio::test]
async fn huge_and_odd_headers_are_refused_without_a_panic() {
    for scheme in schemes() {
        let route = Route::new(verifier(&scheme));
        let request = genuine(&scheme);
        let signature = signature_header(&scheme);
        let fixed = ["box-signature-version", "box-signature-algorithm"];
        for name in request.headers().keys() {
            let signed = signature.as_ref() == Some(name)
                || fixed.contains(&name.as_str())
                || name.as_str().contains("timestamp")
                || scheme.signs_event_id() && name.as_str().ends_with("-id");
            if !signed {
                continue;
            }
            for value in [
                b"\xff\xfe".to_vec(),
                b",".repeat(100_000),
                b"=".repeat(100_000),
                b" ".repeat(100_000),
                b"v1,".repeat(100_000),
                b"9".repeat(1_000_000),
                "\u{661}\u{660}".repeat(1000).into_bytes(),
            ] {
                let mut odd = request.clone();
                odd.headers_mut()
                    .insert(name, http::HeaderValue::from_bytes(&value).unwrap());
                let shown = String::from_utf8_lossy(&value[..2]);
                let what = format!("{} {name} {shown}", scheme.name());
                route.refuses(odd, what).await;
            }
        }
    }
}
