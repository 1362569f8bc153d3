use std::borrow::Cow;

/// How signatures are written in their header.
///
/// What a grammar yields are candidates: versions and fields it does not know
/// are skipped, so that a provider can add some, but they never count as a
/// signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grammar {
    /// The whole value is one signature.
    Plain,
    /// One signature behind a fixed prefix: `sha256=<signature>`.
    Prefixed(Cow<'static, str>),
    /// Fields `key=value` in any order, of which some are signatures:
    /// `t=1700000000,v1=<signature>,v1=<signature>`. White space around a
    /// field is skipped.
    Fields {
        /// Between two fields.
        separator: char,
        /// The key of a signature.
        signature: Cow<'static, str>,
    },
    /// Sets of such fields, separated by spaces, one for each secret during a
    /// rotation: `t=1700000000,v1=<signature> t=1700000000,v1=<signature>`. A
    /// field that is not a signature must say the same in every set.
    FieldSets {
        /// Between two fields of a set.
        separator: char,
        /// The key of a signature.
        signature: Cow<'static, str>,
    },
    /// Signatures with a version, separated by spaces:
    /// `v1,<signature> v2,<signature>`.
    Versioned {
        /// The version that counts.
        version: Cow<'static, str>,
    },
    /// The credentials of an `Authorization` scheme (RFC 9110 section 11.4):
    /// `Bearer <token>`. The scheme's name is compared without case.
    Authorization {
        /// The name, such as `Bearer`.
        scheme: Cow<'static, str>,
    },
}

impl Grammar {
    /// [`Grammar::Prefixed`].
    #[must_use]
    pub fn prefixed(prefix: impl Into<Cow<'static, str>>) -> Self {
        Self::Prefixed(prefix.into())
    }

    /// [`Grammar::Fields`].
    #[must_use]
    pub fn fields(separator: char, signature: impl Into<Cow<'static, str>>) -> Self {
        Self::Fields {
            separator,
            signature: signature.into(),
        }
    }

    /// [`Grammar::FieldSets`].
    #[must_use]
    pub fn field_sets(separator: char, signature: impl Into<Cow<'static, str>>) -> Self {
        Self::FieldSets {
            separator,
            signature: signature.into(),
        }
    }

    /// [`Grammar::Versioned`].
    #[must_use]
    pub fn versioned(version: impl Into<Cow<'static, str>>) -> Self {
        Self::Versioned {
            version: version.into(),
        }
    }

    /// [`Grammar::Authorization`].
    #[must_use]
    pub fn authorization(scheme: impl Into<Cow<'static, str>>) -> Self {
        Self::Authorization {
            scheme: scheme.into(),
        }
    }

    /// Calls `found` with the text of every signature in `value`, in order.
    pub(crate) fn signatures<'v>(&self, value: &'v [u8], mut found: impl FnMut(&'v [u8])) {
        match self {
            Self::Plain => found(value),
            Self::Prefixed(prefix) => {
                if let Some(signature) = value.strip_prefix(prefix.as_bytes()) {
                    found(signature);
                }
            }
            Self::Fields {
                separator,
                signature,
            } => {
                for (key, field) in fields(value, *separator) {
                    if key == signature.as_bytes() {
                        found(field);
                    }
                }
            }
            Self::FieldSets {
                separator,
                signature,
            } => {
                for (key, field) in field_sets(value, *separator) {
                    if key == signature.as_bytes() {
                        found(field);
                    }
                }
            }
            Self::Versioned { version } => {
                for item in split(value, ' ') {
                    let signature = item
                        .strip_prefix(version.as_bytes())
                        .and_then(|rest| rest.strip_prefix(b","));
                    if let Some(signature) = signature {
                        found(signature);
                    }
                }
            }
            Self::Authorization { scheme } => {
                if let Some((name, credentials)) = split_once(value, b' ')
                    && name.eq_ignore_ascii_case(scheme.as_bytes())
                {
                    found(credentials.trim_ascii());
                }
            }
        }
    }

    pub(crate) const fn has_fields(&self) -> bool {
        matches!(self, Self::Fields { .. } | Self::FieldSets { .. })
    }

    /// The one field `key` in `value`.
    pub(crate) fn field<'v>(&self, value: &'v [u8], key: &str) -> FieldValue<'v> {
        let is_named = |(name, _): &(&[u8], _)| *name == key.as_bytes();
        match self {
            Self::Fields { separator, .. } => {
                let mut named = fields(value, *separator).filter(is_named);
                match (named.next(), named.next()) {
                    (None, _) => FieldValue::Missing,
                    (Some((_, field)), None) => FieldValue::One(field),
                    (Some(_), Some(_)) => FieldValue::Repeated,
                }
            }
            Self::FieldSets { separator, .. } => {
                let mut named = field_sets(value, *separator).filter(is_named);
                match named.next() {
                    None => FieldValue::Missing,
                    Some((_, first)) if named.all(|(_, field)| field == first) => {
                        FieldValue::One(first)
                    }
                    Some(_) => FieldValue::Repeated,
                }
            }
            _ => FieldValue::Missing,
        }
    }

    /// Writes `signatures` and, for [`Grammar::Fields`], `extra` fields.
    pub(crate) fn write(&self, extra: &[(&str, &str)], signatures: &[String]) -> String {
        match self {
            Self::Plain => signatures.concat(),
            Self::Prefixed(prefix) => format!("{prefix}{}", signatures.concat()),
            Self::Fields {
                separator,
                signature,
            }
            | Self::FieldSets {
                separator,
                signature,
            } => extra
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .chain(
                    signatures
                        .iter()
                        .map(|value| format!("{signature}={value}")),
                )
                .collect::<Vec<_>>()
                .join(&separator.to_string()),
            Self::Versioned { version } => signatures
                .iter()
                .map(|value| format!("{version},{value}"))
                .collect::<Vec<_>>()
                .join(" "),
            Self::Authorization { scheme } => format!("{scheme} {}", signatures.concat()),
        }
    }
}

/// What [`Grammar::field`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValue<'v> {
    Missing,
    One(&'v [u8]),
    Repeated,
}

/// Splits at the first `=` only: base64 may end in some.
fn fields(value: &[u8], separator: char) -> impl Iterator<Item = (&[u8], &[u8])> {
    split(value, separator).filter_map(|field| split_once(field.trim_ascii(), b'='))
}

fn field_sets(value: &[u8], separator: char) -> impl Iterator<Item = (&[u8], &[u8])> {
    split(value, ' ').flat_map(move |set| fields(set, separator))
}

/// The pieces between `separator`s, which are ASCII in a checked scheme.
fn split(value: &[u8], separator: char) -> impl Iterator<Item = &[u8]> {
    let separator = u8::try_from(separator).unwrap_or(b',');
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        Some(match split_once(value, separator) {
            Some((piece, behind)) => {
                rest = Some(behind);
                piece
            }
            None => {
                rest = None;
                value
            }
        })
    })
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = memchr::memchr(at, text)?;
    Some((text.get(..position)?, text.get(position + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(grammar: &Grammar, value: &str) -> Vec<String> {
        let mut found = Vec::new();
        grammar.signatures(value.as_bytes(), |signature| {
            found.push(String::from_utf8_lossy(signature).into_owned());
        });
        found
    }

    #[test]
    fn a12_unknown_versions_are_skipped() {
        let stripe = Grammar::fields(',', "v1");
        assert_eq!(read(&stripe, "t=1,v1=a,v0=b, v1=c=="), ["a", "c=="]);
        assert!(read(&stripe, "t=1,v0=b,v11=c,=d,v1").is_empty());
        let standard = Grammar::versioned("v1");
        assert_eq!(read(&standard, "v1,a v1a,b v2,c v1,d"), ["a", "d"]);
        assert!(read(&standard, "v1a,b v1").is_empty());
    }

    #[test]
    fn a14_a_prefix_must_match_whole() {
        let github = Grammar::prefixed("sha256=");
        assert_eq!(read(&github, "sha256=ab"), ["ab"]);
        assert!(read(&github, "sha1=ab").is_empty());
        assert!(read(&github, "SHA256=ab").is_empty());
    }

    #[test]
    fn b6_a_repeated_field_is_not_a_value() {
        let stripe = Grammar::fields(',', "v1");
        assert_eq!(stripe.field(b"t=1,v1=a", "t"), FieldValue::One(b"1"));
        assert_eq!(stripe.field(b"t=1,t=1,v1=a", "t"), FieldValue::Repeated);
        assert_eq!(stripe.field(b"v1=a", "t"), FieldValue::Missing);
    }

    #[test]
    fn b6_sets_of_fields_agree() {
        let persona = Grammar::field_sets(',', "v1");
        for (value, signatures, t) in [
            ("t=1,v1=a", &["a"][..], FieldValue::One(&b"1"[..])),
            ("t=1,v1=a t=1,v1=b", &["a", "b"], FieldValue::One(b"1")),
            ("t=1,v1=a t=2,v1=b", &["a", "b"], FieldValue::Repeated),
            ("t=1,t=2,v1=a", &["a"], FieldValue::Repeated),
            ("t=1,v1=a  v0=c,v1=b ", &["a", "b"], FieldValue::One(b"1")),
            ("t=1, v1=a", &["a"], FieldValue::One(b"1")),
            ("v1=a v1=b", &["a", "b"], FieldValue::Missing),
            ("t=1 v11=a", &[], FieldValue::One(b"1")),
        ] {
            assert_eq!(read(&persona, value), signatures, "{value}");
            assert_eq!(persona.field(value.as_bytes(), "t"), t, "{value}");
        }
    }

    #[test]
    fn authorization_schemes_have_no_case() {
        let bearer = Grammar::authorization("Bearer");
        assert_eq!(read(&bearer, "bearer  abc"), ["abc"]);
        assert!(read(&bearer, "Basic abc").is_empty());
        assert!(read(&bearer, "Bearer").is_empty());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let signatures = ["a1".to_owned(), "b2".to_owned()];
        for grammar in [
            Grammar::fields(';', "h1"),
            Grammar::field_sets(',', "v1"),
            Grammar::versioned("v1"),
        ] {
            let text = grammar.write(&[("ts", "1")], &signatures);
            assert_eq!(read(&grammar, &text), signatures);
        }
    }
}
