use std::fmt;

use http::StatusCode;

/// Which check refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    // In front of verification.
    /// The request's method is not one the provider delivers with.
    MethodNotAllowed,
    /// The request did not come over HTTPS, as far as can be proved.
    InsecureTransport,
    /// The caller's address could not be established.
    AddressUnknown,
    /// The caller's address is not on the allowlist.
    AddressNotAllowed,
    /// The caller showed no client certificate.
    MissingClientCert,
    /// The caller's client certificate cannot be read, is outside its period
    /// of validity, or does not satisfy the rules.
    ClientCertNotAllowed,
    /// The caller, or the tenant, is over its rate.
    RateLimited,

    // Challenges.
    /// A challenge of the provider's, of which something cannot be read.
    InvalidChallenge,
    /// A challenge that does not know the configured token, comes from an
    /// origin that is not configured, or brings a secret that nobody waits for.
    ChallengeRefused,
    /// Whoever takes the secret of a challenge, or confirms it, does not
    /// answer.
    HandshakeUnavailable,

    // Verification, from the headers alone.
    /// The signature (or token) header is absent.
    MissingSignature,
    /// The signature header came more than once.
    RepeatedSignatureHeader,
    /// The signature header holds no signature that can be read.
    MalformedSignature,
    /// The signature header lists more signatures than are tried (16).
    TooManySignatures,
    /// A header that the scheme fixes has another value, such as an unknown
    /// signature version or algorithm.
    UnexpectedHeader,
    /// A header (or field) that is part of the signed content is absent.
    MissingSignedValue,
    /// A signed value holds characters that would make the signed content
    /// ambiguous, or is repeated.
    MalformedSignedValue,
    /// The timestamp is absent.
    MissingTimestamp,
    /// The timestamp cannot be read, or there are several.
    MalformedTimestamp,
    /// The timestamp is older than the tolerance.
    TimestampTooOld,
    /// The timestamp is further in the future than the tolerance.
    TimestampInFuture,
    /// Every configured secret has expired.
    NoActiveSecret,
    /// There is no endpoint, or none with a secret, for this tenant.
    UnknownTenant,
    /// The request names a key that does not exist, or may not be fetched.
    UnknownKey,
    /// The key that the request names may not sign for this provider: an
    /// expired certificate, or somebody else's.
    UntrustedKey,
    /// A signed value is not the configured one: an issuer, an audience, a
    /// topic.
    UnexpectedValue,
    /// A value that has to be read from the body to verify it cannot be.
    MalformedBody,
    /// The URL that the provider sent to, which it signs, cannot be
    /// established.
    PublicUrlUnknown,

    // The body.
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body did not arrive within the deadline.
    BodyTimeout,
    /// The body ended early or could not be read.
    BodyUnreadable,
    /// Too many bodies are arriving slowly at the same time.
    TooManySlowBodies,

    /// No signature matches any secret.
    SignatureMismatch,
    /// The source of secrets or keys does not answer, or its answer cannot be
    /// used.
    KeyUnavailable,

    // Deduplication.
    /// The provider always sends an event id, and there is none.
    MissingEventId,
    /// The event id is empty, too long, repeated, or holds control characters.
    InvalidEventId,
    /// The same event is being processed right now.
    InFlight,
    /// The event id was seen before with another content.
    EventConflict,
    /// The store of seen events does not answer.
    StoreUnavailable,
    /// The store of seen events is full.
    StoreFull,
    /// The handler panicked.
    HandlerPanicked,

    // The durable inbox.
    /// The event could not be stored durably.
    SinkUnavailable,
}

impl RejectionKind {
    /// Whether the request failed to prove that it is genuine and fresh.
    ///
    /// All of these get the same answer, and they are what a caller's failure
    /// quota is charged for.
    #[must_use]
    pub const fn is_verification_failure(self) -> bool {
        matches!(
            self,
            Self::MissingSignature
                | Self::RepeatedSignatureHeader
                | Self::MalformedSignature
                | Self::TooManySignatures
                | Self::UnexpectedHeader
                | Self::MissingSignedValue
                | Self::MalformedSignedValue
                | Self::MissingTimestamp
                | Self::MalformedTimestamp
                | Self::TimestampTooOld
                | Self::TimestampInFuture
                | Self::NoActiveSecret
                | Self::UnknownTenant
                | Self::UnknownKey
                | Self::UntrustedKey
                | Self::UnexpectedValue
                | Self::MalformedBody
                | Self::PublicUrlUnknown
                | Self::ChallengeRefused
                | Self::SignatureMismatch
        )
    }

    /// The status that is answered unless the scheme states another.
    #[must_use]
    pub const fn default_status(self) -> StatusCode {
        match self {
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InsecureTransport
            | Self::AddressUnknown
            | Self::AddressNotAllowed
            | Self::MissingClientCert
            | Self::ClientCertNotAllowed => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::InvalidChallenge
            | Self::BodyUnreadable
            | Self::MissingEventId
            | Self::InvalidEventId => StatusCode::BAD_REQUEST,
            Self::HandshakeUnavailable
            | Self::TooManySlowBodies
            | Self::KeyUnavailable
            | Self::InFlight
            | Self::StoreUnavailable
            | Self::StoreFull
            | Self::SinkUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::EventConflict => StatusCode::UNPROCESSABLE_ENTITY,
            Self::HandlerPanicked => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// A stable name in snake case, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InsecureTransport => "insecure_transport",
            Self::AddressUnknown => "address_unknown",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::MissingClientCert => "missing_client_cert",
            Self::ClientCertNotAllowed => "client_cert_not_allowed",
            Self::RateLimited => "rate_limited",
            Self::InvalidChallenge => "invalid_challenge",
            Self::ChallengeRefused => "challenge_refused",
            Self::HandshakeUnavailable => "handshake_unavailable",
            Self::MissingSignature => "missing_signature",
            Self::RepeatedSignatureHeader => "repeated_signature_header",
            Self::MalformedSignature => "malformed_signature",
            Self::TooManySignatures => "too_many_signatures",
            Self::UnexpectedHeader => "unexpected_header",
            Self::MissingSignedValue => "missing_signed_value",
            Self::MalformedSignedValue => "malformed_signed_value",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::NoActiveSecret => "no_active_secret",
            Self::UnknownTenant => "unknown_tenant",
            Self::UnknownKey => "unknown_key",
            Self::UntrustedKey => "untrusted_key",
            Self::UnexpectedValue => "unexpected_value",
            Self::MalformedBody => "malformed_body",
            Self::PublicUrlUnknown => "public_url_unknown",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyUnreadable => "body_unreadable",
            Self::TooManySlowBodies => "too_many_slow_bodies",
            Self::SignatureMismatch => "signature_mismatch",
            Self::KeyUnavailable => "key_unavailable",
            Self::MissingEventId => "missing_event_id",
            Self::InvalidEventId => "invalid_event_id",
            Self::InFlight => "in_flight",
            Self::EventConflict => "event_conflict",
            Self::StoreUnavailable => "store_unavailable",
            Self::StoreFull => "store_full",
            Self::HandlerPanicked => "handler_panicked",
            Self::SinkUnavailable => "sink_unavailable",
        }
    }

    /// One sentence for the operator.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "the method is not one the provider delivers with",
            Self::InsecureTransport => "the request is not known to have come over HTTPS",
            Self::AddressUnknown => "the caller's address could not be established",
            Self::AddressNotAllowed => "the caller's address is not on the allowlist",
            Self::MissingClientCert => "the caller showed no client certificate",
            Self::ClientCertNotAllowed => "the caller's client certificate is not allowed",
            Self::RateLimited => "the rate limit is exceeded",
            Self::InvalidChallenge => "a value of the challenge cannot be read",
            Self::ChallengeRefused => {
                "the challenge has not the configured token or origin, or its secret is not waited for"
            }
            Self::HandshakeUnavailable => {
                "the capture or confirmation of a handshake does not answer"
            }
            Self::MissingSignature => "the signature header is missing",
            Self::RepeatedSignatureHeader => "the signature header came more than once",
            Self::MalformedSignature => "the signature header holds no readable signature",
            Self::TooManySignatures => "the signature header lists too many signatures",
            Self::UnexpectedHeader => "a header that the scheme fixes has another value",
            Self::MissingSignedValue => "a value that is part of the signed content is missing",
            Self::MalformedSignedValue => "a signed value is malformed or repeated",
            Self::MissingTimestamp => "the timestamp is missing",
            Self::MalformedTimestamp => "the timestamp cannot be read",
            Self::TimestampTooOld => "the timestamp is too old",
            Self::TimestampInFuture => "the timestamp is in the future",
            Self::NoActiveSecret => "every configured secret has expired",
            Self::UnknownTenant => "there is no such tenant",
            Self::UnknownKey => "the key that the request names does not exist",
            Self::UntrustedKey => "the key that the request names may not sign",
            Self::UnexpectedValue => "a signed value is not the configured one",
            Self::MalformedBody => "a value needed to verify the body cannot be read from it",
            Self::PublicUrlUnknown => "the URL that the provider signs is not known",
            Self::BodyTooLarge => "the body is larger than the limit",
            Self::BodyTimeout => "the body did not arrive within the deadline",
            Self::BodyUnreadable => "the body ended early or could not be read",
            Self::TooManySlowBodies => "too many bodies are arriving slowly at once",
            Self::SignatureMismatch => "no signature matches any configured secret",
            Self::KeyUnavailable => "the source of secrets or keys does not answer",
            Self::MissingEventId => "the event id is missing",
            Self::InvalidEventId => "the event id is not usable",
            Self::InFlight => "the event is being processed by an earlier delivery",
            Self::EventConflict => "the event id was seen before with another content",
            Self::StoreUnavailable => "the store of seen events does not answer",
            Self::StoreFull => "the store of seen events is full",
            Self::HandlerPanicked => "the handler panicked",
            Self::SinkUnavailable => "the event could not be stored",
        }
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
