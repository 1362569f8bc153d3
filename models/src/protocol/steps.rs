//! What can happen next.

use crate::row::{Answer, Is, Op, Rules, Ticks, Times, Who};
use crate::state::{Phase, SLOTS, Slot, State};

/// One thing that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The sender sends the event (again), whether it was answered or not.
    Delivered(Who),
    /// The step that is awaited reaches the store; its answer is on its way.
    Reached(Who),
    /// The answer arrives.
    Answered(Who),
    /// The awaited answer is given up. The step, if it has not reached the store,
    /// was lost, or will reach it later.
    GivenUp {
        by: Who,
        lost: bool,
    },
    /// A step that nobody waits for reaches the store, or never will.
    ReachedLate(Who, Op),
    Vanished(Who, Op),
    AsksForRenewal(Who),
    Succeeded(Who),
    Failed(Who),
    /// The process dies.
    Died(Who),
    /// A delivery that has left no trace makes room for another.
    Recycled(Who),
    Tick,
    /// The store makes room: a released row goes.
    Evicted,
    /// The store loses its data, or an operator forgets the event.
    Forgotten,
}

/// What deliveries do other than they should, in wrong variants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Habits {
    pub lease_counts_from_the_answer: bool,
    pub releases_what_it_could_not_complete: bool,
    pub acknowledges_what_is_busy: bool,
    pub acknowledges_before_the_handler: bool,
}

impl Habits {
    pub const NONE: Self = Self {
        lease_counts_from_the_answer: false,
        releases_what_it_could_not_complete: false,
        acknowledges_what_is_busy: false,
        acknowledges_before_the_handler: false,
    };
}

#[derive(Clone, Copy)]
pub struct Config {
    pub rules: Rules,
    pub habits: Habits,
    pub times: Times,
    pub slots: usize,
    /// How much may go wrong: deaths, lost and late answers, lost rows. `None` is
    /// without end.
    pub faults: Option<u8>,
    /// How many steps may be on their way that nobody waits for.
    pub stale: u8,
}

impl Event {
    /// Whether it happens by itself in a world in which nothing goes wrong any more.
    pub fn is_fair(self) -> bool {
        !matches!(
            self,
            Self::GivenUp { .. }
                | Self::Died(_)
                | Self::Failed(_)
                | Self::Evicted
                | Self::Forgotten
        )
    }

    /// Whether it uses up what may go wrong.
    fn is_fault(self) -> bool {
        matches!(self, Self::GivenUp { .. } | Self::Died(_) | Self::Forgotten)
    }
}

/// All that can happen in `state`.
pub fn events(state: &State, config: &Config, found: &mut Vec<Event>) {
    found.clear();
    if state.row.is_some() || state.slots.iter().any(|slot| slot.believed > 0) {
        found.push(Event::Tick);
    }
    if let Some(row) = state.row {
        found.push(Event::Forgotten);
        if row.is == Is::Released {
            found.push(Event::Evicted);
        }
    }
    for who in 0..SLOTS as Who {
        let slot = &state.slots[usize::from(who)];
        match slot.phase {
            Phase::Absent => continue,
            Phase::Free => found.push(Event::Delivered(who)),
            Phase::Running => {
                found.extend([Event::Succeeded(who), Event::Failed(who)]);
                if slot.pending.is_none() {
                    found.push(Event::AsksForRenewal(who));
                }
            }
            Phase::Over => {
                let owns = state.row.is_some_and(|row| row.owner == who);
                if slot.stale == [0; 4] && !owns {
                    found.push(Event::Recycled(who));
                }
            }
            Phase::Claiming { .. }
            | Phase::Completing
            | Phase::CompletingLater
            | Phase::Releasing => {}
        }
        if let Some((_, answer)) = slot.pending {
            match answer {
                Some(_) => found.push(Event::Answered(who)),
                None => found.push(Event::Reached(who)),
            }
            found.push(Event::GivenUp {
                by: who,
                lost: true,
            });
            if answer.is_none() && state.stale() < config.stale {
                found.push(Event::GivenUp {
                    by: who,
                    lost: false,
                });
            }
        }
        if !matches!(slot.phase, Phase::Free | Phase::Over) {
            found.push(Event::Died(who));
        }
        for op in state.stale_steps(who) {
            found.extend([Event::ReachedLate(who, op), Event::Vanished(who, op)]);
        }
    }
    if config.faults.is_some() && state.faults == 0 {
        found.retain(|event| !event.is_fault());
    }
}

/// The state after `event`.
pub fn after(state: &State, event: Event, config: &Config) -> State {
    let mut next = Next {
        state: *state,
        config,
    };
    if event.is_fault() && config.faults.is_some() {
        next.state.faults -= 1;
    }
    next.take(event);
    next.state
}

struct Next<'a> {
    state: State,
    config: &'a Config,
}

impl Next<'_> {
    fn slot(&mut self, who: Who) -> &mut Slot {
        &mut self.state.slots[usize::from(who)]
    }

    fn lease(&self) -> Ticks {
        self.config.times.lease
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Delivered(who) => {
                *self.slot(who) = Slot {
                    pending: Some((Op::Claim, None)),
                    believed: self.lease(),
                    ..Slot::empty(Phase::Claiming { again: false })
                };
            }
            Event::Reached(who) => {
                if let Some((op, None)) = self.slot(who).pending {
                    let answer = self.step(who, op);
                    self.slot(who).pending = Some((op, Some(answer)));
                }
            }
            Event::Answered(who) => {
                if let Some((_, Some(answer))) = self.slot(who).pending.take() {
                    self.answered(who, answer);
                }
            }
            Event::GivenUp { by, lost } => {
                if let Some((op, answer)) = self.slot(by).pending.take() {
                    if !lost && answer.is_none() {
                        self.slot(by).stale[op as usize] += 1;
                    }
                    self.gave_up(by);
                }
            }
            Event::ReachedLate(who, op) => {
                self.slot(who).stale[op as usize] -= 1;
                self.step(who, op);
            }
            Event::Vanished(who, op) => self.slot(who).stale[op as usize] -= 1,
            Event::AsksForRenewal(who) => {
                let lease = self.lease();
                let slot = self.slot(who);
                slot.pending = Some((Op::Renew, None));
                slot.hoped = lease;
            }
            Event::Succeeded(who) => {
                self.state.effect = true;
                self.settle(who, Phase::Completing, Op::Complete);
            }
            Event::Failed(who) => self.settle(who, Phase::Releasing, Op::Release),
            Event::Died(who) => {
                self.abandon(who);
                self.slot(who).end();
            }
            Event::Recycled(who) => *self.slot(who) = Slot::empty(Phase::Free),
            Event::Tick => self.tick(),
            Event::Evicted => self.state.row = None,
            Event::Forgotten => {
                self.state.row = None;
                self.state.excused = true;
                for slot in &mut self.state.slots {
                    let awaits_or_runs = slot.believed > 0 || slot.runs();
                    slot.robbed |= awaits_or_runs;
                    slot.excused |= slot.runs();
                }
            }
        }
    }

    fn step(&mut self, who: Who, op: Op) -> Answer {
        let (answer, row) = (self.config.rules)(self.state.row, op, who, self.config.times);
        self.state.row = row;
        // The lease holds again.
        if answer == Answer::Extended && self.state.holds(who) {
            self.slot(who).excused = false;
        }
        answer
    }

    fn answered(&mut self, who: Who, answer: Answer) {
        let (habits, lease) = (self.config.habits, self.lease());
        let holds = self.state.holds(who);
        let slot = self.slot(who);
        match slot.phase {
            Phase::Claiming { .. } if answer == Answer::Won => {
                slot.phase = Phase::Running;
                slot.excused = !holds;
                if habits.lease_counts_from_the_answer {
                    slot.believed = lease;
                }
                self.state.acknowledged |= habits.acknowledges_before_the_handler;
            }
            Phase::Claiming { .. } => {
                let busy = answer == Answer::Busy && habits.acknowledges_what_is_busy;
                slot.end();
                self.state.acknowledged |= answer == Answer::Duplicate || busy;
            }
            Phase::Running if answer == Answer::Extended => slot.believed = slot.hoped,
            Phase::Running => slot.believed = 0,
            Phase::Completing => {
                slot.end();
                self.state.acknowledged = true;
            }
            _ => slot.end(),
        }
    }

    fn gave_up(&mut self, who: Who) {
        let (habits, lease) = (self.config.habits, self.lease());
        let slot = self.slot(who);
        match slot.phase {
            Phase::Claiming { again: false } => {
                slot.phase = Phase::Claiming { again: true };
                slot.pending = Some((Op::Claim, None));
            }
            // It may have been claimed all the same: it is given back, without
            // waiting for the answer.
            Phase::Claiming { again: true } => {
                slot.end();
                self.send(who, Op::Release);
            }
            Phase::Completing if habits.releases_what_it_could_not_complete => {
                slot.end();
                self.send(who, Op::Release);
            }
            Phase::Completing => {
                slot.phase = Phase::CompletingLater;
                slot.pending = Some((Op::Complete, None));
                slot.believed = lease;
                self.state.acknowledged = true;
            }
            Phase::CompletingLater if slot.believed > 0 => {
                slot.pending = Some((Op::Complete, None));
            }
            Phase::Running => {}
            _ => slot.end(),
        }
    }

    /// The handler is over. A renewal that was under way is dropped, and may
    /// reach the store all the same.
    fn settle(&mut self, who: Who, phase: Phase, op: Op) {
        self.abandon(who);
        let slot = self.slot(who);
        *slot = Slot {
            pending: Some((op, None)),
            stale: slot.stale,
            ..Slot::empty(phase)
        };
    }

    fn abandon(&mut self, who: Who) {
        if let Some((op, None)) = self.slot(who).pending.take() {
            self.send(who, op);
        }
    }

    fn send(&mut self, who: Who, op: Op) {
        if self.state.stale() < self.config.stale {
            self.slot(who).stale[op as usize] += 1;
        }
    }

    fn tick(&mut self) {
        let before = self.state.row;
        self.state.row = before.and_then(|row| row.after_a_tick());
        for slot in &mut self.state.slots {
            slot.believed = slot.believed.saturating_sub(1);
            slot.hoped = slot.hoped.saturating_sub(1);
        }
        let Some(before) = before else { return };
        match (before.is, self.state.row.map(|row| row.is)) {
            (Is::InFlight { .. }, None | Some(Is::InFlight { lease: 0 })) => {
                self.state.excused = true;
                self.slot(before.owner).excused |= self.slot(before.owner).runs();
            }
            (Is::Done, None) => self.state.excused = true,
            _ => {}
        }
    }
}
