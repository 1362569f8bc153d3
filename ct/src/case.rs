//! One verification, through the library's public interface.

use bytes::Bytes;
use http::{HeaderValue, Request};
use tower_webhook::signature::Scheme;
use tower_webhook::{Secret, Timestamp, Verifier};

use crate::valgrind;

pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// The way of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// [`Verifier::verify`].
    Whole,
    /// [`Verifier::begin`], and the body in three pieces.
    Pieces,
}

/// A request, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is verified, and how.
    pub family: String,
    /// Within a family and a shape, only the verdict may make a difference.
    pub shape: String,
    pub what: String,
    pub scheme: Scheme,
    pub keys: Vec<Vec<u8>>,
    pub request: Request<Bytes>,
    pub body: Body,
    pub accepted: bool,
    /// How often the verdict is taken: once, but twice for a genuine token,
    /// which is judged before the body and behind it, and once for each item
    /// where each is signed.
    pub verdicts: usize,
}

impl Case {
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}: {}, {}", self.family, self.shape, self.what)
    }

    /// With the keys marked as secret, the branches and addresses that depend
    /// on them in one verification, and whether the request was accepted.
    ///
    /// The keys are poisoned before the verifier is built. What that branches
    /// on (is the secret empty? does it start with `whsec_`?) is not counted;
    /// what it makes of the keys is as poisoned as they are.
    #[must_use]
    pub fn probe(&self) -> (usize, bool) {
        let secrets = self.keys.iter().map(|key| poisoned(key)).collect();
        let verifier = self.verifier(secrets);
        let request = self.request.clone();
        counted(|| self.verify(&verifier, request))
    }

    /// A verifier with these secrets, or the case's own.
    #[must_use]
    pub fn verifier(&self, secrets: Vec<Secret>) -> Verifier {
        Verifier::new(self.scheme.clone(), secrets).expect("a valid scheme and secrets")
    }

    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        self.keys.iter().cloned().map(Secret::from_bytes).collect()
    }

    /// Whether `verifier` accepts `request`, which is the case's.
    #[must_use]
    pub fn verify(&self, verifier: &Verifier, request: Request<Bytes>) -> bool {
        let (parts, body) = request.into_parts();
        match self.body {
            Body::Whole => verifier.verify(&parts, &body, NOW).is_ok(),
            Body::Pieces => {
                let Ok(mut check) = verifier.begin(&parts, NOW) else {
                    return false;
                };
                let piece = body.len().div_ceil(3).max(1);
                let mut rest = body;
                while !rest.is_empty() {
                    check.update(rest.split_to(piece.min(rest.len())));
                }
                check.finish().is_ok()
            }
        }
    }
}

/// A secret whose bytes memcheck watches.
#[must_use]
pub fn poisoned(key: &[u8]) -> Secret {
    let mut key = key.to_vec();
    valgrind::poison(&mut key);
    Secret::from_bytes(key)
}

/// How many errors `run` made, and its verdict, which is public.
pub fn counted(run: impl FnOnce() -> bool) -> (usize, bool) {
    let before = valgrind::errors();
    let mut verdict = std::hint::black_box(run());
    let errors = valgrind::errors() - before;
    valgrind::publish(&mut verdict);
    (errors, verdict)
}

/// A copy that shares nothing, and so lies where all copies lie.
#[must_use]
pub fn copied(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(Bytes::copy_from_slice(request.body()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().to_string().parse().expect("a URI");
    for (name, value) in request.headers() {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        copy.headers_mut().insert(name, value);
    }
    copy
}
