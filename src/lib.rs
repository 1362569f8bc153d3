//! Tower layers that guard webhook routes.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod body;
pub mod client_ip;
pub mod clock;
pub mod dedup;
pub mod delivery;
mod error;
#[cfg(feature = "axum")]
pub mod extract;
pub mod https;
pub mod ip_allowlist;
pub mod provider;
pub mod rate_limit;
pub mod rejection;
pub mod secret;
pub mod signature;
pub mod store;
mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timestamp;
pub mod verify;
pub mod webhook;

#[doc(inline)]
pub use self::{
    body::VerifiedBody,
    clock::Clock,
    delivery::Delivery,
    error::ConfigError,
    rejection::{Rejection, RejectionKind},
    secret::{Secret, Secrets},
    signature::Verifier,
    timestamp::Timestamp,
    verify::VerifyLayer,
    webhook::WebhookLayer,
};
