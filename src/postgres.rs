//! What the stores in PostgreSQL share.

use std::fmt;

use crate::ConfigError;

/// The name of a table, with its schema or without. It is made of lower-case
/// letters, digits and underscores only, so that it cannot end a statement it
/// is written into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    schema: Option<Box<str>>,
    name: Box<str>,
}

impl TableName {
    /// PostgreSQL cuts longer names off; what is derived from a table's name
    /// needs room.
    const MAX_LEN: usize = 40;

    pub(crate) fn new(text: &str) -> Result<Self, ConfigError> {
        let invalid = |reason| ConfigError::InvalidTableName {
            name: text.to_owned(),
            reason,
        };
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        for part in schema.into_iter().chain([name]) {
            let is_word = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
            if part.is_empty() || part.len() > Self::MAX_LEN {
                return Err(invalid("it is empty, or has more than 40 characters"));
            }
            if !part.as_bytes().iter().all(is_word) {
                return Err(invalid(
                    "only a-z, 0-9, _ and a dot behind the schema may be in it",
                ));
            }
        }
        Ok(Self {
            schema: schema.map(Box::from),
            name: name.into(),
        })
    }

    /// A name that this crate chose.
    pub(crate) fn known(name: &'static str) -> Self {
        Self {
            schema: None,
            name: name.into(),
        }
    }

    /// The name without its schema, for what is derived from it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A table in the same schema, with `suffix` behind the name.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self {
            schema: self.schema.clone(),
            name: format!("{}{suffix}", self.name).into(),
        }
    }
}

/// In quotes, as a statement has it.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "\"{schema}\".")?;
        }
        write!(f, "\"{}\"", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted() {
        assert_eq!(TableName::new("inbox").unwrap().to_string(), "\"inbox\"");
        let name = TableName::new("hooks.inbox_2").unwrap();
        assert_eq!(name.to_string(), "\"hooks\".\"inbox_2\"");
        assert_eq!(
            name.with_suffix("_replay").to_string(),
            "\"hooks\".\"inbox_2_replay\""
        );
    }

    #[test]
    fn what_could_end_a_statement_is_refused() {
        let long = "x".repeat(41);
        for name in [
            "", ".", "a.", ".a", "a.b.c", "a b", "a\"b", "a;b", "A", "ä", "a-b", &long,
        ] {
            assert!(TableName::new(name).is_err(), "{name}");
        }
    }
}
