//! Points at which a worker says where it is, and waits if it was told to.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreError, StoreFuture,
};

/// The points are the store's steps, before (`claim`) and after (`claimed`), and
/// those of the handler: `handler` at its start, `effect` behind its effect.
#[derive(Debug)]
pub struct Hooks {
    stops: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Hooks {
    /// Stops at `stops`, until its process is told `pass …` on its input, and
    /// from `stop …` on. Ends the process when nobody is left who could tell it.
    pub fn new(stops: &[String]) -> Arc<Self> {
        let stops = stops.iter().cloned();
        let hooks = Arc::new(Self {
            stops: Mutex::new(
                stops
                    .map(|stop| (stop, Arc::new(Semaphore::new(0))))
                    .collect(),
            ),
        });
        let told = Arc::clone(&hooks);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                match line.unwrap().split_once(' ') {
                    Some(("pass", point)) => told.pass(point),
                    Some(("stop", point)) => told.stop(point),
                    _ => panic!("an order that the worker does not know"),
                }
            }
            std::process::exit(0);
        });
        hooks
    }

    #[expect(clippy::print_stdout, reason = "by which the test knows where it is")]
    pub fn say(&self, what: impl fmt::Display) {
        println!("@{what}");
    }

    pub async fn reach(&self, point: &str) {
        self.say(format!("at {point}"));
        let stop = self.stops.lock().unwrap().get(point).cloned();
        if let Some(stop) = stop {
            // Closed: everybody may pass.
            let _ = stop.acquire().await;
        }
    }

    fn stop(&self, point: &str) {
        let stop = Arc::new(Semaphore::new(0));
        self.stops.lock().unwrap().insert(point.to_owned(), stop);
        self.say(format!("stops at {point}"));
    }

    fn pass(&self, point: &str) {
        if let Some(stop) = self.stops.lock().unwrap().remove(point) {
            stop.close();
        }
    }
}

/// A store with a point before and after each of its steps.
#[derive(Debug)]
pub struct Hooked {
    store: Arc<dyn DedupStore>,
    hooks: Arc<Hooks>,
}

impl Hooked {
    pub fn new(store: Arc<dyn DedupStore>, hooks: Arc<Hooks>) -> Self {
        Self { store, hooks }
    }

    fn step<'a, T: fmt::Debug + Send + 'a>(
        &'a self,
        [before, after]: [&'static str; 2],
        step: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            self.hooks.reach(before).await;
            let answer = step.await;
            match &answer {
                Ok(answer) => self.hooks.say(format!("answer {before} {answer:?}")),
                Err(StoreError::Unavailable(cause)) => {
                    self.hooks.say(format!("answer {before} failed: {cause}"));
                }
                Err(error) => self.hooks.say(format!("answer {before} failed: {error}")),
            }
            self.hooks.reach(after).await;
            answer
        })
    }
}

impl DedupStore for Hooked {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        self.step(["claim", "claimed"], self.store.claim(claim))
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        self.step(
            ["renew", "renewed"],
            self.store.renew(key, owner, lease, ttl),
        )
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        let completed = self.store.complete(key, owner, completion);
        self.step(["complete", "completed"], completed)
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        self.step(["release", "released"], self.store.release(key, owner))
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        self.step(["forget", "forgotten"], self.store.forget(key))
    }
}
