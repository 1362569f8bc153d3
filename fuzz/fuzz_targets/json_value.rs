//! A value is read from a body as from the tree of the whole body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_webhook::internal;
use tower_webhook_fuzz::json::{self, Found};
use tower_webhook_fuzz::text::split_once;

// A pointer without its slash, a line feed, the body.
fuzz_target!(|input: &[u8]| {
    let Some((pointer, body)) = split_once(input, b'\n') else {
        return;
    };
    let Ok(pointer) = str::from_utf8(pointer) else {
        return;
    };
    let pointer = match pointer {
        "" => String::new(),
        keys => format!("/{keys}"),
    };
    let read = internal::json_value(body, &pointer);
    match json::value(body, &pointer) {
        Ok(Found::Text(text)) => assert_eq!(read, Some(Some(text))),
        Ok(Found::Nothing) => assert_eq!(read, Some(None)),
        Ok(Found::Unusable) => assert_eq!(read, None),
        Err(error) => {
            // What the crate skips it does not decode.
            let skipped = [
                "recursion limit",
                "number out of range",
                "invalid unicode code point",
                "lone leading surrogate",
                "unexpected end of hex escape",
            ];
            let error = error.to_string();
            assert!(
                read.is_none() || skipped.iter().any(|reason| error.starts_with(reason)),
                "{error}: {read:?}"
            );
        }
    }
});
