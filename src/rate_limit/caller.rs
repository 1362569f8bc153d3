//! The caller's address: the one place that knows [`ClientIp`]'s interface.

use http::Request;

use super::RateKey;
use super::layer::PerCaller;
use crate::rejection::{Rejection, RejectionKind};

/// The key of whoever sent `request`. Without an address there is no limit
/// that could hold, so the request is refused.
pub(super) fn key<B>(place: &PerCaller, request: &Request<B>) -> Result<RateKey, Rejection> {
    place
        .client_ip
        .resolve(request.extensions(), request.headers())
        .map(|address| RateKey::network(address, place.ipv6_prefix))
        .map_err(|error| Rejection::new(RejectionKind::AddressUnknown).with_detail(error.reason()))
}
