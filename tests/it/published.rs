//! What operators learn of a list that is not refreshed.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::ip_allowlist::published::{AllowlistRefresher, Format};

use crate::support::log::Log;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn d7_a_stale_list_is_told_once_and_on_time() {
    let log = Log::start();
    let stale = || log.take().matches("the allowlist is stale").count();
    let allowlist = IpAllowlist::new(["192.0.2.0/24"]).unwrap();
    let up = AtomicBool::new(false);
    let refresher = AllowlistRefresher::new(allowlist, Format::stripe_webhooks(), || async {
        let up = up.load(SeqCst);
        up.then_some(r#"{"WEBHOOKS": ["192.0.2.0/25"]}"#)
            .ok_or("cannot reach https://user:sw0rdfish@proxy.example")
    })
    .with_stale_after(5 * HOUR)
    .unwrap();

    let status = refresher.status();
    let mut run = std::pin::pin!(refresher.run());
    let mut while_running = async |time: Duration| {
        let elapsed = tokio::time::timeout(time, &mut run).await;
        assert!(elapsed.is_err());
    };

    while_running(5 * HOUR - Duration::from_secs(1)).await;
    let before = log.take();
    assert!(before.contains("could not be fetched"), "{before}");
    assert!(before.contains("stripe_webhooks"), "{before}");
    assert!(!before.contains("sw0rdfish"), "{before}");
    assert!(!before.contains("stale"), "{before}");

    while_running(Duration::from_secs(2)).await;
    assert!(status.is_stale());
    assert_eq!(stale(), 1);
    while_running(24 * HOUR).await;
    assert_eq!(stale(), 0);

    up.store(true, SeqCst);
    while_running(2 * HOUR).await;
    assert!(!status.is_stale());
    assert_eq!(stale(), 0);

    // A runtime that is not polled in between loses nothing.
    up.store(false, SeqCst);
    tokio::time::sleep(24 * HOUR).await;
    while_running(Duration::from_secs(1)).await;
    assert_eq!(stale(), 1);
}
