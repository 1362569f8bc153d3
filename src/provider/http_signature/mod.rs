//! HTTP Message Signatures (RFC 9421) over requests, with `Content-Digest` (RFC
//! 9530) for their bodies (feature `http-signature`).
//!
//! RFC 9421 leaves to an application what has to be signed, with which
//! algorithm, and for how long; [`HttpSignature`] says it.
//!
//! ```
//! use tower_webhook::provider::http_signature::HttpSignature;
//! use tower_webhook::signature::Scheme;
//! use tower_webhook::{RejectionKind, Timestamp, Verifier};
//!
//! let scheme = Scheme::from(HttpSignature::hmac_sha256().with_key_id("acme"));
//! let verifier = Verifier::new(scheme, "a-shared-secret")?;
//! let (parts, ()) = http::Request::post("/webhook?from=acme")
//!     .header("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")
//!     .header(
//!         "signature-input",
//!         r#"sig=("@method" "@path" "@query" "content-digest");created=1700000000;keyid="acme""#,
//!     )
//!     .header("signature", "sig=:5BJXiAhkRctK8/ibmTtq8RzJOMpJJG8VeSUM8HUEpdE=:")
//!     .body(())?
//!     .into_parts();
//!
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//! let verified = verifier.verify(&parts, br#"{"hello": "world"}"#, now)?;
//! assert_eq!(verified.timestamp(), Some(now));
//!
//! let refused = verifier.verify(&parts, br#"{"hello": "Mallory"}"#, now).unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is refused
//!
//! Beyond a wrong signature: a label, component or parameter that is repeated;
//! a parameter that is not known; an `alg` that is not the configured one; no
//! `created`, or one that is not fresh; an `expires` that is over; a required
//! component that is not covered; a body without a covered `content-digest`, or
//! with one that is not the body's or by neither SHA-256 nor SHA-512; the
//! component parameters `sf`, `key`, `req` and `tr` (`bs` is understood); and more
//! than 16 labels, 64 components of a signature, or 16 parameters of either.
//!
//! # What is not signed
//!
//! Everything that the sender did not cover, apart from what is required here.
//! `@authority`, `@scheme` and `@target-uri` are taken from the URL that
//! [`Scheme::with_public_url`](crate::signature::Scheme::with_public_url) states
//! and never from the request's `Host`. A `nonce` is signed and not remembered;
//! deduplication refuses replays.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use self::protocol::HttpSignatureProtocol;
#[cfg(feature = "public-key")]
use crate::signature::PublicKeyAlgorithm;
use crate::signature::{Algorithm, Hash, Scheme, Source, TimestampRule};

mod components;
mod digest;
mod fields;
mod protocol;

/// An application of RFC 9421: what has to be signed, and how.
///
/// Starts from: covered must be `@method`, `@path`, `@query`, and
/// `content-digest` where there is a body; `created` within five minutes of now;
/// any label, if the request has one signature.
///
/// Becomes a [`Scheme`] with `Scheme::from`, to which the event's id and type
/// are added. Its secrets are those of the scheme: text for HMAC, and base64 of
/// a public key otherwise. With [`AsyncVerifier::with_keys`] the key is the one
/// that `keyid` names.
///
/// [`AsyncVerifier::with_keys`]: crate::keys::AsyncVerifier::with_keys
#[derive(Clone, Debug)]
pub struct HttpSignature {
    name: Cow<'static, str>,
    algorithm: Algorithm,
    algorithm_name: &'static str,
    label: Option<String>,
    tag: Option<String>,
    key_id: Option<String>,
    required: Vec<String>,
    protects_body: bool,
    tolerance: Duration,
}

impl HttpSignature {
    /// HMAC with SHA-256 (`hmac-sha256`, RFC 9421 section 3.3.3).
    #[must_use]
    pub fn hmac_sha256() -> Self {
        Self::new(Algorithm::Hmac(Hash::Sha256), "hmac-sha256")
    }

    /// Ed25519 (`ed25519`, RFC 9421 section 3.3.6).
    #[cfg(feature = "public-key")]
    #[must_use]
    pub fn ed25519() -> Self {
        Self::new(Algorithm::PublicKey(PublicKeyAlgorithm::Ed25519), "ed25519")
    }

    /// ECDSA on P-256 (`ecdsa-p256-sha256`, RFC 9421 section 3.3.4).
    #[cfg(feature = "public-key")]
    #[must_use]
    pub fn ecdsa_p256_sha256() -> Self {
        let algorithm = PublicKeyAlgorithm::EcdsaP256Sha256Fixed;
        Self::new(Algorithm::PublicKey(algorithm), "ecdsa-p256-sha256")
    }

    /// RSA PKCS #1 v1.5 (`rsa-v1_5-sha256`, RFC 9421 section 3.3.2).
    #[cfg(feature = "public-key")]
    #[must_use]
    pub fn rsa_v1_5_sha256() -> Self {
        let algorithm = PublicKeyAlgorithm::RsaPkcs1Sha256;
        Self::new(Algorithm::PublicKey(algorithm), "rsa-v1_5-sha256")
    }

    /// RSA PSS (`rsa-pss-sha512`, RFC 9421 section 3.3.1).
    #[cfg(feature = "public-key")]
    #[must_use]
    pub fn rsa_pss_sha512() -> Self {
        let algorithm = PublicKeyAlgorithm::RsaPssSha512;
        Self::new(Algorithm::PublicKey(algorithm), "rsa-pss-sha512")
    }

    fn new(algorithm: Algorithm, algorithm_name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed("http_signature"),
            algorithm,
            algorithm_name,
            label: None,
            tag: None,
            key_id: None,
            required: ["@method", "@path", "@query"].map(str::to_owned).into(),
            protects_body: true,
            tolerance: Duration::from_secs(300),
        }
    }

    /// The scheme's name (default: `http_signature`). Deduplication keeps
    /// schemes apart by it.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Only the signature with this label counts.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Only a signature with this `tag` counts: the application that it was
    /// made for.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Only a signature with this `keyid` counts.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// The components that must be covered, without parameters: names of headers
    /// in lower case, and derived components such as `@method`. A sender may
    /// cover more. Replaces those that are there.
    #[must_use]
    pub fn with_required(
        mut self,
        components: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.required = components.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts bodies that no `content-digest` covers: anybody who captured a
    /// request can send another body with it. A digest that is covered must
    /// still be the body's.
    #[must_use]
    pub const fn without_content_digest(mut self) -> Self {
        self.protects_body = false;
        self
    }

    /// How far from now `created` may be, in both directions (default: five
    /// minutes).
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl From<HttpSignature> for Scheme {
    fn from(http: HttpSignature) -> Self {
        let scheme = match http.algorithm {
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(algorithm) => Self::public_key(http.name, algorithm),
            _ => Self::hmac(http.name, Hash::Sha256),
        };
        let protocol = HttpSignatureProtocol {
            algorithm: http.algorithm_name,
            label: http.label,
            tag: http.tag,
            key_id: http.key_id,
            required: http.required,
            protects_body: http.protects_body,
            created: TimestampRule::seconds(Source::field("created"))
                .with_tolerance(http.tolerance),
        };
        scheme
            .with_reference("https://www.rfc-editor.org/rfc/rfc9421")
            .with_content([])
            .with_protocol(Arc::new(protocol))
    }
}
