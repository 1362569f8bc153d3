//! Signature headers: grammars on their own, and each preset's verdict.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tower_webhook::signature::Grammar;
use tower_webhook::{Timestamp, internal};
use tower_webhook_fuzz::oracle::{self, NOW};
use tower_webhook_fuzz::text::Text;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    preset: u8,
    shape: u8,
    separator: u8,
    /// How many seconds after what is genuine the request comes.
    late: i16,
    /// See [`Text`]. The first name is also the word of a grammar, and the
    /// first value what is read with it.
    text: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let preset = oracle::preset(input.preset);
    let text = Text::split(input.text);

    if let Some((word, value)) = text.lines.first() {
        reads(preset.scheme.grammar(), value);
        let word = String::from_utf8_lossy(word).into_owned();
        let separator = char::from(input.separator & 0x7f);
        let grammar = match input.shape % 5 {
            0 => Grammar::Plain,
            1 => Grammar::prefixed(word),
            2 => Grammar::fields(separator, word),
            3 => Grammar::versioned(word),
            _ => Grammar::authorization(word),
        };
        reads(&grammar, value);
        reads_what_it_writes(&grammar, value);
    }

    let Some((parts, body)) = preset.compose(&text) else {
        return;
    };
    let now = NOW + i64::from(input.late) * 1000;
    let verified = preset
        .verifier
        .verify(&parts, &body, Timestamp::from_unix_millis(now));
    preset.compare(verified, &parts, &body, now);
});

/// Every signature is a piece of the value, and they do not overlap.
fn reads(grammar: &Grammar, value: &[u8]) {
    let signatures = internal::signatures(grammar, value);
    let mut rest = value;
    for signature in &signatures {
        let at = rest
            .windows(signature.len().max(1))
            .position(|window| window == *signature)
            .or(signature.is_empty().then_some(0))
            .expect("a piece of the value");
        rest = &rest[at + signature.len()..];
    }
    assert!(signatures.len() <= value.len() + 1);
}

fn reads_what_it_writes(grammar: &Grammar, value: &[u8]) {
    let digits = |text: &[u8]| -> String {
        let digits = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        digits.map(|byte| char::from(*byte)).collect()
    };
    let signatures: Vec<String> = match grammar {
        Grammar::Fields {
            separator,
            signature,
        } => {
            // A field has to end, and its key too.
            let plain = |c: char| c.is_ascii_alphanumeric();
            if plain(*separator)
                || *separator == '='
                || !signature.chars().all(plain)
                || signature == "extra"
            {
                return;
            }
            value.split(|byte| *byte == b',').map(digits).collect()
        }
        Grammar::Versioned { version } if version.contains(' ') => return,
        Grammar::Authorization { scheme } if scheme.contains(' ') => return,
        Grammar::Versioned { .. } => value.split(|byte| *byte == b',').map(digits).collect(),
        _ => vec![digits(value)],
    };
    let written = internal::written(grammar, &[("extra", "1")], &signatures);
    let read = internal::signatures(grammar, written.as_bytes());
    assert!(
        read.iter()
            .eq(signatures.iter().map(|text| text.as_bytes())),
        "{written}"
    );
}
