//! Tries a request after one change, within a bound on the work.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::request::Parts;

use super::secrets::has_shared_secret;
use super::written;
use crate::rejection::RejectionKind;
use crate::signature::{Algorithm, Scheme, json_items};
use crate::{Timestamp, Verifier};

/// How many signatures are computed (or verified) for one explanation at most.
pub(super) const MAX_SIGNATURES: usize = 256;

/// The largest body, in bytes, that changes are tried on.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// A refused request, and how much work may still be spent on it.
pub(super) struct Trial<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) parts: &'a Parts,
    /// `None` where it was not read.
    pub(super) body: Option<&'a [u8]>,
    pub(super) now: Timestamp,
    left: usize,
    /// Digests of the bodies that were tried.
    tried: HashSet<u64>,
    hasher: RandomState,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        parts: &'a Parts,
        body: Option<&'a [u8]>,
        now: Timestamp,
    ) -> Self {
        Self {
            verifier,
            parts,
            body,
            now,
            left: MAX_SIGNATURES,
            tried: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn scheme(&self) -> &'a Scheme {
        self.verifier.scheme()
    }

    /// The body, if changes of it may be tried.
    pub(super) fn small_body(&self) -> Option<&'a [u8]> {
        self.body.filter(|body| body.len() <= MAX_BODY)
    }

    /// How many signatures were computed.
    #[cfg(test)]
    pub(super) fn spent(&self) -> usize {
        MAX_SIGNATURES - self.left
    }

    /// Whether the signature is right over another body. Tries none twice.
    pub(super) fn holds_over(&mut self, body: &[u8]) -> bool {
        let is_new = self.body != Some(body) && self.tried.insert(self.hasher.hash_one(body));
        is_new && self.holds(self.verifier, self.parts, body, self.now)
    }

    /// Whether the signature is right for another verifier.
    pub(super) fn holds_for(&mut self, verifier: &Verifier) -> bool {
        match self.small_body() {
            Some(body) => self.holds(verifier, self.parts, body, self.now),
            // A token is all in the headers.
            None if verifier.scheme().algorithm() == Algorithm::Token => {
                self.spend(cost(verifier, self.parts, b""))
                    && verifier.begin(self.parts, self.now).is_ok()
            }
            None => false,
        }
    }

    /// Whether the signature is right; nothing else counts that only shows
    /// after it.
    pub(super) fn holds(
        &mut self,
        verifier: &Verifier,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> bool {
        if verifier.begin(parts, now).is_err() || !self.spend(cost(verifier, parts, body)) {
            return false;
        }
        match verifier.verify(parts, body, now) {
            Ok(_) => true,
            // A timestamp in the body is judged once the signature is right;
            // a protocol judges it before.
            Err(rejection) => {
                verifier.scheme().protocol().is_none()
                    && matches!(
                        rejection.kind(),
                        RejectionKind::TimestampTooOld
                            | RejectionKind::TimestampInFuture
                            | RejectionKind::MissingTimestamp
                            | RejectionKind::MalformedTimestamp
                    )
            }
        }
    }

    /// Whether `cost` could still be paid. Once something could not, nothing
    /// can: what comes later is not likelier.
    fn spend(&mut self, cost: usize) -> bool {
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

/// How many signatures `verifier` computes for one request at most.
fn cost(verifier: &Verifier, parts: &Parts, body: &[u8]) -> usize {
    let scheme = verifier.scheme();
    // A URL may be signed in two forms.
    let contents = if scheme.public_url().is_some() { 2 } else { 1 };
    let items = match scheme.each() {
        Some(each) => json_items(body, each)
            .ok()
            .flatten()
            .map_or(1, |items| items.len()),
        None => 1,
    };
    // Those of public keys are verified one by one.
    let listed = match has_shared_secret(scheme.algorithm()) {
        true => 1,
        false => written::texts(scheme, parts).len().max(1),
    };
    [contents, items.max(1), listed]
        .into_iter()
        .fold(verifier.key_count().max(1), usize::saturating_mul)
}
