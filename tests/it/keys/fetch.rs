//! A15, A16: keys over HTTPS, against a server with every trick.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tower_webhook::ConfigError;
use tower_webhook::keys::{JwkSetKeys, KeyError, KeyFetcher, KeyResolver, PlaidKeys};
use tower_webhook::signature::KeyName;
use tower_webhook::testing::ManualClock;

use crate::support::NOW;
use crate::support::jwt::{ec_jwk, jwk_set};

const HOST: &str = "keys.example.com";
const URL: &str = "https://keys.example.com/jwks";

/// A TLS server that answers every request as it is told, and counts.
struct Provider {
    address: SocketAddr,
    roots: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    answer: std::sync::Mutex<String>,
    /// Answers and then says nothing more, without closing.
    stalls: AtomicBool,
    connections: AtomicUsize,
    requests: std::sync::Mutex<Vec<String>>,
}

/// Whose certificate the server shows, and until when.
#[derive(Clone, Copy)]
enum Certificate {
    Of(&'static str),
    Expired,
    OfAnotherAuthority,
}

impl Provider {
    async fn start() -> Self {
        Self::with(Certificate::Of(HOST)).await
    }

    async fn with(certificate: Certificate) -> Self {
        let authority = authority();
        let other = self::authority();
        let host = match certificate {
            Certificate::Of(host) => host,
            _ => HOST,
        };
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if let Certificate::Expired = certificate {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate().unwrap();
        let signer = match certificate {
            Certificate::OfAnotherAuthority => &other,
            _ => &authority,
        };
        let leaf = params.signed_by(&key, signer).unwrap();
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let request = read_request(&mut stream).await;
                    state.requests.lock().unwrap().push(request);
                    let answer = state.answer.lock().unwrap().clone();
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.flush().await;
                    if state.stalls.load(Ordering::SeqCst) {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            address,
            roots: authority.pem(),
            state,
        }
    }

    fn answers(&self, status: u16, headers: &str, body: &str) {
        *self.state.answer.lock().unwrap() = format!(
            "HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
    }

    fn answers_raw(&self, answer: &str) {
        *self.state.answer.lock().unwrap() = answer.to_owned();
    }

    fn requests(&self) -> usize {
        self.state.requests.lock().unwrap().len()
    }

    fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    fn fetcher(&self) -> KeyFetcher {
        self.fetcher_for(HOST)
    }

    fn fetcher_for(&self, host: &str) -> KeyFetcher {
        KeyFetcher::new([host])
            .unwrap()
            .with_root_certificates(self.roots.as_bytes())
            .unwrap()
            .with_pinned_address(host, self.address)
            .unwrap()
    }

    fn keys(&self) -> JwkSetKeys {
        JwkSetKeys::with_fetcher(URL, self.fetcher()).unwrap()
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        if let Some(head) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let shown = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let length = shown
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if text.len() >= head + 4 + length {
                break;
            }
        }
        if stream.read_buf(&mut text).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8(text).unwrap()
}

async fn has(keys: &impl KeyResolver, id: &str) -> Result<bool, KeyError> {
    let name = KeyName::Id(id.to_owned());
    keys.resolve(&name).await.map(|key| key.is_some())
}

fn set(ids: &[&str]) -> String {
    jwk_set(&ids.iter().map(|id| ec_jwk(id)).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_jwk_set_is_fetched_and_remembered() {
    let provider = Provider::start().await;
    provider.answers(200, "", &set(&["a", "b"]));
    let keys = provider.keys();
    for _ in 0..3 {
        assert!(has(&keys, "a").await.unwrap());
        assert!(has(&keys, "b").await.unwrap());
    }
    assert_eq!(provider.requests(), 1);
    let request = provider.state.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("GET /jwks HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: keys.example.com\r\n"), "{request}");
    let by_url = KeyName::Url(URL.to_owned());
    assert!(keys.resolve(&by_url).await.unwrap().is_none());
}

/// Whoever sends unknown names makes the provider's server work once a minute.
#[tokio::test]
async fn a15_unknown_names_fetch_the_set_once_a_minute() {
    let provider = Provider::start().await;
    provider.answers(200, "", &set(&["a"]));
    let clock = Arc::new(ManualClock::new(NOW));
    let keys = provider.keys().with_clock(clock.clone());
    for n in 0..100 {
        assert!(!has(&keys, &format!("unknown-{n}")).await.unwrap());
    }
    assert_eq!(provider.requests(), 1);
    clock.advance(Duration::from_secs(59));
    assert!(!has(&keys, "b").await.unwrap());
    assert_eq!(provider.requests(), 1);
    // The provider rotates.
    provider.answers(200, "", &set(&["b"]));
    clock.advance(Duration::from_secs(1));
    assert!(has(&keys, "b").await.unwrap());
    assert!(!has(&keys, "a").await.unwrap());
    assert_eq!(provider.requests(), 2);
    for n in 0..100 {
        assert!(!has(&keys, &format!("unknown-{n}")).await.unwrap());
    }
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn many_requests_at_once_fetch_the_set_once() {
    let provider = Provider::start().await;
    provider.answers(200, "", &set(&["a"]));
    let keys = provider.keys();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let keys = keys.clone();
            tokio::spawn(async move { has(&keys, if n % 2 == 0 { "a" } else { "b" }).await })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), n % 2 == 0);
    }
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn while_the_provider_is_down_its_known_keys_serve() {
    let provider = Provider::start().await;
    provider.answers(200, "", &set(&["a"]));
    let clock = Arc::new(ManualClock::new(NOW));
    let keys = provider.keys().with_clock(clock.clone());
    assert!(has(&keys, "a").await.unwrap());
    provider.answers(500, "", "");
    clock.advance(Duration::from_secs(120));
    // The key may be new: the sender shall come again. Once a minute, still.
    for _ in 0..10 {
        assert!(has(&keys, "new").await.is_err());
        assert!(has(&keys, "a").await.unwrap());
    }
    assert_eq!(provider.requests(), 2);
    clock.advance(Duration::from_secs(3600));
    for _ in 0..10 {
        assert!(has(&keys, "a").await.unwrap());
    }
    assert_eq!(provider.requests(), 3);
    clock.advance(Duration::from_secs(24 * 3600));
    assert!(has(&keys, "a").await.is_err());
    provider.answers(200, "", &set(&["a"]));
    clock.advance(Duration::from_secs(10));
    assert!(has(&keys, "a").await.unwrap());
}

/// Fails, and says so without what the server sent.
async fn fails(keys: &JwkSetKeys, what: &str) -> String {
    let error = has(keys, "a").await.expect_err(what);
    let shown = format!("{error}");
    assert!(!shown.contains("evil"), "{what}: {shown}");
    shown
}

#[tokio::test]
async fn a16_no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let target = Provider::start().await;
        target.answers(200, "", &set(&["a"]));
        let provider = Provider::start().await;
        let port = target.address.port();
        let location = format!("location: https://{HOST}:{port}/evil\r\n");
        provider.answers(status, &location, &set(&["a"]));
        fails(&provider.keys(), "redirect").await;
        assert_eq!(
            (provider.requests(), target.connections()),
            (1, 0),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a16_what_is_no_set_of_keys_is_refused() {
    let provider = Provider::start().await;
    let good = set(&["a"]);
    for (status, body) in [
        (200, "<html>evil</html>"),
        (200, ""),
        (200, "{}"),
        (200, r#"{"keys":[]}"#),
        (200, r#"{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}"#),
        (200, &good.replace("P-256", "P-999")),
        (200, &format!("{good}{good}")),
        (200, &format!(r#"{{"keys":[],{}"#, &good[1..])),
        (201, &good),
        (204, ""),
        (403, &good),
        (404, &good),
        (500, &good),
    ] {
        provider.answers(status, "", body);
        fails(&provider.keys(), body).await;
    }
    provider.answers(200, "content-type: text/plain\r\n", &good);
    assert!(has(&provider.keys(), "a").await.unwrap());
}

#[tokio::test]
async fn a16_a_huge_answer_is_cut_off() {
    let provider = Provider::start().await;
    let padded = |bytes: usize| {
        let good = set(&["a"]);
        format!("{good}{}", " ".repeat(bytes - good.len()))
    };
    provider.answers(200, "", &padded(64 * 1024));
    assert!(has(&provider.keys(), "a").await.unwrap());
    provider.answers(200, "", &padded(64 * 1024 + 1));
    fails(&provider.keys(), "a byte too long").await;
    // Without a length, and without an end.
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let head = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
    provider.state.stalls.store(true, Ordering::SeqCst);
    provider.answers_raw(&format!("{head}{}", chunk.repeat(5)));
    fails(&provider.keys(), "chunks").await;
    let header = "x".repeat(1024 * 1024);
    provider.answers_raw(&format!("HTTP/1.1 200 x\r\nx: {header}\r\n"));
    fails(&provider.keys(), "headers").await;
}

#[tokio::test]
async fn a16_a_slow_answer_is_given_up() {
    let provider = Provider::start().await;
    let timeout = Duration::from_millis(300);
    let fetcher = provider.fetcher().with_timeout(timeout).unwrap();
    let keys = || JwkSetKeys::with_fetcher(URL, fetcher.clone()).unwrap();
    provider.state.stalls.store(true, Ordering::SeqCst);
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{",
    ] {
        provider.answers_raw(answer);
        let shown = fails(&keys(), answer).await;
        assert!(shown.contains("elapsed"), "{shown}");
    }
    // A body that ends early, and one that is no HTTP at all.
    provider.state.stalls.store(false, Ordering::SeqCst);
    let short = format!(
        "HTTP/1.1 200 x\r\ncontent-length: 9999\r\n\r\n{}",
        set(&["a"])
    );
    provider.answers_raw(&short);
    fails(&keys(), "short").await;
    provider.answers_raw("evil");
    fails(&keys(), "no http").await;
}

#[tokio::test]
async fn a16_a_server_must_prove_that_it_is_the_host() {
    for certificate in [
        Certificate::Of("evil.test"),
        Certificate::Of("example.com"),
        Certificate::Expired,
        Certificate::OfAnotherAuthority,
    ] {
        let provider = Provider::with(certificate).await;
        provider.answers(200, "", &set(&["a"]));
        has(&provider.keys(), "a").await.unwrap_err();
        assert_eq!(provider.requests(), 0);
    }
    // Without the test's authority, Mozilla's hold: this is none of them.
    let provider = Provider::start().await;
    let fetcher = KeyFetcher::new([HOST])
        .unwrap()
        .with_pinned_address(HOST, provider.address)
        .unwrap();
    let keys = JwkSetKeys::with_fetcher(URL, fetcher).unwrap();
    has(&keys, "a").await.unwrap_err();
    assert_eq!(provider.requests(), 0);
}

/// A name that leads to this machine, as one does that is rebound.
#[tokio::test]
async fn a16_a_name_that_leads_inside_is_not_connected_to() {
    let provider = Provider::with(Certificate::Of("localhost")).await;
    provider.answers(200, "", &set(&["a"]));
    let fetcher = KeyFetcher::new(["localhost"])
        .unwrap()
        .with_root_certificates(provider.roots.as_bytes())
        .unwrap();
    let keys = JwkSetKeys::with_fetcher("https://localhost/jwks", fetcher.clone()).unwrap();
    has(&keys, "a").await.unwrap_err();
    assert_eq!(provider.connections(), 0);
    // The same with the address named: it is the address that was refused.
    let fetcher = fetcher
        .with_pinned_address("localhost", provider.address)
        .unwrap();
    let keys = JwkSetKeys::with_fetcher("https://localhost/jwks", fetcher).unwrap();
    assert!(has(&keys, "a").await.unwrap());
}

#[test]
fn a16_only_the_configured_hosts_are_fetched_from() {
    let fetcher = KeyFetcher::new([HOST, "SNS.us-east-1.amazonaws.com"]).unwrap();
    for good in [
        "https://keys.example.com/a.pem",
        "https://keys.example.com",
        "https://KEYS.example.COM/a.pem",
        "HTTPS://keys.example.com/a.pem",
        "https://keys.example.com:443/a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://keys.example.com/a?b=@evil.test",
    ] {
        assert!(fetcher.allows(good), "{good}");
    }
    for bad in [
        "http://keys.example.com/a.pem",
        "ftp://keys.example.com/a.pem",
        "file:///etc/passwd",
        "//keys.example.com/a.pem",
        "keys.example.com/a.pem",
        "/a.pem",
        "",
        "https://",
        "https:///a.pem",
        "https:keys.example.com/a.pem",
        "https:/keys.example.com/a.pem",
        "https://keys.example.com:8443/a.pem",
        "https://keys.example.com:80/a.pem",
        "https://keys.example.com:/a.pem",
        "https://keys.example.com:0443/a.pem",
        "https://keys.example.com./a.pem",
        "https://keys.example.com.evil.test/a.pem",
        "https://keys.example.com%2eevil.test/a.pem",
        "https://evilkeys.example.com/a.pem",
        "https://evil.test/keys.example.com",
        "https://evil.test#keys.example.com",
        "https://evil.test?keys.example.com",
        "https://evil.test\\@keys.example.com/",
        "https://keys.example.com@evil.test/a.pem",
        "https://keys.example.com:443@evil.test/a.pem",
        "https://user@keys.example.com/a.pem",
        "https://user:pass@keys.example.com/a.pem",
        "https://@keys.example.com/a.pem",
        "https://sns.amazonaws.com.evil.test/a.pem",
        "https://sns.us-east-1.amazonaws.com.cn/a.pem",
        "https://xsns.us-east-1.amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        "https://[::1]/a.pem",
        "https://2130706433/a.pem",
        "https://0x7f.1/a.pem",
        "https://localhost/a.pem",
        "https://key\u{fb01}s.example.com/a.pem",
        "https://keys.example.com/a b",
        "https://keys.example.com/a\r\nhost: evil.test",
        " https://keys.example.com/a.pem",
    ] {
        assert!(!fetcher.allows(bad), "{bad:?}");
        assert!(
            JwkSetKeys::with_fetcher(bad, fetcher.clone()).is_err(),
            "{bad:?}"
        );
    }
}

#[test]
fn a_host_is_a_name() {
    for bad in [
        "",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "::1",
        "keys.example.com:443",
        "keys.example.com/",
        "keys.example.com.",
        ".example.com",
        "*.example.com",
        "keys..example.com",
        "-keys.example.com",
        "user@keys.example.com",
        "https://keys.example.com",
        "kéys.example.com",
    ] {
        assert!(
            matches!(
                KeyFetcher::new([bad]),
                Err(ConfigError::InvalidKeySource { .. })
            ),
            "{bad:?}"
        );
    }
    assert!(KeyFetcher::new(Vec::<String>::new()).is_err());
    let fetcher = KeyFetcher::new([HOST]).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    assert!(
        fetcher
            .clone()
            .with_pinned_address("evil.test", address)
            .is_err()
    );
    assert!(fetcher.clone().with_timeout(Duration::ZERO).is_err());
    assert!(fetcher.clone().with_root_certificates(b"").is_err());
    assert!(fetcher.clone().with_root_certificates(b"no PEM").is_err());
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(fetcher.with_root_certificates(empty.as_bytes()).is_err());
    assert!(JwkSetKeys::google().is_ok());
    assert!(JwkSetKeys::microsoft_entra("00000000-0000-0000-0000-000000000000").is_ok());
    for bad in [
        "",
        "common",
        "../../evil",
        "00000000-0000-0000-0000-00000000000/",
    ] {
        assert!(JwkSetKeys::microsoft_entra(bad).is_err(), "{bad}");
    }
}

const PLAID: &str = "production.plaid.com";

fn plaid(provider: &Provider) -> PlaidKeys {
    let fetcher = provider.fetcher_for(PLAID);
    PlaidKeys::with_fetcher(PLAID, "client-1", "s3cret", fetcher).unwrap()
}

fn plaid_key(jwk: serde_json::Value) -> String {
    json!({"key": jwk, "request_id": "r"}).to_string()
}

#[tokio::test]
async fn plaids_keys_are_asked_for_by_name() {
    let provider = Provider::with(Certificate::Of(PLAID)).await;
    provider.answers(200, "", &plaid_key(ec_jwk("k\"1")));
    let keys = plaid(&provider);
    assert!(has(&keys, "k\"1").await.unwrap());
    assert!(has(&keys, "k\"1").await.unwrap());
    assert_eq!(provider.requests(), 1);
    let request = provider.state.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /webhook_verification_key/get HTTP/1.1\r\n"));
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected = json!({"client_id": "client-1", "secret": "s3cret", "key_id": "k\"1"});
    assert_eq!(body, expected);
    let shown = format!("{keys:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("client-1"),
        "{shown}"
    );
}

#[tokio::test]
async fn plaids_answers_are_told_apart() {
    let error = |code: &str| json!({"error_type": "x", "error_code": code}).to_string();
    let unknown = error("INVALID_WEBHOOK_VERIFICATION_KEY_ID");
    let good = plaid_key(ec_jwk("a"));
    for (status, body, known) in [
        (200, good.clone(), Ok(true)),
        (400, unknown.clone(), Ok(false)),
        // Wrong credentials are not the sender's fault.
        (400, error("INVALID_API_KEYS"), Err(())),
        (401, unknown.clone(), Err(())),
        (500, unknown, Err(())),
        (500, good, Err(())),
        (200, plaid_key(ec_jwk("another")), Err(())),
        (200, plaid_key(json!(null)), Err(())),
        (200, "{}".to_owned(), Err(())),
        (200, "<html>".to_owned(), Err(())),
    ] {
        let provider = Provider::with(Certificate::Of(PLAID)).await;
        provider.answers(status, "", &body);
        let found = has(&plaid(&provider), "a").await.map_err(drop);
        assert_eq!(found, known, "{status} {body}");
    }
}

#[test]
fn plaids_credentials_are_there() {
    assert!(PlaidKeys::sandbox("client", "secret").is_ok());
    for (client, secret) in [
        ("", "secret"),
        ("client", ""),
        (" ", "secret"),
        ("client", "\n"),
    ] {
        let built = PlaidKeys::production(client, secret);
        assert!(matches!(built, Err(ConfigError::EmptySecret { .. })));
    }
    let other = KeyFetcher::new([HOST]).unwrap();
    assert!(PlaidKeys::with_fetcher(PLAID, "client", "secret", other).is_err());
}

/// The whole way: a token, the provider's server, the handler.
#[tokio::test]
async fn a15_a_token_with_fetched_keys() {
    use crate::support::jwt::{es256, sha256_hex, token};
    use crate::support::route::Route;
    use bytes::Bytes;
    use tower_webhook::keys::AsyncVerifier;
    use tower_webhook::{RejectionKind, provider};

    let server = Provider::with(Certificate::Of(PLAID)).await;
    server.answers(200, "", &plaid_key(ec_jwk("a")));
    let verifier = AsyncVerifier::with_keys(provider::plaid(), Arc::new(plaid(&server))).unwrap();
    let route = Route::new(verifier);
    let request = |kid: &str, at: i64| {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        let hash = sha256_hex(b"{}");
        let claims = json!({"iat": at, "request_body_sha256": hash}).to_string();
        http::Request::post("/hook")
            .header("plaid-verification", token(&header, &claims, es256))
            .body(Bytes::from_static(b"{}"))
            .unwrap()
    };
    let now = NOW.unix_seconds();
    // Refused by its claims: no key is fetched.
    route.refuses(request("a", now - 1000), "stale").await;
    assert_eq!(server.requests(), 0);
    route.accepts(request("a", now), "genuine").await;
    assert_eq!(server.requests(), 1);
    let unknown = json!({"error_code": "INVALID_WEBHOOK_VERIFICATION_KEY_ID"}).to_string();
    server.answers(400, "", &unknown);
    for _ in 0..5 {
        let kind = route.refuses(request("b", now), "unknown").await;
        assert_eq!(kind, RejectionKind::UnknownKey);
    }
    assert_eq!(server.requests(), 2);
    server.answers(500, "", "");
    let answer = route.send(request("c", now)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.kind(), RejectionKind::KeyUnavailable);
    assert_eq!(answer.headers["retry-after"], "5");
}

#[cfg(feature = "certificate")]
mod certificates {
    use tower_webhook::keys::CertificateKeys;

    use super::*;

    const PEM: &str = "https://keys.example.com/2026.pem";

    async fn at(keys: &CertificateKeys, url: &str) -> Result<bool, KeyError> {
        let name = KeyName::Url(url.to_owned());
        keys.resolve(&name).await.map(|key| key.is_some())
    }

    #[tokio::test]
    async fn a_certificate_is_fetched_once() {
        let provider = Provider::start().await;
        provider.answers(200, "", &provider.roots);
        let keys = CertificateKeys::new(provider.fetcher());
        for _ in 0..3 {
            assert!(at(&keys, PEM).await.unwrap());
        }
        assert_eq!(provider.requests(), 1);
        let by_id = KeyName::Id(PEM.to_owned());
        assert!(keys.resolve(&by_id).await.unwrap().is_none());
        assert_eq!(provider.requests(), 1);
    }

    #[tokio::test]
    async fn a16_no_fetch_is_made_for_other_urls() {
        let provider = Provider::start().await;
        provider.answers(200, "", &provider.roots);
        let keys = CertificateKeys::new(provider.fetcher());
        for url in [
            "http://keys.example.com/2026.pem",
            "https://evil.test/2026.pem",
            "https://keys.example.com.evil.test/2026.pem",
            "https://user@keys.example.com/2026.pem",
            "https://keys.example.com:8443/2026.pem",
            "https://127.0.0.1/2026.pem",
            "https://[::1]/2026.pem",
        ] {
            assert!(!at(&keys, url).await.unwrap(), "{url}");
        }
        assert_eq!(provider.connections(), 0);
    }

    /// A sender may name what is on the host and no certificate: that is no
    /// failure of the host's.
    #[tokio::test]
    async fn a16_what_is_no_certificate_is_nobodys_key() {
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (status, body, known) in [
            (200, "<html>", Ok(false)),
            (200, "", Ok(false)),
            (200, certificate, Ok(false)),
            (404, "", Ok(false)),
            (403, "", Ok(false)),
            (301, "", Ok(false)),
            (408, "", Err(())),
            (429, "", Err(())),
            (500, "", Err(())),
            (503, "", Err(())),
        ] {
            let provider = Provider::start().await;
            provider.answers(status, "location: https://evil.test/\r\n", body);
            let keys = CertificateKeys::new(provider.fetcher());
            for _ in 0..3 {
                let found = at(&keys, PEM).await.map_err(drop);
                assert_eq!(found, known, "{status} {body}");
            }
            assert_eq!(provider.requests(), 1, "{status} {body}");
        }
    }

    #[tokio::test]
    async fn a16_a_flood_of_urls_is_bounded() {
        let provider = Provider::start().await;
        provider.answers(404, "", "");
        let keys = CertificateKeys::new(provider.fetcher())
            .with_cache(|cached| cached.with_max_look_ups(5))
            .unwrap();
        for n in 0..50 {
            let found = at(&keys, &format!("https://{HOST}/{n}.pem")).await;
            assert_eq!(found.is_ok(), n < 5, "{n}");
        }
        assert_eq!(provider.requests(), 5);
    }
}
