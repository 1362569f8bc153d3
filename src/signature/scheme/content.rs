use std::borrow::Cow;

use crate::signature::{Hash, UrlForm};

/// A piece of the signed content. The pieces are joined without separators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A fixed text.
    Literal(Cow<'static, str>),
    /// The text of the timestamp, exactly as it was sent.
    Timestamp,
    /// The text of the event id header, exactly as it was sent.
    EventId,
    /// The bytes of the body, exactly as they were sent.
    Body,
    /// The digest of the body, as raw bytes.
    BodyDigest(Hash),
    /// The secret, for [`Algorithm::Hash`](super::Algorithm).
    Secret,
    /// The text of a header, exactly as it was sent.
    Header(Cow<'static, str>),
    /// The method, in upper case.
    Method,
    /// The URL that the provider sent the request to; see
    /// [`PublicUrl`](crate::signature::PublicUrl).
    Url(UrlForm),
    /// The names and values of the body, if it is a form
    /// (`application/x-www-form-urlencoded` in UTF-8): decoded, sorted by name
    /// and then by value, and joined without separators.
    ///
    /// Without separators, `a=bc` and `ab=c` are the same content: whoever
    /// captured a delivery can move such a boundary. Deduplication takes both
    /// for the same event.
    SortedForm {
        /// What becomes of a name that comes several times.
        repeated: RepeatedNames,
        /// The query parameter of the signed URL that holds the SHA-256 of a
        /// body that is not a form, in hex. Nothing else of such a body is
        /// signed. Without the parameter, such a body is refused unless it is
        /// empty; with `None` here, every one is.
        digest: Option<Cow<'static, str>>,
    },
    /// The string or integer at `pointer` in the JSON body.
    Value {
        /// A JSON pointer (RFC 6901); inside the item where the scheme signs
        /// [each](super::Scheme::with_each) by itself.
        pointer: Cow<'static, str>,
        /// What is signed in the place of a value that is not there; `None` if
        /// such a request is refused.
        missing: Option<Cow<'static, str>>,
    },
}

impl Part {
    /// A fixed text.
    #[must_use]
    pub fn literal(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Literal(text.into())
    }

    /// The text of the header `name`; a request without it is refused.
    #[must_use]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Header(name.into())
    }

    /// The value at `pointer` in the JSON body; a request without it is
    /// refused.
    #[must_use]
    pub fn value(pointer: impl Into<Cow<'static, str>>) -> Self {
        Self::Value {
            pointer: pointer.into(),
            missing: None,
        }
    }

    /// The value at `pointer` in the JSON body, or nothing.
    #[must_use]
    pub fn optional_value(pointer: impl Into<Cow<'static, str>>) -> Self {
        Self::Value {
            pointer: pointer.into(),
            missing: Some("".into()),
        }
    }

    /// Whether the piece depends on nothing but the headers that a scheme
    /// names, so that it can be hashed before and after a body that arrives.
    pub(crate) const fn streams(&self) -> bool {
        matches!(
            self,
            Self::Literal(_) | Self::Timestamp | Self::EventId | Self::Body
        )
    }
}

/// What becomes of a name that comes several times in a signed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepeatedNames {
    /// Each pair of name and value is signed once, as Twilio does.
    EachPairOnce,
    /// The request is refused: the provider does not say, and the libraries
    /// that read the form afterwards do not agree.
    Refused,
}

/// What it means when an event id comes again with another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// The id alone identifies the event: honest attempts may differ in
    /// content (a counter, a new time).
    #[default]
    Ignore,
    /// The provider sends the same bytes each time: answer 422 and tell the
    /// operator.
    Reject,
}

/// How much of a request its signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// The whole body, and what else the signed content names.
    Body,
    /// Some values, but not the body: whoever captured a request can send it
    /// again with others around them.
    Values,
    /// Nothing: it proves the sender alone.
    Nothing,
}
