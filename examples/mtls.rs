//! A webhook endpoint on hyper and rustls, for a sender that shows a client
//! certificate.
//!
//! ```sh
//! cargo run --example mtls --features client-cert,testing
//! ```
//!
//! Makes its certificates when it starts, and prints commands that use them.
//! The example `hyper` has the timeouts that a server on the Internet needs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a terminal is where an example speaks"
)]

#[path = "support/curl.rs"]
mod curl;

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceBuilder, service_fn};
use tower_webhook::client_cert::{
    CertificateDer, ClientCertChain, ClientCertRules, RequireClientCertLayer,
};
use tower_webhook::client_ip::{PeerAddr, TlsConnection};
use tower_webhook::testing::Signer;
use tower_webhook::{Rejection, VerifiedBody, Verifier, WebhookLayer, provider};

const SECRET: &str = "It's a Secret to Everybody";
const SENDER: &str = "client.webhooks.example";
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let authority = Authority::new()?;
    let rules = ClientCertRules::new()
        .with_dns_names([SENDER])?
        .with_issuer_certificates(
            [&authority.certificate],
            aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .all,
        )?;
    let verifier = Verifier::new(provider::github(), SECRET)?;
    let endpoint = ServiceBuilder::new()
        .layer(RequireClientCertLayer::new(rules)?)
        .layer(WebhookLayer::new(verifier).with_required_https())
        .service(service_fn(process));

    let acceptor = TlsAcceptor::from(Arc::new(tls(&authority)?));
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let files = std::env::temp_dir().join(format!("tower-webhook-mtls-{}", std::process::id()));
    std::fs::create_dir_all(&files)?;
    print_commands(listener.local_addr()?, &authority, &files)?;

    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let (acceptor, endpoint) = (acceptor.clone(), endpoint.clone());
                    tokio::spawn(async move {
                        if let Err(error) = serve(stream, peer, acceptor, endpoint).await {
                            eprintln!("{peer}: {error}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    std::fs::remove_dir_all(&files)?;
    Ok(())
}

async fn process(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    println!("processed {:?}", request.body().delivery().event_type());
    Ok(Response::new(Full::from("processed\n")))
}

/// The handshake verifies every certificate that is shown, and that its owner
/// has the key. It is let through without one, so that other routes of the
/// server need none; the layer refuses those that come without.
fn tls(authority: &Authority) -> Result<ServerConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone())?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
    let server = authority.sign("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth)?;
    let key = PrivateKeyDer::try_from(server.key.serialize_der())?;
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.certificate], key)?)
}

async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    endpoint: S,
) -> Result<(), Failure>
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    // Only what the handshake has verified may become a `ClientCertChain`.
    let (_, session) = stream.get_ref();
    let shown = session
        .peer_certificates()
        .map(|chain| ClientCertChain::new(chain.iter().cloned()));
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(PeerAddr::new(peer));
            extensions.insert(TlsConnection::new());
            if let Some(chain) = &shown {
                extensions.insert(chain.clone());
            }
            request
        })
        .map_response(move |response: Response<Full<Bytes>>| {
            if let Some(rejection) = response.extensions().get::<Rejection>() {
                eprintln!("{peer} refused: {rejection}");
            }
            response
        })
        .service(endpoint);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await?;
    Ok(())
}

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Signed {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Result<Self, Failure> {
        let key = KeyPair::generate()?;
        let mut params = named("An authority for demonstration only", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?.der().clone();
        let issuer = Issuer::new(params, key);
        Ok(Self {
            certificate,
            issuer,
        })
    }

    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Result<Signed, Failure> {
        let key = KeyPair::generate()?;
        let mut params = named(name, vec![name.to_owned()])?;
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        Ok(Signed { certificate, key })
    }
}

/// rcgen gives all the same name by default, so that they look self-signed.
fn named(common_name: &str, hosts: Vec<String>) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(hosts)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

fn print_commands(server: SocketAddr, authority: &Authority, files: &Path) -> Result<(), Failure> {
    let write = |name: &str, label: &str, der: &[u8]| {
        let mut text = format!("-----BEGIN {label}-----\n");
        // Lines of 64 characters (RFC 7468 section 2).
        for line in der.chunks(48) {
            text += &BASE64_STANDARD.encode(line);
            text += "\n";
        }
        text += &format!("-----END {label}-----\n");
        std::fs::write(files.join(name), text)
    };
    write("ca.pem", "CERTIFICATE", &authority.certificate)?;
    for (name, host) in [("sender", SENDER), ("other", "other.example")] {
        let signed = authority.sign(host, ExtendedKeyUsagePurpose::ClientAuth)?;
        write(&format!("{name}.pem"), "CERTIFICATE", &signed.certificate)?;
        let key = signed.key.serialize_der();
        write(&format!("{name}.key"), "PRIVATE KEY", &key)?;
    }

    let files = files.display();
    let genuine = Signer::new(provider::github(), SECRET)?.sign("/", r#"{"zen":"Design."}"#);
    let forged = genuine.clone().map(|_| Bytes::from_static(b"{}"));
    println!("Listening on https://{server}");
    for (promise, name, request) in [
        ("200: a genuine delivery", Some("sender"), &genuine),
        ("401: a forged one", Some("sender"), &forged),
        ("403: another's certificate", Some("other"), &genuine),
        ("403: no certificate", None, &genuine),
    ] {
        let mut options = format!("--cacert {files}/ca.pem");
        if let Some(name) = name {
            options += &format!(" --cert {files}/{name}.pem --key {files}/{name}.key");
        }
        let command = curl::curl(server, request).replacen("http://", "https://", 1);
        println!("# {promise}");
        println!(
            "{}",
            command.replacen("curl -i", &format!("curl -i {options}"), 1)
        );
    }
    println!("Ctrl-C ends");
    Ok(())
}
