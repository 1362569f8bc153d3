//! The seeds of `toy_stack`: a request of each provider that signs with a MAC,
//! with something added after it was signed, so that none of them is accepted.

use std::fmt::Write;
use std::path::Path;

use tower_webhook_fuzz::oracle::{self, NOW};
use tower_webhook_fuzz::row::Proof;
use tower_webhook_fuzz::text::{Genuine, Text};

pub fn write_to(folder: &Path) {
    for number in 0..=u8::MAX {
        let preset = oracle::preset(number);
        if !matches!(preset.row.proof, Proof::Hmac(_)) {
            continue;
        }
        let (parts, body) = preset.own().expect("a request");
        let mut text = String::new();
        if let Some(query) = parts.uri.query() {
            writeln!(text, "?: {query}").expect("a text");
        }
        for (name, value) in &parts.headers {
            let value = value.to_str().expect("a text");
            writeln!(text, "{name}: {value}").expect("a text");
        }
        text.push('\n');
        text.push_str(str::from_utf8(&body).expect("a text"));
        for added in [" ", "\n", "  ", "\t"] {
            let changed = format!("{text}{added}");
            let split = Text::split(changed.as_bytes());
            let parts = split.request(&Genuine::default()).expect("a request");
            if preset.judge(&parts, split.body, NOW).is_none() {
                let seed = [&[number, 0], changed.as_bytes()].concat();
                std::fs::write(folder.join(preset.name()), seed).expect("a file");
                break;
            }
        }
    }
}
