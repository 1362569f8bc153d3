//! What a token claims, against what is configured.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Jwt;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::protocol::Received;

type Claims = Map<String, Value>;

/// A claim that must be there with a value.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    /// One of these names must be there; each that is must have the value.
    pub(super) names: Vec<String>,
    pub(super) value: Value,
}

/// A claim that holds the SHA-256 of the body.
#[derive(Clone, Debug)]
pub(super) struct BodyHash {
    pub(super) claim: String,
    pub(super) hex: bool,
    /// Whether an empty body has no such claim.
    pub(super) absent_if_empty: bool,
}

impl Jwt {
    /// Judges what needs neither key nor body. Returns when the token was
    /// made, as far as it says.
    pub(super) fn judge_claims(
        &self,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Rejection> {
        // Cut to the precision of what is sent, so that the edges are where
        // the documentation says.
        let now = Timestamp::from_unix_seconds(now.unix_seconds());
        let made = self.judge_times(claims, now)?;
        if !self.issuers.is_empty() {
            let issuer = claims.get("iss").and_then(Value::as_str);
            let issuer = issuer.ok_or_else(|| missing("iss"))?;
            if !self.issuers.iter().any(|expected| expected == issuer) {
                return Err(unexpected("iss"));
            }
        }
        if let Some(expected) = &self.audience {
            // RFC 7519 section 4.1.3: one, or a list.
            let is_meant = match claims.get("aud").ok_or_else(|| missing("aud"))? {
                Value::String(audience) => audience == expected,
                Value::Array(audiences) => audiences.iter().any(|audience| audience == expected),
                _ => false,
            };
            if !is_meant {
                return Err(unexpected("aud"));
            }
        }
        for fixed in &self.fixed {
            let present = fixed.names.iter().filter_map(|name| claims.get(name));
            let name = fixed.names.first().map_or("", String::as_str);
            if present.clone().next().is_none() {
                return Err(missing(name));
            }
            if present.into_iter().any(|value| *value != fixed.value) {
                return Err(unexpected(name));
            }
        }
        Ok(made)
    }

    fn judge_times(&self, claims: &Claims, now: Timestamp) -> Result<Option<Timestamp>, Rejection> {
        let issued = time(claims, "iat", self.max_age.is_some())?;
        let not_before = time(claims, "nbf", self.needs_not_before)?;
        let expires = time(claims, "exp", self.needs_expiry)?;
        for start in [issued, not_before].into_iter().flatten() {
            if start > now.saturating_add(self.leeway) {
                return Err(not_fresh(RejectionKind::TimestampInFuture, start, now));
            }
        }
        // RFC 7519 section 4.1.4: not at `exp`, and not later.
        if let Some(end) = expires
            && now >= end.saturating_add(self.leeway)
        {
            return Err(not_fresh(RejectionKind::TimestampTooOld, end, now));
        }
        if let (Some(issued), Some(max_age)) = (issued, self.max_age)
            && now > issued.saturating_add(max_age)
        {
            return Err(not_fresh(RejectionKind::TimestampTooOld, issued, now));
        }
        Ok(issued.or(not_before))
    }

    /// Judges what ties the token to this request.
    pub(super) fn judge_binding(
        &self,
        claims: &Claims,
        received: &Received<'_>,
    ) -> Result<(), Rejection> {
        if let Some(claim) = &self.url_hash {
            let url = Sha256::digest(received.url()?);
            if stated(claims, claim, true)? != url.as_slice() {
                return Err(unexpected(claim));
            }
        }
        let Some(rule) = &self.body_hash else {
            return Ok(());
        };
        if rule.absent_if_empty && received.body().is_empty() {
            return match claims.contains_key(&rule.claim) {
                false => Ok(()),
                true => Err(unexpected(&rule.claim)),
            };
        }
        // Not in constant time: both are on the wire.
        let body = Sha256::digest(received.body());
        match stated(claims, &rule.claim, rule.hex)? == body.as_slice() {
            true => Ok(()),
            false => Err(Rejection::new(RejectionKind::SignatureMismatch)
                .with_detail("the body is not the one that was signed")),
        }
    }
}

/// A hash that the token states.
fn stated(claims: &Claims, name: &str, hex: bool) -> Result<Vec<u8>, Rejection> {
    let text = claims.get(name).ok_or_else(|| missing(name))?;
    let decoded = text.as_str().and_then(|text| match hex {
        true => hex::decode(text).ok(),
        false => STANDARD.decode(text).ok(),
    });
    decoded.ok_or_else(|| {
        Rejection::new(RejectionKind::MalformedSignedValue).with_detail(name.to_owned())
    })
}

/// A `NumericDate` (RFC 7519 section 2).
fn time(claims: &Claims, name: &str, needed: bool) -> Result<Option<Timestamp>, Rejection> {
    let reject = |kind| Rejection::new(kind).with_detail(name.to_owned());
    let Some(value) = claims.get(name) else {
        return match needed {
            true => Err(reject(RejectionKind::MissingTimestamp)),
            false => Ok(None),
        };
    };
    if let Some(seconds) = value.as_i64() {
        return Ok(Some(Timestamp::from_unix_seconds(seconds)));
    }
    match value.as_f64() {
        // A cast of a float saturates.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, as Timestamp does"
        )]
        Some(seconds) => Ok(Some(Timestamp::from_unix_millis((seconds * 1000.0) as i64))),
        None => Err(reject(RejectionKind::MalformedTimestamp)),
    }
}

fn not_fresh(kind: RejectionKind, at: Timestamp, now: Timestamp) -> Rejection {
    let skew = now.unix_seconds().saturating_sub(at.unix_seconds());
    Rejection::new(kind).with_skew_seconds(skew)
}

fn missing(claim: &str) -> Rejection {
    Rejection::new(RejectionKind::MissingSignedValue).with_detail(claim.to_owned())
}

fn unexpected(claim: &str) -> Rejection {
    Rejection::new(RejectionKind::UnexpectedValue).with_detail(claim.to_owned())
}

/// The default leeway. RFC 7519 section 4.1.4: no more than a few minutes.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
