//! What must hold whenever everything waits.

use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use tower_webhook::{Clock, Timestamp};

use crate::route::{End, Handler, LEASE};
use crate::rows::{held_at, rows, shared, steps};
use crate::sender::{GENUINE, Means, Sent};
use crate::store::Call;
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
        let believing: Vec<_> = running.iter().filter(|one| self.believes(one)).collect();
        for (at, one) in believing.iter().enumerate() {
            if believing[..at]
                .iter()
                .any(|other| self.are_related(one.by, other.by))
            {
                return Err("two handlers run, and each believes that it holds the event");
            }
        }
        for at in self.started..running.len() {
            self.started_rightly(&running[..at], running[at].by)?;
        }
        let started = running.len();
        drop(running);
        self.started = started;
        self.acknowledged_only_what_succeeded()
    }

    /// One that is not polled, although its time has come, cannot know.
    fn believes(&self, handler: &Handler) -> bool {
        let delivery = &self.deliveries[handler.by];
        let starved = delivery.future.is_some() && delivery.woken.0.load(Ordering::SeqCst);
        handler.end.is_none() && !handler.lease.is_lost() && !starved
    }

    pub fn are_related(&self, one: usize, other: usize) -> bool {
        self.deliveries[one]
            .sent
            .is_related(self.deliveries[other].sent)
    }

    fn started_rightly(&self, earlier: &[Handler], by: usize) -> Result<(), &'static str> {
        let calls = self.store.calls();
        let now = self.store.clock.now();
        let is_over =
            |key| held_at(&calls, by, key).is_none_or(|at| at.saturating_add(LEASE) <= now);
        if rows(&calls, by).into_iter().any(is_over) {
            return Err("a handler was started after its own lease was over");
        }
        let sent = |by: usize| self.deliveries[by].sent;
        let failed = |handler: &Handler| {
            let captured = sent(handler.by).bytes == sent(by).bytes && sent(handler.by) != sent(by);
            handler.end == Some(End::Failure) && captured
        };
        let done = |handler: &Handler| {
            let mut of = calls.iter().filter(|call| call.by == handler.by);
            of.any(Call::has_completed)
        };
        let is_one_run = self.limits.sender.means == Means::OneRun;
        if is_one_run && earlier.iter().any(failed) && earlier.iter().any(done) {
            return Err("an event is handled again, by bytes that had failed");
        }
        let others = (0..self.deliveries.len()).filter(|&other| other != by);
        for other in others.filter(|&other| self.are_related(by, other)) {
            let shared = shared(&calls, by, other);
            if let Some(handler) = earlier.iter().find(|handler| handler.by == other) {
                if shared.is_empty() {
                    return Err("two deliveries of one event have no row in common");
                }
                let failed = matches!(handler.end, Some(End::Failure | End::Panic));
                let held = |key| held_at(&calls, other, key);
                let holds = |at: Timestamp| now < at.saturating_add(LEASE);
                if !failed && shared.iter().copied().filter_map(held).any(holds) {
                    return Err("a second handler was started while the lease of the first held");
                }
            } else {
                let hold = self.limits.sender.hold(LEASE);
                let extended = |call: &Call| call.has_extended();
                let holds = |call: &Call| extended(call) && now < call.at.saturating_add(hold);
                if shared
                    .iter()
                    .any(|&key| steps(&calls, other, key).any(holds))
                {
                    return Err("bytes that came too early are used");
                }
            }
            if shared
                .iter()
                .any(|&key| steps(&calls, other, key).any(Call::has_completed))
            {
                return Err("an event is handled again after it was done");
            }
        }
        Ok(())
    }

    pub fn acknowledged_only_what_succeeded(&self) -> Result<(), &'static str> {
        let acknowledged = |one: &&crate::world::Delivery| {
            let genuine = match self.limits.sender.means {
                Means::OneEvent | Means::OneRun => true,
                Means::TwoEvents => one.sent == GENUINE,
                Means::TwoIds => one.sent.bytes == one.sent.id,
            };
            genuine && one.status.is_some_and(|status| status.is_success())
        };
        let mut acknowledged = self.deliveries.iter().filter(acknowledged);
        match acknowledged.all(|one| self.has_succeeded(one.sent)) {
            true => Ok(()),
            false => Err("an event was acknowledged that had no effect"),
        }
    }

    /// Whether the event that `sent` is of has had its effect.
    pub fn has_succeeded(&self, sent: Sent) -> bool {
        self.running().iter().any(|handler| {
            let same = self.deliveries[handler.by].sent.bytes == sent.bytes;
            handler.end == Some(End::Success) && (same || !self.limits.sender.sends_two_events())
        })
    }
}
