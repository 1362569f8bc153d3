use std::fmt;
use std::sync::Arc;

use crate::ConfigError;

/// The name of a table, of which every part can stand between quotes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    schema: Option<Arc<str>>,
    name: Arc<str>,
    quoted: Arc<str>,
}

impl TableName {
    /// PostgreSQL cuts longer names off, and two could become one.
    const MAX_BYTES: usize = 63;

    /// From `table` or `schema.table`. `longest` is the longest suffix of the
    /// names that are derived from it.
    pub(crate) fn parse(text: &str, longest: &str) -> Result<Self, ConfigError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        let checked = schema
            .map_or(Ok(()), |schema| check(schema, Self::MAX_BYTES))
            .and_then(|()| check(name, Self::MAX_BYTES.saturating_sub(longest.len())));
        if let Err(reason) = checked {
            return Err(ConfigError::InvalidTableName {
                name: text.to_owned(),
                reason,
            });
        }
        Ok(Self::of(schema.map(Arc::from), name.into()))
    }

    /// A name that this crate chose, which needs no quotes.
    pub(crate) fn known(name: &'static str) -> Self {
        Self {
            schema: None,
            name: name.into(),
            quoted: name.into(),
        }
    }

    fn of(schema: Option<Arc<str>>, name: Arc<str>) -> Self {
        let quoted = match &schema {
            Some(schema) => format!("\"{schema}\".\"{name}\""),
            None => format!("\"{name}\""),
        };
        Self {
            quoted: quoted.into(),
            schema,
            name,
        }
    }

    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// A table in the same schema, with `suffix` behind the name.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        let name = format!("{}{suffix}", self.name);
        Self::of(self.schema.clone(), name.into())
    }

    /// The name without its schema, for what is derived from it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn check(part: &str, max: usize) -> Result<(), &'static str> {
    let mut characters = part.bytes();
    let first = characters.next();
    if !first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        || !characters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err("a name is a letter or _, then letters, digits and _");
    }
    if part.len() > max {
        return Err(
            "it is too long: names have up to 63 bytes, and those of its indexes need some more",
        );
    }
    Ok(())
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted() {
        let name = TableName::parse("inbox", "").unwrap();
        assert_eq!(name.quoted(), "\"inbox\"");
        let name = TableName::parse("Hooks.inbox_2", "_replay").unwrap();
        assert_eq!(name.quoted(), "\"Hooks\".\"inbox_2\"");
        assert_eq!(name.to_string(), "Hooks.inbox_2");
        let replay = name.with_suffix("_replay");
        assert_eq!(replay.quoted(), "\"Hooks\".\"inbox_2_replay\"");
        assert_eq!(name.name(), "inbox_2");
        let known = TableName::known("inbox").with_suffix("_replay");
        assert_eq!(known.quoted(), "\"inbox_replay\"");
    }

    #[test]
    fn names_that_could_leave_their_quotes_are_refused() {
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "1a",
            "a b",
            "a-b",
            "a\"b",
            "a;drop table b",
            "a\0",
            "größe",
            "$1",
        ] {
            let refused = TableName::parse(name, "");
            assert!(
                matches!(refused, Err(ConfigError::InvalidTableName { .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_is_derived_from_a_name_is_not_cut_off() {
        let long = "t".repeat(53);
        assert!(TableName::parse(&long, "_expires_at").is_err());
        assert!(TableName::parse(&long[1..], "_expires_at").is_ok());
        assert!(TableName::parse(&long, "_replay").is_ok());
        let schema = format!("{}.t", "s".repeat(63));
        assert!(TableName::parse(&schema, "_expires_at").is_ok());
        assert!(TableName::parse(&format!("s{schema}"), "").is_err());
    }
}
