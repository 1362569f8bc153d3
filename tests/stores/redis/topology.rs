//! More than one server, and servers with clocks of their own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::cluster::ClusterClientBuilder;
use ::redis::cluster_async::ClusterConnection;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupStore, Fingerprint, Owner, RedisStore, Renewed,
    StoreError,
};

use super::{PATIENCE, connection, free_port, key};
use crate::servers::{Redis, wait_for};

const LEASE: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(3600);
const A: Owner = Owner::from_u128(1);
const B: Owner = Owner::from_u128(2);

fn claim(number: u8, owner: Owner) -> Claim {
    Claim::new(key(number), owner, LEASE, TTL)
}

const DONE: Completion = Completion::new(Fingerprint::NONE, 200, TTL);

async fn run<T: ::redis::FromRedisValue>(connection: &mut impl ConnectionLike, line: &str) -> T {
    let mut words = line.split(' ');
    let mut command = ::redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command.query_async(connection).await.unwrap()
}

#[tokio::test]
async fn what_replicas_do_not_have_is_not_acknowledged() {
    let port = free_port().to_string();
    let primary = Redis::with(&["--port", &port, "--save", ""]);
    let mut connection = connection(&primary).await;
    let store = RedisStore::new(connection.clone());
    let wary = RedisStore::new(connection.clone());
    let wary = wary.with_replicas(1, Duration::from_millis(50)).unwrap();

    let alone = wary.claim(&claim(0, A)).await;
    assert!(
        matches!(alone, Err(StoreError::Unavailable(_))),
        "{alone:?}"
    );
    let given_back = store.claim(&claim(0, B)).await.unwrap();
    assert_eq!(given_back, Claimed::Won { attempt: 2 });
    let alone = wary.complete(&key(0), B, DONE).await;
    assert!(
        matches!(alone, Err(StoreError::Unavailable(_))),
        "{alone:?}"
    );
    let late = wary.complete(&key(0), A, DONE).await;
    assert!(late.is_err(), "{late:?}");

    let replica = Redis::with(&[
        "--replicaof",
        "127.0.0.1",
        &port,
        "--repl-diskless-sync-delay",
        "0",
    ]);
    let mut replica = super::connection(&replica).await;
    wait_for_link(&mut replica).await;
    let patient = RedisStore::new(connection.clone());
    let patient = patient.with_replicas(1, PATIENCE / 2).unwrap();
    run::<()>(&mut connection, "SCRIPT FLUSH").await;
    let won = patient.claim(&claim(1, A)).await.unwrap();
    assert_eq!(won, Claimed::Won { attempt: 1 });
    let size: u64 = run(&mut replica, "DBSIZE").await;
    assert_eq!(size, 2, "the replica has it when the claim is answered");
    let again = patient.complete(&key(0), B, DONE).await.unwrap();
    assert_eq!(again, Completed::Done);

    // To be promoted, and written to by who does not know yet.
    let demoted = RedisStore::new(replica);
    let readonly = demoted.claim(&claim(2, A)).await.unwrap_err();
    let StoreError::Unavailable(cause) = readonly else {
        panic!("{readonly:?}");
    };
    assert!(
        cause.to_string().contains("READONLY") || cause.to_string().contains("ReadOnly"),
        "{cause}"
    );
}

async fn wait_for_link(replica: &mut impl ConnectionLike) {
    loop {
        let info: String = run(replica, "INFO replication").await;
        if info.contains("master_link_status:up") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_cluster_is_a_store() {
    // Redis adds 10 000 for the port of its bus.
    let port = wait_for("a free port", || {
        Some(free_port()).filter(|port| *port < 55_000)
    });
    let port = port.to_string();
    let server = Redis::with(&[
        "--cluster-enabled",
        "yes",
        "--cluster-announce-ip",
        "127.0.0.1",
        "--port",
        &port,
        "--save",
        "",
    ]);
    let mut node = connection(&server).await;
    run::<()>(&mut node, "CLUSTER ADDSLOTSRANGE 0 16383").await;
    loop {
        let info: String = run(&mut node, "CLUSTER INFO").await;
        if info.contains("cluster_state:ok") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cluster = ClusterClientBuilder::new([format!("redis://127.0.0.1:{port}")])
        .connection_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .build()
        .unwrap();
    let cluster: ClusterConnection = cluster.get_async_connection().await.unwrap();
    let store = RedisStore::new(cluster.clone());
    store.check().await.unwrap();
    super::setup::set(&mut node, "maxmemory", "100mb").await;
    super::setup::set(&mut node, "maxmemory-policy", "allkeys-lru").await;
    assert!(store.check().await.is_err());

    run::<()>(&mut node, "SCRIPT FLUSH").await;
    for number in 0..20 {
        let won = store.claim(&claim(number, A)).await.unwrap();
        assert_eq!(won, Claimed::Won { attempt: 1 });
        let completed = store.complete(&key(number), A, DONE).await.unwrap();
        assert_eq!(completed, Completed::Done);
        let duplicate = store.claim(&claim(number, B)).await.unwrap();
        assert!(matches!(duplicate, Claimed::Duplicate { .. }));
    }
    let size: u64 = run(&mut node, "DBSIZE").await;
    assert_eq!(size, 20, "nothing is left of the check");

    let wary = store.with_replicas(1, Duration::from_millis(10)).unwrap();
    let alone = wary.claim(&claim(100, A)).await;
    assert!(
        matches!(alone, Err(StoreError::Unavailable(_))),
        "{alone:?}"
    );
}

/// Leases follow the server's clock, whatever it does: nobody's claim is lost
/// without a takeover, and who was overtaken is refused.
#[tokio::test]
async fn a_step_of_the_servers_clock_ends_leases_and_nothing_worse() {
    let dir = tempfile::tempdir().unwrap();
    let offset = dir.path().join("offset");
    let step = |seconds: &str| {
        let new = dir.path().join("new");
        fs::write(&new, seconds).unwrap();
        fs::rename(&new, &offset).unwrap();
    };
    step("+0");
    let faketime = Command::new("faketime")
        .args(["-f", "+0", "printenv", "LD_PRELOAD"])
        .output();
    let faketime = String::from_utf8(faketime.expect("apt-get install faketime").stdout).unwrap();
    // jemalloc asks for the time when it starts, which faketime does not bear.
    let preload = format!("LD_PRELOAD={} libc.so.6", faketime.trim());
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", offset.display());
    let wrapper = ["env", &preload, &file, "FAKETIME_NO_CACHE=1"];
    let server = Redis::behind(&wrapper, &["--save", ""]);
    let store = RedisStore::new(connection(&server).await);

    store.claim(&claim(0, A)).await.unwrap();
    step("+59");
    let busy = store.claim(&claim(0, B)).await.unwrap();
    assert!(matches!(busy, Claimed::Busy { remaining, .. } if remaining <= Duration::from_secs(1)));
    step("+90");
    assert_eq!(
        store.claim(&claim(0, B)).await.unwrap(),
        Claimed::Won { attempt: 2 }
    );
    let late = store.complete(&key(0), A, DONE).await.unwrap();
    assert_eq!(late, Completed::LeaseLost);

    // Set back, a lease holds for longer, and its owner goes on.
    step("-3600");
    let busy = store.claim(&claim(0, A)).await.unwrap();
    assert!(
        matches!(busy, Claimed::Busy { remaining, .. } if remaining > LEASE),
        "{busy:?}"
    );
    assert_eq!(
        store.renew(&key(0), B, LEASE, TTL).await.unwrap(),
        Renewed::Extended
    );
    let busy = store.claim(&claim(0, A)).await.unwrap();
    assert!(
        matches!(busy, Claimed::Busy { remaining, .. } if remaining <= LEASE),
        "{busy:?}"
    );
    assert_eq!(
        store.complete(&key(0), B, DONE).await.unwrap(),
        Completed::Done
    );

    // An event that is done is forgotten when its time has come, and not before.
    step("-100");
    let known = store.claim(&claim(0, A)).await.unwrap();
    assert!(
        matches!(known, Claimed::Duplicate { attempt: 2, .. }),
        "{known:?}"
    );
    step("+7200");
    assert_eq!(
        store.claim(&claim(0, A)).await.unwrap(),
        Claimed::Won { attempt: 1 }
    );
}
