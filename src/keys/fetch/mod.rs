//! Public keys over HTTPS (feature `fetch`).

mod address;
mod client;
mod jwk_set;
mod plaid;
mod resolve;

pub use self::{client::KeyFetcher, jwk_set::JwkSetKeys, plaid::PlaidKeys};
