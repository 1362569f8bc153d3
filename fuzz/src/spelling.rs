//! One content in several spellings, as senders and proxies write it.

/// Which spelling is used where; taken round and round.
pub struct Choices<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// One of `count`.
    pub fn next(&mut self, count: usize) -> usize {
        let byte = self.bytes.get(self.position % self.bytes.len().max(1));
        self.position += 1;
        usize::from(*byte.unwrap_or(&0)) % count
    }

    /// Puts `items` into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.next(last + 1);
            items.swap(last, other);
        }
    }
}

/// A string of JSON, with some characters as escapes.
pub fn json_string(text: &str, choices: &mut Choices<'_>) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        let must = c < ' ' || c == '"' || c == '\\';
        if must || choices.next(4) == 1 {
            for unit in c.encode_utf16(&mut [0; 2]) {
                written.push_str(&match choices.next(2) {
                    0 => format!("\\u{unit:04x}"),
                    _ => format!("\\u{unit:04X}"),
                });
            }
        } else {
            written.push(c);
        }
    }
    written.push('"');
    written
}

/// An object of JSON from members that are written already, in any order.
pub fn json_object(mut members: Vec<(&str, String)>, choices: &mut Choices<'_>) -> String {
    choices.shuffle(&mut members);
    let mut space = || ["", " ", "\n", "\t\r "][choices.next(4)].to_owned();
    let members = members.into_iter().map(|(name, value)| {
        let (before, between, behind) = (space(), space(), space());
        format!("{before}\"{name}\"{between}:{value}{behind}")
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A form, in any order and with some characters as escapes.
pub fn form(mut fields: Vec<(&str, &str)>, choices: &mut Choices<'_>) -> String {
    choices.shuffle(&mut fields);
    let mut written = String::new();
    for (name, value) in fields {
        written.push_str(["&", "&&"][choices.next(2)]);
        written.push_str(&form_text(name, choices));
        written.push('=');
        written.push_str(&form_text(value, choices));
    }
    written.split_off(usize::from(choices.next(2) == 0 && !written.is_empty()))
}

fn form_text(text: &str, choices: &mut Choices<'_>) -> String {
    let mut written = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte);
        match choices.next(4) {
            _ if byte == b' ' && choices.next(2) == 0 => written.push('+'),
            1 => written.push_str(&format!("%{byte:02X}")),
            2 => written.push_str(&format!("%{byte:02x}")),
            _ if plain => written.push(char::from(byte)),
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}
