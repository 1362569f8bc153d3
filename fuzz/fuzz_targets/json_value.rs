//! A value is read from a body as from the tree of the whole body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_webhook::internal;
use tower_webhook_fuzz::json;
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
    // Deeper than any reader has to follow.
    if pointer.split('/').count() > 100 {
        return;
    }
    let read = internal::json_value(body, &pointer);
    assert_eq!(read, json::text(body, &pointer).ok());
});
