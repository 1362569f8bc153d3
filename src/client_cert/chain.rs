use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName};
use rustls_pki_types::CertificateDer;

use super::field;
use crate::client_ip::ClientIp;
use crate::{Rejection, RejectionKind};

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// The certificates that the caller of this connection showed, its own first.
/// For the request's extensions.
///
/// Whoever accepts TLS connections inserts it, **only after the handshake has
/// verified the chain and that the caller has the key**: with rustls, what
/// `peer_certificates` returns on a server whose `ClientCertVerifier` is a
/// `WebPkiClientVerifier`. Cheap to clone, so make it once for a connection.
#[derive(Clone)]
pub struct ClientCertChain(Arc<[CertificateDer<'static>]>);

impl ClientCertChain {
    /// Marks a request as sent by the owner of the first of `certificates`;
    /// the rest are the intermediate ones.
    #[must_use]
    pub fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        Self(certificates.into_iter().collect())
    }

    /// The certificates, the caller's own first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }
}

/// How many, and no names.
impl fmt::Debug for ClientCertChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertChain")
            .field("certificates", &self.0.len())
            .finish()
    }
}

/// The caller's own certificate, and what it sent with it.
pub(super) struct Shown {
    pub(super) leaf: CertificateDer<'static>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
}

/// What proves who is calling: the header alone if the peer is one of the
/// `proxies`, whose own certificate is then that of the connection; the
/// connection alone otherwise.
pub(super) fn shown(
    proxies: &ClientIp,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<Shown, Rejection> {
    if proxies.is_behind_proxy(extensions)? {
        return forwarded(headers);
    }
    let chain = extensions.get::<ClientCertChain>();
    match chain.map(ClientCertChain::certificates) {
        Some([leaf, intermediates @ ..]) => Ok(Shown {
            leaf: leaf.clone(),
            intermediates: intermediates.to_vec(),
        }),
        Some([]) | None => Err(missing("the connection shows no client certificate")),
    }
}

fn forwarded(headers: &HeaderMap) -> Result<Shown, Rejection> {
    let mut lines = headers.get_all(CLIENT_CERT).iter();
    let line = lines
        .next()
        .filter(|line| !line.as_bytes().trim_ascii().is_empty())
        .ok_or_else(|| missing("the trusted proxy sent no Client-Cert"))?;
    if lines.next().is_some() {
        return Err(refused("Client-Cert came more than once"));
    }
    let leaf = field::byte_sequence(line.as_bytes())
        .ok_or_else(|| refused("Client-Cert is not a byte sequence"))?;
    let lines = headers.get_all(CLIENT_CERT_CHAIN);
    let intermediates = field::byte_sequences(lines.iter().map(http::HeaderValue::as_bytes))
        .ok_or_else(|| refused("Client-Cert-Chain is not a list of byte sequences"))?;
    Ok(Shown {
        leaf: leaf.into(),
        intermediates: intermediates.into_iter().map(Into::into).collect(),
    })
}

fn missing(detail: &'static str) -> Rejection {
    Rejection::new(RejectionKind::MissingClientCert).with_detail(detail)
}

pub(super) fn refused(detail: &'static str) -> Rejection {
    Rejection::new(RejectionKind::ClientCertNotAllowed).with_detail(detail)
}
