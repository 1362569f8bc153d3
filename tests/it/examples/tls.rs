//! The other end of the example `mtls`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Files in PEM, as curl takes them.
#[derive(Default)]
pub struct Files {
    pub ca: String,
    pub certificate: Option<String>,
    pub key: Option<String>,
}

pub fn connect(stream: TcpStream, files: &Files) -> impl Read + Write {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(&files.ca).unwrap();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let certificate = CertificateDer::from_pem_file(certificate).unwrap();
            let key = PrivateKeyDer::from_pem_file(key).unwrap();
            config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
        _ => config.with_no_client_auth(),
    };
    let address = stream.peer_addr().unwrap().ip();
    let server = ServerName::IpAddress(IpAddr::from(address));
    let session = ClientConnection::new(Arc::new(config), server).unwrap();
    StreamOwned::new(session, stream)
}
