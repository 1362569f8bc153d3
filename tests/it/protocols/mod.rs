//! Schemes whose signed content is found by code.

#[cfg(feature = "certificate")]
mod aws_sns;
#[cfg(feature = "certificate")]
mod certificates;
mod contentful;
#[cfg(feature = "http-signature")]
mod http_signature;
#[cfg(all(feature = "certificate", feature = "http-signature"))]
mod known;
#[cfg(feature = "certificate")]
mod paypal;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};

/// A change that a request is tried with.
type Change = fn(&mut Request<Bytes>);

fn set(request: &mut Request<Bytes>, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap();
    request.headers_mut().insert(name, value);
}

/// The request with the header `name` twice, in all three ways.
fn repeated(request: &Request<Bytes>, name: &HeaderName) -> [Request<Bytes>; 3] {
    let genuine = request.headers().get(name).unwrap().clone();
    let forged = HeaderValue::from_static("0");
    [
        [genuine.clone(), genuine.clone()],
        [genuine.clone(), forged.clone()],
        [forged, genuine],
    ]
    .map(|[first, second]| {
        let mut request = request.clone();
        request.headers_mut().insert(name, first);
        request.headers_mut().append(name, second);
        request
    })
}
