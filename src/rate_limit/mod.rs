//! Limits: how often a caller may fail, and how much a tenant may send.

mod buckets;
mod key;
mod limiter;
mod memory;
mod quota;

pub use self::{
    key::RateKey,
    limiter::{Allowance, LimiterError, LimiterFuture, RateLimiter},
    memory::MemoryRateLimiter,
    quota::Quota,
};
