//! How strings are escaped.

use std::fmt::Write;

/// What a library escapes in strings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Whatever was escaped in the body.
    AsWritten,
    /// What must be: JavaScript, serde.
    Needed,
    /// Everything that is not ASCII: Python.
    NonAscii,
    /// That, and slashes: PHP.
    NonAsciiAndSlashes,
    /// Slashes.
    Slashes,
    /// What means something in HTML: Go.
    Html,
}

impl Escapes {
    pub(super) const ALL: [Self; 6] = [
        Self::AsWritten,
        Self::Needed,
        Self::NonAscii,
        Self::NonAsciiAndSlashes,
        Self::Html,
        Self::Slashes,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "",
            Self::Needed => ", with nothing escaped that need not be (as JavaScript does)",
            Self::NonAscii => ", with `\\u` escapes (as Python does)",
            Self::NonAsciiAndSlashes => ", with `\\u` escapes and `\\/` (as PHP does)",
            Self::Slashes => ", with `\\/`",
            Self::Html => ", with `<`, `>` and `&` escaped (as Go does)",
        }
    }

    /// Writes a string that stands as `raw` in the body, quotes included.
    pub(super) fn write(self, raw: &str, out: &mut String) {
        // An unpaired surrogate has no other way of being written.
        let text = match self {
            Self::AsWritten => None,
            _ => serde_json::from_str::<String>(raw).ok(),
        };
        let Some(text) = text else {
            out.push_str(raw);
            return;
        };
        out.push('"');
        for character in text.chars() {
            self.write_char(character, out);
        }
        out.push('"');
    }

    fn write_char(self, character: char, out: &mut String) {
        let short = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '/' if matches!(self, Self::NonAsciiAndSlashes | Self::Slashes) => "\\/",
            _ => "",
        };
        let ascii_only = matches!(self, Self::NonAscii | Self::NonAsciiAndSlashes);
        let html =
            self == Self::Html && matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        if !short.is_empty() {
            out.push_str(short);
        } else if character < ' ' || html || ascii_only && !character.is_ascii() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
}
