//! JSON with its numbers, strings and order as they stand in the body, which a
//! `serde_json::Value` would lose.

use serde_json::value::RawValue;

use super::text::Escapes;
use crate::explain::trial::MAX_BODY;

/// Deeper nesting is not looked at.
const MAX_DEPTH: usize = 64;

/// Indentation can make much of little.
const MAX_WRITTEN: usize = 2 * MAX_BODY;

#[derive(Clone)]
pub(super) enum Node<'t> {
    /// A number, `true`, `false` or `null`.
    Scalar(&'t str),
    /// A string, quotes included.
    Text(&'t str),
    List(Vec<Self>),
    Map(Vec<(&'t str, Self)>),
}

/// White space between values.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    Compact,
    /// Spaces behind `,` and `:`.
    Spaced,
    Indented(&'static str),
}

impl Layout {
    pub(super) const ALL: [Self; 5] = [
        Self::Compact,
        Self::Spaced,
        Self::Indented("  "),
        Self::Indented("    "),
        Self::Indented("\t"),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Compact => "without white space",
            Self::Spaced => "with a space behind `,` and `:` (as Python does)",
            Self::Indented("  ") => "with an indentation of two spaces",
            Self::Indented("    ") => "with an indentation of four spaces",
            Self::Indented(_) => "with an indentation of tabs",
        }
    }

    fn line(self, depth: usize, out: &mut String) {
        if let Self::Indented(by) = self {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(by);
            }
        }
    }
}

impl<'t> Node<'t> {
    /// `None` if the body is not JSON, or nested too deep.
    pub(super) fn parse(body: &'t [u8]) -> Option<Self> {
        let valid: &RawValue = serde_json::from_slice(body).ok()?;
        let mut rest = valid.get();
        value(&mut rest, 0)
    }

    /// How many keys there are in all objects.
    pub(super) fn keys(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::Text(_) => 0,
            Self::List(items) => items.iter().map(Self::keys).sum(),
            Self::Map(pairs) => pairs.iter().map(|(_, value)| 1 + value.keys()).sum(),
        }
    }

    /// With every object's keys in order.
    pub(super) fn sorted(&self) -> Self {
        match self {
            Self::Scalar(_) | Self::Text(_) => self.clone(),
            Self::List(items) => Self::List(items.iter().map(Self::sorted).collect()),
            Self::Map(pairs) => {
                let mut pairs: Vec<_> = pairs
                    .iter()
                    .map(|(key, value)| (*key, value.sorted()))
                    .collect();
                pairs.sort_by_cached_key(|(key, _)| serde_json::from_str::<String>(key).ok());
                Self::Map(pairs)
            }
        }
    }

    /// `None` if the text would be too long.
    pub(super) fn write(&self, layout: Layout, escapes: Escapes) -> Option<String> {
        let mut out = String::new();
        self.write_at(0, layout, escapes, &mut out)?;
        Some(out)
    }

    fn write_at(
        &self,
        depth: usize,
        layout: Layout,
        escapes: Escapes,
        out: &mut String,
    ) -> Option<()> {
        if out.len() > MAX_WRITTEN {
            return None;
        }
        let (comma, colon) = match layout {
            Layout::Compact => (",", ":"),
            Layout::Spaced => (", ", ": "),
            Layout::Indented(_) => (",", ": "),
        };
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Text(raw) => escapes.write(raw, out),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Map(pairs) if pairs.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[" } else { comma });
                    layout.line(depth + 1, out);
                    item.write_at(depth + 1, layout, escapes, out)?;
                }
                layout.line(depth, out);
                out.push(']');
            }
            Self::Map(pairs) => {
                for (index, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if index == 0 { "{" } else { comma });
                    layout.line(depth + 1, out);
                    escapes.write(key, out);
                    out.push_str(colon);
                    value.write_at(depth + 1, layout, escapes, out)?;
                }
                layout.line(depth, out);
                out.push('}');
            }
        }
        Some(())
    }
}

/// Takes one value off the front of `rest`, which is valid JSON.
fn value<'t>(rest: &mut &'t str, depth: usize) -> Option<Node<'t>> {
    if depth > MAX_DEPTH {
        return None;
    }
    *rest = rest.trim_ascii_start();
    match rest.as_bytes().first()? {
        b'"' => string(rest).map(Node::Text),
        b'[' => {
            let mut items = Vec::new();
            let mut more = opened(rest, ']')?;
            while more {
                items.push(value(rest, depth + 1)?);
                more = separated(rest, ']')?;
            }
            Some(Node::List(items))
        }
        b'{' => {
            let mut pairs = Vec::new();
            let mut more = opened(rest, '}')?;
            while more {
                *rest = rest.trim_ascii_start();
                let key = string(rest)?;
                *rest = rest.trim_ascii_start().strip_prefix(':')?;
                pairs.push((key, value(rest, depth + 1)?));
                more = separated(rest, '}')?;
            }
            Some(Node::Map(pairs))
        }
        _ => {
            let end = rest.find([',', ']', '}', ' ', '\t', '\r', '\n']);
            take(rest, end.unwrap_or(rest.len())).map(Node::Scalar)
        }
    }
}

/// Takes an opening bracket; whether anything is in it.
fn opened(rest: &mut &str, end: char) -> Option<bool> {
    *rest = rest.get(1..)?.trim_ascii_start();
    match rest.strip_prefix(end) {
        Some(behind) => {
            *rest = behind;
            Some(false)
        }
        None => Some(true),
    }
}

/// Takes a comma or the closing bracket; whether it was a comma.
fn separated(rest: &mut &str, end: char) -> Option<bool> {
    let text = rest.trim_ascii_start();
    let is_comma = text.starts_with(',');
    *rest = text.strip_prefix([',', end])?;
    Some(is_comma)
}

fn string<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let mut is_escaped = false;
    let end = rest.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    take(rest, end + 2)
}

fn take<'t>(rest: &mut &'t str, length: usize) -> Option<&'t str> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}
