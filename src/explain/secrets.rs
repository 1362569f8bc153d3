//! What may be wrong with a secret.

use base64::engine::Engine;
use zeroize::Zeroizing;

use super::explanation::{Cause, Explanation};
use super::trial::Trial;
use super::written::{STANDARD, URL_SAFE};
use crate::secret::{Secret, Secrets};
use crate::signature::Algorithm;

/// What other credentials of a provider start with.
const API_KEYS: [(&str, &[&str]); 6] = [
    ("stripe", &["sk_", "rk_", "pk_"]),
    ("slack", &["xoxb-", "xoxp-", "xapp-"]),
    ("github", &["ghp_", "gho_", "ghs_", "github_pat_"]),
    ("shopify", &["shpat_", "shpca_", "shppa_"]),
    ("openai", &["sk-"]),
    ("square", &["EAAA", "sq0"]),
];

struct Variant {
    cause: Cause,
    /// What the key is, as in "the secret, decoded as hex".
    key: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

pub(super) fn explain(trial: &mut Trial<'_>, secrets: &Secrets) -> Option<Explanation> {
    if !has_shared_secret(trial.scheme().algorithm()) {
        return None;
    }
    for secret in secrets.iter() {
        for variant in variants(secret) {
            let key = Secret::from_bytes(variant.bytes.to_vec());
            let Ok(verifier) = trial.verifier.with_secrets(&key.into()) else {
                continue;
            };
            if trial.holds_for(&verifier) {
                return Some(Explanation::proved(
                    variant.cause,
                    format!(
                        "The signature is right if the key is the secret {}: configure it so, \
                         with `Secret::from_bytes` or `Scheme::with_secret_encoding`, or take \
                         the preset that reads it so.",
                        variant.key
                    ),
                ));
            }
        }
    }
    None
}

/// A secret that looks like another credential of the provider.
pub(super) fn api_key(trial: &Trial<'_>, secrets: &Secrets) -> Option<Explanation> {
    let name = trial.scheme().name();
    let (_, prefixes) = API_KEYS
        .into_iter()
        .find(|(provider, _)| *provider == name)?;
    let is_one = |secret: &Secret| {
        let key = secret.as_bytes();
        prefixes
            .iter()
            .any(|prefix| key.starts_with(prefix.as_bytes()))
    };
    secrets.iter().any(is_one).then(|| {
        Explanation::likely(
            Cause::ApiKeyAsSecret,
            format!(
                "What is configured as the secret looks like an API key of `{name}`: configure \
                 the signing secret of the endpoint, which is shown where the endpoint is set up."
            ),
        )
    })
}

/// Whether the verifier could sign, too.
pub(super) const fn has_shared_secret(algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::Hmac(_) | Algorithm::Hash(_) | Algorithm::Token => true,
        #[cfg(feature = "public-key")]
        Algorithm::PublicKey(_) => false,
    }
}

fn variants(secret: &Secret) -> Vec<Variant> {
    let whole = secret.as_bytes();
    let bare = whole.trim_ascii();
    let unquoted = match bare {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => bare,
    };
    let (_, encoded) = split_prefix(unquoted);
    let text = str::from_utf8(encoded).unwrap_or_default();
    let joined = |parts: &[&[u8]]| Some(parts.concat());

    let encoding = Cause::SecretEncoding;
    let surroundings = Cause::SecretSurroundings;
    let variants = [
        (encoding, "as text, prefix included", Some(whole.to_vec())),
        (
            surroundings,
            "without the white space around it",
            Some(bare.to_vec()),
        ),
        (
            surroundings,
            "without the quotes around it",
            Some(unquoted.to_vec()),
        ),
        (
            encoding,
            "as text, without its prefix",
            Some(encoded.to_vec()),
        ),
        (encoding, "decoded as base64", STANDARD.decode(encoded).ok()),
        (
            encoding,
            "decoded as URL-safe base64",
            URL_SAFE.decode(encoded).ok(),
        ),
        (encoding, "decoded as hex", hex::decode(text).ok()),
        (
            encoding,
            "as text, behind `whsec_`",
            joined(&[b"whsec_", unquoted]),
        ),
        (
            surroundings,
            "with a line end behind it",
            joined(&[bare, b"\n"]),
        ),
        (
            surroundings,
            "with CR LF behind it",
            joined(&[bare, b"\r\n"]),
        ),
    ];
    let keys = variants.into_iter().filter_map(|(cause, key, bytes)| {
        Some(Variant {
            cause,
            key,
            bytes: Zeroizing::new(bytes?),
        })
    });
    let mut unlike = Vec::<Variant>::with_capacity(keys.size_hint().1.unwrap_or(0));
    for variant in keys {
        if unlike.iter().all(|other| other.bytes != variant.bytes) {
            unlike.push(variant);
        }
    }
    unlike
}

/// The prefix that says what a secret is, and the rest of it.
fn split_prefix(secret: &[u8]) -> (&[u8], &[u8]) {
    const PREFIXES: [&[u8]; 5] = [b"whsec_", b"Bearer ", b"whsk_", b"whpk_", b"v1,"];
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| secret.starts_with(prefix));
    secret
        .split_at_checked(prefix.map_or(0, <[u8]>::len))
        .unwrap_or((b"", secret))
}
