//! What makes a scheme contradict itself.

use super::places::header_name;
use crate::signature::grammar::Grammar;
use crate::signature::handshake;
use crate::signature::scheme::{Algorithm, Part, Scheme};
use crate::signature::source::Source;

/// What is wrong with the scheme, as far as that needs no name parsed.
pub(super) fn check(scheme: &Scheme) -> Result<(), &'static str> {
    if scheme.name.is_empty() {
        return Err("it has no name");
    }
    if scheme.methods.is_empty() {
        return Err("it allows no method");
    }
    let separates = match scheme.grammar {
        Grammar::Fields { separator, .. } => separator.is_ascii() && separator != '=',
        Grammar::FieldSets { separator, .. } => separator.is_ascii() && !"= ".contains(separator),
        _ => true,
    };
    if !separates {
        return Err("its fields cannot be told apart by their separator");
    }
    check_pointers(scheme)?;
    check_content(scheme)?;
    handshake::check(scheme)?;
    if scheme.signatures.is_empty() && scheme.protocol.is_none() {
        return Err("it does not say where the signature is");
    }
    if scheme.each.is_some() && !matches!(scheme.signatures.as_slice(), [Source::Pointer(_)]) {
        return Err("items that are signed one by one hold their signatures");
    }
    if scheme.has_replaceable_id() && !scheme.content_identity {
        return Err(
            "replays under another id are known by the content, which it says they are not",
        );
    }
    if scheme.timestamp.is_none() && scheme.content.contains(&Part::Timestamp) {
        return Err("it signs a timestamp and does not say where that is");
    }
    Ok(())
}

fn check_pointers(scheme: &Scheme) -> Result<(), &'static str> {
    let sources = scheme
        .timestamp
        .iter()
        .map(|rule| &rule.source)
        .chain(&scheme.signatures)
        .chain(&scheme.event_id)
        .chain(&scheme.event_type);
    let sources = sources.filter_map(|source| match source {
        Source::Pointer(pointer) => Some(pointer),
        _ => None,
    });
    let parts = scheme.content.iter().filter_map(|part| match part {
        Part::Value { pointer, .. } => Some(pointer),
        _ => None,
    });
    if sources
        .chain(parts)
        .chain(&scheme.each)
        .all(|pointer| is_pointer(pointer))
    {
        Ok(())
    } else {
        Err("a JSON pointer starts with a slash")
    }
}

/// Whether the signed content fits the algorithm.
fn check_content(scheme: &Scheme) -> Result<(), &'static str> {
    let count = |wanted: &Part| scheme.content.iter().filter(|part| *part == wanted).count();
    let has_url = scheme
        .content
        .iter()
        .any(|part| matches!(part, Part::Url(_)));
    let headers = scheme.content.iter().filter_map(|part| match part {
        Part::Header(name) => Some(name),
        _ => None,
    });
    if let Some(protocol) = &scheme.protocol {
        if scheme.timestamp.is_some() {
            return Err("its protocol judges the timestamp");
        }
        return protocol.0.validate(scheme);
    }
    if scheme.algorithm == Algorithm::Token {
        if !scheme.content.is_empty() {
            return Err("a token signs no content");
        }
        if scheme.timestamp.is_some() {
            return Err("a token proves no timestamp");
        }
        return Ok(());
    }
    if scheme.encoding == crate::signature::Encoding::Text {
        return Err("a signature is not text; state its encoding");
    }
    if count(&Part::Body) > 1 {
        return Err("the signed content must not hold the body twice");
    }
    if scheme
        .content
        .iter()
        .all(|part| matches!(part, Part::Literal(_) | Part::Secret))
    {
        return Err("it signs nothing of the request");
    }
    match scheme.algorithm {
        Algorithm::Hash(_) if count(&Part::Secret) != 1 => {
            return Err("the hashed content must hold the secret exactly once");
        }
        Algorithm::Hash(_) => {}
        _ if count(&Part::Secret) > 0 => {
            return Err("the secret is a part of a plain hash only");
        }
        _ => {}
    }
    let holds_body = |part: &Part| matches!(part, Part::Body | Part::BodyDigest(_));
    if scheme.each.is_some() && scheme.content.iter().any(holds_body) {
        return Err("items that are signed one by one do not hold the body");
    }
    if has_url && scheme.public_url.is_none() {
        return Err("it signs the URL; say which with `with_public_url`");
    }
    let has_digest = |part: &Part| {
        matches!(
            part,
            Part::SortedForm {
                digest: Some(_),
                ..
            }
        )
    };
    if !has_url && scheme.content.iter().any(has_digest) {
        return Err("the digest of a body in the URL is signed only with the URL");
    }
    if headers.clone().any(|name| header_name(name).is_err()) {
        return Err("a signed header has an invalid name");
    }
    Ok(())
}

/// RFC 6901 section 3; the empty one is the whole body.
fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

#[cfg(test)]
mod tests {
    use crate::signature::compiled::Compiled;
    use crate::signature::{Grammar, Hash, Scheme, Source, TimestampRule};

    fn refused(change: impl FnOnce(Scheme) -> Scheme) -> bool {
        let scheme = Scheme::hmac("acme", Hash::Sha256)
            .with_signature(Source::header("x-signature"), Grammar::Plain);
        assert!(Compiled::new(scheme.clone()).is_ok());
        Compiled::new(change(scheme)).is_err()
    }

    #[test]
    fn a_separator_separates() {
        for separator in ['=', '\u{bf}', '\u{20ac}'] {
            let grammar = Grammar::fields(separator, "v1");
            assert!(refused(|scheme| {
                scheme.with_signature(Source::header("x-signature"), grammar)
            }));
        }
        for separator in ['=', ' ', '\u{bf}'] {
            let grammar = Grammar::field_sets(separator, "v1");
            assert!(refused(|scheme| {
                scheme.with_signature(Source::header("x-signature"), grammar)
            }));
        }
    }

    #[test]
    fn a_pointer_starts_with_a_slash() {
        assert!(refused(
            |scheme| scheme.with_event_id([Source::pointer("id")])
        ));
        assert!(refused(
            |scheme| scheme.with_event_type([Source::pointer("type")])
        ));
        let rule = TimestampRule::seconds(Source::pointer("time"));
        assert!(refused(|scheme| scheme.with_timestamp(rule)));
        assert!(!refused(
            |scheme| scheme.with_event_id([Source::pointer("")])
        ));
    }
}
