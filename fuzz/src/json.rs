//! A value of a JSON body by way of the whole tree, repeated keys included.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// What is at a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Text(String),
    Nothing,
    /// Neither a string nor an integer, or behind a repeated key.
    Unusable,
}

/// What is at `pointer`; an error where no tree can be made of the body.
pub fn value(body: &[u8], pointer: &str) -> Result<Found, serde_json::Error> {
    let tree: Tree = serde_json::from_slice(body)?;
    let keys: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    Ok(tree.find(&keys))
}

enum Tree {
    Null,
    Text(String),
    Other,
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn find(&self, keys: &[String]) -> Found {
        match (self, keys) {
            (Self::Null, _) => Found::Nothing,
            (Self::Text(text), []) => Found::Text(text.clone()),
            (_, []) => Found::Unusable,
            (Self::Text(_) | Self::Other, _) => Found::Nothing,
            (Self::Array(items), [key, rest @ ..]) => items
                .iter()
                .enumerate()
                .find(|(index, _)| index.to_string() == *key)
                .map_or(Found::Nothing, |(_, item)| item.find(rest)),
            (Self::Object(members), [key, rest @ ..]) => {
                let mut named = members.iter().filter(|(name, _)| name == key);
                match (named.next(), named.next()) {
                    (None, _) => Found::Nothing,
                    (Some((_, member)), None) => member.find(rest),
                    (Some(_), Some(_)) => Found::Unusable,
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Text(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Text(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
