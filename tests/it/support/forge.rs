//! Taking signatures apart and putting others in their place.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, Request};
use sha2::Sha256;
use tower_webhook::signature::{Algorithm, Encoding, Grammar, Hash, Scheme};
use tower_webhook::testing::Signer;

use super::{NOW, OTHER_SECRET, genuine};

/// HMAC-SHA256, computed without this crate.
pub fn mac(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

/// The header that holds the signature: the one that another secret changes.
/// `None` where it is in the query.
pub fn signature_header(scheme: &Scheme) -> Option<HeaderName> {
    let ours = genuine(scheme);
    let theirs = Signer::new(scheme.clone(), OTHER_SECRET)
        .unwrap()
        .at(NOW)
        .sign("/hook", ours.body().clone());
    let mut changed = ours
        .headers()
        .iter()
        .filter(|(name, value)| theirs.headers().get(*name) != Some(value))
        .map(|(name, _)| name.clone());
    let header = changed.next();
    assert_eq!(changed.next(), None, "{}", scheme.name());
    header
}

/// Whether white space around a signature is no part of it, as around a field
/// and around credentials.
pub fn skips_white_space(scheme: &Scheme) -> bool {
    matches!(
        scheme.grammar(),
        Grammar::Fields { .. } | Grammar::FieldSets { .. } | Grammar::Authorization { .. }
    )
}

/// A genuine request with an HMAC, and where the MAC is in it.
pub struct Forgery {
    pub request: Request<Bytes>,
    pub header: HeaderName,
    /// What stands in front of the MAC.
    pub prefix: String,
    pub mac: Vec<u8>,
    pub is_hex: bool,
    encoding: Encoding,
}

impl Forgery {
    pub fn of(scheme: &Scheme) -> Self {
        let request = genuine(scheme);
        let header = signature_header(scheme).unwrap();
        let value = request.headers()[&header].to_str().unwrap();
        let encoding = scheme.encoding();
        // Every preset writes the signature last.
        let length = encode(encoding, &vec![0; mac_len(scheme)]).len();
        let (prefix, text) = value.split_at(value.len() - length);
        let mac = match encoding {
            Encoding::Hex => hex::decode(text).unwrap(),
            Encoding::Base64 => STANDARD.decode(text).unwrap(),
            _ => URL_SAFE_NO_PAD.decode(text).unwrap(),
        };
        let prefix = prefix.to_owned();
        Self {
            request,
            header,
            prefix,
            mac,
            is_hex: encoding == Encoding::Hex,
            encoding,
        }
    }

    pub fn encode(&self, bytes: &[u8]) -> String {
        encode(self.encoding, bytes)
    }

    /// The text of the right MAC.
    pub fn text(&self) -> String {
        self.encode(&self.mac)
    }

    /// The request with `text` in place of the MAC's.
    pub fn with_text(&self, text: impl AsRef<[u8]>) -> Request<Bytes> {
        self.with_value([self.prefix.as_bytes(), text.as_ref()].concat())
    }

    /// The request with another MAC.
    pub fn with_mac(&self, bytes: &[u8]) -> Request<Bytes> {
        self.with_text(self.encode(bytes))
    }

    /// The request with another signature header.
    pub fn with_value(&self, value: impl AsRef<[u8]>) -> Request<Bytes> {
        let mut request = self.request.clone();
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        request.headers_mut().insert(&self.header, value);
        request
    }
}

fn mac_len(scheme: &Scheme) -> usize {
    match scheme.algorithm() {
        Algorithm::Hmac(Hash::Sha1) => 20,
        Algorithm::Hmac(Hash::Sha256) => 32,
        Algorithm::Hmac(Hash::Sha512) => 64,
        other => panic!("{other:?} makes no MAC"),
    }
}

fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        other => panic!("a MAC is not {other:?}"),
    }
}
