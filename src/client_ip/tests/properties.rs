use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::super::{Networks, address};
use super::{PROXY, cloudflare, forwarded, from_peer, headers, ip, xff};

/// Text that comes close to what the parsers look for.
fn list_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "for=",
        "For=\"",
        "proto=https",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        " ",
        "\t",
        "203.0.113.7",
        "10.0.0.2",
        "[2001:db8::7]",
        ":80",
        "_x",
        "unknown",
        "::1",
        "\u{e9}",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c])),
    ]
}

fn network() -> impl Strategy<Value = String> {
    // Few bits, so that networks overlap and touch.
    let v4 = (0_u8..4, 0_u8..8, 8_u8..=32).prop_map(|(a, b, len)| format!("10.{a}.{b}.0/{len}"));
    let v6 = (0_u8..4, 0_u8..8, 8_u8..=128).prop_map(|(a, b, len)| format!("fd0{a}:{b}::/{len}"));
    prop_oneof![v4, v6]
}

fn near_address() -> impl Strategy<Value = IpAddr> {
    let v4 = (0_u8..4, 0_u8..8, any::<u8>()).prop_map(|(a, b, c)| format!("10.{a}.{b}.{c}"));
    let v6 = (0_u8..4, 0_u8..8, any::<u8>()).prop_map(|(a, b, c)| format!("fd0{a}:{b}::{c}"));
    prop_oneof![v4, v6].prop_map(|text| ip(&text))
}

proptest! {
    #[test]
    fn no_header_panics(lines in prop::collection::vec(list_text(), 0..4)) {
        let mut headers = HeaderMap::new();
        for name in ["x-forwarded-for", "forwarded", "cf-connecting-ip", "x-forwarded-proto"] {
            for line in &lines {
                headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
        }
        for client_ip in [xff(), forwarded(), cloudflare()] {
            let _ = client_ip.resolve(&from_peer(PROXY), &headers);
            let _ = client_ip.is_https(&from_peer(PROXY), &headers);
        }
    }

    /// D2, D3: what an attacker puts in front, in the same field line or in
    /// others, changes neither the address nor the scheme.
    #[test]
    fn nothing_left_of_the_client_changes_the_answer(
        forged in list_text(),
        forged_line in list_text(),
        client in address().prop_filter("untrusted", |ip| !xff().proxies.unwrap().trusts(*ip)),
        proxies in prop::collection::vec(any::<[u8; 3]>(), 0..4),
        https in any::<bool>(),
        quoted in prop::sample::select(vec!["", ";host=\"a\\\"b,c\\\\\"", ";x=\"\""]),
    ) {
        let node = |ip: IpAddr| if ip.is_ipv6() { format!("\"[{ip}]\"") } else { ip.to_string() };
        let proto = if https { "https" } else { "http" };
        let mut plain = vec![client.to_string()];
        let mut elements = vec![format!("for={};proto={proto}{quoted}", node(client))];
        for [a, b, c] in proxies {
            plain.push(format!("10.{a}.{b}.{c}"));
            elements.push(format!("for=10.{a}.{b}.{c};proto=http"));
        }
        let (plain, elements) = (plain.join(", "), elements.join(","));
        let extensions = from_peer(PROXY);
        for forged in [format!("{forged},"), format!("{forged}, "), String::new()] {
            let mut headers = HeaderMap::new();
            for (name, genuine) in [("x-forwarded-for", &plain), ("forwarded", &elements)] {
                let line = HeaderValue::from_bytes(forged_line.as_bytes()).unwrap();
                headers.append(name, line);
                let line = format!("{forged}{genuine}");
                headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            prop_assert_eq!(xff().resolve(&extensions, &headers), Ok(client.to_canonical()));
            prop_assert_eq!(forwarded().resolve(&extensions, &headers), Ok(client.to_canonical()));
            prop_assert_eq!(forwarded().is_https(&extensions, &headers), https);
        }
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_sends(value in list_text()) {
        let headers = headers([("x-forwarded-for", &*value), ("forwarded", &*value)]);
        for client_ip in [xff(), forwarded()] {
            let client = client_ip.resolve(&from_peer("203.0.113.7"), &headers);
            prop_assert_eq!(client, Ok(ip("203.0.113.7")));
        }
    }

    #[test]
    fn every_address_survives_its_notations(address in address(), port in any::<u16>()) {
        let canonical = Ok(address.to_canonical());
        prop_assert_eq!(address::parse_plain(address.to_string().as_bytes()), canonical);
        let with_port = SocketAddr::new(address, port).to_string();
        prop_assert_eq!(address::parse_plain(with_port.as_bytes()), canonical);
        prop_assert_eq!(address::parse_node(&with_port), canonical);
    }

    #[test]
    fn lookups_agree_with_a_linear_search(
        texts in prop::collection::vec(network(), 0..12),
        address in near_address(),
    ) {
        let one_by_one = texts.iter().any(|text| {
            text.parse::<ipnet::IpNet>().unwrap().contains(&address)
        });
        prop_assert_eq!(Networks::parse(&texts).unwrap().contains(address), one_by_one);
    }
}
