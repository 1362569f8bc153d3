//! Tower layers that guard webhook routes.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod body;
pub mod client_ip;
pub mod clock;
pub mod dedup;
pub mod delivery;
mod error;
pub mod https;
pub mod ip_allowlist;
pub mod provider;
pub mod rate_limit;
pub mod rejection;
pub mod secret;
pub mod signature;
pub mod store;
mod telemetry;
mod timestamp;
pub mod verify;
pub mod webhook;

#[doc(inline)]
pub use self::{
    clock::Clock,
    error::ConfigError,
    rejection::{Rejection, RejectionKind},
    secret::{Secret, Secrets},
    timestamp::Timestamp,
};
