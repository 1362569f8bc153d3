use crate::signature::{Grammar, Hash, Scheme, Source};

/// Paystack: `x-paystack-signature: <hex>`, HMAC-SHA512 over the body.
///
/// The secret is the API secret key itself (`sk_live_…`, `sk_test_…`): whoever
/// can read the receiver's configuration can move money. Signs no timestamp and
/// sends no event id (`data.id` is the transaction's), so deliveries are known
/// by what was signed. The scheme is taken from libraries in use, which agree.
#[doc = example!("paystack", "sk_test_1234", r#"{"event":"charge.success","data":{"id":302961}}"#)]
#[must_use]
pub fn paystack() -> Scheme {
    Scheme::hmac("paystack", Hash::Sha512)
        .with_reference("https://paystack.com/docs/payments/webhooks/")
        .with_signature(Source::header("x-paystack-signature"), Grammar::Plain)
        .with_event_type([Source::pointer("/event")])
}
