use http::Method;

use super::MINUTE;
use crate::signature::{Grammar, Handshake, Hash, Reply, ReplyValue, Scheme, Source};

/// Dropbox: `X-Dropbox-Signature: <hex>`, HMAC-SHA256 over the body with the
/// app secret.
///
/// A notification names the accounts in which something changed and nothing
/// else, neither an id nor a time: two changes in one account are the same
/// bytes. **Deliveries are therefore not deduplicated**: retries (for ten
/// minutes) reach the handler, and nothing bounds a replay. The cursor tells
/// what is new. The GET with a `challenge` that registers the URL is answered,
/// whoever sends it.
#[doc = example!("dropbox", "app-secret", r#"{"list_folder":{"accounts":["dbid:AAH4f99T0taONIb"]}}"#)]
#[must_use]
pub fn dropbox() -> Scheme {
    Scheme::hmac("dropbox", Hash::Sha256)
        .with_reference("https://www.dropbox.com/developers/reference/webhooks")
        .with_signature(Source::header("x-dropbox-signature"), Grammar::Plain)
        .without_content_identity()
        .with_retry_horizon(10 * MINUTE)
        .with_handshake(
            Handshake::unsigned(Method::GET)
                .when(Source::query("challenge"))
                .with_reply(Reply::text(ReplyValue::echo(Source::query("challenge")))),
        )
}
