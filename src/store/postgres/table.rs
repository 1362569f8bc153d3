use std::fmt;
use std::sync::Arc;

use super::sql::{INDEX, TABLE};
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

    /// From `table` or `schema.table`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        let suffix = INDEX.len() - TABLE.len();
        let checked = schema
            .map_or(Ok(()), |schema| check(schema, Self::MAX_BYTES))
            .and_then(|()| check(name, Self::MAX_BYTES - suffix));
        if let Err(reason) = checked {
            return Err(ConfigError::InvalidTableName {
                name: text.to_owned(),
                reason,
            });
        }
        Ok(Self {
            schema: schema.map(Arc::from),
            name: Arc::from(name),
            quoted: match schema {
                Some(schema) => format!("\"{schema}\".\"{name}\"").into(),
                None => format!("\"{name}\"").into(),
            },
        })
    }

    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// The index is in the schema of its table.
    pub(super) fn quoted_index(&self) -> String {
        let suffix = INDEX.strip_prefix(TABLE).unwrap_or_default();
        format!("\"{}{suffix}\"", self.name)
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self {
            schema: None,
            name: Arc::from(TABLE),
            quoted: Arc::from(TABLE),
        }
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
        return Err("it is too long: names have up to 63 bytes, and the index needs 11 of them");
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
    use super::super::sql::{CLAIM, MIGRATION, Statement};
    use super::*;

    #[test]
    fn a_name_is_quoted_as_it_is_written() {
        let table = TableName::parse("Billing.order").unwrap();
        let claim = Statement::new(CLAIM, &table).sql();
        let start = r#"INSERT INTO "Billing"."order" AS w"#;
        assert!(claim.as_str().starts_with(start));
        let migration = Statement::new(MIGRATION, &table).sql();
        let index = r#"IF NOT EXISTS "order_expires_at" ON "Billing"."order" (expires_at)"#;
        assert!(migration.as_str().contains(index));
        assert!(!migration.as_str().contains(TABLE));
    }

    #[test]
    fn a_name_may_contain_the_default_one() {
        let table = TableName::parse("webhook_events_2").unwrap();
        let migration = Statement::new(MIGRATION, &table).sql();
        let index = r#"EXISTS "webhook_events_2_expires_at" ON "webhook_events_2" (expires_at)"#;
        assert!(migration.as_str().contains(index));
    }

    #[test]
    fn the_default_table_leaves_the_constants_as_they_are() {
        let claim = Statement::new(CLAIM, &TableName::default()).sql();
        assert_eq!(claim.as_str(), CLAIM);
        assert_eq!(TABLE, TableName::default().to_string());
    }

    #[test]
    fn names_that_could_leave_their_quotes_are_refused() {
        let long = "t".repeat(53);
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
            &long,
        ] {
            let refused = TableName::parse(name);
            assert!(
                matches!(refused, Err(ConfigError::InvalidTableName { .. })),
                "{name:?}"
            );
        }
        assert!(TableName::parse(&long[1..]).is_ok());
    }
}
