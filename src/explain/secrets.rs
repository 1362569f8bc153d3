//! What may be wrong with a secret.

use base64::engine::Engine;
use zeroize::Zeroizing;

use super::explanation::{Cause, Explanation};
use super::trial::Trial;
use super::written::{STANDARD, URL_SAFE};
use crate::secret::{Secret, Secrets};
use crate::signature::{Algorithm, Scheme};

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
    kind: Kind,
    /// What the key is, as in "the secret, decoded as hex".
    key: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Kind {
    Encoding,
    /// What is configured has something around it.
    Ours,
    /// What the provider was given has.
    Theirs,
}

impl Kind {
    const fn cause(self) -> Cause {
        match self {
            Self::Encoding => Cause::SecretEncoding,
            Self::Ours | Self::Theirs => Cause::SecretSurroundings,
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Encoding => {
                "give the key that way with `Secret::from_bytes` or \
                 `Scheme::with_secret_encoding`, or check that the preset is the provider's"
            }
            Self::Ours => "take that away where the secret is read, such as a file or `.env`",
            Self::Theirs => "the provider was given it so, enter it there again without",
        }
    }
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
                let sentence = format!(
                    "The {} is right if the key is the secret {}: {}.",
                    what_proves(trial.scheme()),
                    variant.key,
                    variant.kind.advice()
                );
                return Some(Explanation::proved(variant.kind.cause(), sentence));
            }
        }
    }
    None
}

/// What is compared in the end.
pub(super) fn what_proves(scheme: &Scheme) -> &'static str {
    match scheme.algorithm() {
        Algorithm::Token => "token",
        _ => "signature",
    }
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

    use Kind::{Encoding, Ours, Theirs};
    let variants = [
        (Encoding, "as text, prefix included", Some(whole.to_vec())),
        (
            Ours,
            "without the white space around it",
            Some(bare.to_vec()),
        ),
        (
            Ours,
            "without the quotes around it",
            Some(unquoted.to_vec()),
        ),
        (
            Encoding,
            "as text, without its prefix",
            Some(encoded.to_vec()),
        ),
        (Encoding, "decoded as base64", STANDARD.decode(encoded).ok()),
        (
            Encoding,
            "decoded as URL-safe base64",
            URL_SAFE.decode(encoded).ok(),
        ),
        (Encoding, "decoded as hex", hex::decode(text).ok()),
        (
            Encoding,
            "as text, behind `whsec_`",
            joined(&[b"whsec_", unquoted]),
        ),
        (Theirs, "with a line end behind it", joined(&[bare, b"\n"])),
        (Theirs, "with CR LF behind it", joined(&[bare, b"\r\n"])),
    ];
    let keys = variants.into_iter().filter_map(|(kind, key, bytes)| {
        Some(Variant {
            kind,
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
