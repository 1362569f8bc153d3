//! What the headers show.

use http::HeaderMap;
use http::request::Parts;

use super::explanation::{Cause, Explanation};
use crate::provider::{self, Preset};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Scheme, Source};

pub(super) fn explain(
    scheme: &Scheme,
    parts: &Parts,
    rejection: &Rejection,
) -> Option<Explanation> {
    let detail = rejection.detail().unwrap_or("a value");
    Some(match rejection.kind() {
        RejectionKind::MethodNotAllowed => Explanation::proved(
            Cause::MethodNotAllowed,
            format!(
                "`{}` delivers with {detail} and this is another method: answer it on a route \
                 of its own, such as one for the provider's handshake.",
                scheme.name()
            ),
        ),
        RejectionKind::MissingSignature => missing_signature(scheme, &parts.headers),
        RejectionKind::RepeatedSignatureHeader => Explanation::proved(
            Cause::RepeatedHeader,
            "The signature header came more than once: find what in front of the receiver adds \
             it again, such as a proxy or a middleware that copies headers.",
        ),
        RejectionKind::TooManySignatures => Explanation::proved(
            Cause::TooManySignatures,
            "More signatures are listed than are tried (16): the request is not the provider's, \
             or old secrets must be removed at the provider.",
        ),
        RejectionKind::UnexpectedHeader => Explanation::proved(
            Cause::UnexpectedHeader,
            format!(
                "The header `{detail}` is missing or has not the value that `{}` fixes: another \
                 version of the signature is sent, so choose it at the provider or take the \
                 preset for it.",
                scheme.name()
            ),
        ),
        RejectionKind::MissingSignedValue | RejectionKind::MissingTimestamp => Explanation::proved(
            Cause::MissingValue,
            format!(
                "What is signed along with the body is missing ({}): find what in front of \
                     the receiver drops headers, or check that the provider is `{}`.",
                rejection.detail().unwrap_or("the timestamp"),
                scheme.name()
            ),
        ),
        RejectionKind::MalformedSignedValue => Explanation::proved(
            Cause::MalformedValue,
            format!(
                "What is signed along with the body ({detail}) came more than once, or holds \
                 what must not stand in it: find what in front of the receiver changes headers."
            ),
        ),
        RejectionKind::NoActiveSecret => Explanation::proved(
            Cause::SecretsExpired,
            "Every configured secret has expired: configure the present one, or check the clock.",
        ),
        RejectionKind::PublicUrlUnknown => Explanation::proved(
            Cause::UrlUnknown,
            format!(
                "The URL that `{}` signs cannot be established{}: configure it with \
                 `PublicUrl::base` or `PublicUrl::registered`.",
                scheme.name(),
                in_brackets(rejection.detail()),
            ),
        ),
        RejectionKind::MalformedBody => Explanation::proved(
            Cause::MalformedBody,
            format!(
                "The body does not hold what `{}` signs{}: check that it is the provider's, that \
                 it is not empty, and that nothing in front of the receiver parsed it.",
                scheme.name(),
                in_brackets(rejection.detail()),
            ),
        ),
        _ => return None,
    })
}

fn in_brackets(detail: Option<&str>) -> String {
    detail
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default()
}

fn missing_signature(scheme: &Scheme, headers: &HeaderMap) -> Explanation {
    let Some(expected) = signature_header(scheme) else {
        return Explanation::proved(
            Cause::MissingSignature,
            format!(
                "The signature of `{}` is not where it should be in the URL or the body: check \
                 that the request is the provider's and that nothing in front of the receiver \
                 takes the query or the body apart.",
                scheme.name()
            ),
        );
    };
    if expected == "x-hub-signature-256" && is_sha1(headers) {
        return Explanation::proved(
            Cause::LegacyHeader,
            "The request has `x-hub-signature` (SHA-1) and not `x-hub-signature-256`: let the \
             sender, or whatever rebuilds the request on its way, send the newer header.",
        );
    }
    if let Some(explanation) = other_provider(scheme, headers) {
        return explanation;
    }
    if has_renamed(headers, &expected) {
        return Explanation::likely(
            Cause::RenamedHeader,
            format!(
                "There is no header `{expected}` but one whose name differs only in its prefix, \
                 `-` or `_`: find what in front of the receiver renames headers.",
            ),
        );
    }
    if expected == "authorization" {
        return Explanation::likely(
            Cause::AuthorizationStripped,
            "There is no header `authorization`: proxies and API gateways take it away unless \
             they are told to pass it on, or the provider was given no credentials.",
        );
    }
    Explanation::proved(
        Cause::MissingSignature,
        format!(
            "There is no header `{expected}`, nor that of another known provider: the request is \
             not the provider's, no secret is set there, or something in front of the receiver \
             drops the header."
        ),
    )
}

fn is_sha1(headers: &HeaderMap) -> bool {
    headers
        .get("x-hub-signature")
        .is_some_and(|value| value.as_bytes().starts_with(b"sha1="))
}

/// The preset whose headers the request has more of than `scheme`'s.
pub(super) fn other_provider(scheme: &Scheme, headers: &HeaderMap) -> Option<Explanation> {
    let ours = score(scheme, headers);
    let mut best = ours;
    let mut names: Vec<String> = Vec::new();
    let mut header = String::new();
    for preset in provider::all() {
        let Preset::Signed(other) = preset else {
            continue;
        };
        let score = score(&other, headers);
        if other.name() == scheme.name() || score <= ours || score < best {
            continue;
        }
        if score > best {
            best = score;
            names.clear();
            header = signature_header(&other).unwrap_or_default();
        }
        names.push(format!("`{}`", other.name()));
    }
    // Of many that sign in the same way, the standard or three are enough.
    let standard = "`standard_webhooks`".to_owned();
    match names.contains(&standard) {
        true => names = vec![standard],
        false => names.truncate(3),
    }
    let sentence = format!(
        "The request has the signature header `{header}` of {}, and `{}` is configured: use that \
         preset, or point the provider to its own route.",
        names.join(" or "),
        scheme.name()
    );
    (!names.is_empty()).then(|| Explanation::likely(Cause::OtherProvider, sentence))
}

/// How many of a scheme's headers are there; none unless the signature's is.
fn score(scheme: &Scheme, headers: &HeaderMap) -> usize {
    let is_there = |source: &Source| match source {
        Source::Header(names) => names.iter().any(|name| headers.contains_key(name.as_ref())),
        Source::Lines(name) => headers.contains_key(name.as_ref()),
        Source::Numbered(prefix) => headers.contains_key(format!("{prefix}1")),
        _ => false,
    };
    // Everybody's header tells nobody apart.
    let signatures = scheme.signatures().iter();
    let signed = signatures
        .filter(|source| !matches!(source, Source::Header(names) if names.iter().any(|name| name == "authorization")))
        .any(is_there);
    if !signed {
        return 0;
    }
    let others = scheme.timestamp().map(|rule| rule.source()).into_iter();
    let others = others.chain(scheme.event_id()).chain(scheme.event_type());
    1 + others.filter(|source| is_there(source)).count()
}

/// The first name of the header that holds the signature.
fn signature_header(scheme: &Scheme) -> Option<String> {
    match scheme.signatures().first()? {
        Source::Header(names) => Some(names.first()?.to_ascii_lowercase()),
        Source::Lines(name) => Some(name.to_ascii_lowercase()),
        Source::Numbered(prefix) => Some(format!("{}1", prefix.to_ascii_lowercase())),
        _ => None,
    }
}

/// Whether a header is there that a gateway made of `expected`:
/// `x-amzn-remapped-authorization`, `http_stripe_signature`.
fn has_renamed(headers: &HeaderMap, expected: &str) -> bool {
    let plain = |name: &str| name.replace(['-', '_'], "");
    let expected = plain(expected.strip_prefix("x-").unwrap_or(expected));
    headers.keys().any(|name| {
        let name = plain(name.as_str());
        match name.strip_suffix(expected.as_str()) {
            Some(prefix) => [
                "",
                "x",
                "http",
                "httpx",
                "xamznremapped",
                "xoriginal",
                "xforwarded",
            ]
            .contains(&prefix),
            None => false,
        }
    })
}
