use std::borrow::Cow;
use std::fmt;

/// Why a request was refused, for the developer of the receiver.
///
/// It holds no secret, no signature, nothing of the body, and of the request's
/// headers no more than the names of those that a preset or the scheme knows.
/// It still tells more than a sender may learn: it belongs into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    cause: Cause,
    proved: bool,
    sentence: Cow<'static, str>,
}

impl Explanation {
    /// What speaks for the cause, but is no proof of it.
    pub(super) fn likely(cause: Cause, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            cause,
            proved: false,
            sentence: sentence.into(),
        }
    }

    /// What the request shows, or a signature that is right after one change.
    pub(super) fn proved(cause: Cause, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            proved: true,
            ..Self::likely(cause, sentence)
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether the cause is certain: the request shows it, or its signature is
    /// right once it is taken away. Otherwise it is the likeliest one.
    #[must_use]
    pub const fn is_proved(&self) -> bool {
        self.proved
    }

    /// What is wrong and what to do, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

/// The [`sentence`](Explanation::sentence).
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What is wrong with a refused request, or with the receiver that
        /// refused it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$doc])* $name,)+
        }

        impl Cause {
            /// A stable name in snake case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

causes! {
    // What the headers show.
    /// The provider does not deliver with this method.
    MethodNotAllowed = "method_not_allowed",
    /// It has the signature header of another provider.
    OtherProvider = "other_provider",
    /// It has the older signature header of the same provider alone.
    LegacyHeader = "legacy_header",
    /// Something in front of the receiver renamed the signature header.
    RenamedHeader = "renamed_header",
    /// Something in front of the receiver took `Authorization` away.
    AuthorizationStripped = "authorization_stripped",
    /// It has no signature of any known provider.
    MissingSignature = "missing_signature",
    /// The signature header came more than once.
    RepeatedHeader = "repeated_header",
    /// The signature header lists more signatures than are tried.
    TooManySignatures = "too_many_signatures",
    /// A header that the scheme fixes has another value.
    UnexpectedHeader = "unexpected_header",
    /// A value that is signed along is missing.
    MissingValue = "missing_value",
    /// A value that is signed along is malformed or repeated.
    MalformedValue = "malformed_value",
    /// Every configured secret has expired.
    SecretsExpired = "secrets_expired",

    // Freshness.
    /// The timestamp is in another unit or format than the scheme reads.
    TimestampUnit = "timestamp_unit",
    /// The timestamp cannot be read.
    MalformedTimestamp = "malformed_timestamp",
    /// The timestamp is too old: a slow clock elsewhere, a late delivery, or a
    /// captured request sent again.
    TimestampTooOld = "timestamp_too_old",
    /// The timestamp is in the future: a clock is wrong.
    TimestampInFuture = "timestamp_in_future",

    // How the signature is written.
    /// The signature is in another encoding than the scheme reads.
    SignatureEncoding = "signature_encoding",
    /// The signature is behind another prefix than the scheme reads, or none.
    SignaturePrefix = "signature_prefix",
    /// The signature has the length of another hash function.
    SignatureHash = "signature_hash",
    /// What stands for the signature is not one in any known encoding.
    MalformedSignature = "malformed_signature",

    // The secret.
    /// The signature is another known endpoint's.
    OtherEndpoint = "other_endpoint",
    /// The secret must be decoded, or must not be.
    SecretEncoding = "secret_encoding",
    /// The secret has white space or quotes around it, or lacks them.
    SecretSurroundings = "secret_surroundings",
    /// What is configured as the secret looks like the provider's API key.
    ApiKeyAsSecret = "api_key_as_secret",

    // The body.
    /// A byte order mark was added or taken away.
    BodyByteOrderMark = "body_byte_order_mark",
    /// Line ends were changed, or added to the end or taken from there.
    BodyLineEnds = "body_line_ends",
    /// JSON was parsed and written again.
    BodyReserialised = "body_reserialised",
    /// A form was parsed and written again.
    BodyFormReencoded = "body_form_reencoded",
    /// The body was decompressed.
    BodyDecompressed = "body_decompressed",
    /// The body is base64, or a JSON string, of what was sent.
    BodyWrapped = "body_wrapped",
    /// The body was decoded with a wrong character set and encoded again.
    BodyCharset = "body_charset",
    /// The body is not as long as the sender said.
    BodyLength = "body_length",
    /// What is signed cannot be read from the body.
    MalformedBody = "malformed_body",

    // The URL.
    /// The provider signs the other of `http` and `https`.
    UrlScheme = "url_scheme",
    /// The provider signs another host.
    UrlHost = "url_host",
    /// The provider signs the URL with, or without, a port.
    UrlPort = "url_port",
    /// The provider signs another path: a prefix was added or taken away.
    UrlPath = "url_path",
    /// The provider signs the URL with another query.
    UrlQuery = "url_query",
    /// The URL that is signed cannot be established.
    UrlUnknown = "url_unknown",

    // What is left.
    /// The token is not the configured one.
    WrongToken = "wrong_token",
    /// The key is not the one that signed, or what was signed was changed.
    WrongKeyOrContent = "wrong_key_or_content",
    /// The body is too large to try changes of it.
    NotTried = "not_tried",
    /// Something that the reason of the refusal says already.
    Refused = "refused",
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
