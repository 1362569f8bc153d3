use std::ops::RangeInclusive;
use std::sync::Arc;

use http::Method;
use http::request::Parts;

use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{
    Coverage, Encoding, Grammar, Handshake, Hash, MAX_CANDIDATES, Protocol, Received, Reply,
    ReplyValue, Scheme, SecretEncoding, Source, Statement, form,
};

const SIGNATURE: &str = "bt_signature";
const PAYLOAD: &str = "bt_payload";
/// The length of a challenge.
const CHALLENGE: RangeInclusive<usize> = 20..=32;

/// Braintree: a form with `bt_payload`, base64 of XML, and `bt_signature`, pairs
/// `<public key>|<hex>` joined with `&`, HMAC-SHA1 over `bt_payload`.
///
/// `public_key` is that of the gateway's credentials: pairs of other keys are
/// skipped. The secret is the private key, as text; the HMAC's key is its SHA-1.
/// **Not signed** is every other field of the form. The payload may have lost the
/// line break at its end, as Braintree's libraries allow.
///
/// What happened, and when, is inside the base64 and not read here: no timestamp
/// is judged, and a notification is known by its payload. Keep the `timestamp`
/// in it in mind: once deduplication has forgotten a notification, a captured one
/// passes again.
///
/// The GET with a `bt_challenge` of 20 to 32 hexadecimal digits that registers
/// the URL is answered, whoever sends it, with its MAC. A payload of that form is
/// therefore refused.
///
/// # Example
///
/// ```
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
///
/// let braintree = provider::braintree("integration_public_key");
/// let verifier = Verifier::new(braintree, "integration_private_key")?;
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let (parts, ()) = http::Request::post("/braintree").body(())?.into_parts();
///
/// // printf 'PG5vdGlmaWNhdGlvbi8+\n' | openssl dgst -sha1 -mac HMAC -macopt hexkey:<SHA-1 of the private key>
/// let signature = "integration_public_key%7C10bf71f9a7343c54ee69013cabea1aad72f18f73";
/// let body = format!("bt_signature={signature}&bt_payload=PG5vdGlmaWNhdGlvbi8%2B%0A");
/// assert!(verifier.verify(&parts, body.as_bytes(), now).is_ok());
///
/// let other = body.replace("PG5v", "PG5w");
/// let refused = verifier.verify(&parts, other.as_bytes(), now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn braintree(public_key: impl Into<String>) -> Scheme {
    let public_key = public_key.into();
    let challenge = || Source::query("bt_challenge");
    let answer = ReplyValue::mac(challenge(), Encoding::Hex).with_prefix(format!("{public_key}|"));
    Scheme::hmac("braintree", Hash::Sha1)
        .with_reference("https://developer.paypal.com/braintree/docs/guides/webhooks/parse")
        .with_content([])
        .with_signature(Source::form(SIGNATURE), Grammar::Plain)
        .with_secret_encoding(SecretEncoding::Sha1)
        .with_protocol(Arc::new(Braintree { public_key }))
        .with_handshake(
            Handshake::unsigned(Method::GET)
                .when_hex(challenge(), CHALLENGE)
                .with_reply(Reply::text(answer)),
        )
}

#[derive(Debug)]
struct Braintree {
    public_key: String,
}

impl Braintree {
    /// The signatures that are said to be our key's.
    fn signatures(&self, pairs: &str) -> Result<Vec<Vec<u8>>, Rejection> {
        let ours: Vec<&str> = pairs
            .split('&')
            .filter_map(|pair| pair.split_once('|'))
            .filter(|(key, _)| *key == self.public_key)
            .map(|(_, signature)| signature)
            .take(MAX_CANDIDATES + 1)
            .collect();
        if ours.is_empty() {
            return Err(reject(RejectionKind::UnknownKey, SIGNATURE));
        }
        if ours.len() > MAX_CANDIDATES {
            return Err(reject(RejectionKind::TooManySignatures, SIGNATURE));
        }
        let decoded = ours
            .iter()
            .filter_map(|signature| Encoding::Hex.decode(signature.as_bytes()))
            .filter(|signature| signature.len() == Hash::Sha1.tag_len())
            .map(std::borrow::Cow::into_owned);
        Ok(decoded.collect())
    }
}

impl Protocol for Braintree {
    fn validate(&self, _: &Scheme) -> Result<(), &'static str> {
        match self.public_key.is_empty() || self.public_key.contains(['|', '&']) {
            true => Err("the public key is empty, or holds a character that keys do not have"),
            false => Ok(()),
        }
    }

    fn precheck(&self, _: &Parts, _: Timestamp) -> Result<(), Rejection> {
        Ok(())
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let field = |name| {
            let value = form::value(received.body(), name);
            value.map_err(|_| reject(RejectionKind::MalformedBody, name))
        };
        let pairs =
            field(SIGNATURE)?.ok_or_else(|| reject(RejectionKind::MissingSignature, SIGNATURE))?;
        let payload =
            field(PAYLOAD)?.ok_or_else(|| reject(RejectionKind::MissingSignedValue, PAYLOAD))?;
        // One content first, whether its line break was lost or not: that is
        // what deduplication knows the notification by.
        let (text, complete) = match payload.strip_suffix('\n') {
            Some(text) => (text, true),
            None => (payload.as_str(), false),
        };
        // Whoever asks gets the MAC of a challenge.
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_challenge = CHALLENGE.contains(&text.len()) && text.bytes().all(is_hex);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\n".contains(&byte);
        if text.is_empty() || is_challenge || text.ends_with('\n') || !text.bytes().all(allowed) {
            return Err(reject(RejectionKind::MalformedBody, PAYLOAD));
        }
        let mut signatures = self.signatures(&pairs)?.into_iter();
        let first = signatures
            .next()
            .ok_or_else(|| reject(RejectionKind::MalformedSignature, SIGNATURE))?;
        let mut statement = Statement::new(format!("{text}\n"), first);
        if !complete {
            statement = statement.or_content(text);
        }
        Ok(signatures.fold(statement, Statement::or_signature))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Values
    }

    fn is_known_by_content(&self) -> bool {
        true
    }
}

fn reject(kind: RejectionKind, what: &'static str) -> Rejection {
    Rejection::new(kind).with_detail(what)
}
