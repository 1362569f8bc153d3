use std::fmt;

/// Why a published document was not taken.
///
/// Names the format and, where there is one, the place in the document; no
/// text of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedError {
    pub(super) format: &'static str,
    pub(super) kind: PublishedErrorKind,
    pub(super) place: Option<Place>,
}

/// Both counted from 1, the column in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is wrong with a published document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishedErrorKind {
    /// The document is larger than 8 MiB.
    TooLarge,
    /// The document is not UTF-8.
    NotUtf8,
    /// The document is not JSON, or not JSON of the expected shape: an error
    /// page, or a new version of the format.
    Malformed,
    /// A list of the format is missing from the document.
    MissingList,
    /// A list of the format, or a field of an entry, is there twice.
    Repeated,
    /// An entry is neither an address nor a network.
    NotANetwork,
    /// The networks, taken together, hold every address of IPv4 or IPv6.
    EveryAddress,
    /// More than 16 384 networks.
    TooManyNetworks,
    /// No network: nothing is published, or nothing matches the filter.
    Empty,
}

impl PublishedError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> PublishedErrorKind {
        self.kind
    }

    /// The [name](super::Format::name) of the format that was expected.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        self.format
    }

    /// Where in the document: line and column, both from 1, the column in
    /// bytes.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.place.map(|place| (place.line, place.column))
    }
}

impl PublishedErrorKind {
    /// One sentence for the operator.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "the document is too large",
            Self::NotUtf8 => "the document is not UTF-8",
            Self::Malformed => "the document is not JSON of this format",
            Self::MissingList => "a list of this format is missing",
            Self::Repeated => "a list or a field is there twice",
            Self::NotANetwork => "an entry is neither an address nor a network",
            Self::EveryAddress => "the networks hold every address",
            Self::TooManyNetworks => "the document lists too many networks",
            Self::Empty => "no network is listed, or none matches the filter",
        }
    }
}

impl fmt::Display for PublishedErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl fmt::Display for PublishedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.format, self.kind)?;
        match self.place {
            Some(Place { line, column }) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PublishedError {}
