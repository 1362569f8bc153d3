//! G1, G2, G5: what a request says of its own URL, and what a proxy does.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Version};
use tower_webhook::RejectionKind::{PublicUrlUnknown, SignatureMismatch};
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook::signature::{Encoding, Grammar, Hash, Part, PublicUrl, Scheme, Source, UrlForm};
use tower_webhook::{ConfigError, RejectionKind, Verifier};

use super::{SECRET, base, form, get, verifier};
use crate::support::bodies::Announced;
use crate::support::route::Route;
use crate::support::{Calls, NOW};

const PROXY: &str = "10.0.0.1:443";
const CALLER: &str = "203.0.113.7:443";

fn xff() -> TrustedProxies {
    TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap()
}

fn behind(proxies: TrustedProxies) -> PublicUrl {
    PublicUrl::behind(ClientIp::behind(proxies)).unwrap()
}

fn x_forwarded_host() -> PublicUrl {
    behind(xff().with_host_header("x-forwarded-host").unwrap())
}

fn forwarded() -> PublicUrl {
    behind(TrustedProxies::forwarded(["10.0.0.0/8"]).unwrap())
}

fn host() -> PublicUrl {
    behind(xff().with_host_header("Host").unwrap())
}

fn from(mut parts: Parts, peer: &str, lines: &[(&'static str, &str)]) -> Parts {
    parts
        .extensions
        .insert(PeerAddr::new(peer.parse().unwrap()));
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        parts.headers.append(HeaderName::from_static(name), value);
    }
    parts
}

/// Verifies a request whose URL is signed exactly: a port more or less is
/// Twilio's choice, not a proxy's.
fn judge(url: &PublicUrl, parts: &Parts) -> Result<(), RejectionKind> {
    let exact = Scheme::hmac("exact", Hash::Sha1)
        .with_methods([Method::GET])
        .with_public_url(url.clone())
        .with_content([Part::Url(UrlForm::AsIs)])
        .with_encoding(Encoding::Base64)
        .with_signature(Source::header("x-twilio-signature"), Grammar::Plain);
    let verifier = Verifier::new(exact, SECRET).unwrap();
    let verified = verifier.verify(parts, b"", NOW);
    verified.map(drop).map_err(|refused| refused.kind())
}

const SECURE: (&str, &str) = ("x-forwarded-proto", "https");

#[tokio::test]
async fn g1_nothing_that_a_sender_says_of_its_host_changes_a_configured_url() {
    let forged = [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "8443"),
        ("forwarded", "for=10.0.0.1;host=evil.test;proto=http"),
        ("x-original-url", "/evil"),
        ("x-rewrite-url", "/evil"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-uri", "/evil"),
    ];
    for url in [
        base(),
        PublicUrl::registered("https://example.com/hook").unwrap(),
    ] {
        for peer in [PROXY, CALLER] {
            let route = Route::new(verifier(url.clone()));
            let mut request = form("/hook", "https://example.com/hookAb", "A=b");
            let mut signed_for_evil = form("/hook", "http://evil.test/hookAb", "A=b");
            for request in [&mut request, &mut signed_for_evil] {
                for (name, value) in forged {
                    request.headers_mut().insert(name, value.parse().unwrap());
                }
                let peer = PeerAddr::new(peer.parse().unwrap());
                request.extensions_mut().insert(peer);
            }
            let kind = route.refuses(signed_for_evil, peer).await;
            assert_eq!(kind, SignatureMismatch);
            route.accepts(request, peer).await;
        }
    }
}

#[test]
fn g1_only_a_trusted_proxy_says_which_url_it_is() {
    let url = "https://example.com/hook?x=%2F";
    let target = "/hook?x=%2F";
    let honest: [(&PublicUrl, Vec<(&str, &str)>); 3] = [
        (
            &x_forwarded_host(),
            vec![SECURE, ("x-forwarded-host", "example.com")],
        ),
        (&host(), vec![SECURE, ("host", "example.com")]),
        (
            &forwarded(),
            vec![("forwarded", "for=203.0.113.7;proto=https;host=example.com")],
        ),
    ];
    for (config, lines) in &honest {
        let genuine = from(get(target, url), PROXY, lines);
        assert_eq!(judge(config, &genuine), Ok(()), "{lines:?}");
        let direct = from(get(target, url), CALLER, lines);
        assert_eq!(judge(config, &direct), Err(PublicUrlUnknown), "{lines:?}");
        let mut nobody = genuine.clone();
        nobody.extensions.clear();
        assert_eq!(judge(config, &nobody), Err(PublicUrlUnknown), "{lines:?}");
        // Every line is needed, and counts only once.
        for (position, (name, _)) in lines.iter().enumerate() {
            let mut without = lines.clone();
            without.remove(position);
            let parts = from(get(target, url), PROXY, &without);
            assert_eq!(judge(config, &parts), Err(PublicUrlUnknown), "{name}");
            if *name != "forwarded" {
                let mut twice = lines.clone();
                twice.push(lines[position]);
                let parts = from(get(target, url), PROXY, &twice);
                assert_eq!(judge(config, &parts), Err(PublicUrlUnknown), "{name}");
            }
        }
    }
}

#[test]
fn g1_only_the_configured_headers_are_read() {
    let lines = [
        SECURE,
        ("host", "host.test"),
        ("x-forwarded-host", "xfh.test"),
        (
            "forwarded",
            "for=203.0.113.7;proto=http;host=forwarded.test",
        ),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    for (config, url) in [
        (host(), "https://host.test/"),
        (x_forwarded_host(), "https://xfh.test/"),
        (forwarded(), "http://forwarded.test/"),
    ] {
        assert_eq!(
            judge(&config, &from(get("/", url), PROXY, &lines)),
            Ok(()),
            "{url}"
        );
    }
}

/// Only the element counts in which the trusted proxy speaks of its caller.
#[test]
fn g1_what_the_caller_put_into_forwarded_does_not_count() {
    let url = "https://example.com/";
    let own = "for=203.0.113.7;proto=https;host=example.com";
    for (lines, expected) in [
        (
            vec![format!("for=10.0.0.9;host=evil.test;proto=http, {own}")],
            Ok(()),
        ),
        (
            vec![
                "for=192.0.2.1;host=evil.test;proto=http".to_owned(),
                own.to_owned(),
            ],
            Ok(()),
        ),
        (
            vec![format!("{own}, for=203.0.113.8;host=evil.test;proto=https")],
            Err(SignatureMismatch),
        ),
        (vec![format!("{own};host=evil.test")], Err(PublicUrlUnknown)),
        (
            vec![format!("{own}, for=203.0.113.8")],
            Err(PublicUrlUnknown),
        ),
        (
            vec!["for=203.0.113.7;proto=https".to_owned()],
            Err(PublicUrlUnknown),
        ),
        (
            vec!["proto=https;host=example.com".to_owned()],
            Err(PublicUrlUnknown),
        ),
        (
            vec!["for=_hidden;proto=https;host=example.com".to_owned()],
            Err(PublicUrlUnknown),
        ),
        (
            vec!["for=203.0.113.7;proto=\"https\";host=\"EXAMPLE.com:443\"".to_owned()],
            Ok(()),
        ),
    ] {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("forwarded", line.as_str()))
            .collect();
        let parts = from(get("/", url), PROXY, &lines);
        assert_eq!(judge(&forwarded(), &parts), expected, "{lines:?}");
    }
}

#[test]
fn g2_a_host_has_one_spelling_or_is_none() {
    let secure = |stated: &str, url: &str| {
        let parts = from(
            get("/", url),
            PROXY,
            &[SECURE, ("x-forwarded-host", stated)],
        );
        judge(&x_forwarded_host(), &parts)
    };
    for (stated, host) in [
        ("example.com", "example.com"),
        ("EXAMPLE.com", "example.com"),
        ("example.com.", "example.com"),
        ("example.com:443", "example.com"),
        ("Example.Com.:443", "example.com"),
        (" example.com ", "example.com"),
        ("example.com:8443", "example.com:8443"),
        ("example.com:80", "example.com:80"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8:0::1]:443", "[2001:db8::1]"),
        ("my_host", "my_host"),
    ] {
        assert_eq!(
            secure(stated, &format!("https://{host}/")),
            Ok(()),
            "{stated}"
        );
    }
    for stated in [
        "",
        ".",
        "example.com..",
        "example.com@evil.test",
        "user:password@example.com",
        "example.com/hook",
        "example.com?x",
        "example.com#x",
        "example.com\\@evil.test",
        "exam ple.com",
        "example.com\tevil.test",
        "example.com, evil.test",
        "example.com,example.com",
        "https://example.com",
        "example.com:",
        "example.com:0",
        "example.com:0443",
        "example.com:+443",
        "example.com:443:443",
        "example.com:99999",
        "2001:db8::1",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[example.com]",
        "ex%61mple.com",
        "b\u{fc}cher.example",
        "\"example.com\"",
        "unknown!",
    ] {
        assert_eq!(
            secure(stated, "https://example.com/"),
            Err(PublicUrlUnknown),
            "{stated:?}"
        );
    }
    // Valid, and another URL than was signed.
    for stated in [
        "example.com:80",
        "evil.test",
        "www.example.com",
        "example.co",
    ] {
        assert_eq!(
            secure(stated, "https://example.com/"),
            Err(SignatureMismatch),
            "{stated}"
        );
    }
    let long = format!("{}.test", "a".repeat(250));
    assert_eq!(
        secure(&long, &format!("https://{long}/")),
        Err(PublicUrlUnknown)
    );
}

#[test]
fn g2_a_scheme_is_http_or_https_and_stated_once() {
    for (stated, scheme, expected) in [
        ("https", "https", Ok(())),
        ("HTTPS", "https", Ok(())),
        ("http", "http", Ok(())),
        ("http", "https", Err(SignatureMismatch)),
        ("https", "http", Err(SignatureMismatch)),
        ("https, https", "https", Err(PublicUrlUnknown)),
        ("https,http", "https", Err(PublicUrlUnknown)),
        ("", "https", Err(PublicUrlUnknown)),
        ("wss", "wss", Err(PublicUrlUnknown)),
        ("https:", "https", Err(PublicUrlUnknown)),
        ("\"https\"", "https", Err(PublicUrlUnknown)),
    ] {
        let lines = [
            ("x-forwarded-proto", stated),
            ("x-forwarded-host", "example.com:8080"),
        ];
        let url = format!("{scheme}://example.com:8080/");
        let parts = from(get("/", &url), PROXY, &lines);
        assert_eq!(judge(&x_forwarded_host(), &parts), expected, "{stated}");
    }
}

/// A proxy that speaks HTTP/2 has the host in `:authority`.
#[test]
fn g5_authority_and_host_must_agree() {
    let url = "https://example.com/hook";
    for (authority, lines, expected) in [
        (Some("example.com"), vec![], Ok(())),
        (Some("EXAMPLE.com:443"), vec!["example.com"], Ok(())),
        (
            Some("example.com"),
            vec!["evil.test"],
            Err(PublicUrlUnknown),
        ),
        (
            Some("evil.test"),
            vec!["example.com"],
            Err(PublicUrlUnknown),
        ),
        (Some("evil.test"), vec![], Err(SignatureMismatch)),
        (
            Some("example.com"),
            vec!["example.com", "example.com"],
            Err(PublicUrlUnknown),
        ),
        (Some("user@example.com"), vec![], Err(PublicUrlUnknown)),
        (None, vec!["example.com"], Ok(())),
        (None, vec![], Err(PublicUrlUnknown)),
    ] {
        let target = match authority {
            Some(authority) => format!("https://{authority}/hook"),
            None => "/hook".to_owned(),
        };
        let mut lines: Vec<_> = lines.into_iter().map(|line| ("host", line)).collect();
        lines.push(SECURE);
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let mut parts = from(get(&target, url), PROXY, &lines);
            parts.version = version;
            assert_eq!(judge(&host(), &parts), expected, "{target} {lines:?}");
        }
    }
    // Where another header says it, neither is looked at.
    let lines = [
        SECURE,
        ("host", "evil.test"),
        ("x-forwarded-host", "example.com"),
    ];
    let parts = from(get("https://other.test/hook", url), PROXY, &lines);
    assert_eq!(judge(&x_forwarded_host(), &parts), Ok(()));
}

#[tokio::test]
async fn g1_an_unknown_url_is_refused_as_any_other_failure() {
    let route = Route::new(verifier(x_forwarded_host()));
    let mut request = form("/hook", "https://example.com/hookAb", "A=b");
    for (name, value) in [SECURE, ("x-forwarded-host", "example.com")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(
        route.refuses(request.clone(), "no peer").await,
        PublicUrlUnknown
    );
    let mut direct = request.clone();
    direct
        .extensions_mut()
        .insert(PeerAddr::new(CALLER.parse().unwrap()));
    assert_eq!(route.refuses(direct, "not a proxy").await, PublicUrlUnknown);
    request
        .extensions_mut()
        .insert(PeerAddr::new(PROXY.parse().unwrap()));
    route.accepts(request, "the proxy").await;
}

#[test]
fn a_proxy_that_says_nothing_of_the_url_is_a_configuration_error() {
    let single = || TrustedProxies::header("cf-connecting-ip", ["10.0.0.0/8"]).unwrap();
    for (client_ip, missing) in [
        (ClientIp::direct(), "no trusted proxy"),
        (ClientIp::behind(xff()), "no host"),
        (ClientIp::behind(single()), "no scheme"),
        (
            ClientIp::behind(single().with_host_header("host").unwrap()),
            "no scheme",
        ),
    ] {
        let error = PublicUrl::behind(client_ip).unwrap_err();
        assert!(
            matches!(&error, ConfigError::NoPublicUrl { reason } if reason.contains(missing)),
            "{error}"
        );
    }
    assert!(matches!(
        xff().with_host_header("x forwarded host"),
        Err(ConfigError::InvalidHeaderName { .. })
    ));
    let whole = single()
        .with_scheme_header("x-forwarded-proto")
        .and_then(|proxies| proxies.with_host_header("host"));
    assert!(PublicUrl::behind(ClientIp::behind(whole.unwrap())).is_ok());
}

/// What the headers show is judged before a body is awaited.
#[tokio::test]
async fn f6_no_body_is_read_for_an_url_or_form_that_cannot_be_genuine() {
    let unknown = form("/hook", "https://example.com/hookAb", "A=b");
    let mut latin1 = unknown.clone();
    let content_type = "application/x-www-form-urlencoded; charset=latin1";
    latin1
        .headers_mut()
        .insert("content-type", content_type.parse().unwrap());
    let mut twice = unknown.clone();
    *twice.uri_mut() = "/hook?bodySHA256=00&bodySHA256=00".parse().unwrap();
    for (url, request) in [
        (x_forwarded_host(), unknown),
        (base(), latin1),
        (base(), twice),
    ] {
        let route = Route::new(verifier(url));
        let asked = Calls::default();
        let length = 1000;
        let body = Announced {
            length,
            asked: asked.clone(),
        };
        let (parts, _) = request.into_parts();
        let request = http::Request::from_parts(parts, axum::body::Body::new(body));
        route.refuses(request, "before the body").await;
        assert_eq!(asked.get(), 0);
    }
}
