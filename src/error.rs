use std::borrow::Cow;
use std::fmt;

/// What can be wrong with a configuration, found before the first request.
///
/// Constructors return it; nothing in this crate panics on a bad
/// configuration or falls back to a silent default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// No secret was given: every request would have to be refused.
    NoSecret,
    /// More secrets than can be tried against one request (16).
    TooManySecrets {
        /// How many were given.
        given: usize,
    },
    /// A secret is empty, only white space, or decodes to no bytes or to zeros
    /// only. Anyone could sign with the empty key.
    EmptySecret {
        /// The label of the secret, or its position.
        secret: String,
    },
    /// A secret starts or ends with white space, as one read from a file or
    /// pasted with its line end does.
    SecretSurroundedByWhitespace {
        /// The label of the secret, or its position.
        secret: String,
    },
    /// A secret is not in the encoding in which the provider writes it.
    UndecodableSecret {
        /// The label of the secret, or its position.
        secret: String,
        /// The encoding that was expected, such as `base64`.
        expected: &'static str,
    },
    /// A source of keys is not one that may be fetched from.
    InvalidKeySource {
        /// The URL or host as given.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A tolerance of zero would refuse every request that took time to arrive.
    ZeroTolerance,
    /// A limit, capacity, lease or deadline that must not be zero is zero.
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
    /// The length of an IPv6 prefix by which callers are told apart is not
    /// between 48 and 64.
    InvalidIpv6Prefix {
        /// The length as given.
        given: u8,
    },
    /// A header name in a scheme is not one that HTTP allows.
    InvalidHeaderName {
        /// The name as given.
        name: String,
    },
    /// A scheme contradicts itself.
    InvalidScheme {
        /// The scheme's name.
        scheme: String,
        /// What is wrong, as a full sentence.
        reason: Cow<'static, str>,
    },
    /// An allowlist without an entry would refuse every caller.
    EmptyAllowlist,
    /// A text that should be an address or a network is neither.
    InvalidNetwork {
        /// The text as given.
        text: String,
    },
    /// The times or the share by which an allowlist is refreshed contradict
    /// each other.
    InvalidRefresh {
        /// What is wrong, as a full sentence.
        reason: &'static str,
    },
    /// Trusted proxies were to be configured, but none was given.
    NoTrustedProxy,
    /// Every address would count as a trusted proxy, so that every caller
    /// could choose its own address.
    TrustsEveryone {
        /// The network that holds every address, all networks taken together.
        network: String,
    },
    /// A text that should be the URL that a provider sends to is none.
    InvalidUrl {
        /// The text as given, without what may be secret in it: a user name, a
        /// query.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The URL that a provider sends to was to be taken from what trusted
    /// proxies say, but they say nothing of its scheme or host.
    NoPublicUrl {
        /// What is missing.
        reason: &'static str,
    },
    /// A certificate would have to satisfy nothing: no rule was given, or no
    /// alternative of a rule.
    NoClientCertRule,
    /// A rule for client certificates is not of its form.
    InvalidClientCertRule {
        /// The rule as given.
        rule: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Deduplication would forget an event while its signature still counts
    /// as fresh, so a replay could pass.
    DedupTtlTooShort {
        /// The time to live as configured, in seconds.
        ttl_seconds: u64,
        /// The shortest that is safe, in seconds.
        needed_seconds: u64,
    },
    /// An origin that may ask to send is not a DNS name.
    InvalidOrigin {
        /// The origin as given.
        origin: String,
    },
    /// What a store puts in front of its keys is not usable.
    InvalidPrefix {
        /// The prefix as given.
        prefix: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The lease is not shorter than the time an event is remembered, or
    /// the longest hold is shorter than one lease.
    InvalidLease {
        /// What is wrong, as a full sentence.
        reason: &'static str,
    },
    /// The name of a database table cannot be used.
    InvalidTableName {
        /// The name as given.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecret => f.write_str("no secret was given"),
            Self::TooManySecrets { given } => {
                write!(f, "{given} secrets were given; at most 16 can be active")
            }
            Self::EmptySecret { secret } => write!(f, "the secret {secret} is empty"),
            Self::SecretSurroundedByWhitespace { secret } => write!(
                f,
                "the secret {secret} starts or ends with white space; trim it, or use \
                 Secret::from_bytes if the white space belongs to the key"
            ),
            Self::UndecodableSecret { secret, expected } => {
                write!(f, "the secret {secret} is not valid {expected}")
            }
            Self::InvalidKeySource { url, reason } => {
                write!(f, "keys cannot be fetched from {url:?}: {reason}")
            }
            Self::ZeroTolerance => {
                f.write_str("the timestamp tolerance is zero, which would refuse every request")
            }
            Self::Zero { setting } => write!(f, "{setting} must not be zero"),
            Self::InvalidIpv6Prefix { given } => write!(
                f,
                "an IPv6 prefix of {given} bits does not tell callers apart; 48 to 64 do"
            ),
            Self::InvalidHeaderName { name } => {
                write!(f, "{name:?} is not a valid header name")
            }
            Self::InvalidScheme { scheme, reason } => {
                write!(f, "the scheme {scheme:?} cannot be used: {reason}")
            }
            Self::EmptyAllowlist => {
                f.write_str("the allowlist is empty, which would refuse every caller")
            }
            Self::InvalidNetwork { text } => {
                write!(f, "{text:?} is neither an IP address nor a network")
            }
            Self::NoTrustedProxy => f.write_str("no trusted proxy was given"),
            Self::TrustsEveryone { network } => write!(
                f,
                "the trusted proxies include every address ({network}): every caller could \
                 choose its own address"
            ),
            Self::InvalidUrl { url, reason } => {
                write!(f, "{url:?} is no URL that a provider can send to: {reason}")
            }
            Self::NoPublicUrl { reason } => {
                write!(f, "the URL that a provider sends to is not known: {reason}")
            }
            Self::NoClientCertRule => f.write_str("no rule for client certificates was given"),
            Self::InvalidClientCertRule { rule, reason } => {
                write!(f, "{rule:?} is no rule for client certificates: {reason}")
            }
            Self::DedupTtlTooShort {
                ttl_seconds,
                needed_seconds,
            } => write!(
                f,
                "events are remembered for {ttl_seconds} s, but their signatures stay fresh \
                 for {needed_seconds} s: a replay in between would run again"
            ),
            Self::InvalidOrigin { origin } => write!(f, "{origin:?} is not a DNS name"),
            Self::InvalidPrefix { prefix, reason } => {
                write!(f, "{prefix:?} cannot be a prefix of keys: {reason}")
            }
            Self::InvalidLease { reason } | Self::InvalidRefresh { reason } => f.write_str(reason),
            Self::InvalidTableName { name, reason } => {
                write!(f, "{name:?} cannot be the name of a table: {reason}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
