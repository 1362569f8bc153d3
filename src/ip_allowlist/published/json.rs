//! One pass over the document that keeps the networks and nothing else: a
//! tree of everything AWS publishes would be many times its size.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{Place, PublishedErrorKind};
use super::format::{Entry, Filter, Found, List};

pub(super) fn read(
    text: &str,
    lists: &[List],
    found: &mut Found,
) -> Result<(), (PublishedErrorKind, Option<Place>)> {
    let mut state = State {
        found,
        failure: None,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Document {
        lists,
        state: &mut state,
    }
    .deserialize(&mut deserializer)
    .and_then(|()| deserializer.end());
    read.map_err(|error| {
        let place = Place {
            line: error.line(),
            column: error.column(),
        };
        let kind = state.failure.unwrap_or(PublishedErrorKind::Malformed);
        (kind, (place.line > 0).then_some(place))
    })
}

struct State<'f> {
    found: &'f mut Found,
    /// What serde's error is about, which can only hold a text.
    failure: Option<PublishedErrorKind>,
}

impl State<'_> {
    fn fail<E: Error>(&mut self, kind: PublishedErrorKind) -> E {
        self.failure = Some(kind);
        E::custom(kind)
    }

    fn add<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.found.add(text).map_err(|kind| self.fail(kind))
    }
}

/// The outermost object, with all of `lists` in it once.
struct Document<'a, 's, 'f> {
    lists: &'a [List],
    state: &'s mut State<'f>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = vec![false; self.lists.len()];
        while let Some(key) = map.next_key::<String>()? {
            let wanted = self
                .lists
                .iter()
                .zip(&mut seen)
                .find(|(list, _)| list.key == key);
            let Some((list, seen)) = wanted else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(seen, true) {
                return Err(self.state.fail(PublishedErrorKind::Repeated));
            }
            map.next_value_seed(Items {
                entry: &list.entry,
                state: self.state,
            })?;
        }
        if seen.contains(&false) {
            return Err(self.state.fail(PublishedErrorKind::MissingList));
        }
        Ok(())
    }
}

struct Items<'a, 's, 'f> {
    entry: &'a Entry,
    state: &'s mut State<'f>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { entry, state } = self;
        loop {
            let item = Item {
                entry,
                state: &mut *state,
            };
            if items.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }
}

struct Item<'a, 's, 'f> {
    entry: &'a Entry,
    state: &'s mut State<'f>,
}

impl<'de> DeserializeSeed<'de> for Item<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.entry {
            Entry::Text => deserializer.deserialize_str(self),
            Entry::Object { .. } => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Item<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.entry {
            Entry::Text => self.state.add(text),
            Entry::Object { .. } => Err(self.state.fail(PublishedErrorKind::Malformed)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Entry::Object { network, filters } = self.entry else {
            return Err(self.state.fail(PublishedErrorKind::Malformed));
        };
        let mut text: Option<String> = None;
        let mut matches: Vec<Option<bool>> = vec![None; filters.len()];
        while let Some(key) = map.next_key::<String>()? {
            let filter = filters
                .iter()
                .zip(&mut matches)
                .find(|(filter, _)| filter.field == key);
            let repeated = if key == *network {
                text.replace(map.next_value()?).is_some()
            } else if let Some((filter, matched)) = filter {
                matched.replace(map.next_value_seed(filter)?).is_some()
            } else {
                map.next_value::<IgnoredAny>()?;
                false
            };
            if repeated {
                return Err(self.state.fail(PublishedErrorKind::Repeated));
            }
        }
        let Some(text) = text else {
            return Err(self.state.fail(PublishedErrorKind::Malformed));
        };
        if matches.into_iter().all(|matched| matched == Some(true)) {
            self.state.add(&text)?;
        }
        Ok(())
    }
}

/// Whether the field is the value, or a list that holds it.
impl<'de> DeserializeSeed<'de> for &Filter {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Filter {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        Ok(self.value == text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(text) = texts.next_element::<String>()? {
            found |= self.value == text;
        }
        Ok(found)
    }
}
