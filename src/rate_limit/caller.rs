//! The key of a caller.

use http::Request;

use super::RateKey;
use super::layer::PerCaller;
use crate::rejection::Rejection;

/// The key of whoever sent `request`.
pub(super) fn key<B>(place: &PerCaller, request: &Request<B>) -> Result<RateKey, Rejection> {
    place
        .client_ip
        .require(request.extensions(), request.headers())
        .map(|address| RateKey::network(address, place.ipv6_prefix))
}
