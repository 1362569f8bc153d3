//! How the signature is written.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use super::explanation::{Cause, Explanation};
use super::trial::Trial;
use crate::rejection::{Rejection, RejectionKind};
#[cfg(feature = "public-key")]
use crate::signature::PublicKeyAlgorithm;
use crate::signature::{
    Algorithm, Encoding, FieldValue, Grammar, Hash, Scheme, Source, TimestampRule,
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
pub(super) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
pub(super) const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// How many signatures of one request are looked at.
const MAX_TEXTS: usize = 16;

/// The values that hold signatures, outside the body.
pub(super) fn values<'a>(scheme: &Scheme, parts: &'a Parts) -> Vec<&'a [u8]> {
    let header = |name: &str| parts.headers.get(name).map(HeaderValue::as_bytes);
    let mut values = Vec::new();
    for source in scheme.signatures() {
        match source {
            Source::Header(names) => values.extend(names.iter().find_map(|name| header(name))),
            Source::Lines(name) => {
                let lines = parts.headers.get_all(name.as_ref()).iter();
                values.extend(lines.map(HeaderValue::as_bytes).take(MAX_TEXTS));
            }
            Source::Numbered(prefix) => {
                let numbers = 1..=MAX_TEXTS;
                values.extend(numbers.map_while(|number| header(&format!("{prefix}{number}"))));
            }
            _ => {}
        }
    }
    values
}

/// The texts that the scheme's grammar takes for signatures.
pub(super) fn texts<'a>(scheme: &Scheme, parts: &'a Parts) -> Vec<&'a [u8]> {
    let mut texts = Vec::new();
    for value in values(scheme, parts) {
        scheme.grammar().signatures(value, |text| texts.push(text));
    }
    texts.truncate(MAX_TEXTS);
    texts
}

pub(super) fn explain(trial: &mut Trial<'_>, rejection: &Rejection) -> Option<Explanation> {
    let scheme = trial.scheme();
    if scheme.protocol().is_some() || scheme.algorithm() == Algorithm::Token {
        return None;
    }
    let is_malformed = rejection.kind() == RejectionKind::MalformedSignature;
    if !is_malformed && rejection.kind() != RejectionKind::SignatureMismatch {
        return None;
    }
    let values = values(scheme, trial.parts);
    if is_malformed && let Some(explanation) = other_version(scheme, &values) {
        return Some(explanation);
    }
    let texts = texts(scheme, trial.parts);
    let readings = texts.iter().map(|text| (Place::Stated, *text));
    let elsewhere = values.iter().flat_map(|value| behind_some_prefix(value));
    let elsewhere = elsewhere.map(|text| (Place::Elsewhere, text));
    let found = readings
        .chain(elsewhere.take(MAX_TEXTS))
        .find_map(|(place, text)| Some((place, read(scheme, text)?)))
        .filter(|(place, (form, _))| *place == Place::Elsewhere || *form != Form::Stated);
    if let Some((_, (form, bytes))) = found {
        return Some(misread(trial, form, &bytes));
    }
    is_malformed.then(|| {
        super::headers::other_provider(scheme, &trial.parts.headers).unwrap_or_else(|| {
            Explanation::proved(
                Cause::MalformedSignature,
                format!(
                    "What stands for the signature is none in any known encoding, or has the \
                     wrong length: check that the request is signed as `{}` does, and that \
                     nothing cuts the header off.",
                    scheme.name()
                ),
            )
        })
    })
}

/// A header that lists only versions that do not count.
fn other_version(scheme: &Scheme, values: &[&[u8]]) -> Option<Explanation> {
    let (known, others, advice) = match scheme.grammar() {
        Grammar::Versioned { version } => (
            version,
            ["v1", "v1a"].as_slice(),
            "`v1` is signed with a shared secret and `v1a` with a private key, so take the preset \
             for the one that is sent",
        ),
        Grammar::Fields { signature, .. } | Grammar::FieldSets { signature, .. } => {
            (signature, ["v0"].as_slice(), "it never counts as a proof")
        }
        _ => return None,
    };
    let lists = |version: &str| {
        let finds = |mark: &str| {
            let start = format!("{version}{mark}");
            let mut values = values.iter();
            values.any(|value| memchr::memmem::find(value, start.as_bytes()).is_some())
        };
        finds(",") || finds("=")
    };
    let other = others
        .iter()
        .find(|version| **version != known.as_ref() && lists(version))?;
    Some(Explanation::proved(
        Cause::SignaturePrefix,
        format!(
            "The signature header lists version `{other}` and no readable `{known}`, which \
             `{}` reads: {advice}.",
            scheme.name()
        ),
    ))
}

/// Whether a text stands where the grammar says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Stated,
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Stated,
    Other(&'static str),
    OtherHash(&'static str),
}

/// The whole value, and what is behind its first `=`, `,` or space.
fn behind_some_prefix(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let behind = b"=, ".iter().filter_map(|mark| {
        let at = memchr::memchr(*mark, value)?;
        value.get(at + 1..)
    });
    std::iter::once(value).chain(behind)
}

fn read(scheme: &Scheme, text: &[u8]) -> Option<(Form, Vec<u8>)> {
    let fits = |bytes: &Vec<u8>| match scheme.algorithm() {
        Algorithm::Hmac(hash) | Algorithm::Hash(hash) => bytes.len() == hash.tag_len(),
        Algorithm::Token => false,
        #[cfg(feature = "public-key")]
        Algorithm::PublicKey(algorithm) => match algorithm {
            PublicKeyAlgorithm::Ed25519 | PublicKeyAlgorithm::EcdsaP256Sha256Fixed => {
                bytes.len() == 64
            }
            // DER (X.690) of two numbers of up to 33 bytes.
            PublicKeyAlgorithm::EcdsaP256Sha256 => {
                bytes.first() == Some(&0x30) && (8..=72).contains(&bytes.len())
            }
            _ => matches!(bytes.len(), 256..=1024) && bytes.len().is_multiple_of(64),
        },
    };
    let stated = |text: &[u8]| Some(scheme.encoding().decode(text)?.into_owned());
    if let Some(bytes) = stated(text).filter(fits) {
        return Some((Form::Stated, bytes));
    }
    let trimmed = text.trim_ascii();
    let forms: [(_, Option<Vec<u8>>); 5] = [
        ("with white space around it", stated(trimmed)),
        ("as hex", hex::decode(trimmed).ok()),
        ("as base64", STANDARD.decode(trimmed).ok()),
        ("as URL-safe base64", URL_SAFE.decode(trimmed).ok()),
        (
            "as base64 of its hex digits",
            STANDARD
                .decode(trimmed)
                .ok()
                .and_then(|text| hex::decode(text).ok()),
        ),
    ];
    for (form, bytes) in forms {
        if let Some(bytes) = bytes.filter(fits) {
            return Some((Form::Other(form), bytes));
        }
    }
    let hashes = [
        (Hash::Sha1, "SHA-1"),
        (Hash::Sha256, "SHA-256"),
        (Hash::Sha512, "SHA-512"),
    ];
    let is_hash = matches!(scheme.algorithm(), Algorithm::Hmac(_) | Algorithm::Hash(_));
    let bytes = stated(trimmed).filter(|_| is_hash)?;
    let (_, name) = hashes
        .into_iter()
        .find(|(hash, _)| hash.tag_len() == bytes.len())?;
    Some((Form::OtherHash(name), bytes))
}

fn misread(trial: &mut Trial<'_>, form: Form, bytes: &[u8]) -> Explanation {
    let scheme = trial.scheme();
    let name = scheme.name();
    let (cause, sentence) = match form {
        Form::OtherHash(hash) => {
            let sentence = format!(
                "The signature is as long as one with {hash}, which is not what `{name}` \
                 computes: let the sender use the other hash function, or state it in the scheme."
            );
            return Explanation::likely(Cause::SignatureHash, sentence);
        }
        Form::Other(form) => (
            Cause::SignatureEncoding,
            format!(
                "The signature is written {form}, and `{name}` reads {}: let the sender write it \
                 so, or state its encoding with `Scheme::with_encoding`.",
                reads(scheme.encoding())
            ),
        ),
        Form::Stated => (
            Cause::SignaturePrefix,
            format!(
                "There is a signature, but not behind the prefix or in the form that `{name}` \
                 reads: let the sender write it so, or state the form with a `Grammar`."
            ),
        ),
    };
    match rewritten(scheme, trial.parts, bytes) {
        Some(parts)
            if trial
                .small_body()
                .is_some_and(|body| trial.holds(trial.verifier, &parts, body, trial.now)) =>
        {
            Explanation::proved(cause, sentence)
        }
        _ => Explanation::likely(cause, sentence),
    }
}

/// The request with its signature as the scheme reads it.
fn rewritten(scheme: &Scheme, parts: &Parts, bytes: &[u8]) -> Option<Parts> {
    let [Source::Header(names)] = scheme.signatures() else {
        return None;
    };
    let name = names
        .iter()
        .find(|name| parts.headers.contains_key(name.as_ref()))?;
    let name = HeaderName::try_from(name.as_ref()).ok()?;
    let old = parts.headers.get(&name)?.as_bytes();
    let signature = scheme.encoding().encode(bytes);
    let mut fields = Vec::new();
    if let Some(Source::Field(key)) = scheme.timestamp().map(TimestampRule::source) {
        let FieldValue::One(value) = scheme.grammar().field(old, key) else {
            return None;
        };
        fields.push((key.as_ref(), str::from_utf8(value).ok()?));
    }
    let value = scheme.grammar().write(&fields, &[signature]);
    let mut parts = parts.clone();
    parts
        .headers
        .insert(name, HeaderValue::from_str(&value).ok()?);
    Some(parts)
}

const fn reads(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64 with padding",
        Encoding::Base64Url => "URL-safe base64 without padding",
        Encoding::Text => "text",
    }
}
