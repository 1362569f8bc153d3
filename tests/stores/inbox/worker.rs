use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, Postgres as Pg, Transaction};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_webhook::inbox::{Failure, PostgresInbox, PostgresWorker, StoredEvent};

use super::{Sent, Table, deliver};
use crate::servers::Postgres;

const POLL: Duration = Duration::from_millis(20);
/// Never ends by itself in a test.
const LEASE: Duration = Duration::from_secs(600);

/// As in another process: an inbox that is not told what this one stores.
fn worker(table: &Table) -> PostgresWorker {
    let inbox = PostgresInbox::new(table.pool.clone());
    PostgresWorker::new(inbox.with_table(&table.name).unwrap())
        .with_lease(LEASE)
        .and_then(|worker| worker.with_poll_interval(POLL))
        .unwrap()
}

async fn store(table: &Table, ids: impl IntoIterator<Item = String>) {
    for id in ids {
        let answer = deliver(&table.sink, &Sent::new(id)).await;
        assert_eq!(answer.status(), 200);
    }
}

fn start<F, Fut>(worker: PostgresWorker, stop: &CancellationToken, handler: F) -> JoinHandle<()>
where
    F: Fn(StoredEvent) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send + 'static,
{
    tokio::spawn(worker.run(handler, stop.clone().cancelled_owned()))
}

fn id(stored: &StoredEvent) -> String {
    stored.event().event_id().unwrap().as_str().to_owned()
}

async fn effect(pool: PgPool, table: String, id: String) {
    let sql = format!("INSERT INTO effects_{table} VALUES ($1)");
    let insert = sqlx::query(AssertSqlSafe(sql)).bind(id);
    insert.execute(&pool).await.unwrap();
}

#[tokio::test]
async fn many_workers_process_each_event_once() {
    const EVENTS: i64 = 300;
    let table = Table::new(Postgres::shared()).await;
    table.run("CREATE TABLE effects_$table (id text)").await;
    let stop = CancellationToken::new();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (pool, name) = (table.pool.clone(), table.name.clone());
            let worker = worker(&table).with_concurrency(3).unwrap();
            start(worker, &stop, move |stored| {
                let effect = effect(pool.clone(), name.clone(), id(&stored));
                async move {
                    effect.await;
                    Ok(())
                }
            })
        })
        .collect();
    store(&table, (0..EVENTS).map(|event| event.to_string())).await;
    table.until("done", EVENTS).await;
    stop.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
    let effects = "SELECT count(*) FROM effects_$table";
    assert_eq!(table.numbers(effects).await, [EVENTS]);
    let distinct = "SELECT count(DISTINCT id) FROM effects_$table";
    assert_eq!(table.numbers(distinct).await, [EVENTS]);
    let attempts = "SELECT max(attempts)::bigint FROM $table";
    assert_eq!(table.numbers(attempts).await, [1]);
}

#[tokio::test]
async fn an_event_of_a_dead_worker_is_taken_over_and_fenced() {
    let table = Table::new(Postgres::shared()).await;
    let stop = CancellationToken::new();
    let started = Arc::new(Notify::new());
    let gate = Arc::new(Semaphore::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let waiting = || {
        let (started, gate, seen) = (started.clone(), gate.clone(), seen.clone());
        start(worker(&table), &stop, move |stored: StoredEvent| {
            let (started, gate, seen) = (started.clone(), gate.clone(), seen.clone());
            async move {
                seen.lock().unwrap().push(stored.attempt());
                started.notify_one();
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    };
    let dies = waiting();
    store(&table, ["1".to_owned()]).await;
    started.notified().await;
    dies.abort();
    let _ = dies.await;

    let late = waiting();
    // It waits for its lease.
    for _ in 0..5 {
        tokio::time::sleep(POLL).await;
        assert_eq!(*seen.lock().unwrap(), [1]);
    }
    table.advance(601).await;
    started.notified().await;
    // This one is alive, but out of touch for longer than its lease.
    let takes_over = waiting();
    table.advance(601).await;
    started.notified().await;
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);

    // Its late success settles nothing: the third attempt is under way.
    gate.add_permits(1);
    for _ in 0..5 {
        tokio::time::sleep(POLL).await;
        assert_eq!(table.count("pending").await, 1);
    }
    gate.add_permits(1);
    stop.cancel();
    let (first, second) = tokio::join!(late, takes_over);
    first.and(second).unwrap();
    assert_eq!(table.count("done").await, 1);
    let attempts = "SELECT attempts::bigint FROM $table";
    assert_eq!(table.numbers(attempts).await, [3]);
}

/// The pause in seconds that the only event waits, and its tries.
async fn pause(table: &Table) -> i64 {
    let sql = "SELECT round(extract(epoch FROM run_after - clock_timestamp()))::bigint FROM $table";
    table.numbers(sql).await[0]
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_then_a_dead_letter() {
    let table = Table::new(Postgres::shared()).await;
    let stop = CancellationToken::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let worker = worker(&table)
        .with_max_attempts(4)
        .and_then(|worker| worker.with_pauses(Duration::from_secs(100), Duration::from_secs(300)))
        .unwrap();
    let counted = Arc::clone(&attempts);
    let working = start(worker, &stop, move |stored| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 => panic!("a bug"),
                1 => Err(Failure::new("card_declined")),
                2 => Err(std::io::Error::other("what the sender wrote").into()),
                3 => Err(Failure::new("card_declined")),
                4 if id(&stored) == "1" => Ok(()),
                _ => Err(Failure::permanent("no_such_order")),
            }
        }
    });
    store(&table, ["1".to_owned()]).await;
    let failed = async |class: &str| {
        let sql = format!("SELECT count(*) FROM $table WHERE last_error = '{class}'");
        while table.numbers(&sql).await != [1] {
            tokio::time::sleep(POLL).await;
        }
    };
    for (class, pauses) in [
        ("panic", 74..=125),
        ("card_declined", 149..=250),
        ("error", 224..=375),
    ] {
        failed(class).await;
        let pause = pause(&table).await;
        assert!(pauses.contains(&pause), "{class}: {pause}");
        table.advance(376).await;
    }
    table.until("dead", 1).await;

    // It is known all the same, and comes back when it is asked for.
    let again = deliver(&table.sink, &Sent::new("1")).await;
    assert_eq!(again.status(), 200);
    let [dead] = table.inbox.dead(10).await.unwrap().try_into().unwrap();
    assert_eq!(
        (dead.attempt(), dead.last_error()),
        (4, Some("card_declined"))
    );
    assert_eq!(dead.event().body(), "body of 1");
    assert!(table.inbox.retry_dead(dead.event().key()).await.unwrap());
    assert!(!table.inbox.retry_dead(dead.event().key()).await.unwrap());
    table.until("done", 1).await;

    store(&table, ["2".to_owned()]).await;
    table.until("dead", 1).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 6);
    stop.cancel();
    working.await.unwrap();

    // A process that dies with every attempt: nobody wrote that it failed.
    assert_eq!(table.inbox.retry_all_dead().await.unwrap(), 1);
    table
        .run("UPDATE $table SET attempts = attempts + 4 WHERE state = 'pending'")
        .await;
    let stop = CancellationToken::new();
    let working = start(
        self::worker(&table).with_max_attempts(4).unwrap(),
        &stop,
        async |_| panic!("it has no attempt left"),
    );
    table.until("dead", 1).await;
    stop.cancel();
    working.await.unwrap();
    let dead = table.inbox.dead(10).await.unwrap();
    assert_eq!(dead[0].last_error(), Some("lease_lost"));
}

#[tokio::test]
async fn a_stopped_worker_finishes_what_it_has_begun() {
    let table = Table::new(Postgres::shared()).await;
    let stop = CancellationToken::new();
    let (started, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    // A poison event does not hold up the others, even one by one.
    store(&table, ["poison", "1", "2"].map(str::to_owned)).await;
    let short = worker(&table)
        .with_concurrency(1)
        .and_then(|worker| worker.with_lease(Duration::from_secs(1)))
        .unwrap();
    let (begun, held) = (Arc::clone(&started), Arc::clone(&gate));
    let working = start(short, &stop, move |stored| {
        let (begun, held) = (Arc::clone(&begun), Arc::clone(&held));
        async move {
            match &*id(&stored) {
                "poison" => panic!("a bug"),
                "1" => {
                    begun.notify_one();
                    held.acquire().await.unwrap().forget();
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    });
    started.notified().await;
    // It is renewed while it runs.
    let run_after = "SELECT (extract(epoch FROM run_after) * 1000)::bigint FROM $table
        WHERE event_id = '1'";
    let before = table.numbers(run_after).await;
    while table.numbers(run_after).await == before {
        tokio::time::sleep(POLL).await;
    }
    stop.cancel();
    tokio::task::yield_now().await;
    assert!(!working.is_finished());
    gate.add_permits(1);
    working.await.unwrap();
    let done = "SELECT count(*) FROM $table WHERE state = 'done' AND event_id = '1'";
    assert_eq!(table.numbers(done).await, [1]);
    // Not taken any more, and there for the next.
    assert_eq!(table.count("pending").await, 2);
    let attempts = "SELECT attempts::bigint FROM $table WHERE event_id = '2'";
    assert_eq!(table.numbers(attempts).await, [0]);

    // The provider's retries count, and not only the worker's retention.
    let stop = CancellationToken::new();
    let short = worker(&table).with_retention(Duration::ZERO);
    let working = start(short, &stop, async |_| Ok(()));
    table.until("done", 2).await;
    stop.cancel();
    working.await.unwrap();
    table.advance(3000).await;
    assert_eq!(table.inbox.forget_done().await.unwrap(), 0);
    table.advance(601).await;
    assert_eq!(table.inbox.forget_done().await.unwrap(), 1);
}

#[tokio::test]
async fn an_effect_in_the_transaction_happens_exactly_once() {
    let table = Table::new(Postgres::shared()).await;
    table.run("CREATE TABLE effects_$table (id text)").await;
    let (stop, name) = (CancellationToken::new(), table.name.clone());
    let worker = worker(&table)
        .with_pauses(Duration::ZERO, Duration::ZERO)
        .unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let (counted, pool) = (Arc::clone(&tries), table.pool.clone());
    let handler = move |stored: StoredEvent, mut transaction: Transaction<'static, Pg>| {
        let (name, pool) = (name.clone(), pool.clone());
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let sql = format!("INSERT INTO effects_{name} VALUES ($1)");
            let insert = sqlx::query(AssertSqlSafe(sql)).bind(id(&stored));
            insert.execute(&mut *transaction).await?;
            match attempt {
                0 => Err(Failure::new("late")),
                1 => panic!("a bug"),
                2 => {
                    // Somebody else took over, and is done first.
                    let sql =
                        format!("UPDATE {name} SET attempts = attempts + 1, run_after = now()");
                    sqlx::query(AssertSqlSafe(sql)).execute(&pool).await?;
                    Ok(transaction)
                }
                _ => Ok(transaction),
            }
        }
    };
    let stopped = stop.clone().cancelled_owned();
    let working = tokio::spawn(worker.run_in_transaction(handler, stopped));
    store(&table, ["1".to_owned()]).await;
    table.until("done", 1).await;
    stop.cancel();
    working.await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 4);
    let effects = "SELECT count(*) FROM effects_$table";
    assert_eq!(table.numbers(effects).await, [1]);
}
