//! Requests through the whole stack with a MAC that the fuzzer can guess:
//! nobody signs for it, and what it gets accepted is its own.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use http::Request;
use libfuzzer_sys::fuzz_target;
use tower_webhook_fuzz::guarded;
use tower_webhook_fuzz::oracle::{self, NOW, Preset};
use tower_webhook_fuzz::row::Proof;
use tower_webhook_fuzz::text::{Genuine, Text};

/// Where to leave the names of the providers whose MAC was guessed.
static GUESSED: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if let Some(folder) = std::env::var_os("TOY_SEEDS") {
        seeds::write_to(&PathBuf::from(folder));
    }
    std::env::var_os("TOY_GUESSED").map(PathBuf::from)
});

// The number of a preset, one byte of choices, and a request; see `Text`.
fuzz_target!(|input: &[u8]| {
    LazyLock::force(&GUESSED);
    let [number, choices, rest @ ..] = input else {
        return;
    };
    // What stands for a genuine value.
    if rest.iter().any(|byte| (1..=4).contains(byte)) {
        return;
    }
    let preset = oracle::preset(*number);
    let text = Text::split(rest);
    let Some(parts) = text.request(&Genuine::default()) else {
        return;
    };
    let named = preset.judge(&parts, text.body, NOW);
    let request = Request::from_parts(parts, text.body.to_vec().into());
    let arrives = (&[choices >> 2, choices >> 4][..], choices & 2 == 0);
    if guarded::check(preset, request, named, arrives, choices & 1 == 1) {
        report(preset);
    }
});

fn report(preset: &Preset) {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(folder) = &*GUESSED else { return };
    let is_mac = matches!(preset.row.proof, Proof::Hmac(_));
    if is_mac
        && KNOWN
            .lock()
            .expect("no panic")
            .insert(preset.name().to_owned())
    {
        std::fs::write(folder.join(preset.name()), "").expect("a folder");
    }
}
