//! One thing that is looked up elsewhere, remembered.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::KeyError;
use crate::Timestamp;
use crate::clock::Clock;

/// The last answer of a look-up, and the last failure.
///
/// Readers never wait for a look-up that somebody else started while there is
/// an answer that serves them.
pub(super) struct Slot<V> {
    state: Mutex<State<V>>,
    /// Held by the look-up under way: there is one at a time.
    flight: Arc<tokio::sync::Mutex<()>>,
}

struct State<V> {
    found: Option<(V, Timestamp)>,
    failed: Option<(KeyError, Timestamp)>,
}

/// For how long an answer holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) fresh: Duration,
    /// For how long after that it serves while look-ups fail.
    pub(super) stale: Duration,
    /// How long after a failure nobody looks again.
    pub(super) failure: Duration,
    /// How long after an answer, or a failure, nobody looks again for what the
    /// answer lacks.
    pub(super) again: Duration,
}

/// What is remembered of `V`, and what a request wants of it.
pub(super) trait Wanted<V> {
    fn terms(&self, value: &V) -> Terms;

    /// How long after a failure nobody looks again, without an answer.
    fn failure(&self) -> Duration;

    /// Whether `value` has what the request asks for.
    fn is_in(&self, value: &V) -> bool;
}

enum Look<V> {
    Known(Result<V, KeyError>),
    Ask,
}

impl<V: Clone + Send + 'static> Slot<V> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                found: None,
                failed: None,
            }),
            flight: Arc::default(),
        }
    }

    /// The value, looked up if that is due. A look-up goes on when its caller
    /// goes away, so that a sender in a hurry does not undo it.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        wanted: &(dyn Wanted<V> + Sync),
        clock: &Arc<dyn Clock>,
        look_up: impl FnOnce() -> F + Send,
    ) -> Result<V, KeyError>
    where
        F: Future<Output = Result<V, KeyError>> + Send + 'static,
    {
        if let Look::Known(known) = self.look(wanted, clock.now()) {
            return known;
        }
        let flight = Arc::clone(&self.flight).lock_owned().await;
        if let Look::Known(known) = self.look(wanted, clock.now()) {
            return known;
        }
        let runtime = Handle::try_current().map_err(KeyError::new)?;
        let (slot, clock_of_task) = (Arc::clone(self), Arc::clone(clock));
        let look_up = look_up();
        let task = runtime.spawn(async move {
            let answer = look_up.await;
            slot.store(&answer, clock_of_task.now());
            drop(flight);
            answer
        });
        let answer = task.await.unwrap_or_else(|error| {
            // It panicked. Nobody shall make it do so at every request.
            let answer = Err(KeyError::new(error));
            self.store(&answer, clock.now());
            answer
        });
        match answer {
            Ok(value) => Ok(value),
            Err(error) => match self.look(wanted, clock.now()) {
                Look::Known(known) => known,
                Look::Ask => Err(error),
            },
        }
    }

    fn look(&self, wanted: &(dyn Wanted<V> + Sync), now: Timestamp) -> Look<V> {
        let state = self.state();
        let since = |at: Timestamp| now.saturating_duration_since(at);
        let failed = state.failed.as_ref();
        let Some((value, at)) = &state.found else {
            return match failed {
                Some((error, at)) if since(*at) < wanted.failure() => {
                    Look::Known(Err(error.clone()))
                }
                _ => Look::Ask,
            };
        };
        let terms = wanted.terms(value);
        let age = since(*at);
        if age >= terms.fresh {
            return match failed.filter(|(_, at)| since(*at) < terms.failure) {
                None => Look::Ask,
                Some((error, _)) if age - terms.fresh >= terms.stale || !wanted.is_in(value) => {
                    Look::Known(Err(error.clone()))
                }
                Some(_) => Look::Known(Ok(value.clone())),
            };
        }
        if wanted.is_in(value) {
            return Look::Known(Ok(value.clone()));
        }
        match failed {
            Some((error, at)) if since(*at) < terms.again => Look::Known(Err(error.clone())),
            None if age < terms.again => Look::Known(Ok(value.clone())),
            _ => Look::Ask,
        }
    }

    fn store(&self, answer: &Result<V, KeyError>, now: Timestamp) {
        let mut state = self.state();
        match answer {
            Ok(value) => {
                state.found = Some((value.clone(), now));
                state.failed = None;
            }
            Err(error) => state.failed = Some((error.clone(), now)),
        }
    }

    /// What is remembered, fresh or not.
    pub(super) fn found(&self) -> Option<V> {
        self.state().found.as_ref().map(|(value, _)| value.clone())
    }

    // A panic cannot leave it half written: both fields stand for themselves.
    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> fmt::Debug for Slot<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
