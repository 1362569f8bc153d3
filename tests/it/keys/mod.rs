//! Secrets and keys that are looked up for each request.

#[cfg(feature = "public-key")]
mod cached;
mod failing;
#[cfg(all(feature = "fetch", feature = "jwt"))]
mod fetch;
mod tenants;
