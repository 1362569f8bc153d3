mod forwarded;
mod layer;
mod rules;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::rejection::{Rejection, RejectionKind};
use crate::testing::ManualClock;
use crate::{ConfigError, Timestamp};

const HOST: &str = "client.webhooks.example";
/// 15 June 2026, in the middle of every certificate's period.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_781_481_600);
const CA_NAME: &str = "CN=Webhook CA,O=Example";

fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.signature_verification_algorithms.all
}

/// For client authentication, in 2026, without an issuer.
fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

struct Ca {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn params(common_name: &str) -> CertificateParams {
        let mut params = params(&[]);
        params.extended_key_usages.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        let organization = (DnType::OrganizationName, "Example");
        for (kind, value) in [organization, (DnType::CommonName, common_name)] {
            params.distinguished_name.push(kind, value);
        }
        params
    }

    fn root() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = Self::params("Webhook CA");
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    fn intermediate(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = Self::params("Webhook CA 2");
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    fn sign(&self, params: &CertificateParams) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &self.issuer).unwrap().der().clone()
    }
}

fn for_host() -> ClientCertRules {
    ClientCertRules::new().with_dns_names([HOST]).unwrap()
}

fn layer(rules: ClientCertRules) -> RequireClientCertLayer {
    let clock = Arc::new(ManualClock::new(NOW));
    RequireClientCertLayer::new(rules)
        .unwrap()
        .with_clock(clock)
}

/// F15: a body that must not be looked at.
#[derive(Debug)]
struct Untouched;

async fn handle<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::from("processed")))
}

fn direct(chain: &[CertificateDer<'static>]) -> Request<Untouched> {
    let chain = ClientCertChain::new(chain.iter().cloned());
    Request::post("/hooks")
        .extension(chain)
        .body(Untouched)
        .unwrap()
}

/// Why the request is refused, or `None`.
async fn refusal(
    layer: &RequireClientCertLayer,
    request: Request<Untouched>,
) -> Option<(RejectionKind, String)> {
    let service = layer.layer(service_fn(handle));
    let response = service.oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>();
    let expected = match rejection {
        Some(_) => StatusCode::FORBIDDEN,
        None => StatusCode::OK,
    };
    assert_eq!(response.status(), expected);
    rejection.map(|rejection| (rejection.kind(), rejection.detail().unwrap().to_owned()))
}

async fn judged(rules: ClientCertRules, chain: &[CertificateDer<'static>]) -> Result<(), String> {
    match refusal(&layer(rules), direct(chain)).await {
        None => Ok(()),
        Some((RejectionKind::ClientCertNotAllowed, detail)) => Err(detail),
        Some(other) => panic!("{other:?}"),
    }
}
