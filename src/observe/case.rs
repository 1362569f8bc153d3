//! One observed request: what the guard says of it, and what became of it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{Response, StatusCode};
use tokio::sync::oneshot;
use tokio::task::coop::{Unconstrained, unconstrained};

use super::observation::{Observation, Verdict};
use crate::dedup::{Duplicate, catch};
use crate::handshake::Answered;
use crate::rejection::Rejection;
use crate::telemetry;

/// Who is told.
#[derive(Clone)]
pub(super) struct Reporter {
    pub(super) provider: Cow<'static, str>,
    pub(super) report: Option<Arc<Report>>,
}

pub(super) type Report = dyn Fn(&Observation) + Send + Sync;

pub(super) struct Case {
    reporter: Reporter,
    observation: OnceLock<Observation>,
    body_is_read: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
}

/// The status the inner service answers with; nothing, if it fails, panics or
/// is given up.
///
/// Not withheld from a task that has used up its share of time: then the event
/// would look unfinished to the sender's next delivery.
pub(super) type Outcome = Unconstrained<oneshot::Receiver<StatusCode>>;

impl Case {
    pub(super) fn new(reporter: Reporter) -> (Arc<Self>, oneshot::Sender<StatusCode>) {
        let (answered, outcome) = oneshot::channel();
        let case = Self {
            reporter,
            observation: OnceLock::new(),
            body_is_read: AtomicBool::new(false),
            outcome: Mutex::new(Some(unconstrained(outcome))),
        };
        (Arc::new(case), answered)
    }

    /// The guard would have called the handler: it has to be told how that
    /// ends. `None` the second time.
    pub(super) fn accepted(&self) -> Option<Outcome> {
        self.conclude(Verdict::Accepted);
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.take()
    }

    /// The guard has answered. What it answers for the handler is no news.
    pub(super) fn answered<B>(&self, response: &Response<B>) {
        let extensions = response.extensions();
        if let Some(rejection) = extensions.get::<Rejection>() {
            self.conclude(Verdict::Refused(rejection.clone()));
        } else if let Some(duplicate) = extensions.get::<Duplicate>() {
            self.conclude(Verdict::Duplicate(*duplicate));
        } else if extensions.get::<Answered>().is_some() {
            self.conclude(Verdict::Challenge);
        }
    }

    /// The first verdict counts.
    fn conclude(&self, verdict: Verdict) {
        let mut is_news = false;
        let observation = self.observation.get_or_init(|| {
            is_news = true;
            Observation::new(self.reporter.provider.clone(), verdict)
        });
        if !is_news {
            return;
        }
        telemetry::observed(observation);
        if let Some(report) = &self.reporter.report {
            let reported = catch(|| report(observation));
            if reported.is_err() {
                telemetry::trouble(
                    &self.reporter.provider,
                    "the report of an observation panicked",
                );
            }
        }
    }

    pub(super) fn observation(&self) -> Option<&Observation> {
        self.observation.get()
    }

    pub(super) fn provider(&self) -> &str {
        &self.reporter.provider
    }

    pub(super) fn body_is_read(&self) {
        self.body_is_read.store(true, Ordering::Release);
    }

    /// Whether the guard needs the connection no longer.
    pub(super) fn has_read_body(&self) -> bool {
        self.body_is_read.load(Ordering::Acquire)
    }
}
