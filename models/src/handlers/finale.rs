//! What must hold when everything is over, or the process has died.

use http::StatusCode;
use tower_webhook::store::{Claimed, DedupKey};

use crate::route::{End, LEASE, TICK, route};
use crate::store::Asked;
use crate::world::{World, settle};

impl World {
    /// Everything is over, and stays so.
    pub async fn finale(&mut self) -> Result<(), &'static str> {
        if self.handlers.running() != 0 {
            return Err("something runs on");
        }
        let asked = self.store.calls().len();
        for _ in 0..6 {
            self.store.clock.advance(TICK);
            tokio::time::advance(TICK).await;
            settle().await;
        }
        if self.store.calls().len() != asked {
            return Err("the store is asked although nothing runs");
        }
        if tokio::time::timeout(TICK, self.handlers.finished())
            .await
            .is_err()
        {
            return Err("`Handlers::finished` waits for nobody");
        }
        self.settled_once()?;
        let Some(key) = self.key() else {
            return Ok(());
        };
        match self.store.look(key) {
            Claimed::Duplicate { .. } if self.has_succeeded() => Ok(()),
            Claimed::Duplicate { .. } => Err("an event is done that had no effect"),
            Claimed::Won { .. } if self.has_succeeded() && !self.lost_a_completion() => {
                Err("an event is not done after its effect")
            }
            Claimed::Won { .. } => Ok(()),
            _ => Err("an event is held by nobody"),
        }
    }

    /// Whether a completion, or its answer, was lost, or not answered in time.
    fn lost_a_completion(&self) -> bool {
        let calls = self.store.calls();
        let mut completions = calls
            .iter()
            .filter(|call| matches!(call.asked, Asked::Complete(..)));
        self.faulted || completions.any(|call| call.answer.is_none())
    }

    fn key(&self) -> Option<DedupKey> {
        self.store.calls().iter().find_map(|call| match call.asked {
            Asked::Claim(claim) => Some(claim.key),
            _ => None,
        })
    }

    /// What a handler has claimed is completed or released, as it ended, not both.
    fn settled_once(&self) -> Result<(), &'static str> {
        let calls = self.store.calls();
        for handler in self.running().iter() {
            let count = |is: fn(&Asked) -> bool| {
                let of = calls.iter().filter(|call| call.by == handler.by);
                of.filter(|call| is(&call.asked)).count()
            };
            let completed = count(|asked| matches!(asked, Asked::Complete(..)));
            let released = count(|asked| matches!(asked, Asked::Release(..)));
            let lost = calls.iter().any(|call| {
                let completes = matches!(call.asked, Asked::Complete(..));
                completes && call.by == handler.by && (call.lost || call.answer.is_none())
            });
            let right = match handler.end {
                // A completion that was not answered is asked for again.
                Some(End::Success) if lost => completed > 1 && released == 0,
                Some(End::Success) => completed == 1 && released == 0,
                Some(End::Failure | End::Panic) => completed == 0 && released == 1,
                None => false,
            };
            if !right {
                return Err("an event is not completed, or released, as its handler ended");
            }
        }
        Ok(())
    }

    /// Another process, a lease later: the next delivery finds the event done, or runs.
    pub async fn after_the_crash(&mut self) {
        let cut = self
            .running()
            .iter()
            .filter(|handler| handler.end.is_none())
            .count();
        if self.running().iter().filter(|handler| handler.cut).count() != cut {
            self.told.wrong = Some("a handler outlives its runtime");
            return;
        }
        self.store.clock.advance(LEASE);
        let (route, handlers) = route(&self.store, &self.running);
        (self.route, self.handlers) = (route, handlers);
        let (before, ran) = (self.has_succeeded(), self.running().len());
        let at = self.deliveries.len();
        self.deliver();
        for _ in 0..20 {
            self.poll(at);
            let waiting = self.store.calls().iter().position(|call| call.is_awaited());
            if let Some(call) = waiting {
                self.store.take(call, false);
            }
            for handler in self.running().iter_mut().skip(ran) {
                if let Some(told) = handler.told.take() {
                    let _ = told.send(End::Success);
                }
            }
            settle().await;
        }
        let again = self.running().len() > ran;
        let status = self.deliveries[at].status;
        if status != Some(StatusCode::OK) || !(again || before) {
            self.told.wrong = Some("an event is lost with its process");
        }
    }
}
