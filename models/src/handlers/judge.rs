//! What must hold whenever everything waits.

use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use tower_webhook::store::{Claimed, Renewed};
use tower_webhook::{Clock, Timestamp};

use crate::route::{End, Handler, LEASE};
use crate::store::{Answer, Asked};
use crate::world::{World, tasks};

impl World {
    /// What must hold whenever everything waits.
    pub fn judge(&mut self) -> Result<(), &'static str> {
        let open = self.deliveries.iter().filter(|one| one.future.is_some());
        if self.handlers.running() != open.count() + tasks() {
            return Err("`Handlers::running` is not what runs");
        }
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(finished) = &mut self.finished {
            let ready = finished.as_mut().poll(&mut cx).is_ready();
            if ready != (self.handlers.running() == 0) {
                return Err("`Handlers::finished` ends too early, or not");
            }
            if ready {
                self.finished = None;
            }
        }
        let running = self.running();
        if running.iter().any(|handler| handler.cut) {
            return Err("a handler was cut off");
        }
        // One that is not polled, although its time has come, cannot know.
        let starved = |at: usize| {
            let one = &self.deliveries[at];
            one.future.is_some() && one.woken.0.load(Ordering::SeqCst)
        };
        let believes = |handler: &&Handler| {
            handler.end.is_none() && !handler.lease.is_lost() && !starved(handler.by)
        };
        if running.iter().filter(believes).count() > 1 {
            return Err("two handlers run, and each believes that it holds the event");
        }
        let now = self.store.clock.now();
        for at in self.started..running.len() {
            if self.lease_end(running[at].by) <= now {
                return Err("a handler was started after its own lease was over");
            }
            let earlier = running[..at].iter();
            let holding = earlier.filter(|handler| match handler.end {
                None | Some(End::Success) => true,
                Some(End::Failure | End::Panic) => false,
            });
            if holding
                .map(|handler| self.lease_end(handler.by))
                .any(|end| now < end)
            {
                return Err("a second handler was started while the lease of the first held");
            }
        }
        let started = running.len();
        drop(running);
        self.started = started;
        self.acknowledged_only_what_succeeded()
    }

    fn acknowledged_only_what_succeeded(&self) -> Result<(), &'static str> {
        let ok = self
            .deliveries
            .iter()
            .any(|one| one.status.is_some_and(|status| status.is_success()));
        match ok && !self.has_succeeded() {
            true => Err("an event was acknowledged that had no effect"),
            false => Ok(()),
        }
    }

    pub fn has_succeeded(&self) -> bool {
        self.running()
            .iter()
            .any(|handler| handler.end == Some(End::Success))
    }

    /// Until when the store holds the event for `delivery`.
    fn lease_end(&self, delivery: usize) -> Timestamp {
        let calls = self.store.calls();
        let holds = calls
            .iter()
            .filter(|call| call.by == delivery)
            .filter(|call| {
                matches!(
                    (call.asked, call.answer),
                    (Asked::Claim(_), Some(Answer::Claimed(Claimed::Won { .. })))
                        | (Asked::Renew(..), Some(Answer::Renewed(Renewed::Extended)))
                )
            });
        let last = holds.map(|call| call.at).max();
        last.map_or(Timestamp::from_unix_millis(0), |at| {
            at.saturating_add(LEASE)
        })
    }
}
