//! Dictionaries of structured fields (RFC 8941), without repetitions.
//!
//! Where a key is repeated, RFC 8941 lets the last one win. Who signs and who
//! verifies could then read two things, so a repetition is refused.

use std::fmt;

use http::HeaderMap;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser, Version};

/// More than any request lists.
const MAX_MEMBERS: usize = 16;
const MAX_ITEMS: usize = 64;
const MAX_PARAMETERS: usize = 16;

pub(super) type Parameters<'h> = Vec<(&'h KeyRef, BareItemFromInput<'h>)>;

/// A member of a dictionary.
#[derive(Debug)]
pub(super) struct Member<'h> {
    pub(super) key: &'h str,
    pub(super) value: Value<'h>,
    pub(super) parameters: Parameters<'h>,
}

#[derive(Debug)]
pub(super) enum Value<'h> {
    Item(BareItemFromInput<'h>),
    List(Vec<Item<'h>>),
}

/// An item of an inner list.
#[derive(Debug)]
pub(super) struct Item<'h> {
    pub(super) value: BareItemFromInput<'h>,
    pub(super) parameters: Parameters<'h>,
}

/// All lines of the header `name` as one; `None` if there is none.
pub(super) fn joined(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let mut lines = headers.get_all(name).iter();
    let mut joined = lines.next()?.as_bytes().trim_ascii().to_vec();
    for line in lines {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(line.as_bytes().trim_ascii());
    }
    Some(joined)
}

/// Reads a dictionary.
pub(super) fn dictionary(text: &[u8]) -> Result<Vec<Member<'_>>, sfv::Error> {
    Parser::new(text)
        .with_version(Version::Rfc8941)
        .parse_dictionary_with_visitor(Members(Vec::new()))
}

#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("repeated, or too many")
    }
}

impl std::error::Error for Refused {}

struct Members<'h>(Vec<Member<'h>>);

impl<'h> DictionaryVisitor<'h> for Members<'h> {
    type Out = Vec<Member<'h>>;
    type Error = Refused;

    fn entry(&mut self, key: &'h KeyRef) -> Result<impl EntryVisitor<'h>, Refused> {
        let key = key.as_str();
        if self.0.len() >= MAX_MEMBERS || self.0.iter().any(|member| member.key == key) {
            return Err(Refused);
        }
        self.0.push(Member {
            key,
            value: Value::List(Vec::new()),
            parameters: Vec::new(),
        });
        self.0.last_mut().ok_or(Refused)
    }

    fn finish(self) -> Result<Self::Out, Refused> {
        Ok(self.0)
    }
}

impl<'h> EntryVisitor<'h> for &mut Member<'h> {
    type Error = Refused;

    fn item(self) -> Result<impl ItemVisitor<'h>, Refused> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'h>, Refused> {
        Ok(self)
    }
}

impl<'h> ItemVisitor<'h> for &mut Member<'h> {
    type Out = ();
    type Error = Refused;

    fn bare_item(
        self,
        item: BareItemFromInput<'h>,
    ) -> Result<impl ParameterVisitor<'h, Out = ()>, Refused> {
        self.value = Value::Item(item);
        Ok(Collect(&mut self.parameters))
    }
}

impl<'h> InnerListVisitor<'h> for &mut Member<'h> {
    type Error = Refused;

    fn item(&mut self) -> Result<impl ItemVisitor<'h>, Refused> {
        let Value::List(items) = &mut self.value else {
            return Err(Refused);
        };
        if items.len() >= MAX_ITEMS {
            return Err(Refused);
        }
        Ok(Append(items))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'h>, Refused> {
        Ok(Collect(&mut self.parameters))
    }
}

struct Append<'l, 'h>(&'l mut Vec<Item<'h>>);

impl<'l, 'h: 'l> ItemVisitor<'h> for Append<'l, 'h> {
    type Out = ();
    type Error = Refused;

    fn bare_item(
        self,
        value: BareItemFromInput<'h>,
    ) -> Result<impl ParameterVisitor<'h, Out = ()>, Refused> {
        self.0.push(Item {
            value,
            parameters: Vec::new(),
        });
        let item = self.0.last_mut().ok_or(Refused)?;
        Ok(Collect(&mut item.parameters))
    }
}

struct Collect<'p, 'h>(&'p mut Parameters<'h>);

impl<'h> ParameterVisitor<'h> for Collect<'_, 'h> {
    type Out = ();
    type Error = Refused;

    fn parameter(&mut self, key: &'h KeyRef, value: BareItemFromInput<'h>) -> Result<(), Refused> {
        if self.0.len() >= MAX_PARAMETERS || self.0.iter().any(|(seen, _)| *seen == key) {
            return Err(Refused);
        }
        self.0.push((key, value));
        Ok(())
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_refused() {
        for text in [
            "a=1, a=2",
            "a=(), b=1, a=()",
            "a=1;x;x",
            "a=(\"b\";x=1;x=1)",
            "a=();x=1;x=2",
        ] {
            assert!(dictionary(text.as_bytes()).is_err(), "{text}");
        }
        let read = dictionary(b"a=(\"b\";x \"b\");y=1, b=:AA==:").unwrap();
        assert_eq!(read.len(), 2);
        assert!(matches!(&read[0].value, Value::List(items) if items.len() == 2));
        assert_eq!(read[0].parameters.len(), 1);
        assert!(matches!(&read[1].value, Value::Item(_)));
    }

    #[test]
    fn lists_are_bounded() {
        let labels = |count| -> String {
            let labels: Vec<_> = (0..count).map(|label| format!("l{label}=()")).collect();
            labels.join(", ")
        };
        assert!(dictionary(labels(MAX_MEMBERS).as_bytes()).is_ok());
        assert!(dictionary(labels(MAX_MEMBERS + 1).as_bytes()).is_err());
        let items = |count| format!("a=({})", "\"b\" ".repeat(count));
        assert!(dictionary(items(MAX_ITEMS).as_bytes()).is_ok());
        assert!(dictionary(items(MAX_ITEMS + 1).as_bytes()).is_err());
    }

    #[test]
    fn the_lines_of_a_header_are_one_list() {
        let mut headers = HeaderMap::new();
        assert_eq!(joined(&headers, "a"), None);
        headers.append("a", " 1 ".parse().unwrap());
        headers.append("a", "".parse().unwrap());
        headers.append("a", "2, 3".parse().unwrap());
        assert_eq!(joined(&headers, "a").as_deref(), Some(&b"1, , 2, 3"[..]));
    }
}
