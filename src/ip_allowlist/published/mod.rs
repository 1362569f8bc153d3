//! The addresses that providers publish, and a list that follows them.
//!
//! A [`Format`] reads a document as a whole or not at all: an error page with
//! status 200, an empty list, a `0.0.0.0/0` or an entry that is no network is
//! an error, and the allowlist stays as it was.
//!
//! ```
//! use tower_webhook::ip_allowlist::IpAllowlist;
//! use tower_webhook::ip_allowlist::published::{Format, PublishedErrorKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let github = Format::github_meta();
//! let document = br#"{"hooks": ["192.30.252.0/22", "2606:50c0::/32"], "web": []}"#;
//! let allowlist = IpAllowlist::new(github.parse(document)?)?;
//! assert!(allowlist.contains("192.30.252.1".parse()?));
//!
//! let limited = br#"{"message": "API rate limit exceeded"}"#;
//! let error = github.parse(limited).unwrap_err();
//! assert_eq!(error.kind(), PublishedErrorKind::MissingList);
//! # Ok(())
//! # }
//! ```
//!
//! # Keeping up
//!
//! An [`AllowlistRefresher`] fetches the document every hour and swaps the
//! list under all layers that hold a clone of it. It brings no HTTP client:
//! give it a function that uses yours.
//!
//! ```
//! use tower_webhook::ip_allowlist::published::{AllowlistRefresher, Format};
//! use tower_webhook::ip_allowlist::{IpAllowlist, IpAllowlistLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // As with reqwest: get(url).await?.error_for_status()?.bytes().await
//! # async fn get(_url: &str) -> Result<Vec<u8>, std::io::Error> {
//! #     Ok(br#"{"hooks": ["192.30.252.0/22", "140.82.112.0/20"]}"#.to_vec())
//! # }
//! // What is known when the program is built: never empty, never everybody.
//! let allowlist = IpAllowlist::new(["192.30.252.0/22"])?;
//! let layer = IpAllowlistLayer::new(allowlist.clone());
//!
//! let refresher = AllowlistRefresher::new(allowlist.clone(), Format::github_meta(), || {
//!     get("https://api.github.com/meta")
//! });
//! let mut status = refresher.status();
//! let running = tokio::spawn(refresher.run());
//!
//! assert!(status.changed().await);
//! assert!(allowlist.contains("140.82.112.1".parse()?));
//! assert!(!status.is_stale());
//! # running.abort();
//! # Ok(())
//! # }
//! ```
//!
//! A fetch that fails, takes too long, or returns something that is not the
//! document leaves the last good list in place. That is told to operators each
//! time, and once more when the list has grown stale; [`RefreshStatus`] tells
//! it to a health check.
//!
//! # What a published list is worth
//!
//! Whoever answers the fetch decides who may call, so fetch over HTTPS. The
//! list keeps strangers away before a body is read; the signature is what
//! proves who called. Addresses of a cloud are everybody's: the list of an AWS
//! service names all its customers.

mod error;
mod format;
mod json;
mod lines;
mod refresher;
mod status;

#[cfg(test)]
mod tests;

pub use self::{
    error::{PublishedError, PublishedErrorKind},
    format::Format,
    refresher::AllowlistRefresher,
    status::{RefreshError, RefreshStatus},
};

/// The networks of New Relic's alert webhooks, for its data centres in the US,
/// the EU and elsewhere.
///
/// From
/// <https://docs.newrelic.com/docs/new-relic-solutions/get-started/networks/#webhooks>
/// as of 4 March 2025, without the nine networks that the page says are
/// discontinued, which others may hold since May 2025. There is no document
/// that a program could fetch: compare with the page.
pub const NEW_RELIC: [&str; 4] = [
    "162.247.240.0/22",
    "152.38.128.0/19",
    "212.32.0.0/20",
    "64.251.192.0/20",
];
