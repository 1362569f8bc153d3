use std::borrow::Cow;

/// Where a text is read from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A header. Several names are alternatives of one provider (`svix-id`,
    /// `webhook-id`): the signature header decides which one a request uses,
    /// and all other headers are read under the name at the same place of
    /// their list. The families never mix.
    Header(Vec<Cow<'static, str>>),
    /// A field inside a signature header of [`Grammar::Fields`](super::Grammar).
    Field(Cow<'static, str>),
    /// A string or an integer in the JSON body, by JSON pointer (RFC 6901).
    Pointer(Cow<'static, str>),
    /// A parameter of the query. Compared as it was sent, without
    /// percent-decoding.
    Query(Cow<'static, str>),
}

impl Source {
    /// The header `name`.
    #[must_use]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Header(vec![name.into()])
    }

    /// The header under the name that the request's family uses.
    #[must_use]
    pub fn headers<const N: usize>(names: [&'static str; N]) -> Self {
        Self::Header(names.into_iter().map(Cow::Borrowed).collect())
    }

    /// The field `key` of the signature header.
    #[must_use]
    pub fn field(key: impl Into<Cow<'static, str>>) -> Self {
        Self::Field(key.into())
    }

    /// The value at `pointer` in the JSON body.
    #[must_use]
    pub fn pointer(pointer: impl Into<Cow<'static, str>>) -> Self {
        Self::Pointer(pointer.into())
    }

    /// The query parameter `name`.
    #[must_use]
    pub fn query(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Query(name.into())
    }
}
