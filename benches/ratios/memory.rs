//! The memory store: its speed and its size.

use std::sync::Arc;
use std::time::Duration;

use cpu_time::ThreadTime;
use sha2::{Digest, Sha256};
use tower_webhook::store::{
    Claim, Claimed, Completion, DedupKey, DedupStore, Fingerprint, MemoryStore, Owner,
};

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(96 * 3600);

fn key(number: u64) -> DedupKey {
    DedupKey::from_bytes(Sha256::digest(number.to_be_bytes()).into())
}

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    println!("\nmemory store, through the trait, one core\n");
    println!("| remembered | claim + complete per second | bytes per id |");
    println!("|---:|---:|---:|");
    for count in [100_000_u64, 500_000, 925_000, 1_000_000] {
        let keys: Vec<_> = (0..count).map(key).collect();
        let mut store: Option<Arc<dyn DedupStore>> = None;
        let mut seconds = 0.0;
        let info = allocation_counter::measure(|| {
            let memory: Arc<dyn DedupStore> = Arc::new(MemoryStore::new(1_000_000).unwrap());
            let start = ThreadTime::now();
            runtime.block_on(async {
                for (number, key) in (0_u128..).zip(&keys) {
                    let owner = Owner::from_u128(number);
                    let claimed = memory.claim(&Claim::new(*key, owner, LEASE, TTL)).await;
                    assert_eq!(claimed.unwrap(), Claimed::Won { attempt: 1 });
                    let completion = Completion::new(Fingerprint::NONE, 200, TTL);
                    memory.complete(key, owner, completion).await.unwrap();
                }
            });
            seconds = start.elapsed().as_secs_f64();
            store = Some(memory);
        });
        #[allow(clippy::cast_precision_loss)]
        let (rate, bytes) = (
            count as f64 / seconds / 1e6,
            info.bytes_current as f64 / count as f64,
        );
        println!("| {count} | {rate:.2} M | {bytes:.0} |");
    }
}
