use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Flutterwave v3: `verif-hash` must equal the secret hash of the dashboard.
///
/// Nothing is signed: ask Flutterwave's API for the transaction before acting
/// on it. Prefer [`flutterwave_v4`] where the account has it. `data.id` is the
/// transaction's, which has more than one event, so deliveries are known by
/// their body.
#[doc = example!("flutterwave_v3", "n0b0dy-kn0ws", r#"{"event":"charge.completed","data":{"id":285959875}}"#)]
#[must_use]
pub fn flutterwave_v3() -> Scheme {
    Scheme::token("flutterwave_v3")
        .with_reference("https://developer.flutterwave.com/v3.0/docs/webhooks")
        .with_signature(Source::header("verif-hash"), Grammar::Plain)
        .with_event_type([Source::pointer("/event")])
}

/// Flutterwave v4: `flutterwave-signature: <base64>`, HMAC-SHA256 over the body
/// with the secret hash of the dashboard.
///
/// Some of Flutterwave's samples compare the header with the secret hash
/// itself, as in v3; its text and the implementations in use have the MAC. A
/// delivery that only repeats the secret is refused. Signs no timestamp. Which
/// value stays the same over retries is not documented, so deliveries are
/// known by what was signed.
#[doc = example!("flutterwave_v4", "n0b0dy-kn0ws", r#"{"type":"charge.completed","data":{"id":"chg_1"}}"#)]
#[must_use]
pub fn flutterwave_v4() -> Scheme {
    Scheme::hmac("flutterwave_v4", Hash::Sha256)
        .with_reference("https://developer.flutterwave.com/docs/webhooks")
        .with_signature(Source::header("flutterwave-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::pointer("/type")])
}
