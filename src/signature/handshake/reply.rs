use std::borrow::Cow;

use crate::signature::{Encoding, Source};

/// What a challenge is answered with. Every answer says
/// `X-Content-Type-Options: nosniff`, and none is HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// An empty body.
    Empty,
    /// A text (`text/plain`).
    Text(ReplyValue),
    /// A JSON object with these members.
    Json(Vec<(Cow<'static, str>, ReplyValue)>),
    /// An empty body, and the header of this name as it was sent.
    Header(Cow<'static, str>),
    /// An empty body, and `WebHook-Allowed-Origin` with the origin that asked,
    /// if it is one of those that are configured. `WebHook-Allowed-Rate` is
    /// `*`: who sends too much is answered 429 or 503 later.
    AllowedOrigin,
}

impl Reply {
    /// A text.
    #[must_use]
    pub const fn text(value: ReplyValue) -> Self {
        Self::Text(value)
    }

    /// A JSON object with one member for each pair.
    #[must_use]
    pub fn json<const N: usize>(members: [(&'static str, ReplyValue); N]) -> Self {
        let members = members.into_iter();
        Self::Json(members.map(|(name, value)| (name.into(), value)).collect())
    }

    /// The header `name`, back as it was sent.
    #[must_use]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Header(name.into())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &ReplyValue> {
        let (text, members): (_, &[_]) = match self {
            Self::Text(value) => (Some(value), &[]),
            Self::Json(members) => (None, members),
            Self::Empty | Self::Header(_) | Self::AllowedOrigin => (None, &[]),
        };
        text.into_iter()
            .chain(members.iter().map(|(_, value)| value))
    }
}

/// A value in the answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyValue {
    /// A fixed number.
    Number(u32),
    /// What stands at this place of the request, of 1 to 4096 bytes.
    Echo(Source),
    /// The MAC of what stands at a place of the request, with the endpoint's
    /// secret: of letters, digits and `+/-_`, with at most two `=` behind them.
    ///
    /// Nothing else is hashed, because whoever may ask for the MAC of a text of
    /// their choice could ask for that of a delivery.
    Mac {
        /// Where the text is.
        of: Source,
        /// How the MAC is written.
        encoding: Encoding,
        /// What is written in front of it.
        prefix: Cow<'static, str>,
    },
}

impl ReplyValue {
    /// What stands at `source`.
    #[must_use]
    pub const fn echo(source: Source) -> Self {
        Self::Echo(source)
    }

    /// The MAC of what stands at `source`.
    #[must_use]
    pub const fn mac(source: Source, encoding: Encoding) -> Self {
        Self::Mac {
            of: source,
            encoding,
            prefix: Cow::Borrowed(""),
        }
    }

    /// With `text` in front of the MAC. Does nothing for other values.
    #[must_use]
    pub fn with_prefix(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        if let Self::Mac { prefix, .. } = &mut self {
            *prefix = text.into();
        }
        self
    }

    pub(super) const fn source(&self) -> Option<&Source> {
        match self {
            Self::Number(_) => None,
            Self::Echo(source) | Self::Mac { of: source, .. } => Some(source),
        }
    }
}
