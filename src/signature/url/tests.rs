use http::{Request, Version};
use proptest::prelude::*;

use super::*;
use crate::ConfigError;

fn parts(uri: &str) -> Parts {
    Request::post(uri).body(()).unwrap().into_parts().0
}

fn text(url: &PublicUrl, uri: &str) -> String {
    url.text(&parts(uri)).unwrap()
}

#[test]
fn what_is_no_url_is_refused_and_shows_no_secret() {
    for (url, reason) in [
        ("", "https://"),
        ("example.com/hook", "https://"),
        ("//example.com/hook", "https://"),
        ("/hook", "https://"),
        ("ftp://example.com/", "https://"),
        ("HTTPS://example.com/", "https://"),
        ("https:/example.com/", "https://"),
        (" https://example.com/", "https://"),
        ("https://", "host"),
        ("https:///hook", "host"),
        ("https://?x", "host"),
        ("https://example..com/", "host"),
        ("https://.example.com/", "host"),
        ("https://example.com:/", "host"),
        ("https://example.com:0/", "host"),
        ("https://example.com:0443/", "host"),
        ("https://example.com:+443/", "host"),
        ("https://example.com:65536/", "host"),
        ("https://example.com:443:443/", "host"),
        ("https://ex%61mple.com/", "host"),
        ("https://example.com\\hook", "host"),
        ("https://[::1/", "host"),
        ("https://[::1]x/", "host"),
        ("https://::1/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://user@example.com/", "user name"),
        ("https://user:hunter2@example.com/", "user name"),
        ("https://example.com/hook#rc=2", "fragment"),
        ("https://example.com/a b", "ASCII"),
        ("https://example.com/\u{e9}", "ASCII"),
        ("https://example.com/\n", "ASCII"),
        ("https://ex\u{e4}mple.com/?token=hunter2", "ASCII"),
    ] {
        for result in [PublicUrl::registered(url), PublicUrl::base(url)] {
            let error = result.unwrap_err();
            assert!(
                matches!(&error, ConfigError::InvalidUrl { reason: found, .. } if found.contains(reason)),
                "{url}: {error}"
            );
            assert!(!format!("{error}{error:?}").contains("hunter2"), "{error}");
        }
    }
    assert!(PublicUrl::base("https://example.com/?").is_err());
    assert!(PublicUrl::base("https://example.com?x=1").is_err());
    for url in [
        "https://example.com",
        "http://example.com:8080/",
        "https://EXAMPLE.com./a//b/./c;d?x=%2F&y",
        "https://[2001:db8::1]:8443/",
        "https://192.0.2.1/",
        "http://my_host/",
        "https://example.com/@me",
    ] {
        let registered = PublicUrl::registered(url).unwrap();
        assert_eq!(text(&registered, "/other?y"), url);
    }
    let url = PublicUrl::registered("https://example.com/hook?token=hunter2").unwrap();
    assert_eq!(
        format!("{url:?}"),
        r#"PublicUrl("https://example.com/hook")"#
    );
}

#[test]
fn h1_what_is_shown_of_a_url_is_scheme_host_and_path() {
    for (url, expected) in [
        ("ftp://a.test/b?token=c#d", "ftp://a.test/b"),
        ("ftp://user:hunter2@a.test/b?c", "ftp://a.test/b"),
        ("user:hunter2@a.test", "a.test"),
        ("a.test/b#c", "a.test/b"),
    ] {
        let error = PublicUrl::registered(url).unwrap_err();
        assert!(
            matches!(&error, ConfigError::InvalidUrl { url: shown, .. } if shown == expected),
            "{url}: {error}"
        );
    }
}

#[test]
fn g3_a_target_is_taken_byte_for_byte() {
    let base = PublicUrl::base("https://example.com").unwrap();
    for target in [
        "/",
        "/a%2Fb",
        "/a%2fb",
        "//a",
        "/a//b/",
        "/a/./b/../c",
        "/a;x=1;y",
        "/a?",
        "/a?x=1+2&y=%20",
        "/a?b=1&a=2&&",
        "/?",
        "/a?x=?/",
    ] {
        assert_eq!(text(&base, target), format!("https://example.com{target}"));
    }
}

#[test]
fn a_prefix_comes_in_front_and_no_slash_is_doubled() {
    for (base, expected) in [
        ("https://example.com", "https://example.com/hook?x"),
        ("https://example.com/", "https://example.com/hook?x"),
        ("https://example.com/a", "https://example.com/a/hook?x"),
        ("https://example.com/a/", "https://example.com/a/hook?x"),
        ("https://example.com/a//", "https://example.com/a//hook?x"),
    ] {
        let base = PublicUrl::base(base).unwrap();
        assert_eq!(text(&base, "/hook?x"), expected);
    }
}

#[test]
fn g5_the_authority_of_a_target_is_never_used_where_one_is_configured() {
    let base = PublicUrl::base("https://example.com").unwrap();
    for (target, expected) in [
        ("http://evil.test/hook?x", "https://example.com/hook?x"),
        ("https://evil.test", "https://example.com/"),
        ("https://evil.test?x", "https://example.com/?x"),
        ("evil.test:443", "https://example.com/"),
        ("*", "https://example.com*"),
    ] {
        assert_eq!(text(&base, target), expected, "{target}");
    }
    let mut h2 = Request::post("https://evil.test/hook")
        .version(Version::HTTP_2)
        .header("host", "other.test")
        .body(())
        .unwrap();
    *h2.version_mut() = Version::HTTP_2;
    let url = base.text(&h2.into_parts().0).unwrap();
    assert_eq!(url, "https://example.com/hook");
}

#[test]
fn g4_the_uri_that_was_received_wins() {
    let base = PublicUrl::base("https://example.com").unwrap();
    let mut request = parts("/inner");
    #[cfg(feature = "axum")]
    {
        let original = axum::extract::OriginalUri("/outer/inner?x".parse().unwrap());
        request.extensions.insert(original);
        assert_eq!(
            base.text(&request).unwrap(),
            "https://example.com/outer/inner?x"
        );
    }
    let received = ReceivedUri("/all/outer/inner?".parse().unwrap());
    request.extensions.insert(received);
    assert_eq!(
        base.text(&request).unwrap(),
        "https://example.com/all/outer/inner?"
    );
}

#[test]
fn either_port_is_without_one_first() {
    let forms = |url: &str| {
        let url = PublicUrl::registered(url).unwrap();
        url.texts(&parts("/"), UrlForm::EitherPort).unwrap()
    };
    for (url, without, with) in [
        (
            "https://a.test/x?y=:1",
            "https://a.test/x?y=:1",
            "https://a.test:443/x?y=:1",
        ),
        ("http://a.test/", "http://a.test/", "http://a.test:80/"),
        (
            "https://a.test:1234/",
            "https://a.test/",
            "https://a.test:1234/",
        ),
        ("https://a.test:443", "https://a.test", "https://a.test:443"),
        (
            "https://a.test?x",
            "https://a.test?x",
            "https://a.test:443?x",
        ),
        ("https://[::1]/", "https://[::1]/", "https://[::1]:443/"),
        ("https://[::1]:8/", "https://[::1]/", "https://[::1]:8/"),
        ("https://[a::]/", "https://[a::]/", "https://[a::]:443/"),
    ] {
        assert_eq!(forms(url), [without, with], "{url}");
    }
}

#[test]
fn the_escapes_that_hubspot_lists_are_decoded_once() {
    let form = |target: &str| {
        let base = PublicUrl::base("https://a.test").unwrap();
        base.texts(&parts(target), UrlForm::Unescaped).unwrap()
    };
    for (target, expected) in [
        ("/%3A%2F%3F%40%21%24", "/:/?@!$"),
        ("/%27%28%29%2A%2C%3B", "/'()*,;"),
        ("/%3a%2f%3b", "/:/;"),
        ("/a?x=%20+%25%26%3D%2B%5B%23", "/a?x=%20+%25%26%3D%2B%5B%23"),
        ("/%253A", "/%253A"),
        ("/%%3A", "/%:"),
        ("/%3", "/%3"),
        ("/%", "/%"),
        ("/%+A%2 F".trim_end_matches(" F"), "/%+A%2"),
        ("/%3G", "/%3G"),
    ] {
        assert_eq!(
            form(target),
            [format!("https://a.test{expected}")],
            "{target}"
        );
    }
}

proptest! {
    /// A spelling of a host that is used is the only one, and never more than a
    /// host.
    #[test]
    fn g2_a_canonical_host_is_canonical(text in "[A-Za-z0-9.:\\[\\]@/_-]{0,20}", https: bool) {
        let scheme = if https { "https" } else { "http" };
        if let Some(host) = crate::client_ip::canonical_authority(text.as_bytes(), scheme) {
            let again = crate::client_ip::canonical_authority(host.as_bytes(), scheme);
            prop_assert_eq!(again.as_deref(), Some(host.as_str()));
            let uri: Uri = format!("{scheme}://{host}/").parse().unwrap();
            prop_assert_eq!(uri.authority().unwrap().as_str(), &host);
            prop_assert!(!host.contains(['@', '/']));
        }
    }

    /// What is configured or sent makes no panic, and what is behind the host
    /// stays as it is.
    #[test]
    fn g3_forms_of_any_url_keep_its_target(target in "/[!-~]{0,40}", port in 1..=u16::MAX) {
        let Ok(request) = Request::post(target.split('#').next().unwrap()).body(()) else {
            return Ok(());
        };
        let parts = request.into_parts().0;
        let base = PublicUrl::base(format!("https://a.test:{port}")).unwrap();
        let exact = base.text(&parts).unwrap();
        let sent = parts.uri.path_and_query().unwrap().as_str();
        prop_assert_eq!(&exact, &format!("https://a.test:{port}{sent}"));
        let either = base.texts(&parts, UrlForm::EitherPort).unwrap();
        prop_assert_eq!(either, [format!("https://a.test{sent}"), exact.clone()]);
        let unescaped = base.texts(&parts, UrlForm::Unescaped).unwrap();
        prop_assert!(unescaped[0].len() <= exact.len());
        if !sent.contains('%') {
            prop_assert_eq!(&unescaped[0], &exact);
        }
    }
}
