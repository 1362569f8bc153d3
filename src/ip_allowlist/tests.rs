use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::ConfigError;
use crate::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use crate::rejection::{DefaultRejectionResponse, Refusals, Rejection, RejectionKind};

async fn handle<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::from("processed")))
}

/// F15: a body that must not be looked at.
#[derive(Debug)]
struct Untouched;

fn allowlist() -> IpAllowlist {
    IpAllowlist::new(["203.0.113.0/24", "2001:db8::7"]).unwrap()
}

fn behind_proxy() -> ClientIp {
    ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap())
}

fn request(peer: Option<&str>, forwarded_for: Option<&str>) -> Request<Untouched> {
    let mut request = Request::post("/hooks");
    if let Some(peer) = peer {
        let peer: IpAddr = peer.parse().unwrap();
        request = request.extension(PeerAddr::new((peer, 443).into()));
    }
    if let Some(addresses) = forwarded_for {
        request = request.header("x-forwarded-for", addresses);
    }
    request.body(Untouched).unwrap()
}

async fn refusal(layer: &IpAllowlistLayer, request: Request<Untouched>) -> Option<Rejection> {
    let service = layer.layer(service_fn(handle));
    let response = service.oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>().cloned();
    let expected = if rejection.is_some() {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::OK
    };
    assert_eq!(response.status(), expected);
    rejection
}

#[tokio::test]
async fn d1_d2_the_caller_is_judged_by_an_address_it_cannot_choose() {
    let layer = IpAllowlistLayer::new(allowlist()).with_client_ip(behind_proxy());
    for (peer, forwarded_for, allowed) in [
        ("203.0.113.7", None, true),
        ("2001:db8::7", None, true),
        ("2001:db8::8", None, false),
        ("198.51.100.9", None, false),
        ("198.51.100.9", Some("203.0.113.7"), false),
        ("10.0.0.1", Some("203.0.113.7"), true),
        ("10.0.0.1", Some("203.0.113.7, 198.51.100.9"), false),
        ("10.0.0.1", Some("198.51.100.9, 203.0.113.7"), true),
    ] {
        let rejection = refusal(&layer, request(Some(peer), forwarded_for)).await;
        let kind = rejection.map(|rejection| rejection.kind());
        let expected = (!allowed).then_some(RejectionKind::AddressNotAllowed);
        assert_eq!(kind, expected, "{peer} {forwarded_for:?}");
    }
}

#[test]
fn d4_only_mapped_addresses_count_as_ipv4() {
    let contains = |text: &str| allowlist().contains(text.parse().unwrap());
    assert!(contains("203.0.113.7"));
    assert!(contains("::ffff:203.0.113.7"));
    assert!(!contains("::203.0.113.7"));
    assert!(!contains("64:ff9b::203.0.113.7"));
    assert!(!contains("2002:cb00:7107::"));
}

#[test]
fn d7_an_empty_or_broken_list_is_refused_at_start() {
    let none: [&str; 0] = [];
    assert_eq!(
        IpAllowlist::new(none).err(),
        Some(ConfigError::EmptyAllowlist)
    );
    assert_eq!(
        " \n".parse::<IpAllowlist>().err(),
        Some(ConfigError::EmptyAllowlist)
    );
    let text = String::from("203.0.113.999");
    let error = IpAllowlist::new(["203.0.113.7", &text]).err();
    assert_eq!(error, Some(ConfigError::InvalidNetwork { text }));
}

#[test]
fn d7_a_failed_replacement_keeps_the_list() {
    let address: IpAddr = "203.0.113.7".parse().unwrap();
    let allowlist = allowlist();
    let none: [&str; 0] = [];
    assert_eq!(allowlist.replace(none), Err(ConfigError::EmptyAllowlist));
    assert!(allowlist.replace(["198.51.100.0/24", "error 404"]).is_err());
    assert!(allowlist.contains(address));
    assert!(!allowlist.contains("198.51.100.9".parse().unwrap()));
}

#[tokio::test]
async fn a_replacement_holds_for_running_services() {
    let allowlist = allowlist();
    let service = IpAllowlistLayer::new(allowlist.clone()).layer(service_fn(handle));
    let status = async |peer| {
        let response = service.clone().oneshot(request(Some(peer), None)).await;
        response.unwrap().status()
    };
    assert_eq!(status("203.0.113.7").await, StatusCode::OK);
    allowlist.replace(["198.51.100.0/24"]).unwrap();
    assert_eq!(status("203.0.113.7").await, StatusCode::FORBIDDEN);
    assert_eq!(status("198.51.100.9").await, StatusCode::OK);
}

#[test]
fn a_poisoned_lock_still_serves() {
    let allowlist = allowlist();
    let poisoner = allowlist.clone();
    let thread = std::thread::spawn(move || {
        let _guard = poisoner.networks.write();
        panic!("while the list is being replaced");
    });
    assert!(thread.join().is_err());
    assert!(allowlist.networks.is_poisoned());
    assert!(allowlist.contains("203.0.113.7".parse().unwrap()));
    allowlist.replace(["198.51.100.9"]).unwrap();
    assert!(allowlist.contains("198.51.100.9".parse().unwrap()));
}

#[tokio::test]
async fn d9_an_unknown_address_is_refused() {
    let everyone = IpAllowlist::new(["0.0.0.0/0", "::/0"]).unwrap();
    let layer = IpAllowlistLayer::new(everyone).with_client_ip(behind_proxy());
    for (peer, forwarded_for, detail) in [
        (
            None,
            Some("203.0.113.7"),
            "the server does not provide the peer address; \
             for axum, serve with into_make_service_with_connect_info::<SocketAddr>()",
        ),
        (
            Some("10.0.0.1"),
            None,
            "the trusted proxy did not send the configured header",
        ),
        (
            Some("10.0.0.1"),
            Some("unknown"),
            "a hop in the proxy's header hides its address",
        ),
    ] {
        let rejection = refusal(&layer, request(peer, forwarded_for)).await.unwrap();
        assert_eq!(rejection.kind(), RejectionKind::AddressUnknown);
        assert_eq!(rejection.detail(), Some(detail));
    }
}

#[tokio::test]
async fn an_operator_learns_which_address_was_kept_out() {
    let layer = IpAllowlistLayer::new(allowlist());
    let rejection = refusal(&layer, request(Some("::ffff:198.51.100.9"), None)).await;
    assert_eq!(rejection.unwrap().detail(), Some("198.51.100.9"));
}

#[tokio::test]
async fn without_a_list_everything_passes() {
    let service = IpAllowlistService::new(
        service_fn(handle),
        None,
        ClientIp::direct(),
        Refusals::new(DefaultRejectionResponse),
    );
    let response = service.oneshot(request(None, None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let limited = ConcurrencyLimit::new(service_fn(handle::<Untouched>), 1);
    let mut first = IpAllowlistLayer::new(allowlist()).layer(limited);
    let mut second = first.clone();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(first.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    assert!(second.poll_ready(&mut cx).is_pending());
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_axum_router_takes_it_with_its_own_peer_address() {
    use axum::extract::connect_info::MockConnectInfo;

    let status = async |peer: [u8; 4]| {
        let router = axum::Router::new()
            .route("/hooks", axum::routing::post(async || "processed"))
            .layer(IpAllowlistLayer::new(allowlist()))
            .layer(MockConnectInfo(std::net::SocketAddr::from((peer, 443))));
        let request = Request::post("/hooks").body(axum::body::Body::empty());
        router.oneshot(request.unwrap()).await.unwrap().status()
    };
    assert_eq!(status([203, 0, 113, 7]).await, StatusCode::OK);
    assert_eq!(status([198, 51, 100, 9]).await, StatusCode::FORBIDDEN);
}

#[test]
fn types_fit_into_a_router() {
    fn check<T: Clone + std::fmt::Debug + Send + Sync + 'static>(_: &T) {}
    fn named() -> IpAllowlistLayer {
        IpAllowlistLayer::new(allowlist())
    }
    check(&named());
    check::<IpAllowlistService<()>>(&named().layer(()));
    check::<IpAllowlist>(&allowlist());
    fn future<T: std::fmt::Debug + Send + Sync + 'static>() {}
    future::<ResponseFuture<std::future::Ready<Result<Response<String>, Infallible>>>>();
}
