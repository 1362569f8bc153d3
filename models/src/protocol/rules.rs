//! What must hold.

use crate::row::{Answer, Is, Op, Who};
use crate::state::{SLOTS, Slot, State};
use crate::steps::{Config, Event};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    Founded,
    Alone,
    Aware,
    Done,
    Once,
    Held,
    Taken,
    Lost,
}

pub const ALL: [Rule; 8] = [
    Rule::Founded,
    Rule::Alone,
    Rule::Aware,
    Rule::Done,
    Rule::Once,
    Rule::Held,
    Rule::Taken,
    Rule::Lost,
];

impl Rule {
    /// What has happened if it is broken.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Founded => "an event is acknowledged, or done, that had no effect",
            Self::Alone => "two handlers run, and no lease was over",
            Self::Aware => {
                "two handlers run, and both have reason to believe that they hold the event"
            }
            Self::Done => "what is done is changed while it is remembered",
            Self::Once => "an event runs again after its effect, without a cause",
            Self::Held => "somebody else's step changes an event whose lease holds",
            Self::Taken => "a lease after everybody has died, the next delivery is refused",
            Self::Lost => "an event is lost: nothing leads to its effect any more",
        }
    }

    /// Whether `event` breaks it, but for `Lost`, which is about all states.
    fn is_broken(self, before: &State, event: Event, after: &State, config: &Config) -> bool {
        let running = || after.slots.iter().filter(|slot| slot.runs());
        match self {
            Self::Founded => {
                let done = after.row.is_some_and(|row| row.is == Is::Done);
                (after.acknowledged || done) && !after.effect
            }
            Self::Alone => running().filter(|slot| !slot.excused).count() > 1,
            Self::Aware => {
                let aware = |slot: &&Slot| believes(slot);
                running().filter(aware).count() > 1
            }
            Self::Done => {
                let done = before.row.filter(|row| row.is == Is::Done);
                step_by(event).is_some() && done.is_some() && after.row != done
            }
            Self::Once => {
                let Event::Answered(who) = event else {
                    return false;
                };
                let at = usize::from(who);
                let starts = after.slots[at].runs() && !before.slots[at].runs();
                starts && before.effect && !before.excused
            }
            Self::Held => {
                let Some((by, row)) = step_by(event).zip(before.row) else {
                    return false;
                };
                let holds = matches!(row.is, Is::InFlight { lease: 1.. });
                holds && row.owner != by && after.row != before.row
            }
            Self::Taken => {
                let lease = 0..config.times.lease;
                let later = lease.fold(after.row, |row, _| row?.after_a_tick());
                let stranger = SLOTS as Who;
                let (answer, _) = (config.rules)(later, Op::Claim, stranger, config.times);
                !matches!(answer, Answer::Won | Answer::Duplicate)
            }
            Self::Lost => false,
        }
    }
}

fn believes(slot: &Slot) -> bool {
    slot.believed > 0 && !slot.robbed
}

/// Whose step reaches the store.
fn step_by(event: Event) -> Option<Who> {
    match event {
        Event::Reached(who) | Event::ReachedLate(who, _) => Some(who),
        _ => None,
    }
}

/// The first of `rules` that `event` breaks.
pub fn broken(
    before: &State,
    event: Event,
    after: &State,
    config: &Config,
    rules: &[Rule],
) -> Option<Rule> {
    let broken = |rule: &&Rule| rule.is_broken(before, event, after, config);
    rules.iter().find(broken).copied()
}

/// What must stay within reach, by what happens of itself.
pub fn is_goal(state: &State) -> bool {
    state.effect && state.row.is_some_and(|row| row.is == Is::Done)
}
