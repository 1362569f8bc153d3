//! G: the URL that is signed, and who says which it is.

mod forms;
mod plivo;
mod presets;
mod proxies;
mod server;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http::request::Parts;
use sha1::Sha1;
use tower_webhook::signature::{PublicUrl, Scheme};
use tower_webhook::{RejectionKind, Verifier, provider};

use crate::support::NOW;

pub const SECRET: &str = "12345";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// What Twilio sends along with `content`, computed without this crate.
pub fn signature(content: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

pub fn base() -> PublicUrl {
    PublicUrl::base("https://example.com").unwrap()
}

pub fn twilio(url: PublicUrl) -> Scheme {
    provider::twilio(url)
}

pub fn verifier(url: PublicUrl) -> Verifier {
    Verifier::new(twilio(url), SECRET).unwrap()
}

/// A form whose signature is over `content`.
pub fn form(uri: &str, content: &str, body: &str) -> Request<Bytes> {
    Request::post(uri)
        .header("content-type", FORM)
        .header("x-twilio-signature", signature(content))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

/// A GET whose signature is over `url`.
pub fn get(uri: &str, url: &str) -> Parts {
    let request = Request::get(uri).header("x-twilio-signature", signature(url));
    request.body(()).unwrap().into_parts().0
}

pub fn judge(verifier: &Verifier, request: &Request<Bytes>) -> Result<(), RejectionKind> {
    let (parts, body) = request.clone().into_parts();
    let verified = verifier.verify(&parts, &body, NOW);
    verified.map(drop).map_err(|refused| refused.kind())
}
