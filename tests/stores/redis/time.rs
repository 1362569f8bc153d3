//! Time that passes when the test says so.

use std::time::Duration;

use ::redis::aio::ConnectionLike;

/// Lets the time of all rows under `prefix` pass: each has that much less to
/// live. (Leases are measured from the end of the row.)
pub async fn advance(connection: &mut impl ConnectionLike, prefix: &str, by: Duration) {
    const ADVANCE: &str = r"
        for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
            local left = redis.call('PTTL', key) - ARGV[2]
            redis.call('PEXPIRE', key, math.max(left, 0))
        end
        return redis.status_reply('OK')
    ";
    let mut script = ::redis::cmd("EVAL");
    script.arg(ADVANCE).arg(0).arg(prefix);
    script.arg(u64::try_from(by.as_millis()).unwrap());
    script.exec_async(connection).await.unwrap();
}
