use crate::signature::{Grammar, Hash, Scheme, Source};

/// EasyPost: `X-Hmac-Signature: hmac-sha256-hex=<hex>`, HMAC-SHA256 over the
/// body.
///
/// EasyPost's own libraries normalise the secret to Unicode's NFKD before they
/// sign; a secret of ASCII is the same in it, any other must be given in that
/// form. Signs no timestamp: the newer `X-Hmac-Signature-V2`, which does, is not
/// read. The event lists the URLs it still has to go to, which may change
/// between attempts, so it is known by its `id`.
#[doc = example!("easypost", "sandwich", r#"{"id":"evt_1","description":"tracker.updated"}"#)]
#[must_use]
pub fn easypost() -> Scheme {
    Scheme::hmac("easypost", Hash::Sha256)
        .with_reference("https://docs.easypost.com/guides/webhooks-guide")
        .with_signature(
            Source::header("x-hmac-signature"),
            Grammar::prefixed("hmac-sha256-hex="),
        )
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/description")])
}
