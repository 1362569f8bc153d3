mod properties;

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderName;
use http::{Extensions, HeaderMap, HeaderValue};

use super::*;
use crate::ConfigError;

const PROXIES: [&str; 3] = ["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"];
const PROXY: &str = "10.0.0.1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers<const N: usize>(lines: [(&'static str, &str); N]) -> HeaderMap {
    lines
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect()
}

fn from_peer(peer: &str) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddr::new(SocketAddr::new(ip(peer), 443)));
    extensions
}

fn xff() -> ClientIp {
    ClientIp::behind(TrustedProxies::x_forwarded_for(PROXIES).unwrap())
}

fn forwarded() -> ClientIp {
    ClientIp::behind(TrustedProxies::forwarded(PROXIES).unwrap())
}

fn cloudflare() -> ClientIp {
    ClientIp::behind(TrustedProxies::header("CF-Connecting-IP", PROXIES).unwrap())
}

fn by_xff(value: &str) -> Result<String, ClientIpError> {
    let headers = headers([("x-forwarded-for", value)]);
    let client = xff().resolve(&from_peer(PROXY), &headers)?;
    Ok(client.to_string())
}

fn by_forwarded(value: &str) -> Result<String, ClientIpError> {
    let headers = headers([("forwarded", value)]);
    let client = forwarded().resolve(&from_peer(PROXY), &headers)?;
    Ok(client.to_string())
}

fn ok(text: &str) -> Result<String, ClientIpError> {
    Ok(text.to_owned())
}

#[test]
fn d1_headers_of_an_untrusted_peer_are_ignored() {
    let headers = headers([
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7;proto=https"),
        ("cf-connecting-ip", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
    ]);
    let extensions = from_peer("198.51.100.9");
    for client_ip in [ClientIp::direct(), xff(), forwarded(), cloudflare()] {
        let client = client_ip.resolve(&extensions, &headers);
        assert_eq!(client, Ok(ip("198.51.100.9")));
        assert!(!client_ip.is_https(&extensions, &headers));
    }
}

#[test]
fn d2_the_rightmost_untrusted_hop_is_the_client() {
    assert_eq!(by_xff("203.0.113.7"), ok("203.0.113.7"));
    assert_eq!(by_xff("192.0.2.66, 203.0.113.7"), ok("203.0.113.7"));
    assert_eq!(
        by_xff("192.0.2.66, 203.0.113.7, 192.0.2.1,10.9.9.9"),
        ok("203.0.113.7")
    );
    assert_eq!(by_xff("garbage, 203.0.113.7"), ok("203.0.113.7"));
    assert_eq!(by_xff(", 203.0.113.7"), ok("203.0.113.7"));
    // Nobody but us on the way: the one furthest out.
    assert_eq!(by_xff("10.0.0.7, 10.0.0.8"), ok("10.0.0.7"));
    assert_eq!(
        by_forwarded("for=192.0.2.66, for=203.0.113.7;by=10.0.0.1, for=10.0.0.3"),
        ok("203.0.113.7")
    );
}

#[test]
fn d3_field_lines_are_joined_in_order() {
    let headers = headers([
        ("x-forwarded-for", "192.0.2.66"),
        ("x-forwarded-for", "192.0.2.67, 203.0.113.7, 10.0.0.5"),
        ("x-forwarded-for", "10.0.0.6"),
    ]);
    let client = xff().resolve(&from_peer(PROXY), &headers);
    assert_eq!(client, Ok(ip("203.0.113.7")));
}

#[test]
fn d4_mapped_addresses_are_ipv4_everywhere() {
    assert_eq!(
        ClientIp::direct().resolve(&from_peer("::ffff:203.0.113.7"), &HeaderMap::new()),
        Ok(ip("203.0.113.7"))
    );
    // The peer of a dual-stack socket is recognised as the proxy it is.
    let headers = headers([("x-forwarded-for", "::ffff:203.0.113.7, ::ffff:10.0.0.9")]);
    let client = xff().resolve(&from_peer("::ffff:10.0.0.1"), &headers);
    assert_eq!(client, Ok(ip("203.0.113.7")));
    assert_eq!(
        by_forwarded(r#"for="[::ffff:203.0.113.7]""#),
        ok("203.0.113.7")
    );
    // Other addresses with an IPv4 address inside are what they are.
    for embedded in ["::203.0.113.7", "64:ff9b::203.0.113.7", "2002:cb00:7107::"] {
        let client = by_xff(embedded).unwrap().parse::<IpAddr>().unwrap();
        assert_eq!(client, ip(embedded));
        assert!(client.is_ipv6());
    }
}

#[test]
fn d5_addresses_are_parsed_strictly() {
    for (value, expected) in [
        ("203.0.113.7:49152", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0:0::0007", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
    ] {
        assert_eq!(by_xff(value), ok(expected), "{value}");
        let headers = headers([("cf-connecting-ip", value)]);
        let client = cloudflare().resolve(&from_peer(PROXY), &headers);
        assert_eq!(client, Ok(ip(expected)), "{value}");
    }
    for value in [
        "",
        " ",
        "203.0.113.7,",
        "203.0.113.7 10.0.0.1",
        "0177.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "203.0.113.07",
        "203.0.113.256",
        "203.0.113.7:",
        "203.0.113.7:99999",
        "203.0.113.7:+80",
        "203.0.113.7:80:80",
        "203.0.113.0/24",
        "fe80::1%eth0",
        "[fe80::1%1]:443",
        "[2001:db8::7",
        "2001:db8::7]",
        "[2001:db8::7]443",
        "[[2001:db8::7]]",
        "[203.0.113.7]",
        "::ffff:0177.0.0.1",
        "example.com",
        "\"203.0.113.7\"",
        "203.0.113.7\u{a0}",
        "٢٠٣.0.113.7",
    ] {
        assert_eq!(by_xff(value), Err(ClientIpError::UnreadableHop), "{value}");
    }
}

#[test]
fn d6_forwarded_follows_rfc_7239() {
    for (value, expected) in [
        ("for=203.0.113.7", "203.0.113.7"),
        ("FOR=203.0.113.7;Proto=HTTPS", "203.0.113.7"),
        ("by=10.0.0.1; for=\"203.0.113.7:4711\" ;", "203.0.113.7"),
        ("for=\"203.0.113.7:_gazonk\"", "203.0.113.7"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"\\2\\03.0.113.7\"", "203.0.113.7"),
        ("for=203.0.113.7;ext=\"a,b;c=\\\"d\\\\\"", "203.0.113.7"),
        ("for=203.0.113.7;host=\"a, for=192.0.2.66\"", "203.0.113.7"),
        // An open quote on the left does not reach into the last element.
        ("for=\"192.0.2.66, for=203.0.113.7", "203.0.113.7"),
        ("x=\", for=203.0.113.7;host=\"a\"", "203.0.113.7"),
    ] {
        assert_eq!(by_forwarded(value), ok(expected), "{value}");
    }
    for (value, expected) in [
        ("for=_hidden", ClientIpError::HiddenHop),
        ("for=unknown", ClientIpError::HiddenHop),
        ("for=\"Unknown\"", ClientIpError::HiddenHop),
        ("for=203.0.113.7, proto=https", ClientIpError::HiddenHop),
        ("for=203.0.113.7, for=_hidden", ClientIpError::HiddenHop),
        ("", ClientIpError::HiddenHop),
        ("for=203.0.113.7,", ClientIpError::HiddenHop),
        ("for=\"203.0.113.7", ClientIpError::UnreadableHop),
        ("for=203.0.113.7\"", ClientIpError::UnreadableHop),
        ("for=\"203.0.113.7\"x", ClientIpError::UnreadableHop),
        ("for=\"203.0.113.7\\\"", ClientIpError::UnreadableHop),
        (
            "for=203.0.113.7;FOR=203.0.113.7",
            ClientIpError::UnreadableHop,
        ),
        (
            "for=203.0.113.7;proto=http;proto=https",
            ClientIpError::UnreadableHop,
        ),
        ("for=203.0.113.7;by=a;by=b", ClientIpError::UnreadableHop),
        ("for=203.0.113.7:80", ClientIpError::UnreadableHop),
        ("for=[2001:db8::7]", ClientIpError::UnreadableHop),
        ("for=\"2001:db8::7\"", ClientIpError::UnreadableHop),
        ("for=", ClientIpError::UnreadableHop),
        ("for=\"\"", ClientIpError::UnreadableHop),
        ("for", ClientIpError::UnreadableHop),
        ("=203.0.113.7", ClientIpError::UnreadableHop),
        ("for =203.0.113.7", ClientIpError::UnreadableHop),
        ("203.0.113.7", ClientIpError::UnreadableHop),
        ("for=203.0.113.7 proto=https", ClientIpError::UnreadableHop),
    ] {
        assert_eq!(by_forwarded(value), Err(expected), "{value}");
    }
}

#[test]
fn d6_the_work_is_bounded() {
    let many = |hop: &str, count: usize| vec![hop; count].join(",");
    assert_eq!(by_forwarded(&many("for=10.0.0.2", 32)), ok("10.0.0.2"));
    for count in [33, 1000] {
        let too_many = Err(ClientIpError::TooManyHops);
        assert_eq!(by_forwarded(&many("for=10.0.0.2", count)), too_many);
        assert_eq!(by_xff(&many("10.0.0.2", count)), too_many);
    }
    // What an attacker put in front does not count.
    let padded = format!("{}, 203.0.113.7", many("10.0.0.2", 1000));
    assert_eq!(by_xff(&padded), ok("203.0.113.7"));

    for filler in ["\\", "\"", "a", "\\\"", " ", ";"] {
        let long = filler.repeat(100_000);
        for value in [format!("for={long}\""), format!("for=\"{long}\""), long] {
            assert_eq!(
                by_forwarded(&value),
                Err(ClientIpError::UnreadableHop),
                "{filler}"
            );
        }
    }
}

#[test]
fn d8_only_the_configured_header_of_the_trusted_peer_counts() {
    let headers = headers([
        ("x-real-ip", "198.51.100.1"),
        ("true-client-ip", "198.51.100.2"),
        ("x-forwarded-for", "198.51.100.3"),
        ("cf-connecting-ip", "203.0.113.7"),
    ]);
    let extensions = from_peer(PROXY);
    let client = cloudflare().resolve(&extensions, &headers);
    assert_eq!(client, Ok(ip("203.0.113.7")));
    let client = forwarded().resolve(&extensions, &headers);
    assert_eq!(client, Err(ClientIpError::MissingHeader));
    let client = ClientIp::direct().resolve(&extensions, &headers);
    assert_eq!(client, Ok(ip(PROXY)));
}

#[test]
fn d8_a_single_address_is_exactly_one() {
    let resolve = |headers| cloudflare().resolve(&from_peer(PROXY), &headers);
    let twice = headers([
        ("cf-connecting-ip", "203.0.113.7"),
        ("cf-connecting-ip", "203.0.113.7"),
    ]);
    assert_eq!(resolve(twice), Err(ClientIpError::RepeatedHeader));
    let list = headers([("cf-connecting-ip", "192.0.2.66, 203.0.113.7")]);
    assert_eq!(resolve(list), Err(ClientIpError::UnreadableHop));
    assert_eq!(resolve(headers([])), Err(ClientIpError::MissingHeader));
}

#[test]
fn d9_without_a_peer_there_is_no_client() {
    let headers = headers([
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
    ]);
    for client_ip in [ClientIp::direct(), xff()] {
        let client = client_ip.resolve(&Extensions::new(), &headers);
        assert_eq!(client, Err(ClientIpError::NoPeerAddress));
        assert!(!client_ip.is_https(&Extensions::new(), &headers));
    }
}

#[cfg(feature = "axum")]
#[test]
fn the_peer_comes_from_connect_info_unless_there_is_a_peer_addr() {
    use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};

    let resolve = |extensions: &Extensions| {
        let client = ClientIp::direct().resolve(extensions, &HeaderMap::new());
        client.unwrap().to_string()
    };
    let address = |text: &str| SocketAddr::new(ip(text), 443);
    let mut extensions = Extensions::new();
    extensions.insert(MockConnectInfo(address("192.0.2.3")));
    assert_eq!(resolve(&extensions), "192.0.2.3");
    extensions.insert(ConnectInfo(address("192.0.2.4")));
    assert_eq!(resolve(&extensions), "192.0.2.4");
    extensions.insert(PeerAddr::new(address("192.0.2.5")));
    assert_eq!(resolve(&extensions), "192.0.2.5");
}

#[test]
fn a_trusted_proxy_states_the_scheme() {
    let is_https = |client_ip: ClientIp, headers| client_ip.is_https(&from_peer(PROXY), &headers);
    for (value, expected) in [
        ("https", true),
        (" HTTPS ", true),
        ("https, https", true),
        ("http", false),
        ("", false),
        ("https,", false),
        ("httpss", false),
        // Whoever wrote the other one: somebody on the way had plain HTTP.
        ("https, http", false),
        ("http, https", false),
    ] {
        let headers = headers([("x-forwarded-proto", value)]);
        assert_eq!(is_https(xff(), headers), expected, "{value}");
    }
    let two_lines = headers([
        ("x-forwarded-proto", "http"),
        ("x-forwarded-proto", "https"),
    ]);
    assert!(!is_https(xff(), two_lines));
    assert!(!is_https(xff(), headers([])));

    for (value, expected) in [
        ("for=203.0.113.7;proto=https", true),
        ("for=203.0.113.7;proto=\"\\HTTPS\"", true),
        // Plain HTTP between our own proxies does not matter,
        ("for=203.0.113.7;proto=https, for=10.0.0.2;proto=http", true),
        // and HTTPS between them does not help.
        (
            "for=203.0.113.7;proto=http, for=10.0.0.2;proto=https",
            false,
        ),
        (
            "for=192.0.2.66;proto=https, for=203.0.113.7;proto=http",
            false,
        ),
        ("for=192.0.2.66;proto=https, for=203.0.113.7", false),
        ("proto=https", false),
        ("for=_hidden;proto=https", false),
    ] {
        let headers = headers([("forwarded", value)]);
        assert_eq!(is_https(forwarded(), headers), expected, "{value}");
    }
}

#[test]
fn a_tls_connection_proves_the_scheme_of_whoever_holds_it() {
    let tls = |peer: Option<&str>| {
        let mut extensions = peer.map(from_peer).unwrap_or_default();
        extensions.insert(TlsConnection::new());
        extensions
    };
    for client_ip in [ClientIp::direct(), xff(), forwarded(), cloudflare()] {
        assert!(client_ip.is_https(&tls(None), &HeaderMap::new()));
        assert!(client_ip.is_https(&tls(Some("203.0.113.7")), &HeaderMap::new()));
    }
    // TLS from the proxy to us says nothing about the caller,
    let extensions = tls(Some(PROXY));
    let plain = headers([("x-forwarded-proto", "http")]);
    assert!(!xff().is_https(&extensions, &plain));
    assert!(!xff().is_https(&extensions, &HeaderMap::new()));
    assert!(!forwarded().is_https(&extensions, &HeaderMap::new()));
    // except if it is all there is to know.
    assert!(cloudflare().is_https(&extensions, &plain));
    let with_scheme = TrustedProxies::header("cf-connecting-ip", PROXIES)
        .and_then(|proxies| proxies.with_scheme_header("x-forwarded-proto"))
        .unwrap();
    assert!(!ClientIp::behind(with_scheme).is_https(&extensions, &plain));
}

#[test]
fn proxies_are_checked_before_traffic() {
    let none: [&str; 0] = [];
    for result in [
        TrustedProxies::x_forwarded_for(none),
        TrustedProxies::forwarded(none),
        TrustedProxies::header("x-real-ip", none),
    ] {
        assert_eq!(result.err(), Some(ConfigError::NoTrustedProxy));
    }
    let error = TrustedProxies::header("x real ip", PROXIES).err();
    let name = String::from("x real ip");
    assert_eq!(error, Some(ConfigError::InvalidHeaderName { name }));

    for everyone in [&["0.0.0.0/0"][..], &["::/0"], &["128.0.0.0/1", "0.0.0.0/1"]] {
        let error = TrustedProxies::x_forwarded_for(everyone).err().unwrap();
        assert!(
            matches!(error, ConfigError::TrustsEveryone { .. }),
            "{error}"
        );
    }
}

#[test]
fn networks_are_parsed_strictly_and_canonically() {
    let parse = |text: &str| Networks::parse([text]);
    for (text, expected) in [
        ("203.0.113.7", "[203.0.113.7/32]"),
        ("2001:db8::7", "[2001:db8::7/128]"),
        ("203.0.113.7/24", "[203.0.113.0/24]"),
        ("::ffff:203.0.113.7", "[203.0.113.7/32]"),
        ("::ffff:203.0.113.0/120", "[203.0.113.0/24]"),
        ("::ffff:0:0/96", "[0.0.0.0/0]"),
        ("0.0.0.0/0", "[0.0.0.0/0]"),
        ("::/0", "[::/0]"),
    ] {
        assert_eq!(format!("{:?}", parse(text).unwrap()), expected);
    }
    for text in [
        "",
        " ",
        "203.0.113.7 ",
        "0177.0.0.1",
        "127.1",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0",
        "::ffff:203.0.113.0/24",
        "fe80::1%1",
        "localhost",
    ] {
        let text = text.to_owned();
        assert_eq!(parse(&text), Err(ConfigError::InvalidNetwork { text }));
    }
    assert!(!parse("::/0").unwrap().contains(ip("203.0.113.7")));
    assert!(!parse("::/0").unwrap().contains(ip("::ffff:203.0.113.7")));
    assert!(!parse("0.0.0.0/0").unwrap().contains(ip("::203.0.113.7")));
}

#[test]
fn types_fit_into_layers() {
    fn check<T: Clone + std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    check::<ClientIp>();
    check::<TrustedProxies>();
    check::<PeerAddr>();
    check::<TlsConnection>();
    check::<ClientIpError>();
}
