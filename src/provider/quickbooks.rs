use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// QuickBooks Online: `intuit-signature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is the verifier token of the app, used as text. Signs no
/// timestamp. A delivery is a batch, of `eventNotifications` or, in the newer
/// form, of CloudEvents, and is known by what was signed. The scheme is taken
/// from implementations in use, which agree.
#[doc = example!("quickbooks", "verifier-token", r#"{"eventNotifications":[{"realmId":"1185883450"}]}"#)]
#[must_use]
pub fn quickbooks() -> Scheme {
    Scheme::hmac("quickbooks", Hash::Sha256)
        .with_reference("https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks")
        .with_signature(Source::header("intuit-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
}
