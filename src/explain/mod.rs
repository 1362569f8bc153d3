//! Why a request was refused, in one sentence: for the developer of the
//! receiver, never for the sender.
//!
//! The answer to a forged request says nothing, and must not. Whoever sets up a
//! webhook has to know more than that, and meets the same few mistakes as
//! everybody: a body that was parsed and written again, the secret of another
//! endpoint, a URL without the prefix that a proxy took off. An [`Explainer`]
//! tries them, one at a time, and says which of them makes the signature right.
//!
//! ```
//! use tower_webhook::explain::Cause;
//! use tower_webhook::{Timestamp, Verifier, provider};
//!
//! let verifier = Verifier::new(provider::github(), "It's a Secret to Everybody")?;
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//!
//! // GitHub signed these bytes …
//! let sent = b"{\"action\": \"opened\", \"number\": 1}";
//! let (parts, ()) = http::Request::post("/github")
//!     .header(
//!         "x-hub-signature-256",
//!         "sha256=71e48d94c6a378955aebd05092afd9720410716a8126b44216591bf525944872",
//!     )
//!     .body(())?
//!     .into_parts();
//! assert!(verifier.explain(&parts, sent, now).is_none());
//!
//! // … and a handler verifies what axum's `Json` extractor made of them.
//! let value: serde_json::Value = serde_json::from_slice(sent)?;
//! let explanation = verifier.explain(&parts, value.to_string().as_bytes(), now).unwrap();
//! assert_eq!(explanation.cause(), Cause::BodyReserialised);
//! assert_eq!(
//!     explanation.sentence(),
//!     "The signature is right over the JSON written with a space behind `,` and `:` (as Python \
//!      does), so it was parsed and written again: verify the bytes as they were sent, before any \
//!      extractor, middleware or proxy parses or changes them (axum's `Json` does)."
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In development
//!
//! One switch logs the explanation of every refused request, as a warning with
//! the fields `cause` and `explanation` (feature `tracing`). What is answered
//! stays the same.
//!
//! ```
//! use tower_webhook::explain::Explainer;
//! use tower_webhook::{Secret, Verifier, WebhookLayer, provider};
//!
//! # fn main() -> Result<(), tower_webhook::ConfigError> {
//! let secret = Secret::new("whsec_9f8e7d");
//! let mut layer = WebhookLayer::new(Verifier::new(provider::stripe(), secret.clone())?);
//! if cfg!(debug_assertions) {
//!     let test_mode = Verifier::new(provider::stripe(), "whsec_7d8e9f")?;
//!     let explainer = Explainer::new()
//!         .with_secrets(secret)
//!         .with_known("Stripe's test mode", test_mode);
//!     layer = layer.with_explanations(explainer);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Why not in production
//!
//! - Anyone can make the receiver do the work of 256 verifications with one
//!   request, within the task that serves it.
//! - How long it takes tells the sender how far the search came: a timing oracle
//!   for what is configured.
//! - Secrets that an [`Explainer`] is given stay in memory as they are written.
//!
//! # What is tried
//!
//! In this order, until something explains the refusal:
//!
//! 1. other known endpoints ([`Explainer::with_known`]),
//! 2. the headers: another provider's, an older one, one that is missing,
//!    renamed or repeated,
//! 3. the timestamp: its unit, the clocks,
//! 4. how the signature is written: encoding, prefix, length,
//! 5. the secret, if it was given ([`Explainer::with_secrets`]): decoded in
//!    another way, trimmed, unquoted, with a line end,
//! 6. the body: byte order mark, line ends, base64, character set, then a form
//!    written with other escapes,
//! 7. the URL, where it is signed: scheme, host, port, path, query,
//! 8. JSON in other layouts, escapes and orders of keys.
//!
//! What cannot be taken back (a decompressed body, a body that is shorter than
//! announced, an API key in the place of the secret) is said to be likely when
//! there are signs of it ([`Explanation::is_proved`]).
//!
//! # Limits
//!
//! One change is tried at a time, and at most 256 signatures are computed for
//! one explanation; with several secrets, each counts. On bodies over 256 KiB no
//! changes are tried, and JSON that is nested deeper than 64 levels is not
//! written anew. Numbers stay as they are written in the body: that `1.0` became
//! `1` is not found, nor is the order of keys that were sorted.
//!
//! Where the headers alone refuse a request, a layer does not read its body, nor
//! does it to explain it: what needs a body is then left out.

mod body;
mod explanation;
mod form;
mod freshness;
mod headers;
mod json;
mod secrets;
mod trial;
mod url;
mod written;

#[cfg(test)]
mod tests;

use std::fmt;

use http::request::Parts;

pub use self::explanation::{Cause, Explanation};
use self::trial::Trial;
use crate::rejection::{Rejection, RejectionKind};
use crate::secret::Secrets;
use crate::signature::Algorithm;
use crate::{Timestamp, Verifier, telemetry};

/// Finds out why requests were refused. See the [module docs](crate::explain).
///
/// A [`Verifier`] does not keep its secrets as they are written, so that changes
/// of them can only be tried by an explainer that was given them as well.
#[must_use]
#[derive(Clone, Default)]
pub struct Explainer {
    secrets: Secrets,
    known: Vec<(String, Verifier)>,
}

impl Explainer {
    /// An explainer that knows no more than the verifier.
    pub fn new() -> Self {
        Self::default()
    }

    /// The secrets as they are configured, to try them decoded in other ways.
    /// Does nothing for schemes with public keys.
    pub fn with_secrets(mut self, secrets: impl Into<Secrets>) -> Self {
        self.secrets = secrets.into();
        self
    }

    /// Another endpoint, whose requests may come here by mistake: the test
    /// mode, another account, another provider. `label` names it in the
    /// sentence.
    pub fn with_known(mut self, label: impl Into<String>, verifier: Verifier) -> Self {
        self.known.push((label.into(), verifier));
        self
    }

    /// Why `verifier` refuses a request; `None` if it does not.
    #[must_use]
    pub fn explain(
        &self,
        verifier: &Verifier,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Explanation> {
        let rejection = verifier.verify(parts, body, now).err()?;
        let mut trial = Trial::new(verifier, parts, Some(body), now);
        Some(self.explain_refused(&mut trial, &rejection))
    }

    /// Logs why a request was refused. `body` is `None` if it was not read.
    pub(crate) fn log(
        &self,
        verifier: &Verifier,
        parts: &Parts,
        body: Option<&[u8]>,
        now: Timestamp,
        rejection: &Rejection,
    ) {
        let kind = rejection.kind();
        let explains = kind.is_verification_failure() || kind == RejectionKind::MethodNotAllowed;
        if explains && telemetry::LOGS {
            let mut trial = Trial::new(verifier, parts, body, now);
            telemetry::explained(rejection, &self.explain_refused(&mut trial, rejection));
        }
    }

    fn explain_refused(&self, trial: &mut Trial<'_>, rejection: &Rejection) -> Explanation {
        let mismatch = rejection.kind() == RejectionKind::SignatureMismatch;
        self.known_endpoint(trial)
            .or_else(|| headers::explain(trial.scheme(), trial.parts, rejection))
            .or_else(|| freshness::explain(trial, rejection))
            .or_else(|| written::explain(trial, rejection))
            .or_else(|| {
                mismatch.then_some(())?;
                secrets::explain(trial, &self.secrets)
                    .or_else(|| body::explain(trial))
                    .or_else(|| url::explain(trial))
                    .or_else(|| json::explain(trial))
                    .or_else(|| secrets::api_key(trial, &self.secrets))
                    .or_else(|| body::signs(trial))
                    .or_else(|| headers::other_provider(trial.scheme(), &trial.parts.headers))
            })
            .unwrap_or_else(|| match mismatch {
                true => unexplained(trial),
                false => Explanation::proved(Cause::Refused, format!("{rejection}.")),
            })
    }

    fn known_endpoint(&self, trial: &mut Trial<'_>) -> Option<Explanation> {
        let (label, _) = self
            .known
            .iter()
            .find(|(_, verifier)| trial.holds_for(verifier))?;
        Some(Explanation::proved(
            Cause::OtherEndpoint,
            format!(
                "The {} is right for {label}: configure the secret of this endpoint, or \
                 correct the URL that is registered for the other one.",
                secrets::what_proves(trial.scheme())
            ),
        ))
    }
}

/// Nothing that was tried makes the signature right.
fn unexplained(trial: &Trial<'_>) -> Explanation {
    let scheme = trial.scheme();
    let key = match scheme.algorithm() {
        Algorithm::Token => {
            return Explanation::likely(
                Cause::WrongToken,
                "The token is not the configured one: copy it again from where the provider was \
                 given it.",
            );
        }
        Algorithm::Hmac(_) | Algorithm::Hash(_) => "secret",
        #[cfg(feature = "public-key")]
        Algorithm::PublicKey(_) => "public key",
    };
    if trial.small_body().is_none() {
        return Explanation::likely(
            Cause::NotTried,
            format!(
                "The signature does not match, and the body is too large to try why: copy the \
                 {key} of this endpoint again, and {}.",
                body::RAW
            ),
        );
    }
    let sign = match trial.body {
        Some(b"") => " (it is empty)",
        Some(body) if json::looks_sorted(body) => {
            " (it is JSON without white space whose keys are sorted, as after a round through a \
             parser)"
        }
        _ => "",
    };
    let content = match scheme.public_url() {
        Some(_) => "URL or the body",
        None => "body",
    };
    Explanation::likely(
        Cause::WrongKeyOrContent,
        format!(
            "Nothing that was tried makes the signature right: the {key} is another endpoint's, \
             or the {content}{sign} is not what was signed; copy the {key} of this endpoint \
             again, and {}.",
            body::RAW
        ),
    )
}

impl Verifier {
    /// Why this verifier refuses a request; `None` if it does not. For tests and
    /// the command line: an [`Explainer`] can be told more.
    #[must_use]
    pub fn explain(&self, parts: &Parts, body: &[u8], now: Timestamp) -> Option<Explanation> {
        Explainer::new().explain(self, parts, body, now)
    }
}

impl fmt::Debug for Explainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = self.known.iter().map(|(label, _)| label).collect();
        f.debug_struct("Explainer")
            .field("secrets", &self.secrets.len())
            .field("known", &known)
            .finish_non_exhaustive()
    }
}
