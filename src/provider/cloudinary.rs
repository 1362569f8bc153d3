use super::{HOUR, MINUTE};
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Cloudinary: `X-Cld-Signature: <hex>`, SHA-1 over
/// `{body}{X-Cld-Timestamp}{secret}`.
///
/// Weak: it is no HMAC. The secret comes last, so that nobody can extend a
/// captured body, but whoever can choose what is in a body could prepare two
/// with one SHA-1. If the account can sign with SHA-256, let it, and use
/// [`cloudinary_sha256`]; the algorithm belongs to the account, and the request
/// does not name it.
///
/// The secret is the API secret, as text. Timestamps count as fresh for two
/// hours, as in Cloudinary's libraries, which accept any in the future; here it
/// is five minutes. A notification has no id; it is known by its body and
/// timestamp.
#[doc = example!("cloudinary_sha1", "X7qLTrsES31Mzxx", r#"{"notification_type":"upload","public_id":"dog"}"#)]
#[must_use]
pub fn cloudinary_sha1() -> Scheme {
    cloudinary("cloudinary_sha1", Hash::Sha1)
}

/// Cloudinary, for accounts that sign with SHA-256: otherwise as
/// [`cloudinary_sha1`].
#[doc = example!("cloudinary_sha256", "X7qLTrsES31Mzxx", r#"{"notification_type":"upload","public_id":"dog"}"#)]
#[must_use]
pub fn cloudinary_sha256() -> Scheme {
    cloudinary("cloudinary_sha256", Hash::Sha256)
}

fn cloudinary(name: &'static str, hash: Hash) -> Scheme {
    Scheme::hash(name, hash)
        .with_reference("https://cloudinary.com/documentation/notification_signatures")
        .with_content([Part::Body, Part::Timestamp, Part::Secret])
        .with_signature(Source::header("x-cld-signature"), Grammar::Plain)
        .with_timestamp(
            TimestampRule::seconds(Source::header("x-cld-timestamp"))
                .with_tolerance(2 * HOUR)
                .with_future_tolerance(5 * MINUTE),
        )
        .with_event_type([Source::pointer("/notification_type")])
}
