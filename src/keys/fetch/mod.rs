//! Public keys over HTTPS (feature `fetch`).

mod address;
#[cfg(feature = "certificate")]
mod certificate;
mod client;
mod jwk_set;
mod plaid;
mod resolve;

#[cfg(feature = "certificate")]
pub use self::certificate::CertificateKeys;
pub use self::{client::KeyFetcher, jwk_set::JwkSetKeys, plaid::PlaidKeys};
