use crate::signature::{Encoding, Grammar, Hash, Part, Scheme, SecretEncoding, Source};

/// Adyen payments (standard webhooks): in each item of `notificationItems`,
/// `additionalData.hmacSignature`, base64, HMAC-SHA256 over eight of its values
/// joined with `:`.
///
/// Signed are `pspReference`, `originalReference`, `merchantAccountCode`,
/// `merchantReference`, `amount.value`, `amount.currency`, `eventCode` and
/// `success`, and nothing else: not the reason, the payment method or other
/// additional data. `:` is not escaped, so that whoever chooses
/// `merchantReference` can move text between neighbouring values: compare them
/// with your own records. All items must be genuine. The key is hex.
///
/// A notification is known by event code and PSP reference. For Adyen's
/// platform webhooks, which sign the body in a header, see
/// [`adyen_platform`](super::adyen_platform).
#[doc = example!(
    "adyen",
    "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    r#"{"notificationItems":[{"NotificationRequestItem":{"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","amount":{"value":1130,"currency":"EUR"},"eventCode":"AUTHORISATION","success":"true","additionalData":{}}}]}"#
)]
#[must_use]
pub fn adyen() -> Scheme {
    Scheme::hmac("adyen", Hash::Sha256)
        .with_reference("https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/")
        .with_each("/notificationItems")
        .with_content(content())
        .with_signature(
            Source::pointer("/NotificationRequestItem/additionalData/hmacSignature"),
            Grammar::Plain,
        )
        .with_encoding(Encoding::Base64)
        .with_secret_encoding(SecretEncoding::Hex)
        .with_event_id([
            Source::pointer("/notificationItems/*/NotificationRequestItem/eventCode"),
            Source::pointer("/notificationItems/*/NotificationRequestItem/pspReference"),
        ])
        .with_event_type([Source::pointer(
            "/notificationItems/0/NotificationRequestItem/eventCode",
        )])
}

fn content() -> Vec<Part> {
    [
        "pspReference",
        "originalReference",
        "merchantAccountCode",
        "merchantReference",
        "amount/value",
        "amount/currency",
        "eventCode",
        "success",
    ]
    .into_iter()
    .flat_map(|value| {
        let pointer = format!("/NotificationRequestItem/{value}");
        [Part::literal(":"), Part::optional_value(pointer)]
    })
    .skip(1)
    .collect()
}
