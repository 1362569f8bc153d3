//! Whether a request is genuine: the pure core.
//!
//! Parts of a request and bytes in, verdict out. Nothing here reads a clock,
//! waits, or knows tower; [`VerifyLayer`](crate::verify::VerifyLayer) is a thin
//! coat around it, and so is whatever you build for Lambda, Workers or actix.
//!
//! ```
//! use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
//!
//! let verifier = Verifier::new(provider::github(), "It's a Secret to Everybody")?;
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//!
//! let request = |signature: &str| {
//!     http::Request::post("/github")
//!         .header("x-hub-signature-256", signature)
//!         .body(())
//!         .unwrap()
//!         .into_parts()
//!         .0
//! };
//! let genuine = request("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
//! let verified = verifier.verify(&genuine, b"Hello, World!", now)?;
//! assert_eq!(verified.provider(), "github");
//!
//! let refused = verifier.verify(&genuine, b"Hello, Mallory!", now).unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
//!
//! // Or while the body arrives:
//! let mut check = verifier.begin(&genuine, now)?;
//! check.update("Hello, ".into());
//! check.update("World!".into());
//! assert_eq!(check.finish()?.body(), b"Hello, World!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is compared
//!
//! Every active secret is tried against every signature that the request
//! lists (at most 16), and the results are folded without an early exit, so
//! that time tells neither whether nor which one matched. The MAC is computed
//! once for each secret, however many signatures are listed. Signatures are
//! decoded and compared as bytes; a token is compared by its SHA-256.

#[cfg(feature = "certificate")]
mod certificate;
mod check;
mod compiled;
mod content;
mod encoding;
mod event;
pub(crate) mod form;
mod grammar;
mod handshake;
mod headers;
mod json;
#[cfg(feature = "certificate")]
mod json_fields;
mod judged;
#[cfg(feature = "public-key")]
mod jwk;
#[cfg(feature = "jwt")]
mod jwt;
mod key;
mod mac;
#[cfg(feature = "public-key")]
mod object;
mod protocol;
#[cfg(feature = "public-key")]
mod public_key;
mod scheme;
#[cfg(any(test, feature = "testing"))]
mod sign;
mod source;
mod url;
mod verified;
mod verifier;
mod whole;
mod window;

#[cfg(feature = "certificate")]
pub(crate) use self::certificate::Certificate;
#[cfg(feature = "certificate")]
pub(crate) use self::json_fields::string_fields;
#[cfg(feature = "fetch")]
pub(crate) use self::jwk::from_object as jwk_of_object;
#[cfg(feature = "public-key")]
pub(crate) use self::jwk::jwk_set;
#[cfg(feature = "jwt")]
pub use self::jwt::{Jwt, JwtAlgorithm};
#[cfg(feature = "fetch")]
pub(crate) use self::object::object;
#[cfg(all(feature = "public-key", any(test, feature = "testing")))]
pub(crate) use self::public_key::KeyPair;
#[cfg(feature = "public-key")]
pub use self::public_key::{PublicKey, PublicKeyAlgorithm, PublicKeyError};
#[cfg(any(test, feature = "testing"))]
pub(crate) use self::sign::{Draft, SignWith};
pub use self::{
    check::Check,
    encoding::{Encoding, SecretEncoding},
    event::{EventId, EventIdError},
    grammar::Grammar,
    handshake::{Handshake, Reply, ReplyValue},
    mac::Hash,
    protocol::{KeyName, Protocol, Received, Statement},
    scheme::{Algorithm, ConflictPolicy, Coverage, Part, RepeatedNames, Scheme},
    source::Source,
    url::{PublicUrl, ReceivedUri, UrlForm},
    verified::Verified,
    verifier::Verifier,
    window::{TimestampFormat, TimestampRule},
};
pub(crate) use self::{
    compiled::single_line,
    event::{EventHeaders, IdHeader, event_id, event_type},
    grammar::FieldValue,
    handshake::{Answer, Asked, InvalidChallenge},
    headers::MAX_CANDIDATES,
    json::{items as json_items, read as json_value},
    key::MacKey,
    mac::Tag,
    protocol::signed_header,
    url::original_uri,
    verified::VerifiedBytes,
    verifier::Inner,
};
