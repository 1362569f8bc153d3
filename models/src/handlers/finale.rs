//! What must hold when everything is over, or the process has died.

use std::time::Duration;

use http::StatusCode;
use tower_webhook::store::{Claimed, Completed, DedupKey};

use crate::choices::Choices;
use crate::route::{End, Handler, LEASE, TICK, route};
use crate::rows::{rows, steps};
use crate::sender::{GENUINE, LAST, REPLAY, Sent};
use crate::store::{Answer, Asked, Call};
use crate::world::{World, settle};

/// Of no delivery before.
const UNHEARD: u8 = 9;

impl World {
    /// Everything is over, and stays so.
    pub async fn finale(&mut self) -> Result<(), &'static str> {
        if self.handlers.running() != 0 {
            return Err("something runs on");
        }
        self.settled_rightly()?;
        // Nothing has to wait for a lease to be over.
        let at_once = self.has_left_nothing();
        if at_once {
            self.is_remembered().await?;
        }
        let asked = self.store.calls().len();
        let mut waited = Duration::ZERO;
        while waited < self.limits.sender.hold(LEASE) + 3 * TICK {
            self.store.clock.advance(TICK);
            tokio::time::advance(TICK).await;
            settle().await;
            waited += TICK;
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
        match at_once {
            true => Ok(()),
            false => self.is_remembered().await,
        }
    }

    /// Whether no row can be held by a delivery that is over: no step was lost or
    /// late, and no bytes came too early.
    fn has_left_nothing(&self) -> bool {
        let handled = |by| self.running().iter().any(|handler| handler.by == by);
        let calls = self.store.calls();
        let mut left = calls
            .iter()
            .filter(|call| !call.is_known() || (call.has_extended() && !handled(call.by)));
        left.next().is_none()
    }

    /// Each row is done or free, as the handlers ended; and so it is answered.
    async fn is_remembered(&mut self) -> Result<(), &'static str> {
        let complete = !self.lost_a_completion();
        for key in self.keys() {
            let claimed = self.store.look(key);
            let is_done = matches!(claimed, Claimed::Duplicate { .. });
            if !is_done && !matches!(claimed, Claimed::Won { .. }) {
                return Err("a row is held by nobody");
            }
            let calls = self.store.calls();
            let had_effect = self
                .running()
                .iter()
                .any(|handler| has_succeeded(handler) && rows(&calls, handler.by).contains(&key));
            if is_done && !had_effect {
                return Err("an event is done that had no effect");
            }
            if had_effect && complete && !is_done {
                return Err("an event is not done after its effect");
            }
        }
        // For a look, the store holds what is free.
        self.store.clock.advance(Duration::from_millis(2));
        self.is_retried_rightly(complete).await
    }

    /// The sender tries once more, and then whoever has captured that.
    async fn is_retried_rightly(&mut self, complete: bool) -> Result<(), &'static str> {
        let related = |handler: &Handler| {
            has_succeeded(handler) && self.deliveries[handler.by].sent.is_related(GENUINE)
        };
        let is_done = complete && self.running().iter().any(related);
        let (status, ran) = self.send(GENUINE).await;
        if status != Some(StatusCode::OK) {
            return Err("a retry is refused although nothing runs");
        }
        self.acknowledged_only_what_succeeded()?;
        if is_done && ran {
            return Err("an event is handled again after it was done");
        }
        self.is_replayed_in_vain(complete).await
    }

    /// The event was acknowledged. Its bytes are done, or held if they came when it was
    /// done by others.
    async fn is_replayed_in_vain(&mut self, complete: bool) -> Result<(), &'static str> {
        if !self.limits.sender.two_rows {
            return Ok(());
        }
        let is_done = |handler: &Handler| {
            has_succeeded(handler) && self.deliveries[handler.by].sent.bytes == REPLAY.bytes
        };
        let must_be_done = complete && self.running().iter().any(is_done);
        match self.send(REPLAY).await {
            (_, true) => Err("a replay is handled after the event was done"),
            (Some(StatusCode::OK), false) => Ok(()),
            (Some(StatusCode::SERVICE_UNAVAILABLE), false) if !must_be_done => Ok(()),
            (_, false) => Err("a replay of what is done is no duplicate"),
        }
    }

    /// Sends this while nothing else happens. What it was answered, and whether a
    /// handler has run.
    async fn send(&mut self, sent: Sent) -> (Option<StatusCode>, bool) {
        let (at, ran) = (self.deliveries.len(), self.running().len());
        self.deliver(sent);
        for _ in 0..40 {
            self.poll(at);
            if self.deliveries[at].future.is_none() {
                break;
            }
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
        (self.deliveries[at].status, self.running().len() > ran)
    }

    /// Whether a completion, or its answer, was lost, or not answered in time, or came
    /// after the lease was lost.
    fn lost_a_completion(&self) -> bool {
        let calls = self.store.calls();
        let mut completions = calls.iter().filter(|call| call.asks_to_complete());
        let came_late = Some(Answer::Completed(Completed::LeaseLost));
        self.faulted || completions.any(|call| call.answer.is_none() || call.answer == came_late)
    }

    fn keys(&self) -> Vec<DedupKey> {
        let calls = self.store.calls();
        let mut keys = Vec::new();
        for key in (0..self.deliveries.len()).flat_map(|by| rows(&calls, by)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// What a delivery has claimed is settled as its handler ended, and once; or, if
    /// it had none, as the event answered.
    fn settled_rightly(&self) -> Result<(), &'static str> {
        let calls = self.store.calls();
        let running = self.running();
        for by in 0..self.deliveries.len() {
            let rows = rows(&calls, by);
            let handler = running.iter().find(|handler| handler.by == by);
            let answer = rows.last().and_then(|&event| {
                let known = steps(&calls, by, event).filter(|call| call.is_known());
                known
                    .filter_map(|call| call.answer)
                    .find(|answer| matches!(answer, Answer::Claimed(_)))
            });
            for &key in &rows {
                let count = |is: fn(&Asked) -> bool| {
                    steps(&calls, by, key)
                        .filter(|call| is(&call.asked))
                        .count()
                };
                let completed = count(|asked| matches!(asked, Asked::Complete(..)));
                let released = count(|asked| matches!(asked, Asked::Release(..)));
                let hold = self.limits.sender.hold(LEASE);
                let asked_to_hold =
                    || steps(&calls, by, key).filter(|call| call.asks_to_hold(hold));
                let has_held = match asked_to_hold().all(Call::is_known) {
                    true => asked_to_hold().count() == 1,
                    // It is asked for again.
                    false => asked_to_hold().count() > 1,
                };
                let lost =
                    steps(&calls, by, key).any(|call| call.asks_to_complete() && !call.is_known());
                let has_completed = match lost {
                    // A completion that was not answered is asked for again.
                    true => completed > 1 && released == 0,
                    false => completed == 1 && released == 0,
                };
                let right = match handler.map(|handler| handler.end) {
                    Some(Some(End::Success)) => has_completed,
                    Some(Some(End::Failure | End::Panic)) => completed == 0 && released == 1,
                    Some(None) => false,
                    None if !steps(&calls, by, key).any(Call::has_won) => completed == 0,
                    None => match answer {
                        Some(Answer::Claimed(Claimed::Duplicate { .. } | Claimed::Busy { .. })) => {
                            // One that was won without a word, and lost again, needs nothing.
                            let is_last = rows.last() == Some(&key);
                            completed == 0 && (is_last || (released == 0 && has_held))
                        }
                        _ => completed == 0 && released == 1,
                    },
                };
                if !right {
                    return Err("what was claimed is not completed, or released, as it ended");
                }
            }
        }
        Ok(())
    }

    /// Another process, when the leases are over: the next delivery finds the event
    /// done, or runs.
    pub async fn after_the_crash(&mut self, choices: &mut Choices) {
        self.told.wrong = self.is_taken_over(choices).await.err();
    }

    async fn is_taken_over(&mut self, choices: &mut Choices) -> Result<(), &'static str> {
        if self
            .running()
            .iter()
            .any(|one| one.end.is_none() != one.cut)
        {
            return Err("a handler outlives its runtime");
        }
        let (route, handlers) = route(&self.store, &self.running);
        (self.route, self.handlers) = (route, handlers);
        let ways = match self.limits.sender.two_rows {
            true => choices.choose(3),
            false => 0,
        };
        match ways {
            // The sender sends the same.
            0 => {
                self.store.clock.advance(self.limits.sender.hold(LEASE));
                self.is_done_now(GENUINE).await?;
                self.is_replayed_in_vain(false).await
            }
            // It signs anew, and need not wait until what was captured is stale.
            1 => {
                self.store.clock.advance(LEASE);
                self.is_done_now(LAST).await
            }
            // Somebody else is faster.
            _ => {
                let Some(bytes) = self.only_success() else {
                    return Ok(());
                };
                self.store.clock.advance(self.limits.sender.hold(LEASE));
                let (_, replayed) = self.send(Sent { bytes, id: UNHEARD }).await;
                let (_, ran) = self.send(LAST).await;
                match replayed && !ran && !self.gave_up {
                    true => Err("an event is done, and open to a replay"),
                    false => Ok(()),
                }
            }
        }
    }

    /// What was signed for the one handler that has succeeded under the sender's id.
    fn only_success(&self) -> Option<u8> {
        let running = self.running();
        let mut succeeded = running.iter().filter(|handler| has_succeeded(handler));
        let sent = self.deliveries[succeeded.next()?.by].sent;
        (succeeded.next().is_none() && sent.id == GENUINE.id).then_some(sent.bytes)
    }

    async fn is_done_now(&mut self, sent: Sent) -> Result<(), &'static str> {
        let (status, _) = self.send(sent).await;
        match status == Some(StatusCode::OK) && self.has_succeeded(sent) {
            true => Ok(()),
            false => Err("an event is lost with its process"),
        }
    }
}

fn has_succeeded(handler: &Handler) -> bool {
    handler.end == Some(End::Success)
}
