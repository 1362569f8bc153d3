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
    /// A header that may come several times, each with a signature, as Mollie's
    /// does during a rotation.
    Lines(Cow<'static, str>),
    /// Headers with a number behind this prefix, from 1: Docusign's
    /// `X-DocuSign-Signature-1`, `X-DocuSign-Signature-2`. Reading ends with the
    /// first number that is missing.
    Numbered(Cow<'static, str>),
    /// A field inside a signature header of [`Grammar::Fields`](super::Grammar)
    /// or [`Grammar::FieldSets`](super::Grammar).
    Field(Cow<'static, str>),
    /// A string or an integer in the JSON body, by JSON pointer (RFC 6901).
    Pointer(Cow<'static, str>),
    /// A parameter of the query. Compared as it was sent, without
    /// percent-decoding.
    Query(Cow<'static, str>),
    /// A field of a form body (`application/x-www-form-urlencoded`), decoded.
    Form(Cow<'static, str>),
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

    /// The header `name`, which may come several times.
    #[must_use]
    pub fn lines(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Lines(name.into())
    }

    /// The headers `prefix` followed by 1, 2 and so on.
    #[must_use]
    pub fn numbered(prefix: impl Into<Cow<'static, str>>) -> Self {
        Self::Numbered(prefix.into())
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

    /// The field `name` of a form body.
    #[must_use]
    pub fn form(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Form(name.into())
    }
}
