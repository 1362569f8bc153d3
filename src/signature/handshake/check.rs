//! Which handshakes contradict themselves, or the scheme they are part of.

use http::Method;

use super::{Condition, Handshake, Reply};
use crate::signature::{Algorithm, Scheme, Source};

/// Whether every handshake of `scheme` can be answered, and none is a
/// delivery.
pub(in crate::signature) fn check(scheme: &Scheme) -> Result<(), &'static str> {
    scheme.handshakes().try_for_each(|handshake| {
        check_one(scheme, handshake)?;
        let headers = handshake.sources().filter_map(|source| match source {
            Source::Header(names) => Some(names.as_slice()),
            _ => None,
        });
        let replied = match &handshake.reply {
            Reply::Header(name) => std::slice::from_ref(name),
            _ => &[],
        };
        let mut names = headers.flatten().chain(replied);
        match names.all(|name| http::HeaderName::try_from(&**name).is_ok()) {
            true => Ok(()),
            false => Err("a handshake names an invalid header"),
        }
    })
}

fn check_one(scheme: &Scheme, handshake: &Handshake) -> Result<(), &'static str> {
    let readable = |source: &Source| match source {
        Source::Header(_) | Source::Query(_) | Source::Form(_) => true,
        Source::Pointer(pointer) => pointer.is_empty() || pointer.starts_with('/'),
        Source::Lines(_) | Source::Numbered(_) | Source::Field(_) => false,
    };
    if !handshake.sources().all(readable) {
        return Err("a handshake reads single headers, the query, forms and JSON pointers");
    }
    let one_key = |condition: &Condition| match condition {
        Condition::Alone(Source::Pointer(pointer)) => pointer.matches('/').count() == 1,
        Condition::Alone(source) => matches!(source, Source::Form(_)),
        _ => true,
    };
    if !handshake.conditions.iter().all(one_key) {
        return Err("a value that is alone in the body is a key of it, or a field of a form");
    }
    if !handshake.status.is_success() {
        return Err("a handshake is answered with success");
    }
    if handshake.needs_key() && !matches!(scheme.algorithm, Algorithm::Hmac(_)) {
        return Err("a handshake is answered with a MAC only where deliveries have one");
    }
    let delivers = scheme.methods.contains(&handshake.method);
    match handshake.signed {
        true => check_signed(handshake, delivers),
        false => check_unsigned(scheme, handshake, delivers),
    }
}

fn check_signed(handshake: &Handshake, delivers: bool) -> Result<(), &'static str> {
    if !delivers {
        return Err("a signed handshake has another method than deliveries");
    }
    if handshake.conditions.is_empty() {
        return Err("a signed handshake does not say how it differs from deliveries");
    }
    if handshake.needs_verify_token() || handshake.needs_capture() || handshake.needs_origins() {
        return Err("a signed handshake needs neither a token nor an origin, and brings no secret");
    }
    Ok(())
}

fn check_unsigned(
    scheme: &Scheme,
    handshake: &Handshake,
    delivers: bool,
) -> Result<(), &'static str> {
    if handshake.needs_confirmation() {
        return Err("nothing is confirmed on the word of a handshake that is not signed");
    }
    if delivers && handshake.conditions.is_empty() {
        return Err("an unsigned handshake does not say how it differs from deliveries");
    }
    let in_headers = |source: &Source| {
        matches!(
            source,
            Source::Header(_) | Source::Lines(_) | Source::Numbered(_)
        )
    };
    let told_by_headers = scheme.protocol.is_none() && scheme.signatures.iter().all(in_headers);
    if handshake.reads_body() && !told_by_headers {
        return Err(
            "an unsigned handshake is told by its body only where signatures are in headers",
        );
    }
    if handshake.reads_body() && handshake.method != Method::POST {
        return Err("an unsigned handshake that has a body is a POST");
    }
    Ok(())
}
