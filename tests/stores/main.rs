//! Stores, sinks and limiters on real servers, which the tests start and stop
//! themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code
)]

mod example;
mod faults;
mod guarantees;
mod inbox;
#[cfg(feature = "tracing")]
#[path = "../it/support/log.rs"]
mod log;
mod model;
mod postgres;
mod redis;
mod servers;

use self::servers::{Postgres, Redis};

#[test]
fn servers_start_stop_pause_and_start_again() {
    let mut redis = Redis::start();
    redis.pause();
    redis.resume();
    redis.restart();
    let mut postgres = Postgres::start();
    postgres.pause();
    postgres.resume();
    postgres.restart();
    drop((redis, postgres));
}
