//! Known answers, published by the providers unless in `generated/`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::request::Parts;
use serde::Deserialize;
use tower_webhook::signature::{Coverage, PublicUrl, Scheme};
use tower_webhook::{ConfigError, RejectionKind, Timestamp, Verifier, provider};

use crate::support::keys::other_verifying_secret;
use crate::support::vectors::read;

#[derive(Deserialize)]
struct Vector {
    provider: String,
    /// Where the preset is not called as the provider.
    preset: Option<String>,
    secret: Option<String>,
    /// In the encoding of the scheme, or a JWK if requests name their key.
    public_key: Option<String>,
    /// What the preset is called with.
    argument: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    now: Option<i64>,
}

impl Vector {
    /// Presets of other features are left out.
    fn is_known(&self) -> bool {
        let jwt = ["fusionauth", "livekit", "messagebird"];
        cfg!(feature = "jwt") || !jwt.contains(&self.provider.as_str())
    }

    fn jwk(&self) -> Option<&str> {
        let key = self.public_key.as_deref()?;
        key.starts_with('{').then_some(key)
    }

    fn scheme(&self, file: &str) -> Scheme {
        let name = self.provider.replace('-', "_");
        let name = self.preset.as_deref().unwrap_or(&name);
        if let Some(argument) = &self.argument {
            return match name {
                "braintree" => provider::braintree(argument),
                _ => panic!("{name} takes no argument in {file}"),
            };
        }
        match provider::by_name(name) {
            Some(provider::Preset::Signed(scheme)) if scheme.public_url().is_some() => {
                scheme.with_public_url(PublicUrl::registered(&self.url).unwrap())
            }
            Some(provider::Preset::Signed(scheme)) => scheme,
            _ => panic!("no preset {name} for {file}"),
        }
    }

    /// What the request is verified with.
    fn key(&self) -> &str {
        let key = self.secret.as_deref().or(self.public_key.as_deref());
        key.expect("a known answer has a secret or a public key")
    }

    fn request(&self) -> (Parts, Vec<u8>) {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = STANDARD.decode(&self.body_base64).unwrap();
        (request.body(()).unwrap().into_parts().0, body)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.now.unwrap_or(1_700_000_000))
    }
}

/// Those that are verified with a configured secret or key.
fn vectors() -> Vec<(String, Vector)> {
    let all = all_vectors().into_iter();
    all.filter(|(_, vector)| vector.jwk().is_none() && vector.is_known())
        .collect()
}

fn all_vectors() -> Vec<(String, Vector)> {
    let mut found: Vec<(String, Vector)> = read("");
    found.extend(read("generated"));
    assert!(found.len() >= 85, "vectors are missing: {}", found.len());
    found
}

#[test]
fn every_known_answer_is_accepted() {
    for (file, vector) in vectors() {
        let verifier = match Verifier::new(vector.scheme(&file), vector.key()) {
            Ok(verifier) => verifier,
            // WooCommerce's own test signs with the empty key.
            Err(ConfigError::EmptySecret { .. }) if file == "woocommerce_empty_secret.json" => {
                continue;
            }
            Err(error) => panic!("{file}: {error}"),
        };
        let (parts, body) = vector.request();
        verifier
            .verify(&parts, &body, vector.now())
            .unwrap_or_else(|rejection| panic!("{file}: {rejection}"));
    }
}

#[test]
fn no_known_answer_is_accepted_with_another_secret_or_body() {
    for (file, vector) in vectors() {
        let scheme = vector.scheme(&file);
        let (parts, body) = vector.request();
        let other = match scheme.protocol() {
            Some(_) => "another secret".into(),
            None => other_verifying_secret(&scheme),
        };
        let other = Verifier::new(scheme.clone(), other).unwrap();
        let refused = other.verify(&parts, &body, vector.now()).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::SignatureMismatch, "{file}");

        if scheme.coverage() == Coverage::Body && !vector.key().is_empty() {
            let verifier = Verifier::new(scheme, vector.key()).unwrap();
            let tampered = [body.as_slice(), b" "].concat();
            let refused = verifier
                .verify(&parts, &tampered, vector.now())
                .unwrap_err();
            let kind = refused.kind();
            // What had no body need not say of which kind that is.
            let expected = match body.is_empty() {
                true => kind.is_verification_failure(),
                false => kind == RejectionKind::SignatureMismatch,
            };
            assert!(expected, "{file}: {kind}");
        }
    }
}

#[test]
fn stale_vectors_are_refused() {
    for (file, vector) in vectors().into_iter().filter(|(_, v)| v.now.is_some()) {
        let verifier = Verifier::new(vector.scheme(&file), vector.key()).unwrap();
        let (parts, body) = vector.request();
        let later = vector
            .now()
            .saturating_add(std::time::Duration::from_secs(13 * 3600));
        let refused = verifier.verify(&parts, &body, later).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::TimestampTooOld, "{file}");
    }
}

#[test]
fn both_of_boxs_keys_are_accepted() {
    let (file, vector) = vectors()
        .into_iter()
        .find(|(file, _)| file == "box_basic.json")
        .unwrap();
    let (parts, body) = vector.request();
    for secret in ["SamplePrimaryKey", "SampleSecondaryKey"] {
        let verifier = Verifier::new(vector.scheme(&file), secret).unwrap();
        assert!(
            verifier.verify(&parts, &body, vector.now()).is_ok(),
            "{secret}"
        );
    }
}

#[cfg(feature = "jwt")]
#[tokio::test]
async fn known_answers_whose_keys_are_looked_up() {
    use std::sync::Arc;
    use tower_webhook::keys::{AsyncVerifier, MemoryKeys};

    let mut seen = 0;
    for (file, vector) in all_vectors() {
        let Some(jwk) = vector.jwk() else {
            continue;
        };
        seen += 1;
        let set = format!(r#"{{"keys":[{jwk}]}}"#);
        let keys = Arc::new(MemoryKeys::from_jwk_set(set.as_bytes()).unwrap());
        let verifier = AsyncVerifier::with_keys(vector.scheme(&file), keys).unwrap();
        let (parts, body) = vector.request();
        let verdict = |body: Vec<u8>, now| verifier.verify(&parts, body.into(), now);
        verdict(body.clone(), vector.now())
            .await
            .unwrap_or_else(|rejection| panic!("{file}: {rejection}"));
        let tampered = [body.as_slice(), b" "].concat();
        let refused = verdict(tampered, vector.now()).await.unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::SignatureMismatch, "{file}");
        let later = vector
            .now()
            .saturating_add(std::time::Duration::from_secs(3600));
        let refused = verdict(body, later).await.unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::TimestampTooOld, "{file}");
    }
    assert_eq!(seen, 1);
}
