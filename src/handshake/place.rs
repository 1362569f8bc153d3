//! The two places of the layer, and what each answers.

use std::sync::Arc;

use http::{Method, Request};

use super::{ConfirmSubscription, SecretCapture};
use crate::clock::Clock;
use crate::keys::AsyncVerifier;
use crate::signature::{Asked, Handshake, Scheme};
use crate::verify::Limits;
use crate::{Secret, VerifiedBody};

/// The largest body of a challenge, in bytes. Those known are below 3 KiB.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// In front of verification, for challenges that are not signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    pub(super) verifier: AsyncVerifier,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) verify_token: Option<Secret>,
    pub(super) capture: Option<Arc<dyn SecretCapture>>,
    pub(super) origins: Vec<String>,
    /// What is answered with this configuration.
    pub(super) active: Vec<Arc<Handshake>>,
    /// The methods that are answered then, as the `Allow` header lists them.
    pub(super) allow: String,
}

/// Behind verification, for challenges that are signed as deliveries are.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    pub(super) confirmation: Option<Arc<dyn ConfirmSubscription>>,
}

impl Unsigned {
    /// Ready to serve; `None` if there is nothing to answer.
    pub(crate) fn prepared(&self) -> Option<Self> {
        let mut place = self.clone();
        let handshakes = self.verifier.scheme().handshakes.iter();
        place.active = handshakes
            .filter(|handshake| self.answers(handshake))
            .map(Arc::clone)
            .collect();
        let verifier = self.verifier.headers();
        let mut methods: Vec<&str> = verifier
            .scheme()
            .methods
            .iter()
            .map(Method::as_str)
            .collect();
        for handshake in &place.active {
            if !methods.contains(&handshake.method().as_str()) {
                methods.push(handshake.method().as_str());
            }
        }
        place.allow = methods.join(", ");
        (!place.active.is_empty()).then_some(place)
    }

    fn answers(&self, handshake: &Handshake) -> bool {
        !handshake.is_signed()
            && (!handshake.needs_verify_token() || self.verify_token.is_some())
            && (!handshake.needs_capture() || self.capture.is_some())
            && (!handshake.needs_origins() || !self.origins.is_empty())
    }

    /// The challenges that the request may be, as far as its headers tell.
    pub(super) fn candidates<B>(&self, request: &Request<B>) -> Vec<Arc<Handshake>> {
        let verifier = self.verifier.headers();
        let delivers = verifier.delivers_with(request.method());
        if delivers && verifier.finds_signature(request.headers(), request.uri()) {
            return Vec::new();
        }
        let asked = asked(request, &[]);
        let fitting = self.active.iter().filter(|one| one.fits_head(&asked));
        fitting.map(Arc::clone).collect()
    }
}

impl Signed {
    /// Whether there is anything to answer for `scheme`.
    pub(crate) fn answers(&self, scheme: &Scheme) -> bool {
        scheme
            .handshakes()
            .any(|handshake| self.is_active(handshake))
    }

    fn is_active(&self, handshake: &Handshake) -> bool {
        handshake.is_signed() && (!handshake.needs_confirmation() || self.confirmation.is_some())
    }

    /// The challenge that the request is.
    pub(super) fn challenge(&self, request: &Request<VerifiedBody>) -> Option<Arc<Handshake>> {
        let delivery = request.body().delivery();
        let mut handshakes = delivery.scheme().handshakes.iter();
        let asked = asked(request, delivery.body());
        let found = handshakes.find(|handshake| {
            self.is_active(handshake)
                && asked.body.len() <= MAX_BODY
                && handshake.fits_head(&asked)
                && handshake.fits_body(&asked)
        });
        found.map(Arc::clone)
    }
}

pub(super) fn asked<'a, B>(request: &'a Request<B>, body: &'a [u8]) -> Asked<'a> {
    Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        body,
    }
}
