//! Sign, verify, tamper: for every preset in the registry.

use bytes::Bytes;
use http::{HeaderValue, Request};
use proptest::prelude::*;
use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Scheme};
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// Base64 as well as plain text, so that every secret encoding takes it.
const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";

fn schemes() -> Vec<Scheme> {
    provider::all()
        .map(|preset| match preset {
            Preset::Signed(scheme) => scheme,
            Preset::Unsigned(unsigned) => unsigned.with_token_in_query("token"),
            _ => panic!("a kind of preset that this test does not know"),
        })
        .collect()
}

/// Linear has its timestamp in the body.
fn body_for(scheme: &Scheme, content: &[u8]) -> Bytes {
    if scheme.name() == "linear" {
        let text = serde_json::Value::from(String::from_utf8_lossy(content));
        format!(r#"{{"webhookTimestamp":1700000000000,"x":{text}}}"#).into()
    } else {
        Bytes::copy_from_slice(content)
    }
}

fn accepts(verifier: &Verifier, request: &Request<Bytes>) -> bool {
    let mut parts = Request::new(());
    *parts.method_mut() = request.method().clone();
    *parts.uri_mut() = request.uri().clone();
    *parts.headers_mut() = request.headers().clone();
    verifier
        .verify(&parts.into_parts().0, request.body(), NOW)
        .is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn genuine_is_accepted_and_any_flipped_bit_is_refused(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        for scheme in schemes() {
            let name = scheme.name().to_owned();
            let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
            let body = body_for(&scheme, &content);
            let request = Signer::new(scheme.clone(), SECRET).unwrap().at(NOW).sign("/hook", body);
            prop_assert!(accepts(&verifier, &request), "{name}");

            let signs_body = matches!(scheme.algorithm(), Algorithm::Hmac(_));
            if signs_body && !request.body().is_empty() {
                let mut tampered = request.clone();
                let mut bytes = request.body().to_vec();
                bytes[position.index(request.body().len())] ^= 1 << bit;
                *tampered.body_mut() = bytes.into();
                prop_assert!(!accepts(&verifier, &tampered), "{name}");
            }
        }
    }

    /// A8, A9: of the headers, only what is not signed, or means the same in
    /// another spelling, may change.
    #[test]
    fn any_flipped_bit_in_a_signed_header_is_refused(
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        for scheme in schemes() {
            let name = scheme.name().to_owned();
            let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
            let body = body_for(&scheme, b"content");
            let request = Signer::new(scheme.clone(), SECRET).unwrap().at(NOW).sign("/hook", body);
            for (header, value) in request.headers() {
                let unsigned_id = !scheme.signs_event_id()
                    && scheme.event_id().iter().any(|source| {
                        format!("{source:?}").contains(header.as_str())
                    });
                if unsigned_id {
                    continue;
                }
                let mut bytes = value.as_bytes().to_vec();
                let at = position.index(bytes.len());
                bytes[at] ^= 1 << bit;
                let same_letter = bytes[at].eq_ignore_ascii_case(&value.as_bytes()[at]);
                let Ok(changed) = HeaderValue::from_bytes(&bytes) else { continue };
                if same_letter {
                    continue; // hex in the other case, HMACSHA256, bearer: the same value
                }
                let mut tampered = request.clone();
                tampered.headers_mut().insert(header, changed);
                prop_assert!(!accepts(&verifier, &tampered), "{name} {header} {bytes:?}");
            }
        }
    }
}
