use super::DAY;
use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Xero: `x-xero-signature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is the webhook signing key, used as text. Before it enables a
/// webhook Xero sends some requests with wrong signatures, and wants 401 for
/// those: do not change the status of a rejection. Signs no timestamp. A
/// delivery is a batch of events without ids and is known by what was signed.
/// Xero waits five seconds, retries for a day, and then disables the webhook.
#[doc = example!("xero", "signing-key", r#"{"events":[],"lastEventSequence":0,"firstEventSequence":0,"entropy":"YSXCMKAQBJOEMGUZEPFZ"}"#)]
#[must_use]
pub fn xero() -> Scheme {
    Scheme::hmac("xero", Hash::Sha256)
        .with_reference("https://developer.xero.com/documentation/webhooks/configuring-your-server")
        .with_signature(Source::header("x-xero-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_retry_horizon(DAY)
}
