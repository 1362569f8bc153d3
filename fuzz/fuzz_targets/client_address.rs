//! Nothing that a caller writes makes it somebody else.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use http::{Extensions, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook_fuzz::forwarded::{self, Hop};
use tower_webhook_fuzz::text::split_once;

const TRUSTED: [&str; 3] = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"];
const HEADERS: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];
/// What the crate bounds is not compared.
const MAX_LINE: usize = 1024;
const MAX_HOPS: usize = 32;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    header: u8,
    peer: Option<IpAddr>,
    /// What the caller put in front, a line feed, and lines of the header.
    text: &'a [u8],
}

static RESOLVERS: LazyLock<[ClientIp; 3]> = LazyLock::new(|| {
    [
        TrustedProxies::x_forwarded_for(TRUSTED),
        TrustedProxies::forwarded(TRUSTED),
        TrustedProxies::header(HEADERS[2], TRUSTED),
    ]
    .map(|proxies| ClientIp::behind(proxies.expect("valid networks")))
});

fuzz_target!(|input: Input<'_>| {
    let at = usize::from(input.header) % HEADERS.len();
    let (client_ip, name) = (&RESOLVERS[at], HEADERS[at]);
    let (forged, lines) = split_once(input.text, b'\n').unwrap_or((input.text, b""));
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    let Some(headers) = headers(name, &lines) else {
        return;
    };

    if let Some(peer) = input.peer.filter(|peer| !is_trusted(*peer)) {
        let client = client_ip.resolve_from_peer(peer, &headers);
        assert_eq!(client, Ok(peer.to_canonical()));
        assert!(!client_ip.is_https(&from(peer), &headers));
        return;
    }
    let peer = input.peer.unwrap_or(IpAddr::from([10, 0, 0, 1]));
    let client = client_ip.resolve_from_peer(peer, &headers);
    let https = client_ip.is_https(&from(peer), &headers);

    let hops = match at {
        0 => texts(&lines).map(|lines| {
            lines
                .iter()
                .flat_map(|line| forwarded::plain(line))
                .collect()
        }),
        1 => texts(&lines).and_then(|lines| {
            let hops = lines.iter().map(|line| forwarded::forwarded(line));
            Some(
                hops.collect::<Option<Vec<_>>>()?
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        }),
        _ => None,
    };
    if let Some(hops) = hops.filter(|hops: &Vec<Hop>| hops.len() <= MAX_HOPS) {
        // The first from the right that is not trusted or cannot be read, or
        // else the leftmost.
        let stop = |hop: &&Hop| hop.address.is_none_or(|address| !is_trusted(address));
        let hop = hops.iter().rfind(stop).or(hops.first());
        assert_eq!(client.ok(), hop.and_then(|hop| hop.address));
        if at == 1 {
            assert_eq!(
                https,
                hop.is_some_and(|hop| hop.address.is_some() && hop.https)
            );
        }
    }

    let Some(caller) = client.ok().filter(|client| !is_trusted(*client) && at != 2) else {
        return;
    };
    let mut in_front = vec![forged];
    in_front.extend(&lines);
    let joined = [forged, b",", lines[0]].concat();
    let mut in_line = lines.clone();
    in_line[0] = &joined;
    for lines in [in_front, in_line] {
        if let Some(headers) = self::headers(name, &lines) {
            assert_eq!(client_ip.resolve_from_peer(peer, &headers), Ok(caller));
            assert_eq!(client_ip.is_https(&from(peer), &headers), https);
        }
    }
});

fn headers(name: &'static str, lines: &[&[u8]]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_bytes(line).ok()?);
    }
    Some(headers)
}

fn texts<'a>(lines: &[&'a [u8]]) -> Option<Vec<&'a str>> {
    let short = lines.iter().filter(|line| line.len() <= MAX_LINE);
    let texts: Vec<_> = short.filter_map(|line| str::from_utf8(line).ok()).collect();
    (texts.len() == lines.len()).then_some(texts)
}

fn is_trusted(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[0] == 10 || v4.octets() == [192, 0, 2, 1],
        IpAddr::V6(v6) => v6.segments()[..2] == [0x2001, 0xdb8],
    }
}

fn from(peer: IpAddr) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddr::new((peer, 443).into()));
    extensions
}
