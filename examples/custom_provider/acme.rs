//! How Acme signs. Its test runs with `cargo test --all-features`.

use std::time::Duration;

use http::StatusCode;
use tower_webhook::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Acme signs `{event id}|{milliseconds}|{body}`:
///
/// ```text
/// Acme-Event-Id: 42
/// Acme-Signature: ts=1700000000000; sha512=<base64 of the HMAC-SHA512>
///
/// {"kind":"parcel.delivered"}
/// ```
///
/// It tolerates a minute, wants 204 for success, stops for good at 401, and
/// retries for a day.
pub(crate) fn acme() -> Scheme {
    Scheme::hmac("acme", Hash::Sha512)
        .with_reference("https://docs.acme.example/webhooks")
        .with_content([
            Part::EventId,
            Part::literal("|"),
            Part::Timestamp,
            Part::literal("|"),
            Part::Body,
        ])
        .with_signature(
            Source::header("acme-signature"),
            Grammar::fields(';', "sha512"),
        )
        .with_encoding(Encoding::Base64)
        .with_timestamp(
            TimestampRule::millis(Source::field("ts")).with_tolerance(Duration::from_secs(60)),
        )
        .with_event_id([Source::header("acme-event-id")])
        .with_event_type([Source::pointer("/kind")])
        .with_success_status(StatusCode::NO_CONTENT)
        .with_reject_status(StatusCode::FORBIDDEN)
        .with_retry_horizon(Duration::from_secs(24 * 60 * 60))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use http::Request;
    use tower_webhook::{RejectionKind, Timestamp, Verifier};

    use super::*;

    /// A known answer, not one of this crate's making: from the provider's
    /// documentation, a captured delivery, or, as here, another tool.
    ///
    /// ```sh
    /// printf '42|1700000000000|{"kind":"parcel.delivered"}' |
    ///   openssl dgst -sha512 -hmac 'for demonstration only' -binary | base64 -w0
    /// ```
    const SIGNATURE: &str = "ts=1700000000000; sha512=H1NG7B7RsveoFGpIiWZbcSKXEC5OEWRlFiShMnNzhsrs5pe0kdaKN5DU0VmRQ1WMZh/O08/d530x9g0En0f9hQ==";

    #[test]
    fn a_known_answer_is_accepted_and_a_changed_one_refused() -> Result<(), Box<dyn Error>> {
        let verifier = Verifier::new(acme(), "for demonstration only")?;
        let now = Timestamp::from_unix_seconds(1_700_000_030);
        let (parts, ()) = Request::post("/acme")
            .header("acme-event-id", "42")
            .header("acme-signature", SIGNATURE)
            .body(())?
            .into_parts();

        verifier.verify(&parts, br#"{"kind":"parcel.delivered"}"#, now)?;
        let changed = verifier.verify(&parts, br#"{"kind":"parcel.stolen"}"#, now);
        assert_eq!(
            changed.unwrap_err().kind(),
            RejectionKind::SignatureMismatch
        );

        let later = now.saturating_add(Duration::from_secs(60));
        let stale = verifier.verify(&parts, br#"{"kind":"parcel.delivered"}"#, later);
        assert_eq!(stale.unwrap_err().kind(), RejectionKind::TimestampTooOld);
        Ok(())
    }
}
