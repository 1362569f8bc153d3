//! D: the caller's address, over real connections.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::{ConfigError, VerifiedBody, WebhookLayer, provider};

use crate::support_dedup::*;

/// Where this test's connections come from.
const SELF: &str = "127.0.0.1";
const ALLOWED: &str = "203.0.113.7";

/// How the peer address gets into a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Server {
    Axum,
    AxumWithoutConnectInfo,
    Hyper,
}

/// Sends a genuine delivery with `lines` as further header lines, and answers
/// with the status.
async fn send(server: Server, layer: &WebhookLayer, receiver: &Receiver, lines: &[String]) -> u16 {
    let listener = TcpListener::bind((SELF, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = layer.clone();
    let serving = tokio::spawn(async move {
        if server == Server::Hyper {
            return serve_with_hyper(listener, layer).await;
        }
        let app: Router = Router::new().route("/hook", post(async || "done").layer(layer));
        if server == Server::AxumWithoutConnectInfo {
            return axum::serve(listener, app).await.unwrap();
        }
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).await.unwrap();
    });
    let request = receiver.signer().with_event_id("evt_1").sign("/hook", "{}");
    let raw = raw_with(&request, lines);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&raw).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    serving.abort();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head[9..12].parse().unwrap();
    assert_eq!(body == "done", status == 200, "{answer}");
    status
}

async fn serve_with_hyper(listener: TcpListener, layer: WebhookLayer) {
    let (stream, peer) = listener.accept().await.unwrap();
    let handler = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("done"))))
    });
    let service = layer
        .layer(handler)
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr::new(peer));
            request
        });
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await
        .unwrap();
}

/// A guard that lets [`ALLOWED`] in, and nobody else.
struct Guard(ClientIp);

impl Guard {
    fn trusting(proxies: TrustedProxies) -> Self {
        Self(ClientIp::behind(proxies))
    }

    /// The status for a request with these header lines, the same from every
    /// server that tells the peer.
    async fn answer(&self, lines: &[&str]) -> u16 {
        self.answer_for(ALLOWED, lines).await
    }

    async fn answer_for(&self, allowed: &str, lines: &[&str]) -> u16 {
        let lines: Vec<_> = lines.iter().map(|line| line.to_string()).collect();
        let mut answers = [0, 0];
        for (answer, server) in answers.iter_mut().zip([Server::Axum, Server::Hyper]) {
            let receiver = Receiver::new(provider::github());
            let layer = receiver.layer.clone().with_client_ip(self.0.clone());
            let layer = layer.with_allowlist(IpAllowlist::new([allowed]).unwrap());
            *answer = send(server, &layer, &receiver, &lines).await;
            if *answer != 200 {
                assert_eq!(receiver.store.asked(Op::Claim), 0);
            }
        }
        assert_eq!(answers[0], answers[1]);
        answers[0]
    }
}

fn xff() -> Guard {
    Guard::trusting(TrustedProxies::x_forwarded_for([SELF]).unwrap())
}

fn forwarded() -> Guard {
    Guard::trusting(TrustedProxies::forwarded([SELF]).unwrap())
}

#[tokio::test]
async fn d1_a_header_from_a_peer_that_is_not_trusted_is_ignored() {
    let elsewhere = || TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap();
    let lines = ["x-forwarded-for: 203.0.113.7", "forwarded: for=203.0.113.7"];
    for guard in [Guard(ClientIp::direct()), Guard::trusting(elsewhere())] {
        assert_eq!(guard.answer(&lines).await, 403);
        // The peer counts.
        assert_eq!(guard.answer_for(SELF, &lines).await, 200);
    }
}

#[tokio::test]
async fn d2_what_the_proxy_appended_counts() {
    for (value, status) in [
        ("203.0.113.7", 200),
        ("192.0.2.66, 203.0.113.7", 200),
        ("203.0.113.7, 192.0.2.66", 403),
        ("203.0.113.7, 192.0.2.66, 127.0.0.1", 403),
        ("garbage, 203.0.113.7, 127.0.0.1", 200),
    ] {
        let line = format!("x-forwarded-for: {value}");
        assert_eq!(xff().answer(&[&line]).await, status, "{value}");
    }
    assert_eq!(xff().answer(&[]).await, 403, "the proxy wrote nothing");
}

#[tokio::test]
async fn d3_several_lines_are_one_list() {
    let (good, bad) = (
        "x-forwarded-for: 203.0.113.7",
        "X-Forwarded-For: 192.0.2.66",
    );
    assert_eq!(xff().answer(&[bad, good]).await, 200);
    assert_eq!(xff().answer(&[good, bad]).await, 403);
    let proxy = "x-forwarded-for: 127.0.0.1";
    assert_eq!(xff().answer(&[bad, good, proxy]).await, 200);
}

#[tokio::test]
async fn d4_only_mapped_addresses_are_ipv4() {
    for (value, status) in [
        ("::ffff:203.0.113.7", 200),
        ("::203.0.113.7", 403),
        ("64:ff9b::203.0.113.7", 403),
        ("2002:cb00:7107::", 403),
    ] {
        let line = format!("x-forwarded-for: {value}");
        assert_eq!(xff().answer(&[&line]).await, status, "{value}");
    }
}

#[tokio::test]
async fn d5_addresses_are_read_strictly() {
    for (value, status) in [
        ("203.0.113.7:4711", 200),
        ("203.0.113.07", 403),
        ("0313.0.113.7", 403),
        ("203.113.7", 403),
        ("3405803783", 403),
        ("0xcb.0.113.7", 403),
        ("203.0.113.7:99999", 403),
        ("203.0.113.7 ", 200),
    ] {
        let line = format!("x-forwarded-for: {value}");
        assert_eq!(xff().answer(&[&line]).await, status, "{value}");
    }
    for (value, status) in [
        ("2001:DB8:0::07", 200),
        ("[2001:db8::7]:443", 200),
        ("2001:db8::7%eth0", 403),
        ("[2001:db8::7", 403),
        ("2001:db8::00007", 403),
    ] {
        let line = format!("x-forwarded-for: {value}");
        let answer = xff().answer_for("2001:db8::7", &[&line]).await;
        assert_eq!(answer, status, "{value}");
    }
}

#[tokio::test]
async fn d6_forwarded_is_read_by_its_grammar() {
    let many = vec!["for=203.0.113.7"; 1000].join(", ");
    let proxies = vec!["for=127.0.0.1"; 1000].join(", ");
    for (value, status) in [
        ("for=203.0.113.7", 200),
        (r#"For="203.0.113.7:4711";proto=https"#, 200),
        ("for=192.0.2.66, for=203.0.113.7", 200),
        // The caller's open quote does not swallow what the proxy appended.
        (r#"for="x, for=203.0.113.7"#, 200),
        (r#"for=203.0.113.7, for="192.0.2.66"#, 403),
        ("for=_hidden", 403),
        ("for=unknown", 403),
        ("for=203.0.113.7, for=unknown", 403),
        ("proto=https", 403),
        ("", 403),
        (&many, 200),
        (&proxies, 403),
    ] {
        let line = format!("forwarded: {value}");
        let short = &value[..value.len().min(40)];
        assert_eq!(forwarded().answer(&[&line]).await, status, "{short}");
    }
}

#[tokio::test]
async fn d7_a_list_without_entries_cannot_be_made() {
    let nothing: [&str; 0] = [];
    assert_eq!(
        IpAllowlist::new(nothing).unwrap_err(),
        ConfigError::EmptyAllowlist
    );
    assert!("".parse::<IpAllowlist>().is_err());
    assert!(IpAllowlist::new(["203.0.113.7", "provider.test"]).is_err());

    // A list that fails to load leaves the old one in force.
    let receiver = Receiver::new(provider::github());
    let list = IpAllowlist::new([ALLOWED]).unwrap();
    let layer = receiver.layer.clone().with_allowlist(list.clone());
    assert!(list.replace(nothing).is_err());
    assert!(list.replace(["garbage"]).is_err());
    assert_eq!(send(Server::Axum, &layer, &receiver, &[]).await, 403);
    list.replace([SELF]).unwrap();
    assert_eq!(send(Server::Axum, &layer, &receiver, &[]).await, 200);
}

#[tokio::test]
async fn d8_the_headers_of_other_proxies_are_ignored() {
    let lines = [
        "x-real-ip: 203.0.113.7",
        "cf-connecting-ip: 203.0.113.7",
        "true-client-ip: 203.0.113.7",
        "x-client-ip: 203.0.113.7",
        "forwarded: for=203.0.113.7",
    ];
    assert_eq!(Guard(ClientIp::direct()).answer(&lines).await, 403);
    assert_eq!(xff().answer(&lines).await, 403);
    let cloudflare = |network| TrustedProxies::header("cf-connecting-ip", [network]).unwrap();
    assert_eq!(Guard::trusting(cloudflare(SELF)).answer(&lines).await, 200);
    let elsewhere = Guard::trusting(cloudflare("10.0.0.0/8"));
    assert_eq!(elsewhere.answer(&lines).await, 403);
    // What should be one address is two.
    let forged = ["cf-connecting-ip: 203.0.113.7", lines[1]];
    assert_eq!(Guard::trusting(cloudflare(SELF)).answer(&forged).await, 403);
}

#[tokio::test]
async fn d9_without_a_peer_address_nobody_gets_in() {
    for client_ip in [ClientIp::direct(), xff().0] {
        let receiver = Receiver::new(provider::github());
        let layer = receiver.layer.clone().with_client_ip(client_ip);
        let listed = layer
            .clone()
            .with_allowlist(IpAllowlist::new([ALLOWED, SELF]).unwrap());
        let quota = tower_webhook::rate_limit::Quota::per_minute(100).unwrap();
        let limited = layer.with_caller_limit(quota);
        let lines = ["x-forwarded-for: 203.0.113.7".to_owned()];
        for layer in [listed, limited] {
            let server = Server::AxumWithoutConnectInfo;
            assert_eq!(send(server, &layer, &receiver, &lines).await, 403);
        }
        receiver.assert_rows(0);
    }
}
