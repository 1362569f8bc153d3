//! JSON Web Tokens (RFC 7519) as signatures of requests (feature `jwt`).

mod claims;
mod token;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::Value;

use self::claims::{BodyHash, Fixed, LEEWAY};
use self::token::Token;
use super::compiled::single_line;
use super::encoding::SecretEncoding;
use super::grammar::Grammar;
use super::mac::Hash;
use super::protocol::{KeyName, Protocol, Received, Statement};
use super::public_key::PublicKeyAlgorithm;
use super::scheme::{Algorithm, Coverage, Scheme};
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// The longest `kid` that is looked up, in bytes.
const MAX_KEY_ID: usize = 256;

/// The algorithm of a token (RFC 7518 section 3.1). It is configured; a token
/// that names another is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256. The secret is text.
    Hs256,
    /// RSA PKCS #1 v1.5 with SHA-256. The key is in PEM, or looked up.
    Rs256,
    /// ECDSA on P-256 with SHA-256. The key is in PEM, or looked up.
    Es256,
    /// Ed25519 (RFC 8037). The key is in PEM, or looked up.
    EdDsa,
}

impl JwtAlgorithm {
    /// As it stands in `alg`, which is compared with case.
    const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// Where a provider puts its token, and what the token must claim.
///
/// Make a [`Scheme`] of it with [`Scheme::jwt`]. Whatever is not configured is
/// not demanded, but `exp`, `nbf` and `iat` count wherever they are there. A
/// token without a [body hash](Self::with_body_hash) proves who sent the
/// request, not what is in it.
///
/// All of it is judged before a key is looked up, and everything but the body
/// and URL before the body is read. A token is refused unless it is exactly
/// three parts in base64url without padding, of at most 16 KiB together, no key
/// in its JSON is repeated, `alg` is the configured one, and there is no `crit`
/// (RFC 7515 section 4.1.11). Keys and URLs in its header are never used.
///
/// ```
/// use std::time::Duration;
/// use http::HeaderName;
/// use tower_webhook::signature::{Encoding, Jwt, JwtAlgorithm, Scheme};
/// use tower_webhook::{RejectionKind, Timestamp, Verifier};
///
/// let header = HeaderName::from_static("acme-verification");
/// let acme = Jwt::in_header(header, JwtAlgorithm::Hs256)
///     .with_issuers(["acme"])
///     .with_max_age(Duration::from_secs(300))
///     .with_body_hash("sha256", Encoding::Hex);
/// let verifier = Verifier::new(Scheme::jwt("acme", acme), "a-secret-of-acme")?;
///
/// let token = concat!(
///     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
///     "eyJpc3MiOiJhY21lIiwiaWF0IjoxNzAwMDAwMDAwLCJzaGEyNTYiOiI0NDEzNmZhMzU1Yj",
///     "M2NzhhMTE0NmFkMTZmN2U4NjQ5ZTk0ZmI0ZmMyMWZlNzdlODMxMGMwNjBmNjFjYWFmZjhhIn0.",
///     "h9w-rfJDJhEyWsvcNkUiI7sZvG_H0hArbICdrJp6Duc",
/// );
/// let (parts, ()) = http::Request::post("/acme")
///     .header("acme-verification", token)
///     .body(())
///     .unwrap()
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_010);
/// assert!(verifier.verify(&parts, b"{}", now).is_ok());
///
/// let refused = verifier.verify(&parts, b"[]", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Jwt {
    header: HeaderName,
    /// Whether the token stands behind `Bearer`.
    bearer: bool,
    algorithm: JwtAlgorithm,
    token_type: Option<Cow<'static, str>>,
    issuers: Vec<String>,
    audience: Option<String>,
    fixed: Vec<Fixed>,
    max_age: Option<Duration>,
    needs_expiry: bool,
    needs_not_before: bool,
    leeway: Duration,
    body_hash: Option<BodyHash>,
    url_hash: Option<String>,
}

impl Jwt {
    /// A token that is the whole value of the header `name`.
    pub const fn in_header(name: HeaderName, algorithm: JwtAlgorithm) -> Self {
        Self::new(name, false, algorithm)
    }

    /// A token in `Authorization: Bearer` (RFC 6750 section 2.1).
    pub const fn bearer(algorithm: JwtAlgorithm) -> Self {
        Self::new(AUTHORIZATION, true, algorithm)
    }

    const fn new(header: HeaderName, bearer: bool, algorithm: JwtAlgorithm) -> Self {
        Self {
            header,
            bearer,
            algorithm,
            token_type: None,
            issuers: Vec::new(),
            audience: None,
            fixed: Vec::new(),
            max_age: None,
            needs_expiry: false,
            needs_not_before: false,
            leeway: LEEWAY,
            body_hash: None,
            url_hash: None,
        }
    }

    /// The header `typ` that tokens must have, compared without case.
    pub fn with_type(mut self, token_type: impl Into<Cow<'static, str>>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// The values of `iss`, one of which tokens must have.
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item: Into<String>>) -> Self {
        self.issuers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// What tokens must have in `aud`, alone or among others.
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// A claim that must be this text. Where the provider has several names for
    /// it, one of them must be there, and none may have another value.
    pub fn with_claim(
        self,
        names: impl IntoIterator<Item: Into<String>>,
        value: impl Into<String>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.fixed(names, Value::String(value.into()))
    }

    /// A claim that must be `true`.
    pub fn with_true_claim(self, name: impl Into<String>) -> Self {
        self.fixed(vec![name.into()], Value::Bool(true))
    }

    fn fixed(mut self, names: Vec<String>, value: Value) -> Self {
        self.fixed.push(Fixed { names, value });
        self
    }

    /// How long ago a token may have been issued; `iat` must be there.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Tokens must expire: `exp` must be there.
    pub const fn with_expiry(mut self) -> Self {
        self.needs_expiry = true;
        self
    }

    /// Tokens must say from when on they hold: `nbf` must be there.
    pub const fn with_not_before(mut self) -> Self {
        self.needs_not_before = true;
        self
    }

    /// How far the provider's clock may be off where `exp`, `nbf` and the
    /// future of `iat` are judged (default: 60 seconds). The
    /// [largest age](Self::with_max_age) is exact.
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The claim that holds the SHA-256 of the body, in hex or base64
    /// ([`Encoding::Hex`](super::Encoding) is hex, any other standard base64
    /// with padding).
    pub fn with_body_hash(mut self, claim: impl Into<String>, encoding: super::Encoding) -> Self {
        self.body_hash = Some(BodyHash {
            claim: claim.into(),
            hex: encoding == super::Encoding::Hex,
            absent_if_empty: false,
        });
        self
    }

    /// For an empty body there is no body hash, and must be none.
    pub fn with_empty_body_unhashed(mut self) -> Self {
        if let Some(rule) = &mut self.body_hash {
            rule.absent_if_empty = true;
        }
        self
    }

    /// The claim that holds the SHA-256 of the URL in hex; see
    /// [`Scheme::with_public_url`].
    pub fn with_url_hash(mut self, claim: impl Into<String>) -> Self {
        self.url_hash = Some(claim.into());
        self
    }

    /// Reads the token and judges all that needs neither key nor body.
    fn read<'p>(
        &self,
        parts: &'p Parts,
        now: Timestamp,
    ) -> Result<(Token<'p>, Option<Timestamp>), Rejection> {
        let name = &self.header;
        let reject = |kind| Rejection::new(kind).with_detail(name.as_str().to_owned());
        let line = single_line(&parts.headers, name)
            .map_err(|_| reject(RejectionKind::RepeatedSignatureHeader))?
            .ok_or_else(|| reject(RejectionKind::MissingSignature))?;
        let mut text = None;
        self.grammar()
            .signatures(line.as_bytes(), |token| text = Some(token));
        let token = text.and_then(Token::read);
        let token = token.ok_or_else(|| reject(RejectionKind::MalformedSignature))?;
        self.judge_header(&token)?;
        let made = self.judge_claims(&token.claims, now)?;
        Ok((token, made))
    }

    const fn grammar(&self) -> Grammar {
        match self.bearer {
            false => Grammar::Plain,
            true => Grammar::Authorization {
                scheme: Cow::Borrowed("Bearer"),
            },
        }
    }

    fn judge_header(&self, token: &Token<'_>) -> Result<(), Rejection> {
        let unexpected =
            |name: &'static str| Rejection::new(RejectionKind::UnexpectedHeader).with_detail(name);
        let text = |name: &str| token.header.get(name).and_then(Value::as_str);
        if text("alg") != Some(self.algorithm.name()) {
            return Err(unexpected("alg"));
        }
        // No extension is understood, so none may be critical.
        if token.header.contains_key("crit") {
            return Err(unexpected("crit"));
        }
        let fits =
            |expected: &str| text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case(expected));
        if self
            .token_type
            .as_deref()
            .is_some_and(|expected| !fits(expected))
        {
            return Err(unexpected("typ"));
        }
        match token.header.get("kid") {
            None => Ok(()),
            Some(Value::String(id)) if !id.is_empty() && id.len() <= MAX_KEY_ID => Ok(()),
            Some(_) => Err(unexpected("kid")),
        }
    }
}

impl Protocol for Jwt {
    fn precheck(&self, parts: &Parts, now: Timestamp) -> Result<(), Rejection> {
        self.read(parts, now).map(drop)
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let (token, made) = self.read(received.parts(), received.now())?;
        self.judge_binding(&token.claims, received)?;
        let mut statement = Statement::new(token.signed, token.signature);
        if let Some(Value::String(id)) = token.header.get("kid") {
            statement = statement.with_key(KeyName::Id(id.clone()));
        }
        // Where the token says nothing of the body, its time is its own, and
        // not that of the delivery.
        Ok(match made.filter(|_| self.body_hash.is_some()) {
            Some(made) => statement.with_timestamp(made),
            None => statement,
        })
    }

    fn coverage(&self) -> Coverage {
        match &self.body_hash {
            Some(_) => Coverage::Body,
            None => Coverage::Nothing,
        }
    }

    fn validate(&self, scheme: &Scheme) -> Result<(), &'static str> {
        if self.url_hash.is_some() && scheme.public_url().is_none() {
            return Err("its tokens name the URL; say which with `with_public_url`");
        }
        if self.max_age.is_some_and(|age| age.is_zero()) {
            return Err("its tokens may have no age, which would refuse every request");
        }
        let hashes = self.algorithm == JwtAlgorithm::Hs256;
        if hashes != matches!(scheme.algorithm(), Algorithm::Hmac(_)) {
            return Err("its algorithm is not that of its tokens");
        }
        Ok(())
    }

    fn freshness_window(&self) -> Duration {
        self.max_age
            .map_or(Duration::ZERO, |age| age.saturating_add(self.leeway))
    }
}

impl Scheme {
    /// A scheme that signs with a token. Its secret is text for
    /// [`JwtAlgorithm::Hs256`], else a public key in PEM, or a key that is
    /// looked up by the token's `kid`
    /// ([`AsyncVerifier::with_keys`](crate::keys::AsyncVerifier::with_keys)).
    #[must_use]
    pub fn jwt(name: impl Into<Cow<'static, str>>, token: Jwt) -> Self {
        let algorithm = match token.algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::Rs256 => Some(PublicKeyAlgorithm::RsaPkcs1Sha256),
            JwtAlgorithm::Es256 => Some(PublicKeyAlgorithm::EcdsaP256Sha256Fixed),
            JwtAlgorithm::EdDsa => Some(PublicKeyAlgorithm::Ed25519),
        };
        let scheme = match algorithm {
            None => Self::hmac(name, Hash::Sha256),
            Some(algorithm) => {
                Self::public_key(name, algorithm).with_secret_encoding(SecretEncoding::Pem)
            }
        };
        scheme.with_protocol(Arc::new(token))
    }
}
