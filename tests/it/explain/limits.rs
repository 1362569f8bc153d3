//! What an explanation may cost and say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use tower_webhook::explain::{Cause, Explainer};
use tower_webhook::signature::{Coverage, Hash, Protocol, Received, Scheme, Statement};
use tower_webhook::{Rejection, Secret, Timestamp, Verifier, provider};

use super::{assert_likely, explained, explained_with, families, sender, verifier};
use crate::support::{NOW, SECRET, keys};

/// Counts how often something is verified.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Protocol for Counting {
    fn precheck(&self, _: &Parts, _: Timestamp) -> Result<(), Rejection> {
        Ok(())
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Statement::new(received.body().to_vec(), [0; 32]))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }
}

#[test]
fn the_work_is_bounded() {
    let counting = Arc::new(Counting::default());
    let scheme = Scheme::hmac("counting", Hash::Sha256).with_protocol(counting.clone());
    let body = r#"{"b":"é/<","a":[1,{"x":null}],"c":"d"}"#;
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
    for count in [1, 2, 16] {
        let secrets: Vec<_> = (0..count)
            .map(|number| Secret::new(format!("{number}{SECRET}")))
            .collect();
        let verifier = Verifier::new(scheme.clone(), secrets.clone()).unwrap();
        let mut explainer = Explainer::new().with_secrets(secrets);
        for number in 0..300 {
            let known = Verifier::new(scheme.clone(), format!("known {number}")).unwrap();
            if count == 16 {
                explainer = explainer.with_known(number.to_string(), known);
            }
        }
        counting.0.store(0, Ordering::Relaxed);
        let explanation = explained_with(&explainer, &verifier, &request, NOW);
        assert_likely(explanation, Cause::WrongKeyOrContent, "counting");
        // Two are the verdict's, here and of the explainer.
        let judged = counting.0.load(Ordering::Relaxed) - 2;
        assert!((40..=256).contains(&judged), "{judged}");
    }
}

/// Every secret costs a signature.
#[test]
fn a_verifier_of_many_secrets_is_tried_less_often() {
    let counting = Arc::new(Counting::default());
    let scheme = Scheme::hmac("counting", Hash::Sha256).with_protocol(counting.clone());
    let request = Request::post("/").body(Bytes::from(r#"{"b":"/<","a":[1]}"#));
    let request = request.unwrap();
    let tried = |count: usize| {
        let secrets: Vec<_> = (0..count)
            .map(|number| Secret::new(format!("{number}{SECRET}")))
            .collect();
        let verifier = Verifier::new(scheme.clone(), secrets).unwrap();
        counting.0.store(0, Ordering::Relaxed);
        let _ = explained_with(&Explainer::new(), &verifier, &request, NOW);
        counting.0.load(Ordering::Relaxed) - 2
    };
    assert!(tried(1) > 256 / 16, "{}", tried(1));
    assert!(tried(16) <= 256 / 16, "{}", tried(16));
}

#[test]
fn large_bodies_are_not_changed() {
    for scheme in families() {
        let mut request = sender(&scheme).sign("/hook", "{}");
        *request.body_mut() = Bytes::from(vec![b' '; 256 * 1024 + 1]);
        let explanation = explained(&verifier(&scheme), &request);
        assert_likely(explanation, Cause::NotTried, scheme.name());
    }
}

#[test]
fn deep_and_wide_json_is_taken_in_its_stride() {
    let scheme = provider::github();
    for body in [
        "[".repeat(200_000),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("[{}0]", "[[[[[[[[[[[]]]]]]]]]]],".repeat(8_000)),
        format!(
            "{}{}{}",
            "[".repeat(63),
            vec!["1"; 100_000].join(","),
            "]".repeat(63)
        ),
        format!("{{{}\"a\":1}}", "\"\\ud800\":{},".repeat(10_000)),
    ] {
        let mut request = sender(&scheme).sign("/hook", "{}");
        *request.body_mut() = Bytes::from(body);
        assert!(explained(&verifier(&scheme), &request).is_some());
    }
}

/// Every preset, with everything wrong that can be wrong.
#[test]
fn explanations_hold_nothing_of_the_request_or_the_secret() {
    const MARK: &str = "zQ9xZq9X";
    for scheme in families().into_iter().chain(crate::support::schemes()) {
        let body = crate::support::BODY.replacen('{', &format!("{{\"{MARK}\":\"{MARK}\","), 1);
        let request = keys::impostor(&scheme)
            .at(NOW)
            .sign(&format!("/{MARK}?{MARK}={MARK}"), body);
        let secret = keys::sender(&scheme).verifying_secret();
        let explainer = Explainer::new().with_secrets(secret);
        let mut cases = vec![request.clone()];
        for name in request.headers().keys() {
            let mut without = request.clone();
            without.headers_mut().remove(name);
            cases.push(without);
            for value in [MARK, "sha1=00", "1699999000", "", "t=zQ9xZq9X,v1=zQ9xZq9X"] {
                let mut other = request.clone();
                other
                    .headers_mut()
                    .insert(name, HeaderValue::from_static(value));
                cases.push(other);
            }
        }
        for mut case in cases {
            case.headers_mut()
                .insert("host", HeaderValue::from_static("zQ9xZq9X.example"));
            case.headers_mut()
                .insert("x-zq9xzq9x-signature", HeaderValue::from_static(MARK));
            let Some(explanation) = explained_with(&explainer, &verifier(&scheme), &case, NOW)
            else {
                continue;
            };
            let shown = format!("{explanation:?}").to_lowercase();
            assert!(!shown.contains(&MARK.to_lowercase()), "{shown}");
            for text in request
                .headers()
                .values()
                .map(|value| value.to_str().unwrap())
            {
                assert!(
                    text.len() < 16 || !shown.contains(&text.to_lowercase()),
                    "{shown}"
                );
            }
            assert!(!shown.contains("73656372"), "{shown}");
        }
    }
    let shown = format!("{:?}", Explainer::new().with_secrets("zQ9xZq9X"));
    assert!(!shown.contains(MARK), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_request_is_explained_without_a_panic(
        which in 0..8_usize,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{},:\"\\\\a1 \u{e9}\n]{0,60}".prop_map(String::into_bytes),
        ],
        values in prop::collection::vec(prop::collection::vec(32..=255_u8, 0..80), 8),
        keep in any::<u8>(),
        path in "/[a-z%+?&=]{0,20}",
    ) {
        let scheme = &families()[which];
        let mut request = sender(scheme).sign("/hook", "{}");
        let mut names: Vec<HeaderName> = request.headers().keys().cloned().collect();
        let more = ["host", "content-encoding", "content-length", "content-type", "x-forwarded-prefix"];
        names.extend(more.map(HeaderName::from_static));
        for (index, (name, value)) in names.into_iter().zip(values).enumerate() {
            if keep >> index & 1 == 0
                && let Ok(value) = HeaderValue::from_bytes(&value)
            {
                request.headers_mut().insert(name, value);
            }
        }
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        *request.body_mut() = Bytes::from(body);
        let secret = keys::sender(scheme).verifying_secret();
        let explainer = Explainer::new().with_secrets(secret);
        let _ = explained_with(&explainer, &verifier(scheme), &request, NOW);
    }
}
